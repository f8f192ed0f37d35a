import type { TdsType, TdsValue } from '../backend.ts'
import type { Expr } from './ast.ts'
import { formatDecimal, parseDecimal, rescale } from './decimal.ts'
import type { Compiled, Env } from './scope.ts'
import { notPlayed, SqlError } from './sql-error.ts'
import { BIGINT, decimal, FLOAT, familyOf, INT } from './types.ts'
import { compareValues, keyOf } from './values.ts'

export const AGGREGATES = new Set(['COUNT', 'COUNT_BIG', 'SUM', 'MIN', 'MAX', 'AVG', 'STRING_AGG'])

export function hasAggregate(expr: Expr | undefined): boolean {
  if (expr === undefined) return false
  switch (expr.kind) {
    case 'call':
      if (
        expr.over === undefined &&
        expr.name.length === 1 &&
        AGGREGATES.has((expr.name[0] ?? '').toUpperCase())
      )
        return true
      return expr.args.some(hasAggregate)
    case 'unary':
    case 'not':
    case 'is-null':
    case 'collate':
    case 'convert':
    case 'like':
      return hasAggregate(expr.operand)
    case 'binary':
    case 'compare':
    case 'logic':
      return hasAggregate(expr.left) || hasAggregate(expr.right)
    case 'case':
      return (
        hasAggregate(expr.operand) ||
        hasAggregate(expr.otherwise) ||
        expr.whens.some(({ when, result }) => hasAggregate(when) || hasAggregate(result))
      )
    default:
      return false
  }
}

export function aggregateType(name: string, args: readonly Compiled[]): TdsType {
  const type = args[0]?.type ?? INT
  if (name === 'COUNT') return INT
  if (name === 'COUNT_BIG') return BIGINT
  if (name === 'STRING_AGG') return { name: 'nvarchar', length: type.length === -1 ? -1 : 8000 }
  if (name === 'MIN' || name === 'MAX') return type
  if (type.name === 'bit' || !['integer', 'exact', 'float'].includes(familyOf(type)))
    throw new SqlError(
      8117,
      `Operand data type ${type.name} is invalid for ${name.toLowerCase()} operator.`,
      { endsBatch: true },
    )
  if (familyOf(type) === 'float') return FLOAT
  if (type.name === 'decimal' || type.name === 'numeric')
    return {
      ...decimal(38, name === 'AVG' ? Math.max(6, type.scale ?? 0) : (type.scale ?? 0)),
      name: type.name,
    }
  if (familyOf(type) === 'exact') return { name: 'money', length: 8, precision: 19, scale: 4 }
  return type.name === 'bigint' ? BIGINT : INT
}

export function aggregate(
  name: string,
  args: readonly Compiled[],
  star: boolean,
  distinct: boolean,
  rows: readonly Env[],
): TdsValue {
  const [arg, separator] = args
  if (star || arg === undefined) {
    if (name === 'COUNT') return rows.length
    if (name === 'COUNT_BIG') return BigInt(rows.length)
    throw new SqlError(102, "Incorrect syntax near '*'.")
  }
  let values = rows.map((row) => arg.eval(row)).filter((value) => value !== null)
  if (distinct)
    values = [...new Map(values.map((value) => [keyOf(value, arg.type, arg.collation), value])).values()]
  switch (name) {
    case 'COUNT':
      return values.length
    case 'COUNT_BIG':
      return BigInt(values.length)
    case 'MIN':
    case 'MAX': {
      const sign = name === 'MIN' ? 1 : -1
      return values.reduce<TdsValue>(
        (best, value) =>
          best === null || sign * compareValues(value, best, arg.type, arg.collation) < 0 ? value : best,
        null,
      )
    }
    case 'STRING_AGG':
      return values.length === 0 ? null : values.join(String(separator?.eval(rows[0] as Env) ?? ''))
    case 'SUM':
    case 'AVG':
      return values.length === 0 ? null : total(name, values, aggregateType(name, args))
    default:
      throw notPlayed(name)
  }
}

function total(name: string, values: readonly TdsValue[], type: TdsType): TdsValue {
  if (familyOf(type) === 'float') {
    const sum = values.reduce<number>((left, right) => left + Number(right), 0)
    return name === 'AVG' ? sum / values.length : sum
  }
  if (familyOf(type) === 'integer') {
    const sum = values.reduce<bigint>((left, right) => left + BigInt(right as number), 0n)
    const result = name === 'AVG' ? sum / BigInt(values.length) : sum
    if (type.name === 'int' && (result > 2147483647n || result < -2147483648n))
      throw new SqlError(8115, 'Arithmetic overflow error converting expression to data type int.', {
        endsBatch: false,
      })
    return type.name === 'int' ? Number(result) : result
  }
  const scale = type.scale ?? 0
  const sum = values.reduce<bigint>(
    (left, right) =>
      left + rescale(parseDecimal(String(right)) ?? { unscaled: 0n, scale: 0 }, scale).unscaled,
    0n,
  )
  return formatDecimal({ unscaled: name === 'AVG' ? sum / BigInt(values.length) : sum, scale })
}
