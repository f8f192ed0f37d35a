import type { TdsType, TdsValue } from '../backend.ts'
import type { ByteWriter } from './byte-writer.ts'
import { codePageOf, collationBytes, encodeCharacters } from './collation.ts'
import type { TdsVersion } from './protocol.ts'
import { expect, expectBytes, plain, type ValueEncoder } from './value-encoder.ts'

const ROWVERSION_USER_TYPE = 80
const MAX_LENGTH = 0xffff
const NULL_LENGTH = 0xffff
const NULL_PLP = 0xffff_ffff_ffff_ffffn

/** Clients older than TDS 7.3 know none of them: SQL Server gives them nvarchar. */
export function modernTimeAsText({ name, scale = 7 }: TdsType, version: TdsVersion): ValueEncoder {
  const fraction = scale === 0 ? 0 : scale + 1
  const date = name === 'time' ? 0 : 10
  const time = name === 'date' ? 0 : 8 + fraction
  const units = date + time + (date > 0 && time > 0 ? 1 : 0) + (name === 'datetimeoffset' ? 7 : 0)
  return unicode({ name: 'nvarchar', length: units * 2 }, version)
}

export function characters(type: TdsType, version: TdsVersion): ValueEncoder {
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

export function unicode(type: TdsType, version: TdsVersion): ValueEncoder {
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

export function binary(type: TdsType, version: TdsVersion): ValueEncoder {
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

export function xml(): ValueEncoder {
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

/** Types of the server's own CLR assembly; their values are its bytes. */
export function clr(name: string): ValueEncoder {
  return {
    ...plain,
    writeInfo(writer) {
      writer.u8(0xf0)
      writer.u16(name === 'hierarchyid' ? 892 : MAX_LENGTH)
      writer.shortText('')
      writer.shortText('sys')
      writer.shortText(name)
      writer.longText('Microsoft.SqlServer.Types')
    },
    write(writer, value) {
      writePlp(writer, value === null ? undefined : Buffer.from(expectBytes(value, name)))
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
