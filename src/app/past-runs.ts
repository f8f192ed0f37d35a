import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isBackupId, layout } from '../core/backup-layout.ts'
import { LifeboatError, messageOf } from '../core/errors.ts'
import type { Sink } from '../core/sink.ts'
import { createSlots } from '../core/slots.ts'
import { parseJournal, type RunbookRecord } from './runbook-journal.ts'

/** A way that was run before, as its journal tells. */
export interface PastRun {
  readonly run: string
  readonly records: readonly RunbookRecord[]
}

export interface PastRuns {
  /** Newest first. */
  readonly runs: readonly PastRun[]
  /** Of journals that can't be read, why. */
  readonly damaged: readonly string[]
}

/** A journal is a few kB: these are some weeks of game days, read in a second. */
const MOST = 40
const AT_ONCE = 8

/** The runs of this machine. Rehearsals lie elsewhere. */
export async function runsInFolder(stateFolder: string): Promise<PastRuns> {
  const folder = join(stateFolder, 'runbooks')
  const names = await orMissing(readdir(folder), [])
  return await readAll(
    newest(names),
    (run) => orMissing(readFile(join(folder, run, 'journal.jsonl'), 'utf8'), undefined),
    // Of this machine's own disk nothing has to be waited for.
    new AbortController().signal,
  )
}

/** Those that kept a copy of their journal at this sink. */
export async function runsAtSink(sink: Sink, signal: AbortSignal): Promise<PastRuns> {
  const bytes = new Map<string, number>()
  for await (const info of sink.list('runbooks/', signal)) {
    const [, run = '', name] = info.key.split('/')
    if (name === 'journal.jsonl') bytes.set(run, info.bytes)
  }
  const read = async (run: string) => {
    const range = { offset: 0, bytes: bytes.get(run) ?? 0 }
    const body = await sink.read(layout.runbook(run, 'journal.jsonl'), range, signal)
    return Buffer.from(body).toString('utf8')
  }
  return await readAll(newest([...bytes.keys()]), read, signal)
}

function newest(names: readonly string[]): readonly string[] {
  return names.filter(isBackupId).sort().reverse().slice(0, MOST)
}

async function readAll(
  names: readonly string[],
  read: (run: string) => Promise<string | undefined>,
  signal: AbortSignal,
): Promise<PastRuns> {
  const slots = createSlots(AT_ONCE)
  const texts = await Promise.all(
    names.map(async (run) => ({ run, text: await slots.run(() => read(run), signal) })),
  )
  const runs: PastRun[] = []
  const damaged: string[] = []
  for (const { run, text } of texts) {
    if (text === undefined) continue
    try {
      // A line without an end is one that a run is writing, or that a crash has cut.
      runs.push({ run, records: parseJournal(text.slice(0, text.lastIndexOf('\n') + 1), run) })
    } catch (thrown) {
      if (!(thrown instanceof LifeboatError)) throw thrown
      damaged.push(messageOf(thrown))
    }
  }
  return { runs, damaged }
}

async function orMissing<T, M>(work: Promise<T>, missing: M): Promise<T | M> {
  try {
    return await work
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return missing
    throw thrown
  }
}
