import type { TdsType, TdsValue } from '../backend.ts'
import { convertValue } from './convert.ts'
import { compareDecimals, parseDecimal } from './decimal.ts'
import { compareMoments, parseMoment } from './temporal.ts'
import { decimal, familyOf, isUnicode, nvarchar, varbinary, varchar } from './types.ts'

/** A sql_variant: a value that knows its own type. An array of bytes only so that it may lie among a row's values. */
export class Variant extends Uint8Array {
  readonly base: TdsType
  readonly inner: TdsValue
  constructor(base: TdsType, inner: TdsValue) {
    super(0)
    this.base = base
    this.inner = inner
  }
}

export const toVariant = (value: TdsValue, type: TdsType): TdsValue =>
  value === null || value instanceof Variant ? value : new Variant(type, value)

/** CAST in all its forms, sql_variant included. */
export function castValue(value: TdsValue, from: TdsType, to: TdsType, style?: number): TdsValue {
  if (value === null) return null
  if (value instanceof Variant)
    return to.name === 'sql_variant' ? value : convertValue(value.inner, value.base, to, style)
  if (to.name === 'sql_variant') return toVariant(value, from)
  return convertValue(value, from, to, style)
}

const PRECEDENCE = [
  'sql_variant',
  'xml',
  'datetimeoffset',
  'datetime2',
  'datetime',
  'smalldatetime',
  'date',
  'time',
  'float',
  'real',
  'decimal',
  'numeric',
  'money',
  'smallmoney',
  'bigint',
  'int',
  'smallint',
  'tinyint',
  'bit',
  'ntext',
  'text',
  'image',
  'timestamp',
  'uniqueidentifier',
  'nvarchar',
  'nchar',
  'varchar',
  'char',
  'varbinary',
  'binary',
  'hierarchyid',
  'geography',
  'geometry',
]

/** The type that both sides of an operator, or all arms of a CASE, are brought to. */
export function commonType(left: TdsType, right: TdsType): TdsType {
  const [high, low] =
    PRECEDENCE.indexOf(left.name) <= PRECEDENCE.indexOf(right.name) ? [left, right] : [right, left]
  const exact = (type: TdsType) => {
    if (familyOf(type) === 'exact') return type
    return decimal({ bigint: 19, int: 10, smallint: 5, tinyint: 3, bit: 1 }[type.name] ?? 38, 0)
  }
  if (high.name === 'decimal' || high.name === 'numeric') {
    if (familyOf(low) !== 'exact' && familyOf(low) !== 'integer') return high
    const other = exact(low)
    const scale = Math.max(high.scale ?? 0, other.scale ?? 0)
    const whole = Math.max(
      (high.precision ?? 18) - (high.scale ?? 0),
      (other.precision ?? 18) - (other.scale ?? 0),
    )
    return { ...decimal(Math.min(38, whole + scale), scale), name: high.name }
  }
  if (familyOf(high) === 'text' && familyOf(low) === 'text' && high.name !== 'xml') {
    const units = (type: TdsType) =>
      type.length === -1 || type.name.endsWith('text')
        ? -1
        : isUnicode(type)
          ? (type.length ?? 0) / 2
          : (type.length ?? 0)
    const most = units(high) < 0 || units(low) < 0 ? -1 : Math.max(units(high), units(low))
    return isUnicode(high) ? nvarchar(most) : varchar(most)
  }
  if (familyOf(high) === 'binary' && familyOf(low) === 'binary')
    return varbinary(
      high.length === -1 || low.length === -1 ? -1 : Math.max(high.length ?? 0, low.length ?? 0),
    )
  if ((high.name === 'datetime2' || high.name === 'datetimeoffset') && low.scale !== undefined)
    return high.scale !== undefined && high.scale >= low.scale ? high : { ...high, scale: low.scale }
  return high
}

export const isCaseSensitive = (collation: string | null | undefined) =>
  collation != null && /_(CS|BIN2?)(_|$)/i.test(collation)

/** Of two values of one type; case and trailing spaces don't count unless the collation says so. */
export function compareValues(
  left: TdsValue,
  right: TdsValue,
  type: TdsType,
  collation?: string | null,
): number {
  if (left instanceof Variant && right instanceof Variant) {
    const common = commonType(left.base, right.base)
    return compareValues(
      castValue(left, left.base, common),
      castValue(right, right.base, common),
      common,
      collation,
    )
  }
  switch (familyOf(type)) {
    case 'text': {
      const a = textKey(String(left), collation)
      const b = textKey(String(right), collation)
      return a < b ? -1 : a > b ? 1 : 0
    }
    case 'exact':
      return compareDecimals(
        parseDecimal(String(left)) ?? { unscaled: 0n, scale: 0 },
        parseDecimal(String(right)) ?? { unscaled: 0n, scale: 0 },
      )
    case 'temporal': {
      const a = parseMoment(String(left))
      const b = parseMoment(String(right))
      return a === undefined || b === undefined ? 0 : compareMoments(a, b)
    }
    case 'binary':
    case 'udt':
      return Math.sign(Buffer.compare(left as Uint8Array, right as Uint8Array))
    default: {
      const a = left as number
      const b = right as number
      return a < b ? -1 : a > b ? 1 : 0
    }
  }
}

function textKey(text: string, collation?: string | null): string {
  const trimmed = text.replace(/ +$/, '')
  return isCaseSensitive(collation) ? trimmed : trimmed.toLowerCase()
}

/** Equal keys for values that compare as equal: for joins, groups and unique indexes. */
export function keyOf(value: TdsValue, type: TdsType, collation?: string | null): string {
  if (value === null) return '~'
  if (value instanceof Variant) return `v${keyOf(value.inner, value.base, collation)}`
  switch (familyOf(type)) {
    case 'text':
      return `t${textKey(String(value), collation)}`
    case 'binary':
    case 'udt':
      return `b${Buffer.from(value as Uint8Array)
        .toString('hex')
        .replace(/(00)+$/, '')}`
    case 'exact':
      return `d${String(value)
        .replace(/(\.\d*?)0+$/, '$1')
        .replace(/\.$/, '')
        .replace(/^-(?=0(\.0*)?$)/, '')}`
    case 'temporal': {
      const moment = type.name === 'datetimeoffset' ? parseMoment(String(value)) : undefined
      return moment === undefined
        ? `m${value}`
        : `m${BigInt(moment.day) * 864_000_000_000n + moment.ticks - BigInt(moment.offset) * 600_000_000n}`
    }
    default:
      return `n${value}`
  }
}
