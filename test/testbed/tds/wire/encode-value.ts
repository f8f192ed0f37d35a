import type { TdsType, TdsValue } from '../backend.ts'
import type { ByteWriter } from './byte-writer.ts'
import { codePageOf, collationBytes, encodeCharacters } from './collation.ts'
import { decimalBytes, guidBytes, parseScaled } from './numbers.ts'
import type { TdsVersion } from './protocol.ts'
import { DAYS_TO_1900, parseMoment, TICKS_PER_DAY, timeBytes, toUtc, writeTicks } from './temporal.ts'
import { writeVariant } from './variant.ts'

/** How a column (or a return value) of one type goes out to a client of one version. */
export interface ValueEncoder {
  readonly userType: number
  /** text, ntext and image: their metadata also names a table. */
  readonly isOldLarge: boolean
  writeInfo(writer: ByteWriter): void
  /** Null as the type says null. */
  write(writer: ByteWriter, value: TdsValue): void
}

const ROWVERSION_USER_TYPE = 80
export const MAX_LENGTH = 0xffff
const NULL_LENGTH = 0xffff
const NULL_PLP = 0xffff_ffff_ffff_ffffn

export function createValueEncoder(type: TdsType, nullable: boolean, version: TdsVersion): ValueEncoder {
  const { name } = type
  const integer = INTEGERS[name]
  if (integer !== undefined) return fixed(integer, nullable, integerWriter(name, integer.bytes))
  switch (name) {
    case 'bit':
      return fixed({ id: 0x32, nullableId: 0x68, bytes: 1 }, nullable, (writer, value) => {
        writer.u8(expect(value, 'boolean', name) ? 1 : 0)
      })
    case 'real':
      return fixed({ id: 0x3b, nullableId: 0x6d, bytes: 4 }, nullable, (writer, value) => {
        writer.f32(expect(value, 'number', name))
      })
    case 'float':
      return fixed({ id: 0x3e, nullableId: 0x6d, bytes: 8 }, nullable, (writer, value) => {
        writer.f64(expect(value, 'number', name))
      })
    case 'money':
      return fixed({ id: 0x3c, nullableId: 0x6e, bytes: 8 }, nullable, (writer, value) => {
        const scaled = BigInt.asUintN(64, parseScaled(expect(value, 'string', name), 4))
        writer.u32(Number(scaled >> 32n))
        writer.u32(Number(scaled & 0xffff_ffffn))
      })
    case 'smallmoney':
      return fixed({ id: 0x7a, nullableId: 0x6e, bytes: 4 }, nullable, (writer, value) => {
        writer.i32(Number(parseScaled(expect(value, 'string', name), 4)))
      })
    case 'datetime':
      return fixed({ id: 0x3d, nullableId: 0x6f, bytes: 8 }, nullable, (writer, value) => {
        const { days, ticks } = parseMoment(expect(value, 'string', name))
        // Three-hundredths of a second.
        writer.i32(days - DAYS_TO_1900)
        writer.u32(Math.round((Number(ticks) * 3) / 100_000))
      })
    case 'smalldatetime':
      return fixed({ id: 0x3a, nullableId: 0x6f, bytes: 4 }, nullable, (writer, value) => {
        const { days, ticks } = parseMoment(expect(value, 'string', name))
        writer.u16(days - DAYS_TO_1900)
        writer.u16(Number(ticks / 600_000_000n))
      })
    case 'decimal':
    case 'numeric':
      return decimal(type)
    case 'uniqueidentifier':
      return sized(
        (writer) => {
          writer.u8(0x24)
          writer.u8(16)
        },
        (writer, value) => {
          writer.u8(16)
          writer.bytes(guidBytes(expect(value, 'string', name)))
        },
      )
    case 'date':
    case 'time':
    case 'datetime2':
    case 'datetimeoffset':
      return version < 73 ? modernTimeAsText(type, version) : modernTime(type)
    case 'char':
    case 'varchar':
    case 'text':
      return characters(type, version)
    case 'nchar':
    case 'nvarchar':
    case 'sysname':
    case 'ntext':
      return unicode(type, version)
    case 'binary':
    case 'varbinary':
    case 'image':
    case 'timestamp':
    case 'rowversion':
      return binary(type, version)
    case 'xml':
      return version < 72 ? unicode({ name: 'ntext' }, version) : xml()
    case 'sql_variant':
      return {
        ...plain,
        writeInfo(writer) {
          writer.u8(0x62)
          writer.u32(8009)
        },
        write: writeVariant,
      }
    default:
      throw new TypeError(`the endpoint has no type '${name}'`)
  }
}

interface FixedType {
  readonly id: number
  readonly nullableId: number
  readonly bytes: number
}

const INTEGERS: Readonly<Record<string, FixedType>> = {
  tinyint: { id: 0x30, nullableId: 0x26, bytes: 1 },
  smallint: { id: 0x34, nullableId: 0x26, bytes: 2 },
  int: { id: 0x38, nullableId: 0x26, bytes: 4 },
  bigint: { id: 0x7f, nullableId: 0x26, bytes: 8 },
}

const plain = { userType: 0, isOldLarge: false }

interface TypesByName {
  string: string
  number: number
  bigint: bigint
  boolean: boolean
}

export function expect<Name extends keyof TypesByName>(
  value: TdsValue,
  kind: Name,
  type: string,
): TypesByName[Name] {
  if (typeof value === kind) return value as TypesByName[Name]
  throw new TypeError(`a value of type ${type} must be a ${kind}, and this is ${typeof value} '${value}'`)
}

function expectBytes(value: TdsValue, type: string): Uint8Array {
  if (value instanceof Uint8Array) return value
  throw new TypeError(`a value of type ${type} must be bytes, and this is ${typeof value} '${value}'`)
}

function integerWriter(name: string, bytes: number): (writer: ByteWriter, value: TdsValue) => void {
  if (bytes === 8) return (writer, value) => writer.i64(expect(value, 'bigint', name))
  return (writer, value) => {
    const number = expect(value, 'number', name)
    if (bytes === 1) writer.u8(number)
    else if (bytes === 2) writer.i16(number)
    else writer.i32(number)
  }
}

/** Types that have one form for NOT NULL columns and another for the rest. */
function fixed(
  type: FixedType,
  nullable: boolean,
  write: (writer: ByteWriter, value: TdsValue) => void,
): ValueEncoder {
  if (!nullable) return { ...plain, writeInfo: (writer) => writer.u8(type.id), write }
  return sized(
    (writer) => {
      writer.u8(type.nullableId)
      writer.u8(type.bytes)
    },
    (writer, value) => {
      writer.u8(type.bytes)
      write(writer, value)
    },
  )
}

/** Types whose values begin with their length in one byte; 0 is null. */
function sized(
  writeInfo: (writer: ByteWriter) => void,
  write: (writer: ByteWriter, value: TdsValue) => void,
): ValueEncoder {
  return {
    ...plain,
    writeInfo,
    write(writer, value) {
      if (value === null) writer.u8(0)
      else write(writer, value)
    },
  }
}

function decimal(type: TdsType): ValueEncoder {
  const { precision = 18, scale = 0 } = type
  const bytes = decimalBytes(precision)
  return sized(
    (writer) => {
      writer.u8(type.name === 'numeric' ? 0x6c : 0x6a)
      writer.u8(bytes + 1)
      writer.u8(precision)
      writer.u8(scale)
    },
    (writer, value) => {
      const scaled = parseScaled(expect(value, 'string', type.name), scale)
      const magnitude = scaled < 0n ? -scaled : scaled
      if (magnitude >= 10n ** BigInt(precision))
        throw new RangeError(`'${value}' has more than ${precision} digits`)
      writer.u8(bytes + 1)
      writer.u8(scaled < 0n ? 0 : 1)
      writer.uint(magnitude, bytes)
    },
  )
}

const MODERN_TIMES: Readonly<Record<string, number>> = {
  date: 0x28,
  time: 0x29,
  datetime2: 0x2a,
  datetimeoffset: 0x2b,
}

function modernTime({ name, scale = 7 }: TdsType): ValueEncoder {
  return sized(
    (writer) => {
      writer.u8(MODERN_TIMES[name] ?? 0)
      if (name !== 'date') writer.u8(scale)
    },
    (writer, value) => {
      const moment = parseMoment(expect(value, 'string', name))
      const { days, ticks } = name === 'datetimeoffset' ? toUtc(moment) : moment
      if (ticks >= TICKS_PER_DAY) throw new RangeError(`'${value}' is later than a day ends`)
      const time = name === 'date' ? 0 : timeBytes(scale)
      writer.u8(time + (name === 'time' ? 0 : 3) + (name === 'datetimeoffset' ? 2 : 0))
      if (name !== 'date') writeTicks(writer, ticks, scale)
      if (name !== 'time') writer.uint(BigInt(days), 3)
      if (name === 'datetimeoffset') writer.i16(moment.offsetMinutes)
    },
  )
}

/** Clients older than TDS 7.3 know none of them: SQL Server gives them nvarchar. */
function modernTimeAsText({ name, scale = 7 }: TdsType, version: TdsVersion): ValueEncoder {
  const fraction = scale === 0 ? 0 : scale + 1
  const date = name === 'time' ? 0 : 10
  const time = name === 'date' ? 0 : 8 + fraction
  const units = date + time + (date > 0 && time > 0 ? 1 : 0) + (name === 'datetimeoffset' ? 7 : 0)
  return unicode({ name: 'nvarchar', length: units * 2 }, version)
}

function characters(type: TdsType, version: TdsVersion): ValueEncoder {
  const codePage = codePageOf(type.collation)
  const isFixed = type.name === 'char'
  const encode = (value: TdsValue) => {
    const bytes = encodeCharacters(expect(value, 'string', type.name), codePage)
    const missing = isFixed ? (type.length ?? 0) - bytes.length : 0
    return missing > 0 ? Buffer.concat([bytes, Buffer.alloc(missing, ' ')]) : bytes
  }
  return large(type, version, {
    id: isFixed ? 0xaf : 0xa7,
    oldLargeId: 0x23,
    collation: collationBytes(codePage),
    encode,
  })
}

function unicode(type: TdsType, version: TdsVersion): ValueEncoder {
  const isFixed = type.name === 'nchar'
  const encode = (value: TdsValue) => {
    const text = expect(value, 'string', type.name)
    return Buffer.from(isFixed ? text.padEnd((type.length ?? 0) / 2, ' ') : text, 'utf16le')
  }
  const sizedType = type.name === 'sysname' ? { ...type, length: 256 } : type
  return large(sizedType, version, {
    id: isFixed ? 0xef : 0xe7,
    oldLargeId: 0x63,
    collation: collationBytes('cp1252'),
    encode,
  })
}

function binary(type: TdsType, version: TdsVersion): ValueEncoder {
  const isVersion = type.name === 'rowversion' || type.name === 'timestamp'
  const isFixed = type.name === 'binary' || isVersion
  const encode = (value: TdsValue) => {
    const bytes = expectBytes(value, type.name)
    const missing = isFixed ? (type.length ?? 0) - bytes.length : 0
    return missing > 0 ? Buffer.concat([bytes, Buffer.alloc(missing)]) : Buffer.from(bytes)
  }
  const encoder = large(isVersion ? { ...type, length: 8 } : type, version, {
    id: isFixed ? 0xad : 0xa5,
    oldLargeId: 0x22,
    collation: undefined,
    encode,
  })
  return isVersion ? { ...encoder, userType: ROWVERSION_USER_TYPE } : encoder
}

interface LargeForm {
  readonly id: number
  readonly oldLargeId: number
  readonly collation: Buffer | undefined
  encode(value: TdsValue): Buffer
}

/** Characters and bytes: of a bounded length, max, or text and its like. */
function large(type: TdsType, version: TdsVersion, form: LargeForm): ValueEncoder {
  const { length = 1 } = type
  const isMax = length === -1
  if (['text', 'ntext', 'image'].includes(type.name) || (isMax && version < 72)) return oldLarge(form)
  return {
    ...plain,
    writeInfo(writer) {
      writer.u8(form.id)
      writer.u16(isMax ? MAX_LENGTH : length)
      if (form.collation !== undefined) writer.bytes(form.collation)
    },
    write(writer, value) {
      if (isMax) {
        writePlp(writer, value === null ? undefined : form.encode(value))
        return
      }
      if (value === null) {
        writer.u16(NULL_LENGTH)
        return
      }
      const bytes = form.encode(value)
      if (bytes.length > length) {
        throw new RangeError(
          `a value of ${bytes.length} bytes is too long for ${type.name} of ${length} bytes`,
        )
      }
      writer.u16(bytes.length)
      writer.bytes(bytes)
    },
  }
}

const TEXT_POINTER_BYTES = 16
const TIMESTAMP_BYTES = 8

function oldLarge(form: LargeForm): ValueEncoder {
  return {
    userType: 0,
    isOldLarge: true,
    writeInfo(writer) {
      writer.u8(form.oldLargeId)
      writer.u32(0x7fff_ffff)
      if (form.collation !== undefined) writer.bytes(form.collation)
    },
    write(writer, value) {
      if (value === null) {
        writer.u8(0)
        return
      }
      const bytes = form.encode(value)
      writer.u8(TEXT_POINTER_BYTES)
      writer.bytes(Buffer.alloc(TEXT_POINTER_BYTES + TIMESTAMP_BYTES))
      writer.u32(bytes.length)
      writer.bytes(bytes)
    },
  }
}

function xml(): ValueEncoder {
  return {
    ...plain,
    writeInfo(writer) {
      writer.u8(0xf1)
      // No schema collection.
      writer.u8(0)
    },
    write(writer, value) {
      writePlp(writer, value === null ? undefined : Buffer.from(expect(value, 'string', 'xml'), 'utf16le'))
    },
  }
}

function writePlp(writer: ByteWriter, bytes: Buffer | undefined): void {
  if (bytes === undefined) {
    writer.u64(NULL_PLP)
    return
  }
  writer.u64(BigInt(bytes.length))
  if (bytes.length > 0) {
    writer.u32(bytes.length)
    writer.bytes(bytes)
  }
  writer.u32(0)
}
