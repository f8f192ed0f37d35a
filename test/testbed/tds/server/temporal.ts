import type { TdsType } from '../backend.ts'

/** Whole days since 0001-01-01, 100 ns within the (local) day, and the offset in minutes. */
export interface Moment {
  readonly day: number
  readonly ticks: bigint
  readonly offset: number
}

const TICKS_PER_DAY = 864_000_000_000n
const DAY_OF_1900 = dayOf(1900, 1, 1) as number
const LAST_DAY = dayOf(9999, 12, 31) as number
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

export function dayOf(year: number, month: number, day: number): number | undefined {
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  if (year < 1 || year > 9999 || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day)
    return undefined
  return Math.round(date.getTime() / 86_400_000) + 719_162
}

export function dateParts(day: number): { year: number; month: number; day: number } {
  const date = new Date((day - 719_162) * 86_400_000)
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() }
}

const DATE = /^(?:(\d{4})-(\d{1,2})-(\d{1,2})|(\d{4})(\d{2})(\d{2}))/
const TIME = /^(\d{1,2}):(\d{2})(?::(\d{2})(?:[.:](\d{1,9}))?)?\s*(AM|PM)?/i
const OFFSET = /^\s*(?:([+-])(\d{1,2}):(\d{2})|(Z))/i
const ENGLISH = /^(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\s+(\d{1,2}),?\s+(\d{4})/i

/** ISO text, `yyyymmdd`, or the 'Mon dd yyyy hh:miAM' of style 0. */
export function parseMoment(text: string): Moment | undefined {
  let rest = text.trim()
  let day = DAY_OF_1900
  if (rest === '') return { day, ticks: 0n, offset: 0 }
  const date = DATE.exec(rest)
  const english = ENGLISH.exec(rest)
  if (date !== null) {
    const found = dayOf(Number(date[1] ?? date[4]), Number(date[2] ?? date[5]), Number(date[3] ?? date[6]))
    if (found === undefined) return undefined
    day = found
    rest = rest.slice(date[0].length).replace(/^(T|\s+)/i, '')
  } else if (english !== null) {
    const month = MONTHS.findIndex((name) => name.toLowerCase() === english[1]?.toLowerCase()) + 1
    const found = dayOf(Number(english[3]), month, Number(english[2]))
    if (found === undefined) return undefined
    day = found
    rest = rest.slice(english[0].length).trimStart()
  }
  let ticks = 0n
  if (rest !== '' && !OFFSET.test(rest)) {
    const time = TIME.exec(rest)
    if (time === null) return undefined
    let hours = Number(time[1])
    const half = time[5]?.toUpperCase()
    if (half === 'PM' && hours < 12) hours += 12
    if (half === 'AM' && hours === 12) hours = 0
    const minutes = Number(time[2])
    const seconds = Number(time[3] ?? 0)
    if (hours > 23 || minutes > 59 || seconds > 59) return undefined
    const nanos = BigInt((time[4] ?? '').padEnd(9, '0'))
    ticks = BigInt(hours * 3600 + minutes * 60 + seconds) * 10_000_000n + (nanos + 50n) / 100n
    rest = rest.slice(time[0].length)
  }
  let offset = 0
  const zone = OFFSET.exec(rest)
  if (zone !== null) {
    if (zone[4] === undefined) offset = (zone[1] === '-' ? -1 : 1) * (Number(zone[2]) * 60 + Number(zone[3]))
    if (Math.abs(offset) > 840) return undefined
    rest = rest.slice(zone[0].length)
  }
  return rest.trim() === '' ? carry({ day, ticks, offset }) : undefined
}

function carry(moment: Moment): Moment {
  const days =
    moment.ticks >= 0n ? moment.ticks / TICKS_PER_DAY : -((-moment.ticks - 1n) / TICKS_PER_DAY) - 1n
  return { ...moment, day: moment.day + Number(days), ticks: moment.ticks - days * TICKS_PER_DAY }
}

/** Rounds as the type keeps it; undefined when the type can't hold it. */
export function fitMoment(moment: Moment, type: TdsType): Moment | undefined {
  let { ticks } = moment
  switch (type.name) {
    case 'date':
      return { day: moment.day, ticks: 0n, offset: 0 }
    case 'datetime': {
      const units = (ticks * 300n + 5_000_000n) / 10_000_000n
      ticks = ((units * 10n + 1n) / 3n) * 10_000n
      break
    }
    case 'smalldatetime':
      ticks = ((ticks + 300_020_000n - 20_000n) / 600_000_000n) * 600_000_000n
      break
    default: {
      const unit = 10n ** BigInt(7 - (type.scale ?? 7))
      ticks = ((ticks + unit / 2n) / unit) * unit
    }
  }
  const fitted = carry({ ...moment, ticks, offset: type.name === 'datetimeoffset' ? moment.offset : 0 })
  if (type.name === 'time') return { day: DAY_OF_1900, ticks: fitted.ticks, offset: 0 }
  const low = type.name === 'datetime' ? 639_905 : type.name === 'smalldatetime' ? DAY_OF_1900 : 0
  const high = type.name === 'smalldatetime' ? (dayOf(2079, 6, 6) as number) : LAST_DAY
  return fitted.day < low || fitted.day > high ? undefined : fitted
}

/** The text that the type's values are kept in. */
export function momentText(moment: Moment, type: TdsType): string {
  const scale = type.name === 'datetime' ? 3 : type.name === 'smalldatetime' ? 0 : (type.scale ?? 7)
  const date = dateText(moment.day)
  const time = timeText(moment.ticks, scale)
  if (type.name === 'date') return date
  if (type.name === 'time') return time
  return type.name === 'datetimeoffset' ? `${date} ${time} ${offsetText(moment.offset)}` : `${date} ${time}`
}

const two = (value: number | bigint) => value.toString().padStart(2, '0')

export function dateText(day: number): string {
  const { year, month, day: date } = dateParts(day)
  return `${year.toString().padStart(4, '0')}-${two(month)}-${two(date)}`
}

function timeText(ticks: bigint, scale: number): string {
  const seconds = ticks / 10_000_000n
  const fraction = (ticks % 10_000_000n).toString().padStart(7, '0').slice(0, scale)
  const clock = `${two(seconds / 3600n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}`
  return scale === 0 ? clock : `${clock}.${fraction}`
}

function offsetText(offset: number): string {
  const minutes = Math.abs(offset)
  return `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}

/** CONVERT(varchar, value, style); undefined for a style that is not played. */
export function styledText(text: string, type: TdsType, style: number): string | undefined {
  const moment = parseMoment(text)
  if (moment === undefined) return undefined
  const { year, month, day } = dateParts(moment.day)
  const old = type.name === 'datetime' || type.name === 'smalldatetime'
  switch (style) {
    case 0:
    case 100: {
      if (!old) return text
      const hours = Number(moment.ticks / 36_000_000_000n)
      const minutes = Number((moment.ticks / 600_000_000n) % 60n)
      const clock = `${((hours + 11) % 12) + 1}`.padStart(2, ' ')
      const date = `${MONTHS[month - 1]} ${day.toString().padStart(2, ' ')} ${year}`
      return `${date} ${clock}:${two(minutes)}${hours < 12 ? 'AM' : 'PM'}`
    }
    case 20:
    case 120: {
      if (type.name === 'date') return text
      const whole = timeText(moment.ticks, 0)
      if (type.name === 'time') return whole
      const zone = type.name === 'datetimeoffset' ? ` ${offsetText(moment.offset)}` : ''
      return `${dateText(moment.day)} ${whole}${zone}`
    }
    case 21:
    case 25:
    case 121:
      return type.name === 'smalldatetime' ? `${text}.000` : text
    case 23:
      return dateText(moment.day)
    case 112:
      return dateText(moment.day).replaceAll('-', '')
    case 126:
    case 127: {
      if (type.name === 'date' || type.name === 'time') return text
      if (type.name === 'datetimeoffset') {
        if (style === 126) return text.replace(' ', 'T').replace(' ', '')
        const utc = carry({
          ...moment,
          ticks: moment.ticks - BigInt(moment.offset) * 600_000_000n,
          offset: 0,
        })
        return `${dateText(utc.day)}T${timeText(utc.ticks, type.scale ?? 7)}Z`
      }
      // A fraction of zero is left out for datetime.
      const bare = old ? text.replace(/\.000$/, '') : text
      return bare.replace(' ', 'T') + (style === 127 ? 'Z' : '')
    }
    default:
      return undefined
  }
}

export function compareMoments(left: Moment, right: Moment): number {
  const key = (moment: Moment) =>
    BigInt(moment.day) * TICKS_PER_DAY + moment.ticks - BigInt(moment.offset) * 600_000_000n
  const a = key(left)
  const b = key(right)
  return a < b ? -1 : a > b ? 1 : 0
}

export function momentOfDate(date: Date): Moment {
  const ms = date.getTime()
  const day = Math.floor(ms / 86_400_000)
  return { day: day + 719_162, ticks: BigInt(ms - day * 86_400_000) * 10_000n, offset: 0 }
}
