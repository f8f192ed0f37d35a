import type { TdsValue } from '../backend.ts'
import type { ByteCursor } from './byte-cursor.ts'
import type { ByteWriter } from './byte-writer.ts'
import { codePageOfBytes, collationBytes, decodeCharacters } from './collation.ts'
import { guidText, scaledText } from './numbers.ts'
import { TdsProtocolError } from './protocol.ts'
import { readFixedNumber, readModernTime } from './scalars.ts'

/** The value's own type follows from what it is: text is nvarchar, an integer int, another number float. */
export function writeVariant(writer: ByteWriter, value: TdsValue): void {
  if (value === null) {
    writer.u32(0)
    return
  }
  const put = (id: number, properties: Buffer, data: Buffer) => {
    writer.u32(2 + properties.length + data.length)
    writer.u8(id)
    writer.u8(properties.length)
    writer.bytes(properties)
    writer.bytes(data)
  }
  const none = Buffer.alloc(0)
  const data = Buffer.alloc(8)
  if (typeof value === 'string') {
    put(0xe7, Buffer.concat([collationBytes('cp1252'), length16(8000)]), Buffer.from(value, 'utf16le'))
  } else if (typeof value === 'boolean') put(0x32, none, Buffer.from([value ? 1 : 0]))
  else if (typeof value === 'bigint') {
    data.writeBigInt64LE(value)
    put(0x7f, none, data)
  } else if (typeof value === 'number') {
    if (Number.isInteger(value) && Math.abs(value) < 2 ** 31) {
      data.writeInt32LE(value)
      put(0x38, none, data.subarray(0, 4))
    } else {
      data.writeDoubleLE(value)
      put(0x3e, none, data)
    }
  } else put(0xa5, length16(8000), Buffer.from(value))
}

function length16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(value)
  return bytes
}

export function readVariant(cursor: ByteCursor): TdsValue {
  const total = cursor.u32()
  if (total === 0) return null
  const id = cursor.u8()
  const properties = cursor.bytes(cursor.u8())
  const bytes = total - 2 - properties.length
  const number = readFixedNumber(id, cursor)
  if (number !== undefined) return number
  const [first = 0, second = 0] = properties
  switch (id) {
    case 0x24:
      return guidText(cursor.bytes(16))
    case 0x28:
    case 0x29:
    case 0x2a:
    case 0x2b:
      return readModernTime(id, id === 0x28 ? 0 : first, cursor)
    case 0x6a:
    case 0x6c: {
      const sign = cursor.u8() === 1 ? 1n : -1n
      return scaledText(sign * cursor.uint(bytes - 1), second)
    }
    case 0xa5:
    case 0xad:
      return cursor.bytes(bytes)
    case 0xa7:
    case 0xaf:
      return decodeCharacters(cursor.bytes(bytes), codePageOfBytes(properties.subarray(0, 5)))
    case 0xe7:
    case 0xef:
      return cursor.utf16(bytes / 2)
    default:
      throw new TdsProtocolError(`a sql_variant can't hold type 0x${id.toString(16)}`)
  }
}
