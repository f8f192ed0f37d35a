import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isBackupId, layout } from '../core/backup-layout.ts'
import { once } from '../core/bytes.ts'
import { LifeboatError, messageOf } from '../core/errors.ts'
import { makeFolders } from '../core/make-folders.ts'
import type { CheckRow, SeenFacts, StepEffect } from '../core/runbook.ts'
import type { Sink } from '../core/sink.ts'
import { withTimeLimit } from '../core/time-limit.ts'
import type { MigrationPolicyRecord } from './policy/heed-migration.ts'
import type { OnEvent } from './run-event.ts'

/** `waiting`: a call failed in a way that passes, and will be tried again. */
export type StepState =
  | 'applying'
  | 'applied'
  | 'queued'
  | 'running'
  | 'waiting'
  | 'done'
  | 'blocked'
  | 'failed'
  | 'unconfirmed'

export type RunbookRecord =
  | {
      readonly event: 'planned'
      readonly at: string
      readonly format: 1
      readonly run: string
      readonly way: string
      readonly flags: unknown
      readonly facts: unknown
      readonly steps: readonly { readonly id: string; readonly effect: StepEffect }[]
    }
  | { readonly event: 'changed'; readonly at: string; readonly flags: unknown }
  | ({ readonly event: 'policy'; readonly at: string } & MigrationPolicyRecord)
  | { readonly event: 'started'; readonly at: string; readonly host: string; readonly lifeboat: string }
  | {
      readonly event: 'step'
      readonly at: string
      readonly step: string
      readonly state: StepState
      readonly percent?: number
      readonly reason?: string
      readonly seen?: SeenFacts
      readonly checks?: readonly CheckRow[]
    }
  | BesideRecord
  | { readonly event: 'ended'; readonly at: string; readonly outcome: string }

/** Of a dump that goes on beside the run, and may end after it. */
export interface BesideRecord {
  readonly event: 'beside'
  readonly at: string
  readonly job: string
  readonly state: 'under-way' | 'done' | 'failed'
  readonly backup?: string
  readonly sink?: string
  readonly reason?: string
}

/** What a run has done so far, for itself when it goes on, and for whoever has to find out later what happened. */
export interface RunbookJournal {
  readonly path: string
  readonly records: readonly RunbookRecord[]
  /** On the disk, synced, before it resolves; then at the sink, as far as that answers. One after the other, whoever calls. */
  append(record: RunbookRecord, signal: AbortSignal): Promise<void>
  /** A file beside the journal, here and at the sink. */
  attach(name: string, text: string, signal: AbortSignal): Promise<string>
}

export interface RunbookJournalOptions {
  /** The state folder. */
  readonly folder: string
  readonly run: string
  readonly sink?: Sink
  /** A rehearsal: at the sink it lies where nobody takes it for a run of the real cloud. */
  readonly simulated?: boolean
  readonly onEvent: OnEvent
}

const SINK_MS = 30_000

/** Takes what is on this machine; where there is nothing, what another machine left at the sink. */
export async function openRunbookJournal(
  { folder, run, sink, simulated = false, onEvent }: RunbookJournalOptions,
  signal: AbortSignal,
): Promise<RunbookJournal> {
  if (!isBackupId(run)) {
    throw new LifeboatError('usage', `unable to use run '${run}': that is no id of a run`, {
      hint: 'Ids are like 20261122T210500Z-k3f9: a run prints its own when it begins.',
    })
  }
  const place = join(folder, 'runbooks', run)
  const path = join(place, 'journal.jsonl')
  await makeFolders(place)
  const keyOf = (name: string) => `${simulated ? 'simulated/' : ''}${layout.runbook(run, name)}`
  const local = await readText(path)
  const text = local ?? (sink === undefined ? '' : await readStored(sink, keyOf('journal.jsonl'), signal))
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  const records = parseJournal(whole, path)
  // A line that a crash has cut was never acted upon: it goes, so that the next one starts a line of its own.
  if (whole !== local && whole !== '') await writeSynced(path, whole, 'w')

  let told = false
  async function copyToSink(name: string, body: string, outer: AbortSignal): Promise<void> {
    if (sink === undefined) return
    const bounded = withTimeLimit(outer, SINK_MS)
    try {
      await sink.write(keyOf(name), once(Buffer.from(body)), { signal: bounded })
    } catch (thrown) {
      if (outer.aborted || told) return
      told = true
      onEvent({
        kind: 'warning',
        message: `unable to write the journal to ${sink.name}: ${messageOf(thrown)}`,
        hint: `the run goes on; its journal is in ${place}: keep that folder`,
      })
    }
  }
  async function write(record: RunbookRecord, outer: AbortSignal): Promise<void> {
    await writeSynced(path, `${JSON.stringify(record)}\n`, 'a')
    records.push(record)
    await copyToSink('journal.jsonl', records.map((each) => `${JSON.stringify(each)}\n`).join(''), outer)
  }
  let before: Promise<unknown> = Promise.resolve()
  return {
    path,
    records,
    append(record, outer) {
      const written = before.then(() => write(record, outer))
      // Its caller hears of a failure; the next record is written all the same.
      before = written.catch(() => undefined)
      return written
    },
    async attach(name, body, outer) {
      await writeSynced(join(place, name), body, 'w')
      await copyToSink(name, body, outer)
      return join(place, name)
    },
  }
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw thrown
  }
}

async function readStored(sink: Sink, key: string, signal: AbortSignal): Promise<string> {
  const info = await sink.stat(key, signal)
  if (info === undefined) return ''
  return Buffer.from(await sink.read(key, { offset: 0, bytes: info.bytes }, signal)).toString('utf8')
}

async function writeSynced(path: string, text: string, flags: 'a' | 'w'): Promise<void> {
  await using file = await open(path, flags, 0o600)
  await file.writeFile(text)
  await file.sync()
}

export function parseJournal(text: string, path: string): RunbookRecord[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line, index) => {
      try {
        const record: unknown = JSON.parse(line)
        if (typeof record === 'object' && record !== null && 'event' in record) return record as RunbookRecord
      } catch (thrown) {
        if (!(thrown instanceof SyntaxError)) throw thrown
      }
      throw new LifeboatError('integrity', `unable to read journal '${path}': line ${index + 1} is damaged`, {
        hint: 'Nothing was changed. Look what there is at AWS with the tag lifeboat:run, then start a new run.',
      })
    })
}
