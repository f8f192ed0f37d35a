import type { ByteCursor } from './byte-cursor.ts'
import type { ByteWriter } from './byte-writer.ts'

/** A moment as text says it: days since 0001-01-01, and units of 10^-7 s since midnight, both local to `offset`. */
export interface Moment {
  readonly days: number
  readonly ticks: bigint
  readonly offsetMinutes: number
}

const DAYS_TO_1970 = 719_162
export const DAYS_TO_1900 = 693_595
const DAY_MS = 86_400_000
const TICKS_PER_MINUTE = 600_000_000n
export const TICKS_PER_DAY = 1440n * TICKS_PER_MINUTE
const FORM =
  /^(?:(\d{4})-(\d\d)-(\d\d))?[ T]?(?:(\d\d):(\d\d):(\d\d)(?:\.(\d{1,7}))?)?(?: ?([+-])(\d\d):(\d\d))?$/

export function parseMoment(text: string): Moment {
  const match = FORM.exec(text)
  if (match === null || text === '') throw new RangeError(`'${text}' is no date or time`)
  const [, year, month, day, hour, minute, second, fraction, sign, offsetHour, offsetMinute] = match
  const date = new Date(0)
  date.setUTCFullYear(Number(year ?? 1900), Number(month ?? 1) - 1, Number(day ?? 1))
  if (day !== undefined && date.getUTCDate() !== Number(day))
    throw new RangeError(`there is no day '${text}'`)
  const seconds = (Number(hour ?? 0) * 60 + Number(minute ?? 0)) * 60 + Number(second ?? 0)
  const offset = Number(offsetHour ?? 0) * 60 + Number(offsetMinute ?? 0)
  return {
    days: date.getTime() / DAY_MS + DAYS_TO_1970,
    ticks: BigInt(seconds) * 10_000_000n + BigInt((fraction ?? '').padEnd(7, '0')),
    offsetMinutes: sign === '-' ? -offset : offset,
  }
}

export function dateText(days: number): string {
  const date = new Date((days - DAYS_TO_1970) * DAY_MS)
  const two = (value: number) => String(value).padStart(2, '0')
  return `${String(date.getUTCFullYear()).padStart(4, '0')}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`
}

export function timeText(ticks: bigint, scale: number): string {
  const seconds = Number(ticks / 10_000_000n)
  const two = (value: number) => String(Math.trunc(value)).padStart(2, '0')
  const clock = `${two(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}`
  if (scale === 0) return clock
  return `${clock}.${String(ticks % 10_000_000n)
    .padStart(7, '0')
    .slice(0, scale)}`
}

export const timeBytes = (scale: number): number => (scale <= 2 ? 3 : scale <= 4 ? 4 : 5)

export function writeTicks(writer: ByteWriter, ticks: bigint, scale: number): void {
  const unit = 10n ** BigInt(7 - scale)
  if (ticks % unit !== 0n) throw new RangeError(`a time has more than ${scale} digits of a second`)
  writer.uint(ticks / unit, timeBytes(scale))
}

export const readTicks = (cursor: ByteCursor, scale: number): bigint =>
  cursor.uint(timeBytes(scale)) * 10n ** BigInt(7 - scale)

/** On the wire a datetimeoffset is in UTC. */
export function toUtc(moment: Moment): { readonly days: number; readonly ticks: bigint } {
  return shift(moment.days, moment.ticks, -moment.offsetMinutes)
}

export function shift(days: number, ticks: bigint, minutes: number): { days: number; ticks: bigint } {
  const moved = ticks + BigInt(minutes) * TICKS_PER_MINUTE
  if (moved < 0n) return { days: days - 1, ticks: moved + TICKS_PER_DAY }
  if (moved >= TICKS_PER_DAY) return { days: days + 1, ticks: moved - TICKS_PER_DAY }
  return { days, ticks: moved }
}

export function offsetText(minutes: number): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const size = Math.abs(minutes)
  return `${minutes < 0 ? '-' : '+'}${two(Math.trunc(size / 60))}:${two(size % 60)}`
}
