import type { TdsType, TdsValue } from '../backend.ts'
import { decimalOfNumber, digitsOf, formatDecimal, parseDecimal, rescale } from './decimal.ts'
import { bytesOfGuid, guidOfBytes } from './guid-bytes.ts'
import { notPlayed, SqlError } from './sql-error.ts'
import { fitMoment, momentText, parseMoment, styledText } from './temporal.ts'
import { familyOf, isMax, isUnicode } from './types.ts'

const RANGES: Readonly<Record<string, readonly [bigint, bigint]>> = {
  tinyint: [0n, 255n],
  smallint: [-32768n, 32767n],
  int: [-2147483648n, 2147483647n],
  bigint: [-9223372036854775808n, 9223372036854775807n],
}

const MONEY_RANGE: Readonly<Record<string, bigint>> = { money: 9223372036854775807n, smallmoney: 2147483647n }

/** What one value becomes in another type: the rules of CAST and CONVERT, and of an assignment to a column. */
export function convertValue(value: TdsValue, from: TdsType, to: TdsType, style?: number): TdsValue {
  if (value === null) return null
  const source = familyOf(from)
  switch (familyOf(to)) {
    case 'integer':
      return toInteger(value, from, to)
    case 'exact':
      return toExact(value, from, to)
    case 'float': {
      const number = toNumber(value, from, to)
      return to.name === 'real' ? Math.fround(number) : number
    }
    case 'text':
      return toText(value, from, to, style)
    case 'binary':
      return toBinary(value, from, to, style)
    case 'temporal': {
      if (source !== 'text' && source !== 'temporal') throw clash(from, to)
      const moment = parseMoment(String(value))
      const fitted = moment === undefined ? undefined : fitMoment(moment, to)
      if (fitted === undefined) {
        if (to.name === 'datetime' || to.name === 'smalldatetime')
          throw new SqlError(
            moment === undefined ? 241 : 242,
            moment === undefined
              ? 'Conversion failed when converting date and/or time from character string.'
              : `The conversion of a ${from.name} data type to a ${to.name} data type resulted in an out-of-range value.`,
          )
        throw new SqlError(241, 'Conversion failed when converting date and/or time from character string.')
      }
      return momentText(fitted, to)
    }
    case 'guid': {
      if (source === 'guid') return value
      if (source === 'binary') return guidOfBytes(value as Uint8Array)
      if (source !== 'text') throw clash(from, to)
      const match = /^\s*\{?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/i.exec(
        String(value),
      )
      if (match === null)
        throw new SqlError(
          8169,
          'Conversion failed when converting from a character string to uniqueidentifier.',
          { endsBatch: true },
        )
      return (match[1] as string).toUpperCase()
    }
    case 'udt': {
      if (source === 'udt' || source === 'binary') return value
      throw notPlayed(`the conversion of ${from.name} to ${to.name}`)
    }
    case 'variant':
      throw notPlayed('this conversion to sql_variant')
  }
}

export function clash(from: TdsType, to: TdsType): SqlError {
  return new SqlError(529, `Explicit conversion from data type ${from.name} to ${to.name} is not allowed.`)
}

const overflow = (to: TdsType) =>
  new SqlError(8115, `Arithmetic overflow error converting expression to data type ${to.name}.`, {
    endsBatch: false,
  })

function toInteger(value: TdsValue, from: TdsType, to: TdsType): TdsValue {
  const source = familyOf(from)
  if (to.name === 'bit') {
    if (typeof value === 'boolean') return value
    if (source === 'text') {
      const word = String(value).trim().toLowerCase()
      if (word === 'true' || word === 'false') return word === 'true'
    }
    const decimal = source === 'float' ? decimalOfNumber(value as number) : parseDecimal(plain(value, from))
    if (decimal === undefined) throw failed(value, from, to)
    return decimal.unscaled !== 0n
  }
  let whole: bigint
  if (typeof value === 'boolean') whole = value ? 1n : 0n
  else if (source === 'integer') whole = BigInt(value as number | bigint)
  else if (source === 'float') {
    if (Math.abs(value as number) > 1e19) throw overflow(to)
    whole = BigInt(Math.trunc(value as number))
  } else if (source === 'exact') {
    const decimal = parseDecimal(String(value))
    if (decimal === undefined) throw overflow(to)
    // money rounds, decimal cuts.
    whole = from.name.endsWith('money')
      ? rescale(decimal, 0).unscaled
      : decimal.unscaled / 10n ** BigInt(decimal.scale)
  } else if (source === 'text') {
    const text = String(value).trim()
    if (text !== '' && !/^[+-]?\d+$/.test(text)) throw failed(value, from, to)
    whole = BigInt(text === '' ? '0' : text.replace(/^\+/, ''))
  } else if (source === 'binary') {
    const bytes = (value as Uint8Array).slice(-(to.length ?? 4))
    whole = BigInt.asIntN((to.length ?? 4) * 8, BigInt(`0x0${Buffer.from(bytes).toString('hex')}`))
    if (to.name === 'tinyint') whole = BigInt.asUintN(8, whole)
  } else throw clash(from, to)
  const [low, high] = RANGES[to.name] as readonly [bigint, bigint]
  if (whole < low || whole > high) {
    if (source === 'text')
      throw new SqlError(
        248,
        `The conversion of the ${from.name} value '${value}' overflowed an ${to.name} column.`,
      )
    throw overflow(to)
  }
  return to.name === 'bigint' ? whole : Number(whole)
}

function failed(value: TdsValue, from: TdsType, to: TdsType): SqlError {
  if (familyOf(to) === 'integer')
    return new SqlError(
      245,
      `Conversion failed when converting the ${from.name} value '${value}' to data type ${to.name}.`,
    )
  return new SqlError(8114, `Error converting data type ${from.name} to ${to.name}.`)
}

const plain = (value: TdsValue, from: TdsType): string =>
  typeof value === 'boolean'
    ? value
      ? '1'
      : '0'
    : familyOf(from) === 'text'
      ? String(value).trim()
      : String(value)

function toExact(value: TdsValue, from: TdsType, to: TdsType): TdsValue {
  const source = familyOf(from)
  if (source === 'temporal' || source === 'guid' || source === 'binary' || source === 'udt')
    throw clash(from, to)
  let text = plain(value, from)
  if (to.name.endsWith('money') && source === 'text')
    text = text.replaceAll(',', '').replace(/^([-+]?)[$€£]/, '$1')
  const decimal = source === 'float' ? decimalOfNumber(value as number) : parseDecimal(text)
  if (decimal === undefined) throw failed(value, from, to)
  const scale = to.scale ?? 0
  const scaled = rescale(decimal, scale)
  const magnitude = scaled.unscaled < 0n ? -scaled.unscaled : scaled.unscaled
  const most = MONEY_RANGE[to.name]
  const fits =
    most === undefined
      ? digitsOf(scaled.unscaled) <= (to.precision ?? 18)
      : magnitude <= (scaled.unscaled < 0n ? most + 1n : most)
  if (!fits)
    throw new SqlError(8115, `Arithmetic overflow error converting ${from.name} to data type ${to.name}.`, {
      endsBatch: false,
    })
  return formatDecimal(scaled)
}

function toNumber(value: TdsValue, from: TdsType, to: TdsType): number {
  const source = familyOf(from)
  if (typeof value === 'boolean') return value ? 1 : 0
  if (source === 'text') {
    const text = String(value).trim()
    if (!/^[+-]?(\d+\.?\d*|\.\d+)?(e[+-]?\d+)?$/i.test(text)) throw failed(value, from, to)
    return text === '' ? 0 : Number(text)
  }
  if (source === 'integer' || source === 'exact' || source === 'float') return Number(value)
  throw clash(from, to)
}

function toText(value: TdsValue, from: TdsType, to: TdsType, style = 0): string {
  const source = familyOf(from)
  let text: string
  if (source === 'text' || source === 'guid') text = String(value)
  else if (source === 'integer') text = typeof value === 'boolean' ? (value ? '1' : '0') : String(value)
  else if (source === 'exact') {
    const money = from.name.endsWith('money')
    text = money && style !== 2 && style !== 126 ? moneyText(String(value), style) : String(value)
  } else if (source === 'float') text = floatText(value as number, from, style)
  else if (source === 'temporal') {
    // CAST of the newer types gives ISO text; datetime's default is style 0.
    const styled = styledText(String(value), from, style)
    if (styled === undefined) throw notPlayed(`CONVERT of ${from.name} with style ${style}`)
    text = styled
  } else if (source === 'binary') text = binaryText(value as Uint8Array, to, style)
  else throw notPlayed(`the conversion of ${from.name} to ${to.name}`)
  return fitText(text, to, source)
}

function fitText(text: string, to: TdsType, source: string): string {
  const units = isUnicode(to) ? (to.length ?? -2) / 2 : (to.length ?? -1)
  const kept = isUnicode(to) ? text : toCodePage(text)
  if (isMax(to) || units < 0) return kept
  if (kept.length > units) {
    if (source === 'integer') return '*'
    if (source === 'exact' || source === 'float')
      throw new SqlError(
        8115,
        `Arithmetic overflow error converting ${source === 'exact' ? 'numeric' : 'float'} to data type ${to.name}.`,
        { endsBatch: false },
      )
    if (source === 'guid')
      throw new SqlError(8170, 'Insufficient result space to convert uniqueidentifier value to char.')
    return kept.slice(0, units)
  }
  return to.name === 'char' || to.name === 'nchar' ? kept.padEnd(units, ' ') : kept
}

const CP1252 = '€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ'

/** Code page 1252 of the default collation: what it lacks becomes a question mark, as the server does it. */
export function toCodePage(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of the code page starts at U+0000
  return text.replace(/[^\u0000-\u00FF]/g, (char) => (CP1252.includes(char) ? char : '?'))
}

function moneyText(value: string, style: number): string {
  const decimal = parseDecimal(value)
  if (decimal === undefined) return value
  const text = formatDecimal(rescale(decimal, 2))
  return style === 1 ? text.replace(/\B(?=(\d{3})+(?=\.))/g, ',') : text
}

function floatText(value: number, from: TdsType, style: number): string {
  const exponent = (digits: number) =>
    value
      .toExponential(digits)
      .replace(/e([+-])(\d)$/, 'e$100$2')
      .replace(/e([+-])(\d\d)$/, 'e$10$2')
  if (style === 1) return exponent(7)
  if (style === 2) return exponent(15)
  if (style === 3) {
    // Shortest text that reads back the same: 17 digits of a float, 9 of a real are enough.
    const digits = from.name === 'real' ? 9 : 17
    return Number(value.toPrecision(digits))
      .toString()
      .replace(/e([+-])(\d)$/, 'e$100$2')
      .replace(/e([+-])(\d\d)$/, 'e$10$2')
  }
  const short = Number(value.toPrecision(6))
  if (short !== 0 && (Math.abs(short) >= 1e6 || Math.abs(short) < 1e-4))
    return short
      .toExponential()
      .replace(/e([+-])(\d)$/, 'e$100$2')
      .replace(/e([+-])(\d\d)$/, 'e$10$2')
  return short.toString()
}

function binaryText(bytes: Uint8Array, to: TdsType, style: number): string {
  const hex = Buffer.from(bytes).toString('hex').toUpperCase()
  if (style === 1) return `0x${hex}`
  if (style === 2) return hex
  return Buffer.from(bytes).toString(isUnicode(to) ? 'utf16le' : 'latin1')
}

function toBinary(value: TdsValue, from: TdsType, to: TdsType, style = 0): Uint8Array {
  const source = familyOf(from)
  let bytes: Uint8Array
  if (source === 'binary' || source === 'udt') bytes = value as Uint8Array
  else if (source === 'integer') {
    const width = from.length ?? 4
    const bits = BigInt.asUintN(width * 8, BigInt(value as number | bigint | boolean))
    bytes = Buffer.from(bits.toString(16).padStart(width * 2, '0'), 'hex')
    if (to.length !== -1 && bytes.length < (to.length ?? 0) && to.name === 'binary')
      bytes = Buffer.concat([Buffer.alloc((to.length ?? 0) - bytes.length), bytes])
    else if (to.length !== -1) bytes = bytes.slice(-(to.length ?? 8))
  } else if (source === 'guid') bytes = bytesOfGuid(String(value))
  else if (source === 'text') {
    const text = String(value)
    if (style === 1 || style === 2) {
      const hex = style === 1 ? text.replace(/^0x/i, '') : text
      if ((style === 1 && !/^0x/i.test(text)) || hex.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(hex))
        throw new SqlError(8114, `Error converting data type ${from.name} to ${to.name}.`)
      bytes = Buffer.from(hex, 'hex')
    } else bytes = Buffer.from(text, isUnicode(from) ? 'utf16le' : 'latin1')
  } else throw notPlayed(`the conversion of ${from.name} to ${to.name}`)
  const copy = Uint8Array.from(bytes)
  const limit = to.name === 'timestamp' ? 8 : (to.length ?? -1)
  if (isMax(to) || limit < 0) return copy
  if (copy.length > limit) return copy.slice(0, limit)
  if ((to.name === 'binary' || to.name === 'timestamp') && copy.length < limit) {
    const padded = new Uint8Array(limit)
    padded.set(copy)
    return padded
  }
  return copy
}
