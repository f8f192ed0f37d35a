import { CronPattern } from 'croner'

/** When a schedule fires, in the machine's own time. What is undefined is any. */
export interface CronTimes {
  readonly minutes: readonly number[] | undefined
  readonly hours: readonly number[] | undefined
  readonly days: readonly number[] | undefined
  readonly months: readonly number[] | undefined
  /** 0 is Sunday. With `days` too, either is enough, as cron has it. */
  readonly weekdays: readonly number[] | undefined
}

/** cron(8) of Debian and the CronJobs of Kubernetes know these names; `@reboot` is no time. */
const NAMES: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
}

/** In five fields, whatever it was written as. Throws an Error with the reason alone. */
export function normaliseCron(text: string): string {
  const trimmed = text.trim()
  if (trimmed.startsWith('@')) {
    const fields = NAMES[trimmed.toLowerCase()]
    if (fields !== undefined) return fields
    throw new Error(`there is no ${trimmed}; there are ${Object.keys(NAMES).join(', ')}`)
  }
  const fields = trimmed.split(/\s+/)
  if (fields.length !== 5)
    throw new Error('five fields are expected: minute, hour, day, month, weekday; like 30 3 * * *')
  // croner knows more (L, W, #, ?) than cron, systemd and Kubernetes do together.
  const names = /sun|mon|tue|wed|thu|fri|sat|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec/gi
  const strange = fields.find((field) => !/^[\d*,/-]+$/.test(field.replace(names, '0')))
  if (strange !== undefined) throw new Error(`'${strange}' is nothing that every cron knows`)
  return fields.join(' ')
}

/** Throws an Error with the reason alone. */
export function parseCron(text: string): CronTimes {
  const normal = normaliseCron(text)
  const pattern = read(normal)
  const [, , day = '', , weekday = ''] = normal.split(' ')
  // Debian's cron takes a field that begins with * for any, and asks for both; Kubernetes asks for either.
  if ([day, weekday].every((field) => field !== '*') && [day, weekday].some((field) => field.startsWith('*')))
    throw new Error('*/N for the day together with a weekday is read differently by every cron')
  const days = setOf(pattern.day, 1)
  const weekdays = setOf(pattern.dayOfWeek, 0)
  // Either is enough where both are given, and 1-31 is every day.
  const either = day !== '*' && weekday !== '*' && (days === undefined || weekdays === undefined)
  const times: CronTimes = {
    minutes: setOf(pattern.minute, 0),
    hours: setOf(pattern.hour, 0),
    days: either ? undefined : days,
    months: setOf(pattern.month, 1),
    weekdays: either ? undefined : weekdays,
  }
  const months = times.months ?? [2]
  if (times.weekdays === undefined && times.days?.every((each) => months.every((m) => each > longest(m))))
    throw new Error('there is no such day in any year')
  return times
}

function read(normal: string): CronPattern {
  try {
    return new CronPattern(normal, undefined, { mode: '5-part' })
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown)
    throw new Error(reason.replace(/^CronPattern: /, '').replace(/\.$/, ''))
  }
}

/** croner's tables have an entry for each value from the least on, 0 where the schedule does not fire. */
function setOf(table: readonly number[], least: number): readonly number[] | undefined {
  const values = table.flatMap((fires, index) => (fires === 0 ? [] : [index + least]))
  return values.length === table.length ? undefined : values
}

function longest(month: number): number {
  return month === 2 ? 29 : [4, 6, 9, 11].includes(month) ? 30 : 31
}
