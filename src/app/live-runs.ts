import type { Sink } from '../core/sink.ts'
import { findLeases, isDenied, isExpired, isGone, readLease, readSinkClock } from './lease-place.ts'

/**
 * Ids of the runs that are writing to a job's folder now, by their leases: a sweep must leave what they have stored. A run
 * that lost its lease to another and goes on is among them. Where the sink's clock can't be read for lack of rights, every
 * lease that was not given back counts.
 */
export async function liveRuns(sink: Sink, job: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const place = { sink, job }
  const held: { readonly run: string; readonly ttlMs: number; readonly modified: Date }[] = []
  for (const found of (await findLeases(place, signal)).leases) {
    const record = await readLease(sink, found, signal)
    if (record?.state !== 'held' || (await isGone(record.holder))) continue
    held.push({ run: record.run, ttlMs: record.ttlMs, modified: found.info.modified })
  }
  if (held.length === 0) return new Set()
  const now = await clockIfAllowed()
  const live = held.filter(
    ({ modified, ttlMs }) => now === undefined || !isExpired(now.getTime() - modified.getTime(), ttlMs),
  )
  return new Set(live.map(({ run }) => run))

  async function clockIfAllowed(): Promise<Date | undefined> {
    try {
      return await readSinkClock(place, signal)
    } catch (thrown) {
      if (isDenied(thrown)) return undefined
      throw thrown
    }
  }
}
