import { layout } from '../core/backup-layout.ts'
import { throwIfAborted } from '../core/errors.ts'
import { readSinkClock } from './lease-place.ts'
import { runsUnderWay, type UnderWayRequest } from './runs-under-way.ts'
import type { Leftover } from './stock.ts'

export interface SweepRequest extends UnderWayRequest {
  readonly leftovers: readonly Leftover[]
  readonly olderThanMs: number
  /** By this machine's clock, to choose; before anything goes, the sink's own clock is asked. */
  readonly now: Date
  readonly remove: (keys: readonly string[], signal: AbortSignal) => Promise<void>
}

/** What no manifest owns, is older than the bound and belongs to no run that is under way. */
export async function findDead(
  request: Omit<SweepRequest, 'remove'>,
  signal: AbortSignal,
): Promise<readonly Leftover[]> {
  const { leftovers, olderThanMs, now } = request
  const bound = now.getTime() - olderThanMs
  const old = leftovers.filter(({ modified }) => modified.getTime() < bound)
  if (old.length === 0) return []
  const live = await runsUnderWay(request, signal)
  return old.filter(({ id }) => !live.has(id))
}

export interface Swept {
  readonly leftovers: readonly Leftover[]
  /** Temp names, and keys of uploads that were begun and never completed. */
  readonly unfinished: readonly string[]
}

/** Removes what `findDead` finds, and interrupted writes that are as old. */
export async function sweepLeftovers(request: SweepRequest, signal: AbortSignal): Promise<Swept> {
  const { sink, job, remove } = request
  // A machine whose clock is days ahead would take a run's fresh data for old.
  const now = await readSinkClock({ sink, job }, signal)
  const swept: Leftover[] = []
  for (const leftover of await findDead({ ...request, now }, signal)) {
    throwIfAborted(signal)
    // It may have been committed since it was listed.
    if ((await sink.stat(layout.manifest(job, leftover.id), signal)) !== undefined) continue
    await remove(leftover.keys, signal)
    swept.push(leftover)
  }
  const bound = new Date(now.getTime() - request.olderThanMs)
  const live = await runsUnderWay(request, signal)
  const unfinished: string[] = []
  // A run may write one object for longer than the bound: while one is under way, only what is surely not its own goes.
  const prefixes = live.size === 0 ? [`${job}/`] : swept.map(({ id }) => layout.dataOf(job, id))
  for (const prefix of prefixes) unfinished.push(...(await sink.sweep(prefix, bound, signal)))
  return { leftovers: swept, unfinished }
}
