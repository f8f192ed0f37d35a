import type { SqlValue } from './session.ts'

/** What the driver tells about a column of a result; its typing exports no name for it. */
export interface DriverColumn {
  readonly colName: string
  readonly type: { readonly name: string }
  readonly precision?: number | undefined
  readonly scale?: number | undefined
}

/** Of a date, the driver keeps what is below the millisecond beside it, as a fraction of a second. */
type DriverDate = Date & { readonly nanosecondsDelta?: number }

/** Decimal digits that a double holds whatever they are. */
const SAFE_DIGITS = 15

/**
 * A value as the contract of `SqlValue` wants it. The driver has made doubles of decimals and Dates of times: what it
 * could not keep exactly is refused, never rounded. Queries CAST such columns to text.
 */
export function valueReader(column: DriverColumn): (value: unknown) => SqlValue {
  const read = readerFor(column)
  return (value) => (value === null || value === undefined ? null : read(value))
}

function readerFor(column: DriverColumn): (value: unknown) => SqlValue {
  switch (column.type.name) {
    // 64 bits come as text, fewer as numbers.
    case 'BigInt':
    case 'IntN':
      return (value) => (typeof value === 'string' ? BigInt(value) : plain(column, value))
    case 'DecimalN':
    case 'NumericN':
      return (value) => {
        if (typeof value === 'number' && (column.precision ?? 38) <= SAFE_DIGITS) {
          return value.toFixed(column.scale ?? 0)
        }
        throw inexact(column)
      }
    case 'Money':
    case 'MoneyN':
    case 'SmallMoney':
      return (value) => {
        if (typeof value === 'number' && Math.abs(value) < 1e11) return value.toFixed(4)
        throw inexact(column)
      }
    case 'Date':
      return (value) => datePart(asDate(column, value))
    case 'Time':
      return (value) => timePart(asDate(column, value), column.scale ?? 7)
    case 'SmallDateTime':
    case 'DateTime':
    case 'DateTimeN':
      return (value) => `${datePart(asDate(column, value))} ${timePart(asDate(column, value), 3)}`
    case 'DateTime2':
      return (value) =>
        `${datePart(asDate(column, value))} ${timePart(asDate(column, value), column.scale ?? 7)}`
    case 'DateTimeOffset':
      return () => {
        throw inexact(column)
      }
    case 'Variant':
      return (value) => variant(column, value)
    default:
      return (value) => plain(column, value)
  }
}

/** The base type of a variant is not told, so a number passes only where it is exact in all of them. */
function variant(column: DriverColumn, value: unknown): SqlValue {
  if (value instanceof Date || (typeof value === 'number' && !Number.isSafeInteger(value))) {
    throw inexact(column)
  }
  return plain(column, value)
}

function plain(column: DriverColumn, value: unknown): SqlValue {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'bigint':
    case 'boolean':
      return value
    default:
      if (value instanceof Uint8Array) return value
      throw inexact(column)
  }
}

function asDate(column: DriverColumn, value: unknown): DriverDate {
  if (value instanceof Date) return value
  throw inexact(column)
}

function datePart(date: Date): string {
  const year = String(date.getUTCFullYear()).padStart(4, '0')
  return `${year}-${twoDigits(date.getUTCMonth() + 1)}-${twoDigits(date.getUTCDate())}`
}

function timePart(date: DriverDate, scale: number): string {
  const clock = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(twoDigits).join(':')
  // In units of 100 ns, the finest that the server knows.
  const below = Math.round((date.nanosecondsDelta ?? 0) * 1e7)
  const fraction = String(date.getUTCMilliseconds() * 1e4 + below).padStart(7, '0')
  return scale === 0 ? clock : `${clock}.${fraction.slice(0, scale)}`
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0')
}

function inexact(column: DriverColumn): Error {
  return new Error(
    `column '${column.colName}' comes as ${column.type.name}, which the driver does not read exactly: cast it to text`,
  )
}
