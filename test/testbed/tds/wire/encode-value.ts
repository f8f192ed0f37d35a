import type { TdsType } from '../backend.ts'
import { binary, characters, clr, modernTimeAsText, unicode, xml } from './encode-large.ts'
import { decimal, fixed, INTEGERS, integerWriter, modernTime } from './encode-scalar.ts'
import { guidBytes, parseScaled } from './numbers.ts'
import type { TdsVersion } from './protocol.ts'
import { DAYS_TO_1900, parseMoment } from './temporal.ts'
import { expect, plain, sized, type ValueEncoder } from './value-encoder.ts'
import { writeVariant } from './variant.ts'

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
    case 'hierarchyid':
    case 'geography':
    case 'geometry':
      return clr(name)
    default:
      throw new TypeError(`the endpoint has no type '${name}'`)
  }
}
