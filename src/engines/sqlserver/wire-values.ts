import type { TYPES } from 'tedious'
import type { SqlColumn, SqlValue } from './session.ts'
import { dateDays, dateTicks, offsetParts, timeTicks, timeWidth } from './wire-dates.ts'
import { decimalUnits, decimalWidth, littleEndian } from './wire-numbers.ts'

type DriverType = (typeof TYPES)['Int']

/** A type of a bulk load: what INSERT BULK calls it, its TYPE_INFO (MS-TDS 2.2.5.4 and .5), and its values' bytes. */
export interface WireType {
  readonly declaration: string
  readonly info: Uint8Array
  /** Never called with null. Throws for what is not a value of the type. */
  encode(value: NonNullable<SqlValue>): readonly Uint8Array[]
  readonly none: Uint8Array
}

const NO_VALUE = Uint8Array.of(0)
const NO_SHORT_VALUE = Uint8Array.of(0xff, 0xff)
const NO_LONG_VALUE = new Uint8Array(8).fill(0xff)
const PLP_END = new Uint8Array(4)
/** Of text: the server takes the column's own collation, and UTF-16 needs no code page. */
const NO_COLLATION = new Uint8Array(5)
const MAX_BYTES = 8000

/**
 * The exact form of each type. The driver's own types go through doubles and Dates: decimals lose digits from 2^53 on,
 * money is cut, an offset becomes UTC. Single-byte text travels as nvarchar, which the server converts by the
 * column's collation: no code page of this machine has a say. Old and CLR types go as the types that replaced them,
 * from which the server converts implicitly, as Microsoft's own SqlBulkCopy has it.
 */
export function wireType(column: SqlColumn): WireType {
  const { type, maxLength = -1, precision = 18, scale = 0 } = column
  switch (type) {
    case 'tinyint':
      return integer(type, 1, 0n, 255n)
    case 'smallint':
      return integer(type, 2, -(2n ** 15n), 2n ** 15n - 1n)
    case 'int':
      return integer(type, 4, -(2n ** 31n), 2n ** 31n - 1n)
    case 'bigint':
      return integer(type, 8, -(2n ** 63n), 2n ** 63n - 1n)
    case 'bit':
      return short(type, [0x68, 1], (value) => Uint8Array.of(asBit(value)))
    case 'real':
      return short(type, [0x6d, 4], (value) => floatBytes(asNumber(value), 4))
    case 'float':
      return short(type, [0x6d, 8], (value) => floatBytes(asNumber(value), 8))
    case 'decimal':
    case 'numeric':
      return decimal(type, precision, scale)
    case 'money':
      return short(type, [0x6e, 8], (value) => moneyBytes(value))
    case 'smallmoney':
      return short(type, [0x6e, 4], (value) => integerBytes(decimalUnits(asText(value), 10, 4), 4))
    case 'date':
      return short(type, [0x28], (value) => littleEndian(dateDays(asText(value)), 3))
    case 'time':
      return short(`time(${column.scale ?? 7})`, [0x29, column.scale ?? 7], (value) =>
        timeBytes(asText(value), column.scale ?? 7),
      )
    case 'datetime2':
      return short(`datetime2(${column.scale ?? 7})`, [0x2a, column.scale ?? 7], (value) => {
        const [day, time] = dayAndTime(asText(value))
        return Buffer.concat([timeBytes(time, column.scale ?? 7), littleEndian(dateDays(day), 3)])
      })
    case 'datetimeoffset':
      return short(`datetimeoffset(${column.scale ?? 7})`, [0x2b, column.scale ?? 7], (value) => {
        const { days, ticks, minutes } = offsetParts(asText(value), column.scale ?? 7)
        return Buffer.concat([
          littleEndian(ticks, timeWidth(column.scale ?? 7)),
          littleEndian(days, 3),
          integerBytes(minutes, 2),
        ])
      })
    case 'datetime':
      return short(type, [0x6f, 8], (value) => {
        const { days, ticks } = dateTicks(asText(value))
        return Buffer.concat([integerBytes(days, 4), integerBytes(ticks, 4)])
      })
    case 'smalldatetime':
      return short(type, [0x6f, 4], (value) => {
        const { days, ticks } = dateTicks(asText(value))
        return Buffer.concat([littleEndian(days, 2), littleEndian(Math.round(ticks / 18_000), 2)])
      })
    case 'uniqueidentifier':
      return short(type, [0x24, 16], (value) => guidBytes(asText(value)))
    case 'char':
    case 'varchar':
      return text(maxLength === -1 || maxLength > MAX_BYTES / 2 ? -1 : maxLength)
    case 'nchar':
    case 'nvarchar':
    case 'sysname':
      return text(maxLength === -1 || maxLength > MAX_BYTES ? -1 : maxLength / 2)
    case 'text':
    case 'ntext':
    case 'json':
      return text(-1)
    case 'xml':
      // Declared as what it is and sent as text: so does SqlBulkCopy, and no bulk load is known to take XMLTYPE.
      return { ...text(-1), declaration: 'xml' }
    case 'binary':
    case 'varbinary':
      return binary(maxLength === -1 || maxLength > MAX_BYTES ? -1 : maxLength)
    case 'image':
    case 'hierarchyid':
    case 'geography':
    case 'geometry':
      return binary(-1)
    default:
      throw new TypeError(`no rows of type ${type} can be loaded`)
  }
}

/** The same as the driver wants its types. `refuse` hears of a value that is none of its type: the driver drops the error. */
export function driverType(column: SqlColumn, refuse: (reason: unknown) => void): DriverType {
  const wire = wireType(column)
  return {
    id: wire.info[0] ?? 0,
    type: column.type,
    name: `Exact ${column.type}`,
    declaration: () => wire.declaration,
    validate: (value: unknown) => value,
    writeTypeInfo: (buffer) => buffer.writeBuffer(Buffer.from(wire.info)),
    writeValue(buffer, { value }: { readonly value?: SqlValue }) {
      try {
        if (value === null || value === undefined) buffer.writeBuffer(asBuffer(wire.none))
        else for (const piece of wire.encode(value)) buffer.writeBuffer(asBuffer(piece))
      } catch (thrown) {
        refuse(thrown)
        throw thrown
      }
    },
  }
}

/** A type whose values have one byte of length before them. */
function short(
  declaration: string,
  info: readonly number[],
  bytes: (value: NonNullable<SqlValue>) => Uint8Array,
): WireType {
  return {
    declaration,
    info: Uint8Array.from(info),
    none: NO_VALUE,
    encode(value) {
      const encoded = bytes(value)
      const whole = Buffer.allocUnsafe(1 + encoded.length)
      whole[0] = encoded.length
      whole.set(encoded, 1)
      return [whole]
    },
  }
}

function integer(declaration: string, width: number, least: bigint, most: bigint): WireType {
  return short(declaration, [0x26, width], (value) => {
    if (typeof value !== 'bigint' && !(typeof value === 'number' && Number.isSafeInteger(value))) {
      throw new TypeError(`a ${typeof value} came where an integer is due`)
    }
    if (value < least || value > most) throw new TypeError(`${value} is out of the range of ${declaration}`)
    if (width === 8) return integerBytes(BigInt(value), width)
    // A tinyint has no sign.
    return width === 1 ? Uint8Array.of(Number(value)) : integerBytes(Number(value), width)
  })
}

function decimal(type: string, precision: number, scale: number): WireType {
  const width = decimalWidth(precision)
  return short(
    `${type}(${precision}, ${scale})`,
    [type === 'decimal' ? 0x6a : 0x6c, width + 1, precision, scale],
    (value) => {
      const units = decimalUnits(asText(value), precision, scale)
      const sign = Uint8Array.of(units < 0n ? 0 : 1)
      return Buffer.concat([sign, littleEndian(units < 0n ? -units : units, width)])
    },
  )
}

/** `units` of UTF-16, -1 for max. */
function text(units: number): WireType {
  const size = units === -1 ? 0xffff : units * 2
  return {
    declaration: `nvarchar(${units === -1 ? 'max' : units})`,
    info: Uint8Array.of(0xe7, size & 0xff, size >> 8, ...NO_COLLATION),
    none: units === -1 ? NO_LONG_VALUE : NO_SHORT_VALUE,
    encode: (value) => sized(Buffer.from(asText(value), 'utf16le'), units === -1 ? -1 : size),
  }
}

function binary(bytes: number): WireType {
  const size = bytes === -1 ? 0xffff : bytes
  return {
    declaration: `varbinary(${bytes === -1 ? 'max' : bytes})`,
    info: Uint8Array.of(0xa5, size & 0xff, size >> 8),
    none: bytes === -1 ? NO_LONG_VALUE : NO_SHORT_VALUE,
    encode: (value) => {
      if (!(value instanceof Uint8Array)) throw new TypeError('it is no binary value')
      return sized(value, bytes)
    },
  }
}

/** Two bytes of length, or (max) eight and the value as one chunk (MS-TDS 2.2.5.2.3, PLP). */
function sized(bytes: Uint8Array, most: number): readonly Uint8Array[] {
  if (most !== -1) {
    if (bytes.length > most) throw new TypeError(`it has ${bytes.length} bytes, more than ${most}`)
    return [littleEndian(bytes.length, 2), bytes]
  }
  const total = littleEndian(BigInt(bytes.length), 8)
  if (bytes.length === 0) return [total, PLP_END]
  return [total, littleEndian(bytes.length, 4), bytes, PLP_END]
}

function moneyBytes(value: NonNullable<SqlValue>): Uint8Array {
  const units = integerBytes(decimalUnits(asText(value), 19, 4), 8)
  // The high half comes first.
  return Buffer.concat([units.subarray(4), units.subarray(0, 4)])
}

/** Signed. */
function integerBytes(number: number | bigint, width: number): Buffer {
  const bytes = Buffer.allocUnsafe(8)
  if (typeof number === 'number') {
    bytes.writeIntLE(number, 0, width)
    return bytes.subarray(0, width)
  }
  if (BigInt.asIntN(width * 8, number) !== number)
    throw new TypeError(`${number} needs more than ${width} bytes`)
  bytes.writeBigInt64LE(number)
  return bytes.subarray(0, width)
}

function floatBytes(number: number, width: 4 | 8): Uint8Array {
  const bytes = Buffer.alloc(width)
  if (width === 4) bytes.writeFloatLE(number)
  else bytes.writeDoubleLE(number)
  return bytes
}

function timeBytes(time: string, scale: number): Uint8Array {
  return littleEndian(timeTicks(time, scale), timeWidth(scale))
}

function dayAndTime(text: string): readonly [string, string] {
  const at = text.search(/[ T]/)
  return at === -1 ? [text, '00:00:00'] : [text.slice(0, at), text.slice(at + 1)]
}

/** The first three groups are little-endian numbers, the rest bytes. */
function guidBytes(value: string): Uint8Array {
  if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value))
    throw new TypeError('it is no uniqueidentifier')
  const bytes = Buffer.from(value.replaceAll('-', ''), 'hex')
  bytes.subarray(0, 4).reverse()
  bytes.subarray(4, 6).reverse()
  bytes.subarray(6, 8).reverse()
  return bytes
}

function asText(value: NonNullable<SqlValue>): string {
  if (typeof value === 'string') return value
  throw new TypeError(`a ${typeof value} came where text is due`)
}

function asNumber(value: NonNullable<SqlValue>): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw new TypeError(`a ${typeof value} came where a number is due`)
}

function asBit(value: NonNullable<SqlValue>): 0 | 1 {
  if (typeof value === 'boolean') return value ? 1 : 0
  throw new TypeError(`a ${typeof value} came where a bit is due`)
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
