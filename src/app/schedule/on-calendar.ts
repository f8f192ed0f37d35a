import { parseCron } from '../../config/cron-expression.ts'

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const

/**
 * A cron expression as the OnCalendar lines of a systemd timer. systemd asks for weekday and day both, cron for
 * either: that takes two lines, of which each fires by itself. Two that meet start one run: the service is the same.
 */
export function toOnCalendar(cron: string): readonly string[] {
  const { minutes, hours, days, months, weekdays } = parseCron(cron)
  const time = `${list(hours)}:${list(minutes)}:00`
  const at = (weekday: readonly number[] | undefined, day: readonly number[] | undefined) =>
    `${weekday === undefined ? '' : `${weekday.map((each) => WEEKDAYS[each]).join(',')} `}*-${list(months)}-${list(day)} ${time}`
  if (days === undefined || weekdays === undefined) return [at(weekdays, days)]
  return [at(undefined, days), at(weekdays, undefined)]
}

/** `1..5,7`: neighbours as a range, which a person can read. */
function list(values: readonly number[] | undefined): string {
  if (values === undefined) return '*'
  const ranges: [number, number][] = []
  for (const value of values) {
    const last = ranges.at(-1)
    if (last !== undefined && value === last[1] + 1) last[1] = value
    else ranges.push([value, value])
  }
  const two = (value: number) => String(value).padStart(2, '0')
  return ranges
    .map(([from, to]) => (from === to ? two(from) : `${two(from)}${to === from + 1 ? ',' : '..'}${two(to)}`))
    .join(',')
}
