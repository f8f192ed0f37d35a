import type { TdsType } from '../backend.ts'
import type { Expr } from './ast.ts'
import { checkCount, type FunctionFactory, plain } from './functions.ts'
import { SqlError } from './sql-error.ts'
import {
  dateParts,
  dayOf,
  fitMoment,
  type Moment,
  momentOfDate,
  momentText,
  parseMoment,
} from './temporal.ts'
import { BIGINT, DATETIME, INT, makeType } from './types.ts'
import { castValue } from './values.ts'

const now = (type: TdsType): FunctionFactory =>
  plain(0, 0, type, () => momentText(fitMoment(momentOfDate(new Date()), type) as Moment, type))

const part = (pick: (day: number) => number): FunctionFactory =>
  plain(1, 1, INT, ([value], _session, args) => {
    const date = castValue(value ?? null, args[0]?.type ?? DATETIME, makeType('datetime2', []))
    const moment = parseMoment(String(date))
    return moment === undefined ? null : pick(moment.day)
  })

const UNITS: Readonly<Record<string, string>> = {
  YEAR: 'year',
  YY: 'year',
  YYYY: 'year',
  MONTH: 'month',
  MM: 'month',
  M: 'month',
  DAY: 'day',
  DD: 'day',
  D: 'day',
  WEEK: 'week',
  WK: 'week',
  HOUR: 'hour',
  HH: 'hour',
  MINUTE: 'minute',
  MI: 'minute',
  N: 'minute',
  SECOND: 'second',
  SS: 'second',
  S: 'second',
  MILLISECOND: 'ms',
  MS: 'ms',
  MICROSECOND: 'us',
  MCS: 'us',
  NANOSECOND: 'ns',
  NS: 'ns',
}
const TICKS: Readonly<Record<string, bigint>> = {
  day: 864_000_000_000n,
  week: 6_048_000_000_000n,
  hour: 36_000_000_000n,
  minute: 600_000_000n,
  second: 10_000_000n,
  ms: 10_000n,
  us: 10n,
}

function unitOf(expr: Expr | undefined): string {
  const unit = expr?.kind === 'name' ? UNITS[(expr.parts[0] ?? '').toUpperCase()] : undefined
  if (unit === undefined)
    throw new SqlError(155, 'The first argument is not a recognized date option.', {
      severity: 15,
      endsBatch: true,
    })
  return unit
}

const dateAdd: FunctionFactory = (call, _binder, sub) => {
  checkCount(call, 3, 3)
  const unit = unitOf(call.args[0])
  const [count, date] = [sub(call.args[1] as Expr), sub(call.args[2] as Expr)]
  const type = date.type.name.includes('char') ? DATETIME : date.type
  return {
    type,
    nullable: true,
    eval(env) {
      const n = count.eval(env)
      const moment = parseMoment(String(castValue(date.eval(env), date.type, type) ?? 'null'))
      if (n === null || moment === undefined) return null
      let shifted: Moment
      if (unit === 'year' || unit === 'month') {
        const { year, month, day } = dateParts(moment.day)
        const months = year * 12 + month - 1 + Number(n) * (unit === 'year' ? 12 : 1)
        const [y, m] = [Math.floor(months / 12), (months % 12) + 1]
        let d = day
        while (d > 28 && dayOf(y, m, d) === undefined) d -= 1
        shifted = { ...moment, day: dayOf(y, m, d) ?? -1 }
      } else shifted = { ...moment, ticks: moment.ticks + BigInt(n as number) * (TICKS[unit] ?? 0n) }
      const fitted = fitMoment(shifted, type)
      if (fitted === undefined || shifted.day < 0)
        throw new SqlError(517, `Adding a value to a '${type.name}' column caused an overflow.`)
      return momentText(fitted, type)
    },
  }
}

const dateDiff: FunctionFactory = (call, _binder, sub) => {
  checkCount(call, 3, 3)
  const unit = unitOf(call.args[0])
  const sides = [sub(call.args[1] as Expr), sub(call.args[2] as Expr)] as const
  const big = (call.name[0] ?? '').toUpperCase() === 'DATEDIFF_BIG'
  return {
    type: big ? BIGINT : INT,
    nullable: true,
    eval(env) {
      const [from, to] = sides.map((side) => {
        const value = side.eval(env)
        return value === null ? undefined : parseMoment(String(value))
      })
      if (from === undefined || to === undefined) return null
      let result: bigint
      if (unit === 'year' || unit === 'month') {
        const [a, b] = [dateParts(from.day), dateParts(to.day)]
        result = BigInt(unit === 'year' ? b.year - a.year : b.year * 12 + b.month - a.year * 12 - a.month)
      } else {
        const size = TICKS[unit] ?? 1n
        const ticks = (moment: Moment) => (BigInt(moment.day) * 864_000_000_000n + moment.ticks) / size
        result = ticks(to) - ticks(from)
      }
      return big ? result : Number(result)
    },
  }
}

export const TIME_FUNCTIONS: Readonly<Record<string, FunctionFactory>> = {
  GETDATE: now(DATETIME),
  GETUTCDATE: now(DATETIME),
  SYSDATETIME: now(makeType('datetime2', [7])),
  SYSUTCDATETIME: now(makeType('datetime2', [7])),
  SYSDATETIMEOFFSET: now(makeType('datetimeoffset', [7])),
  YEAR: part((day) => dateParts(day).year),
  MONTH: part((day) => dateParts(day).month),
  DAY: part((day) => dateParts(day).day),
  DATEADD: dateAdd,
  DATEDIFF: dateDiff,
  DATEDIFF_BIG: dateDiff,
}
