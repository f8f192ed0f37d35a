import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { newBackupId } from '../core/backup-layout.ts'
import type { Classification } from '../core/classification.ts'
import { LifeboatError, messageOf, throwIfAborted } from '../core/errors.ts'
import { createFileJournal } from '../core/journal.ts'
import type { Runbook } from '../core/runbook.ts'
import type { Sink } from '../core/sink.ts'
import type { NativeRestorePort } from '../runbooks/ports/native-restore.ts'
import type { RowCountPort } from '../runbooks/ports/row-counts.ts'
import type { CloudPorts } from '../runbooks/ports.ts'
import type { WayFlags } from '../runbooks/way-flags.ts'
import { type BesideDump, type BesideRequest, type BesideRun, withDumpBeside } from './beside-dump.ts'
import type { DatabaseLogin } from './logged-database.ts'
import { guardedBy, type MigrationGuard } from './migration-guard.ts'
import { openCloud, type SimulatedKind } from './open-cloud.ts'
import { judgeMigration, type MigrationPolicy } from './policy/heed-migration.ts'
import type { Verdict } from './policy/rule.ts'
import type { OnEvent } from './run-event.ts'
import {
  attachReport,
  keptFlags,
  plannedRecord,
  planRunbook,
  runRunbook,
  type StepEvent,
} from './run-runbook.ts'
import { type BesideRecord, openRunbookJournal, type RunbookJournalOptions } from './runbook-journal.ts'
import { type RunbookPolicy, runbookPolicy } from './runbook-policy.ts'
import type { RunbookReport } from './runbook-report.ts'
import { type AnyWay, loadWay } from './ways.ts'

export interface MigrateRequest {
  /** By its name, or the way itself. */
  readonly way: string | AnyWay
  readonly flags: WayFlags
  readonly simulate?: SimulatedKind
  readonly faults: readonly string[]
  readonly profile?: string
  readonly inventory?: string
  /** Where who could do what at the old database is kept, for when that gives no answer. */
  readonly accounts?: string
  readonly inventoryStands?: boolean
  /** Of the way native. */
  readonly native?: NativeRestorePort
  /** Of the other ways. */
  readonly rows?: RowCountPort
  readonly login?: DatabaseLogin
  readonly stateFolder: string
  /** For a copy of the journal. */
  readonly sink?: Sink
  readonly onEvent: OnEvent
  /** Undefined: nothing is demanded of the run, and nothing recorded. */
  readonly guard?: MigrationGuard
}

export interface MigratePlan {
  readonly way: AnyWay
  readonly runbook: Runbook<CloudPorts>
  readonly facts: unknown
  /** Throws where AWS does not say who would be given it. */
  policy(): RunbookPolicy
  /** What its class says to it; undefined where it has none. */
  readonly judged: (Pick<MigrationPolicy, 'classified' | 'job'> & JudgedPlan) | undefined
}

export interface JudgedPlan {
  readonly classification: Classification
  readonly verdicts: readonly Verdict[]
}

/** What a run would do now. Changes nothing. */
export async function planMigration(request: MigrateRequest, signal: AbortSignal): Promise<MigratePlan> {
  const way = await wayOf(request)
  using cloud = await openCloud(request)
  const { ports, clock, flags } = cloud
  const run = { id: newBackupId(clock.now()) }
  const { runbook, facts } = await planRunbook(
    { way, flags, ports, run, clock, onRetry: retryTeller(request.onEvent) },
    signal,
  )
  const caller = await ports.iam.caller(signal).then(
    ({ arn }) => ({ arn }),
    (thrown: unknown) => ({ thrown }),
  )
  throwIfAborted(signal)
  const policy = () => {
    if ('thrown' in caller) throw caller.thrown
    return runbookPolicy(runbook, caller.arn)
  }
  const held = await request.guard?.policyOf(flags)
  if (held?.classification === undefined) return { way, runbook, facts, policy, judged: undefined }
  const { classification, classified, job } = held
  const login = request.login !== undefined
  const subject = { runbook, facts, ports, clock, login, lossMs: undefined }
  const { verdicts } = await judgeMigration({ ...held, emergency: false }, subject, signal)
  return { way, runbook, facts, policy, judged: { classification, classified, job, verdicts } }
}

export interface MigrateRun extends MigrateRequest {
  /** An earlier run to go on with. */
  readonly resume?: string
  readonly confirm: boolean
  readonly deadlineMs?: number
  /** What has to be typed again with --resume, since no journal keeps it. */
  readonly again?: readonly string[]
  readonly onStart: (run: string, journal: string) => void
  readonly onStep: (event: StepEvent) => void
  /** A dump that goes on beside it. */
  readonly beside?: BesideDump
  /** What people are to read, whether they sit at a terminal or not. */
  readonly onTell?: (line: string) => void
}

export async function runMigration(request: MigrateRun, signal: AbortSignal): Promise<RunbookReport> {
  const { resume, stateFolder, sink, simulate, onEvent, beside } = request
  const id = resume ?? newBackupId(new Date())
  // A rehearsal is never taken for the real thing, nor goes on with it.
  const folder = simulate === undefined ? stateFolder : join(stateFolder, 'simulated')
  const place = {
    folder,
    run: id,
    simulated: simulate !== undefined,
    onEvent,
    ...(sink !== undefined && { sink }),
  }
  if (beside === undefined) return await runLocked(request, place, undefined, signal)
  const late: BesideRequest['late'] = (record, report) => writeLate(place, record, report)
  return await withDumpBeside(
    { dump: beside, onEvent, onTell: request.onTell ?? (() => undefined), late },
    (run) => runLocked(request, place, run, signal),
    signal,
  )
}

async function runLocked(
  request: MigrateRun,
  place: RunbookJournalOptions,
  beside: BesideRun | undefined,
  signal: AbortSignal,
): Promise<RunbookReport> {
  const { resume, confirm, deadlineMs, onEvent, onStart, onStep, guard } = request
  const { folder, run: id } = place
  const way = await wayOf(request)
  await using _ = await lockRun(folder, id)
  const journal = await openRunbookJournal(place, signal)
  const planned = plannedRecord(journal)
  if (resume !== undefined && planned === undefined) {
    throw new LifeboatError('usage', `unable to resume run '${resume}': nothing is known of it here`, {
      hint: 'Runs are remembered on the machine that began them, and at the sink that --at names; those of rehearsals are found with --simulate.',
    })
  }
  const wanted =
    planned === undefined ? request.flags : mergeFlags(keptFlags(journal) as WayFlags, request.flags, id)
  using cloud = await openCloud({ ...request, flags: wanted })
  const { ports, clock, flags } = cloud
  onStart(id, journal.path)
  // Awaited here: lock and connections are held until it has ended.
  return await runRunbook(
    {
      ...{ way, flags, ports, run: { id }, journal, clock, confirm, onStep },
      deadlineMs: deadlineMs ?? way.deadlineMs,
      again: request.again ?? [],
      onRetry: retryTeller(onEvent),
      onBegin: () => beside?.begin(journal),
      ...(guard !== undefined && {
        around: guardedBy(
          guard,
          { flags, ports, clock, login: request.login !== undefined },
          { run: { id }, journal, onEvent },
          signal,
        ),
      }),
    },
    signal,
  )
}

/** Once the run has let go of its journal, and if nobody else is at it: their report has what the journal says. */
async function writeLate(
  place: RunbookJournalOptions,
  record: BesideRecord,
  report: RunbookReport,
): Promise<void> {
  const lasting = new AbortController().signal
  try {
    await using _ = await lockRun(place.folder, place.run)
    const journal = await openRunbookJournal(place, lasting)
    if (journal.records.at(-1)?.event === 'ended') await attachReport(journal, report, lasting)
    await journal.append(record, lasting)
  } catch (thrown) {
    if (thrown instanceof LifeboatError && thrown.code === 'locked') return
    place.onEvent({
      kind: 'warning',
      message: `the dump beside the run is not in its report: ${messageOf(thrown)}`,
    })
  }
}

function retryTeller(onEvent: OnEvent): (message: string) => void {
  return (message) => onEvent({ kind: 'step', message })
}

async function wayOf({ way }: MigrateRequest): Promise<AnyWay> {
  return typeof way === 'string' ? loadWay(way) : way
}

/** What a resumed run is given anew wins, except for what the run is about. Acceptances add up. */
function mergeFlags(kept: WayFlags, given: WayFlags, run: string): WayFlags {
  for (const name of ['source', 'target', 'db', 'targetId', 'from', 'to', 'record'] as const) {
    if (given[name] !== undefined && JSON.stringify(given[name]) !== JSON.stringify(kept[name])) {
      throw new LifeboatError('usage', `unable to resume run '${run}': it is about another ${name}`, {
        hint: `Leave that option out, or leave out --resume for a new run.`,
      })
    }
  }
  const accept = [...new Set([...(kept.accept ?? []), ...(given.accept ?? [])])]
  return { ...kept, ...given, ...(accept.length > 0 && { accept }) }
}

/**
 * Two processes at one run would each wait for what the other does, and write one journal. Each enters itself first and looks
 * then: of two that begin at once at least the later one sees the other.
 */
export async function lockRun(folder: string, run: string): Promise<AsyncDisposable> {
  const locks = createFileJournal<{ readonly sink: string; readonly token: string }>(
    join(folder, 'runbook-locks'),
  )
  const entry = { sink: run, token: randomUUID() }
  await locks.opened(entry)
  if ((await locks.live(run)).some(({ token }) => token !== entry.token)) {
    await locks.closed(entry)
    throw new LifeboatError('locked', `unable to go on with run '${run}': another process is at it`, {
      hint: 'Let it go on, or stop it first; then resume.',
    })
  }
  for (const dead of await locks.left(run)) await locks.closed(dead)
  return { [Symbol.asyncDispose]: () => locks.closed(entry) }
}
