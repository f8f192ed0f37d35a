/** 1900-01-01, where datetime begins to count, in days of the other types. */
const DATETIME_EPOCH = 693_595

/** Days since 0001-01-01 of the Gregorian calendar. */
export function dateDays(text: string): number {
  const match = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text)
  const [year, month, day] = [Number(match?.[1]), Number(match?.[2]), Number(match?.[3])]
  // Date.UTC takes years below 100 for those of the last century.
  const date = new Date(Date.UTC(2000, month - 1, day))
  date.setUTCFullYear(year, month - 1, day)
  if (match === null || year < 1 || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) {
    throw new TypeError(`'${text}' is no date`)
  }
  return Math.round((date.getTime() - Date.UTC(1970, 0, 1)) / 86_400_000) + 719_162
}

/** Units of 10^-scale seconds since midnight. A digit that has no place is an error. */
export function timeTicks(text: string, scale: number): number {
  const match = /^(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?$/.exec(text)
  const [hours, minutes, seconds] = [Number(match?.[1]), Number(match?.[2]), Number(match?.[3] ?? 0)]
  if (match === null || hours > 23 || minutes > 59 || seconds > 59)
    throw new TypeError(`'${text}' is no time`)
  const fraction = match[4] ?? ''
  if (/[1-9]/.test(fraction.slice(scale))) {
    throw new TypeError(`'${text}' has more than ${scale} digits of a second`)
  }
  const whole = (hours * 60 + minutes) * 60 + seconds
  return whole * 10 ** scale + Number(`0${fraction.slice(0, scale).padEnd(scale, '0')}`)
}

/** Bytes of a time (MS-TDS 2.2.5.5.1.8). */
export function timeWidth(scale: number): number {
  if (scale <= 2) return 3
  return scale <= 4 ? 4 : 5
}

/** A datetimeoffset travels as UTC and the minutes that were taken away. */
export function offsetParts(
  text: string,
  scale: number,
): { readonly days: number; readonly ticks: number; readonly minutes: number } {
  const match = /^(\S+)[ T](\S+) ?(?:([+-])(\d\d):(\d\d)|Z)$/.exec(text)
  if (match === null) throw new TypeError(`'${text}' is no time with an offset`)
  const [, day = '', time = '', sign, hours = '0', rest = '0'] = match
  const minutes = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(rest))
  if (Math.abs(minutes) > 14 * 60) throw new TypeError(`'${text}' is farther than 14 hours from UTC`)
  const perMinute = 60 * 10 ** scale
  const perDay = 24 * 60 * perMinute
  // By itself the time of a day fits into a double, all days since the year 1 in 100 ns do not.
  const ticks = timeTicks(time, scale) - minutes * perMinute
  const days = dateDays(day) + Math.floor(ticks / perDay)
  if (days < 0) throw new TypeError(`'${text}' is before the year 1 in UTC`)
  return { days, ticks: ((ticks % perDay) + perDay) % perDay, minutes }
}

/** A datetime: days since 1900-01-01, and 300ths of a second, of which .000, .003 and .007 are what is shown. */
export function dateTicks(text: string): { readonly days: number; readonly ticks: number } {
  const at = text.search(/[ T]/)
  const day = at === -1 ? text : text.slice(0, at)
  const milliseconds = timeTicks(at === -1 ? '00:00' : text.slice(at + 1), 3)
  return { days: dateDays(day) - DATETIME_EPOCH, ticks: Math.round((milliseconds * 3) / 10) }
}
