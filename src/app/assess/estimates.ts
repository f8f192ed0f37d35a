import type { Estimate, Rests } from './verdict.ts'

export const MINUTE = 60_000
export const HOUR = 3_600_000

/** How long AWS usually takes. It promises none of it, and nothing here was measured. */
export const USUAL = {
  promote: [5 * MINUTE, 20 * MINUTE],
  restore: [15 * MINUTE, 45 * MINUTE],
  replay: [5 * MINUTE, 30 * MINUTE],
  snapshot: [5 * MINUTE, 30 * MINUTE],
  switchover: [MINUTE, 10 * MINUTE],
  failover: [MINUTE, 10 * MINUTE],
  freshInstance: [10 * MINUTE, 20 * MINUTE],
  secondary: [30 * MINUTE, 60 * MINUTE],
} as const satisfies Record<string, readonly [number, number]>

/** GiB in an hour between two regions: the most and the least that is usual. */
export const COPY_GIB_PER_HOUR = [400, 60] as const
/** Bytes in a second through dump and restore, where nothing was measured: the most and the least. */
export const NATIVE_BYTES_PER_SECOND = [60_000_000, 10_000_000] as const

export const UNKNOWN_TIME = 'not known'

export const TYPICAL: Rests = { on: 'typical', at: null }
/** Just now: by a metric, or by the age of what is there. */
export const MEASURED: Rests = { on: 'measured', at: null }

export function span(least: number, most: number, basis: string, rests: Rests = TYPICAL): Estimate {
  const whole = (ms: number) => Math.max(0, Math.round(ms))
  return { leastMs: whole(least), mostMs: whole(most), rests, basis }
}

export function exactly(ms: number, basis: string): Estimate {
  return span(ms, ms, basis, MEASURED)
}

export function notKnown(basis: string): Estimate {
  return { leastMs: null, mostMs: null, rests: { on: 'nothing', at: null }, basis }
}

/** One after the other; what is not known makes the whole not known. */
export function total(parts: readonly (readonly [number, number])[], basis: string): Estimate {
  const sum = (index: 0 | 1) => parts.reduce((ms, part) => ms + part[index], 0)
  return span(sum(0), sum(1), basis)
}

/** With something after it that is only usual. */
export function followed(
  { leastMs, mostMs, basis, rests }: Estimate,
  [least, most]: readonly [number, number],
  what: string,
): Estimate {
  if (leastMs === null || mostMs === null) return notKnown(basis)
  const both: Rests = rests.on === 'measured' ? { ...rests, on: 'partly-measured' } : rests
  return span(leastMs + least, mostMs + most, `${basis}; and ${what}`, both)
}

/** A copy between regions, by size. */
export function copying(gib: number): readonly [number, number] {
  const [most, least] = COPY_GIB_PER_HOUR
  return [(gib / most) * HOUR, (gib / least) * HOUR]
}

/** How old what was taken at that time is now. A clock that is ahead makes nothing younger than new. */
export function age(of: string | null, now: string, basis: string): Estimate {
  const ms = of === null ? Number.NaN : Date.parse(now) - Date.parse(of)
  return Number.isNaN(ms) ? notKnown(`${basis}, of which nobody says when it was taken`) : exactly(ms, basis)
}
