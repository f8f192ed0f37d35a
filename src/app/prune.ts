import { layout } from '../core/backup-layout.ts'
import type { Clock } from '../core/clock.ts'
import { LifeboatError, throwIfAborted, toLifeboatError } from '../core/errors.ts'
import type { LiveJournal } from '../core/journal.ts'
import type { SignatureTrust } from '../core/signing.ts'
import type { Sink } from '../core/sink.ts'
import type { BegunRun } from './dead-runs.ts'
import { readKeepMarks } from './keep.ts'
import { findDead, sweepLeftovers } from './leftovers.ts'
import { type PlannedBackup, planPrune } from './prune-plan.ts'
import { hasRule, type Retention } from './retention.ts'
import type { OnEvent } from './run-event.ts'
import { type Leftover, takeStock } from './stock.ts'
import { readVerifiedRecords } from './verified-record.ts'

export interface PruneRequest {
  readonly sink: Sink
  readonly job: string
  readonly retention: Retention
  /** What is damaged, or vouched for by nobody, goes too. */
  readonly damaged: boolean
  /** Every version of an object goes, where the sink keeps some. */
  readonly versions: boolean
  /** Without it, nothing is removed: the report says what would be. */
  readonly confirm: boolean
  readonly sweepOlderThanMs: number
  /** What none of these has signed does not count, nor does it go unless `damaged` is said. */
  readonly trust?: SignatureTrust
  /** Knows the runs of this machine that are under way. */
  readonly journal: Pick<LiveJournal<BegunRun>, 'live'>
  readonly clock: Clock
  readonly onEvent: OnEvent
  /** As soon as a backup is none any more, whatever of its data is still there. */
  readonly onRemoved?: (id: string) => void
  /** As soon as something can't be removed. */
  readonly onFailure: (error: LifeboatError) => void
}

export interface PrunedBackup extends PlannedBackup {
  /** `left`: it was to go, and was not tried since the sink had failed before. */
  readonly outcome: 'kept' | 'would-remove' | 'removed' | 'failed' | 'left'
  readonly error?: LifeboatError
}

export interface PruneReport {
  readonly job: string
  readonly sink: string
  readonly confirmed: boolean
  /** Oldest first. */
  readonly backups: readonly PrunedBackup[]
  /** What no manifest owns: removed, or without `confirm` to be removed. */
  readonly leftovers: readonly Leftover[]
  /** Temp names and uploads that were begun and never completed; only known once they are removed. */
  readonly unfinished: readonly string[]
  /** The first. */
  readonly error: LifeboatError | undefined
}

/** S3's own limit for one deletion, and a step at which a removal can be stopped. */
const KEYS_AT_ONCE = 1000

/**
 * Removes the backups of a job that its rules leave over, the oldest first, and what no manifest owns. What can't be
 * removed holds up nothing else, unless the sink itself has failed.
 */
export async function runPrune(request: PruneRequest, signal: AbortSignal): Promise<PruneReport> {
  const { sink, job, retention, confirm, clock, onEvent, onFailure, trust } = request
  if (!hasRule(retention)) throw noRule(job)
  const stock = await takeStock(sink, job, signal, trust)
  const plan = await planPrune(
    {
      sink,
      job,
      retention,
      damaged: request.damaged,
      backups: stock.backups,
      marks: await readKeepMarks(sink, job, signal),
      verified: await readVerifiedRecords(
        { sink, onEvent },
        stock.backups.map(({ id }) => ({ job, id })),
        signal,
      ),
      now: clock.now(),
    },
    signal,
  )
  const sweep = {
    sink,
    job,
    leftovers: stock.leftovers,
    olderThanMs: request.sweepOlderThanMs,
    now: clock.now(),
    journal: request.journal,
    remove: (keys: readonly string[]) => removeAll(request, keys, signal),
  }
  const told = { job, sink: sink.name, confirmed: confirm }
  if (!confirm) {
    const backups = plan.map(
      (backup): PrunedBackup => ({ ...backup, outcome: backup.keep ? 'kept' : 'would-remove' }),
    )
    const leftovers = await findDead(sweep, signal)
    return { ...told, backups, leftovers, unfinished: [], error: undefined }
  }
  let error: LifeboatError | undefined
  const fail = (thrown: unknown) => {
    throwIfAborted(signal)
    const failure = toLifeboatError(thrown)
    error ??= failure
    onFailure(failure)
    return failure
  }
  const backups: PrunedBackup[] = []
  let down = false
  for (const backup of plan) {
    throwIfAborted(signal)
    if (backup.keep || down) backups.push({ ...backup, outcome: backup.keep ? 'kept' : 'left' })
    else {
      try {
        backups.push(await removeBackup(request, backup, signal))
      } catch (thrown) {
        const failure = fail(thrown)
        down = failure.retryable
        backups.push({ ...backup, outcome: 'failed', error: failure })
      }
    }
  }
  let swept: Pick<PruneReport, 'leftovers' | 'unfinished'> = { leftovers: [], unfinished: [] }
  try {
    if (!down) swept = await sweepLeftovers(sweep, signal)
  } catch (thrown) {
    fail(thrown)
  }
  return { ...told, backups, ...swept, error }
}

/** The manifest goes first: from then on it is no backup, and whatever stays of it is swept by a later prune. */
async function removeBackup(
  request: PruneRequest,
  backup: PlannedBackup,
  signal: AbortSignal,
): Promise<PrunedBackup> {
  const { sink, job } = request
  const { id } = backup
  if ((await sink.stat(layout.keep(job, id), signal)) !== undefined) {
    return { ...backup, keep: true, reasons: ['marked keep just now'], outcome: 'kept' }
  }
  await removeAll(request, [layout.manifest(job, id)], signal)
  request.onRemoved?.(id)
  await removeAll(request, [layout.signature(job, id), layout.verified(job, id)], signal)
  const data: string[] = []
  for await (const { key } of sink.list(layout.dataOf(job, id), signal)) data.push(key)
  await removeAll(request, data, signal)
  return { ...backup, outcome: 'removed' }
}

async function removeAll(
  { sink, versions }: PruneRequest,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  for (let from = 0; from < keys.length; from += KEYS_AT_ONCE) {
    throwIfAborted(signal)
    const some = keys.slice(from, from + KEYS_AT_ONCE)
    if (versions && sink.purge !== undefined) await sink.purge(some, signal)
    else await sink.delete(some, signal)
  }
}

function noRule(job: string): LifeboatError {
  return new LifeboatError('usage', `unable to prune job '${job}': no rule says what to keep`, {
    hint: 'Say what to keep, for example --keep-daily 7 --keep-weekly 4 --keep-monthly 12, or write retention: for the job in the configuration.',
  })
}
