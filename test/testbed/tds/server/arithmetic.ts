import type { TdsType, TdsValue } from '../backend.ts'
import { digitsOf, formatDecimal, parseDecimal, rescale } from './decimal.ts'
import type { Compiled } from './scope.ts'
import { notPlayed, SqlError } from './sql-error.ts'
import { dayOf, fitMoment, momentText, parseMoment } from './temporal.ts'
import { decimal, familyOf, isUnicode, nvarchar, varbinary, varchar } from './types.ts'
import { castValue, commonType } from './values.ts'

const overflow = (type: TdsType) =>
  new SqlError(8115, `Arithmetic overflow error converting expression to data type ${type.name}.`, {
    endsBatch: false,
  })
const byZero = () => new SqlError(8134, 'Divide by zero error encountered.')

export function arithmetic(op: string, left: Compiled, right: Compiled): Compiled {
  const type = resultType(op, left, right)
  const family = familyOf(type)
  const apply = operation(op, type)
  // A product or quotient has a scale of its own: its operands keep theirs.
  const operand = (side: Compiled): TdsType =>
    family !== 'exact' ? type : familyOf(side.type) === 'exact' ? side.type : exactOf(side.type, type)
  const leftType = operand(left)
  const rightType = operand(right)
  return {
    type,
    nullable: left.nullable || right.nullable,
    collation: left.collation ?? right.collation,
    eval(env) {
      const a = left.eval(env)
      const b = right.eval(env)
      if (a === null || b === null) return null
      return apply(castValue(a, left.type, leftType), castValue(b, right.type, rightType))
    },
  }
}

function exactOf(type: TdsType, wanted: TdsType): TdsType {
  const digits = { bigint: 19, int: 10, smallint: 5, tinyint: 3, bit: 1 }[type.name]
  return digits === undefined ? wanted : decimal(digits, 0)
}

function resultType(op: string, left: Compiled, right: Compiled): TdsType {
  if (left.isNull === true) return right.type
  if (right.isNull === true) return left.type
  const common = commonType(left.type, right.type)
  const family = familyOf(common)
  if (op === '+' && (family === 'text' || family === 'binary')) {
    const max = left.type.length === -1 || right.type.length === -1
    const total = (left.type.length ?? 0) + (right.type.length ?? 0)
    if (family === 'binary') return varbinary(max ? -1 : Math.min(8000, total))
    const units = (type: TdsType) => (isUnicode(type) ? (type.length ?? 0) / 2 : (type.length ?? 0))
    const chars = units(left.type) + units(right.type)
    return isUnicode(common)
      ? nvarchar(max ? -1 : Math.min(4000, chars))
      : varchar(max ? -1 : Math.min(8000, chars))
  }
  if (common.name !== 'decimal' && common.name !== 'numeric') return common
  const a = familyOf(left.type) === 'exact' ? left.type : exactOf(left.type, common)
  const b = familyOf(right.type) === 'exact' ? right.type : exactOf(right.type, common)
  const [p1 = 18, s1 = 0, p2 = 18, s2 = 0] = [a.precision, a.scale, b.precision, b.scale]
  const [precision, scale] =
    op === '*'
      ? [p1 + p2 + 1, s1 + s2]
      : op === '/'
        ? [p1 - s1 + s2 + Math.max(6, s1 + p2 + 1), Math.max(6, s1 + p2 + 1)]
        : [Math.max(s1, s2) + Math.max(p1 - s1, p2 - s2) + 1, Math.max(s1, s2)]
  if (precision <= 38) return { ...decimal(precision, scale), name: common.name }
  const kept =
    op === '*' || op === '/'
      ? Math.min(scale, Math.max(38 - (precision - scale), Math.min(scale, 6)))
      : Math.max(0, 38 - (precision - scale))
  return { ...decimal(38, kept), name: common.name }
}

function operation(op: string, type: TdsType): (a: TdsValue, b: TdsValue) => TdsValue {
  switch (familyOf(type)) {
    case 'text':
      if (op !== '+') break
      return (a, b) => `${a}${b}`
    case 'binary':
      if (op !== '+') break
      return (a, b) => Uint8Array.from([...(a as Uint8Array), ...(b as Uint8Array)])
    case 'float':
      return (a, b) => {
        const [x, y] = [Number(a), Number(b)]
        if (op === '/' && y === 0) throw byZero()
        const result = op === '+' ? x + y : op === '-' ? x - y : op === '*' ? x * y : x / y
        if (!Number.isFinite(result)) throw overflow(type)
        return type.name === 'real' ? Math.fround(result) : result
      }
    case 'exact':
      return (a, b) => exactOperation(op, String(a), String(b), type)
    case 'integer':
      return (a, b) => {
        const result = wholeOperation(op, BigInt(a as number), BigInt(b as number))
        return castValue(
          result,
          { name: 'bigint', length: 8 },
          type.name === 'bit' && !'&|^'.includes(op) ? { name: 'int', length: 4 } : type,
        )
      }
    case 'temporal':
      if (type.name !== 'datetime' || (op !== '+' && op !== '-')) break
      return (a, b) => {
        const [x, y] = [parseMoment(String(a)), parseMoment(String(b))]
        const zero = dayOf(1900, 1, 1) as number
        if (x === undefined || y === undefined) return null
        const sign = op === '+' ? 1 : -1
        const sum = { day: x.day + sign * (y.day - zero), ticks: x.ticks + BigInt(sign) * y.ticks, offset: 0 }
        const fitted = fitMoment(sum, type)
        if (fitted === undefined) throw overflow(type)
        return momentText(fitted, type)
      }
    default:
  }
  throw new SqlError(8117, `Operand data type ${type.name} is invalid for ${op} operator.`, {
    endsBatch: true,
  })
}

function wholeOperation(op: string, a: bigint, b: bigint): bigint {
  switch (op) {
    case '+':
      return a + b
    case '-':
      return a - b
    case '*':
      return a * b
    case '/':
      if (b === 0n) throw byZero()
      return a / b
    case '%':
      if (b === 0n) throw byZero()
      return a % b
    case '&':
      return a & b
    case '|':
      return a | b
    case '^':
      return a ^ b
    default:
      throw notPlayed(`the operator ${op}`)
  }
}

function exactOperation(op: string, left: string, right: string, type: TdsType): string {
  const a = parseDecimal(left) ?? { unscaled: 0n, scale: 0 }
  const b = parseDecimal(right) ?? { unscaled: 0n, scale: 0 }
  const scale = type.scale ?? 0
  let result: { unscaled: bigint; scale: number }
  if (op === '*') result = { unscaled: a.unscaled * b.unscaled, scale: a.scale + b.scale }
  else if (op === '/') {
    if (b.unscaled === 0n) throw byZero()
    result = {
      unscaled: (a.unscaled * 10n ** BigInt(scale + b.scale)) / (b.unscaled * 10n ** BigInt(a.scale)),
      scale,
    }
  } else {
    const common = Math.max(a.scale, b.scale)
    const [x, y] = [rescale(a, common).unscaled, rescale(b, common).unscaled]
    if (op === '%' && y === 0n) throw byZero()
    result = { unscaled: op === '+' ? x + y : op === '-' ? x - y : x % y, scale: common }
  }
  const fitted = rescale(result, scale)
  if (digitsOf(fitted.unscaled) > (type.precision ?? 38)) throw overflow(type)
  return formatDecimal(fitted)
}
