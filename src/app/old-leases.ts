import { layout } from '../core/backup-layout.ts'
import type { ObjectInfo } from '../core/sink.ts'
import type { FoundLeases, LeasePlace } from './lease-place.ts'

export interface LeftLeases {
  /** The number that was taken over, 0 where there was none: it is over. */
  readonly before: number
  /** The number just created; its time is the sink's. */
  readonly created: ObjectInfo
  readonly found: FoundLeases
}

/**
 * Removes the number before, and what was not touched for the time of a lease: other numbers, and what runs that were cut
 * off left in between. A number above is never among them: the one just created is the highest.
 */
export async function removeOldLeases(
  { sink, job }: LeasePlace,
  ttlMs: number,
  { before, created: { modified }, found: { leases, ticks } }: LeftLeases,
  signal: AbortSignal,
): Promise<void> {
  const old = new Date(modified.getTime() - ttlMs)
  const keys = [
    ...leases.filter(({ number, info }) => number === before || info.modified <= old).map(({ info }) => info),
    ...ticks.filter((info) => info.modified <= old),
  ].map(({ key }) => key)
  if (keys.length === 0) return
  await sink.delete(keys, signal)
  await sink.sweep(layout.lease(job, before), modified, signal)
  await sink.sweep(layout.leaseOf(job), old, signal)
}
