import { randomBytes } from 'node:crypto'
import { layout } from '../core/backup-layout.ts'
import { once } from '../core/bytes.ts'
import { LifeboatError } from '../core/errors.ts'
import { decodeLease, type LeaseRecord } from '../core/lease-record.ts'
import { currentOwner, ownerState, type ProcessOwner } from '../core/process-owner.ts'
import type { ObjectInfo, Sink } from '../core/sink.ts'

/** How long an unreadable record counts, and a lease of which nobody says how long. */
export const DEFAULT_LEASE_MS = 15 * 60_000
/** Nothing of ours is longer. */
const READABLE_BYTES = 64 * 1024

/** The folder of a job's leases. */
export interface LeasePlace {
  readonly sink: Sink
  readonly job: string
}

export interface FoundLease {
  readonly number: number
  readonly info: ObjectInfo
}

export interface FoundLeases {
  /** The lowest number first: the last one counts, the others are over, or were taken over. */
  readonly leases: readonly FoundLease[]
  /** Objects by which the clock was read, left by runs that were cut off. */
  readonly ticks: readonly ObjectInfo[]
}

export async function findLeases({ sink, job }: LeasePlace, signal: AbortSignal): Promise<FoundLeases> {
  const prefix = layout.leaseOf(job)
  const leases: FoundLease[] = []
  const ticks: ObjectInfo[] = []
  try {
    for await (const info of sink.list(prefix, signal)) {
      const name = info.key.slice(prefix.length)
      const number = Number(/^(\d{6,15})\.json$/.exec(name)?.[1])
      if (number > 0 && info.key === layout.lease(job, number)) leases.push({ number, info })
      else if (/^tick-[0-9a-f]{16}$/.test(name)) ticks.push(info)
    }
  } catch (thrown) {
    // The first run makes the place.
    if (!isMissing(thrown)) throw thrown
  }
  return { leases: leases.sort((a, b) => a.number - b.number), ticks }
}

/** Undefined where it is gone meanwhile, or is no record at all. */
export async function readLease(
  sink: Sink,
  { info }: FoundLease,
  signal: AbortSignal,
): Promise<LeaseRecord | undefined> {
  if (info.bytes > READABLE_BYTES) return undefined
  try {
    return decodeLease(await sink.read(info.key, { offset: 0, bytes: info.bytes }, signal))
  } catch (thrown) {
    // `integrity`: something shorter took its place between listing and reading. It is judged by its age then.
    if (isMissing(thrown) || (thrown instanceof LifeboatError && thrown.code === 'integrity'))
      return undefined
    throw thrown
  }
}

/** What time it is at the sink, by whose clock alone ages are judged: those of two agents may be hours apart. */
export async function readSinkClock({ sink, job }: LeasePlace, signal: AbortSignal): Promise<Date> {
  const key = `${layout.leaseOf(job)}tick-${randomBytes(8).toString('hex')}`
  // Exclusive, since that is also how an S3-compatible shows whether it honours it.
  const { modified } = await sink.write(key, once(Buffer.from('\n')), { ifAbsent: true, signal })
  try {
    await sink.delete([key], signal)
  } catch (thrown) {
    // An account that may write and not delete: it stays, and the time is known all the same.
    if (!isDenied(thrown)) throw thrown
  }
  return modified
}

/** What stands in the way: a lease that was renewed `ageMs` ago, and counts for `remainingMs` more. */
export interface LiveLease {
  /** Undefined where it can't be read. */
  readonly record: LeaseRecord | undefined
  readonly number: number
  readonly ageMs: number
  readonly remainingMs: number
}

/** Undefined where the way is free: given back, expired, or its holder was a process of this machine that is gone. */
export async function judgeLease(
  place: LeasePlace,
  found: FoundLease,
  signal: AbortSignal,
): Promise<LiveLease | undefined> {
  const record = await readLease(place.sink, found, signal)
  if (record?.state === 'released') return undefined
  if (record !== undefined && (await isGone(record.holder))) return undefined
  const now = await readSinkClock(place, signal)
  // Only now: a holder that renewed it meanwhile is alive.
  const info = await place.sink.stat(found.info.key, signal)
  if (info === undefined) return undefined
  const ageMs = now.getTime() - info.modified.getTime()
  const ttlMs = record?.ttlMs ?? DEFAULT_LEASE_MS
  return isExpired(ageMs, ttlMs)
    ? undefined
    : { record, number: found.number, ageMs, remainingMs: ttlMs - ageMs }
}

/**
 * A record from the future was written before the sink's clock was set back: a living holder renews it within a third of
 * its time, and a dead one must not block for as long as the clock was wrong.
 */
export function isExpired(ageMs: number, ttlMs: number): boolean {
  return ageMs >= ttlMs || ageMs < -ttlMs / 3
}

/**
 * Only where this is the same start of the same machine, whatever its name: two bastions made from one image are called
 * the same, and the one would take the other's run for dead.
 */
export async function isGone(holder: ProcessOwner): Promise<boolean> {
  const here = await currentOwner()
  const known = holder.boot !== '' && holder.pidNamespace !== '' && holder.startTime !== null
  if (!known || holder.boot !== here.boot || holder.pidNamespace !== here.pidNamespace) return false
  return (await ownerState({ ...holder, host: here.host }, here)) === 'gone'
}

export function isMissing(thrown: unknown): boolean {
  return thrown instanceof LifeboatError && thrown.code === 'sink-not-found'
}

export function isDenied(thrown: unknown): boolean {
  return thrown instanceof LifeboatError && thrown.code === 'sink-denied'
}
