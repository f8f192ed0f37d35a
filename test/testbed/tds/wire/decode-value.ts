import type { TdsType, TdsValue } from '../backend.ts'
import type { ByteCursor } from './byte-cursor.ts'
import { type CodePage, codePageOfBytes, decodeCharacters } from './collation.ts'
import { guidText, scaledText } from './numbers.ts'
import { TdsProtocolError } from './protocol.ts'
import { readFixedNumber, readModernTime } from './scalars.ts'
import { readVariant } from './variant.ts'

/** How values of one declared type are read. */
export interface ValueDecoder {
  readonly type: TdsType
  readonly isOldLarge: boolean
  /** Values of text, ntext and image begin with a text pointer in rows, but not in parameters. */
  read(cursor: ByteCursor, place: 'row' | 'parameter'): TdsValue
}

const MAX_LENGTH = 0xffff
const NULL_LENGTH = 0xffff
const NULL_PLP = 0xffff_ffff_ffff_ffffn

const FIXED: ReadonlyMap<number, string> = new Map([
  [0x30, 'tinyint'],
  [0x32, 'bit'],
  [0x34, 'smallint'],
  [0x38, 'int'],
  [0x7f, 'bigint'],
  [0x3b, 'real'],
  [0x3e, 'float'],
  [0x3c, 'money'],
  [0x7a, 'smallmoney'],
  [0x3d, 'datetime'],
  [0x3a, 'smalldatetime'],
])

/** Nullable families: by type id and bytes, the id of the same type when it can't be null. */
const NULLABLE: ReadonlyMap<number, ReadonlyMap<number, number>> = new Map([
  [
    0x26,
    new Map([
      [1, 0x30],
      [2, 0x34],
      [4, 0x38],
      [8, 0x7f],
    ]),
  ],
  [0x68, new Map([[1, 0x32]])],
  [
    0x6d,
    new Map([
      [4, 0x3b],
      [8, 0x3e],
    ]),
  ],
  [
    0x6e,
    new Map([
      [4, 0x7a],
      [8, 0x3c],
    ]),
  ],
  [
    0x6f,
    new Map([
      [4, 0x3a],
      [8, 0x3d],
    ]),
  ],
])

const MODERN_TIMES: ReadonlyMap<number, string> = new Map([
  [0x28, 'date'],
  [0x29, 'time'],
  [0x2a, 'datetime2'],
  [0x2b, 'datetimeoffset'],
])

/** Reads a TYPE_INFO. */
export function readTypeInfo(cursor: ByteCursor): ValueDecoder {
  const id = cursor.u8()
  const fixedName = FIXED.get(id)
  if (fixedName !== undefined) {
    return { type: { name: fixedName }, isOldLarge: false, read: (from) => readFixedNumber(id, from) ?? null }
  }
  const family = NULLABLE.get(id)
  if (family !== undefined) return nullable(id, family, cursor.u8())
  const modern = MODERN_TIMES.get(id)
  if (modern !== undefined) {
    const scale = id === 0x28 ? undefined : cursor.u8()
    return sized({ name: modern, ...(scale === undefined ? {} : { scale }) }, (from) =>
      readModernTime(id, scale ?? 0, from),
    )
  }
  return OTHERS.get(id)?.(cursor) ?? refuse(id)
}

function refuse(id: number): never {
  throw new TdsProtocolError(`the endpoint reads no values of type 0x${id.toString(16)}`)
}

function nullable(id: number, family: ReadonlyMap<number, number>, bytes: number): ValueDecoder {
  const name = FIXED.get(family.get(bytes) ?? 0)
  if (name === undefined) throw new TdsProtocolError(`type 0x${id.toString(16)} can't have ${bytes} bytes`)
  return {
    type: { name },
    isOldLarge: false,
    read(cursor) {
      const length = cursor.u8()
      if (length === 0) return null
      // A value may be of fewer bytes than the column: each has its own length.
      const fixed = family.get(length)
      if (fixed === undefined) throw new TdsProtocolError(`${name} can't have ${length} bytes`)
      return readFixedNumber(fixed, cursor) ?? null
    },
  }
}

function sized(type: TdsType, read: (cursor: ByteCursor, bytes: number) => TdsValue): ValueDecoder {
  return {
    type,
    isOldLarge: false,
    read(cursor) {
      const bytes = cursor.u8()
      return bytes === 0 ? null : read(cursor, bytes)
    },
  }
}

function decimal(name: string, cursor: ByteCursor): ValueDecoder {
  cursor.u8()
  const precision = cursor.u8()
  const scale = cursor.u8()
  return sized({ name, precision, scale }, (from, bytes) => {
    const sign = from.u8() === 1 ? 1n : -1n
    return scaledText(sign * from.uint(bytes - 1), scale)
  })
}

type Decode = (bytes: Buffer) => TdsValue

const asUtf16: Decode = (bytes) => bytes.toString('utf16le')
const asBytes: Decode = (bytes) => bytes
const inCodePage =
  (codePage: CodePage): Decode =>
  (bytes) =>
    decodeCharacters(bytes, codePage)

/** The collation, if the type has one, and how its bytes become a value. */
function reading(kind: 'characters' | 'unicode' | 'binary', cursor: ByteCursor): Decode {
  if (kind === 'binary') return asBytes
  const codePage = codePageOfBytes(cursor.bytes(5))
  return kind === 'unicode' ? asUtf16 : inCodePage(codePage)
}

const bounded =
  (name: string, kind: 'characters' | 'unicode' | 'binary') =>
  (cursor: ByteCursor): ValueDecoder => {
    const length = cursor.u16()
    const decode = reading(kind, cursor)
    if (length === MAX_LENGTH) return plp({ name, length: -1 }, decode)
    return {
      type: { name, length },
      isOldLarge: false,
      read(from) {
        const bytes = from.u16()
        return bytes === NULL_LENGTH ? null : decode(from.bytes(bytes))
      },
    }
  }

/** Types of the 4.x servers, which some clients still declare: one byte of length, code page of the server. */
const tiny =
  (name: string, kind: 'characters' | 'binary') =>
  (cursor: ByteCursor): ValueDecoder => {
    const decode = kind === 'binary' ? asBytes : inCodePage('cp1252')
    return sized({ name, length: cursor.u8() }, (from, bytes) => decode(from.bytes(bytes)))
  }

const oldLarge =
  (name: string, kind: 'characters' | 'unicode' | 'binary') =>
  (cursor: ByteCursor): ValueDecoder => {
    cursor.u32()
    const decode = reading(kind, cursor)
    return {
      type: { name },
      isOldLarge: true,
      read(from, place) {
        if (place === 'row') {
          const pointerBytes = from.u8()
          if (pointerBytes === 0) return null
          from.bytes(pointerBytes + 8)
        }
        const bytes = from.u32()
        return bytes === 0xffff_ffff ? null : decode(from.bytes(bytes))
      },
    }
  }

function plp(type: TdsType, decode: Decode): ValueDecoder {
  return {
    type,
    isOldLarge: false,
    read(cursor) {
      if (cursor.u64() === NULL_PLP) return null
      const chunks: Buffer[] = []
      for (;;) {
        const bytes = cursor.u32()
        if (bytes === 0) return decode(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks))
        chunks.push(cursor.bytes(bytes))
      }
    },
  }
}

function guid(cursor: ByteCursor): ValueDecoder {
  cursor.u8()
  return sized({ name: 'uniqueidentifier' }, (from, bytes) => guidText(from.bytes(bytes)))
}

function xml(cursor: ByteCursor): ValueDecoder {
  if (cursor.u8() === 1) {
    cursor.shortText()
    cursor.shortText()
    cursor.longText()
  }
  return plp({ name: 'xml' }, (bytes) => {
    const hasMark = bytes.length >= 2 && bytes.readUInt16LE(0) === 0xfeff
    return bytes.toString('utf16le', hasMark ? 2 : 0)
  })
}

const OTHERS: ReadonlyMap<number, (cursor: ByteCursor) => ValueDecoder> = new Map([
  [0x1f, () => ({ type: { name: 'int' }, isOldLarge: false, read: () => null })],
  [0x24, guid],
  [0x6a, (cursor) => decimal('decimal', cursor)],
  [0x6c, (cursor) => decimal('numeric', cursor)],
  [0xa7, bounded('varchar', 'characters')],
  [0xaf, bounded('char', 'characters')],
  [0xe7, bounded('nvarchar', 'unicode')],
  [0xef, bounded('nchar', 'unicode')],
  [0xa5, bounded('varbinary', 'binary')],
  [0xad, bounded('binary', 'binary')],
  [0x27, tiny('varchar', 'characters')],
  [0x2f, tiny('char', 'characters')],
  [0x25, tiny('varbinary', 'binary')],
  [0x2d, tiny('binary', 'binary')],
  [0x23, oldLarge('text', 'characters')],
  [0x63, oldLarge('ntext', 'unicode')],
  [0x22, oldLarge('image', 'binary')],
  [0xf1, xml],
  [
    0x62,
    (cursor) => {
      cursor.u32()
      return { type: { name: 'sql_variant' }, isOldLarge: false, read: readVariant }
    },
  ],
])
