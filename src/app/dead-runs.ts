import { layout } from '../core/backup-layout.ts'
import type { Journal } from '../core/journal.ts'
import type { Sink } from '../core/sink.ts'

/** A dump that has begun at a sink and has neither committed nor cleaned up yet. */
export interface BegunRun {
  readonly sink: string
  readonly job: string
  readonly id: string
}

export type RunJournal = Journal<BegunRun>

/** Later than any write: everything below a dead run's own folder is its own. */
const ANY_AGE = new Date(8_640_000_000_000_000)

/** Removes all that a run without a manifest left at the sink: its objects, temp names, uploads. */
export async function discardRun(sink: Sink, run: BegunRun, signal: AbortSignal): Promise<readonly string[]> {
  const folder = layout.dataOf(run.job, run.id)
  const keys: string[] = []
  // Written just before the manifest, and of no use without it.
  const signature = layout.signature(run.job, run.id)
  if ((await sink.stat(signature, signal)) !== undefined) keys.push(signature)
  for await (const info of sink.list(folder, signal)) keys.push(info.key)
  if (keys.length > 0) await sink.delete(keys, signal)
  const manifest = layout.manifest(run.job, run.id)
  return [
    ...keys,
    ...(await sink.sweep(folder, ANY_AGE, signal)),
    ...(await sink.sweep(manifest, ANY_AGE, signal)),
  ]
}

/**
 * Clears away what runs of this machine left that were killed, or could not reach the sink when they gave up. Runs that
 * did commit only lose their journal entry. Returns the names that were removed.
 */
export async function sweepDeadRuns(
  sink: Sink,
  journal: RunJournal,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const removed: string[] = []
  for (const run of await journal.left(sink.name)) {
    if ((await sink.stat(layout.manifest(run.job, run.id), signal)) === undefined) {
      removed.push(...(await discardRun(sink, run, signal)))
    }
    await journal.closed(run)
  }
  return removed
}
