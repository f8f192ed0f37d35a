import type { TdsColumn, TdsValue } from '../backend.ts'
import { type ByteCursor, createByteCursor, NeedMoreBytes } from './byte-cursor.ts'
import { readTypeInfo, type ValueDecoder } from './decode-value.ts'
import { TdsProtocolError, type TdsVersion, TOKEN } from './protocol.ts'

/** What a BULK LOAD message holds: columns as the client declares them, and rows as they arrive. */
export interface BulkRows {
  readonly columns: readonly TdsColumn[]
  readonly rows: AsyncIterable<readonly TdsValue[]>
}

const NULLABLE = 0x01
const IDENTITY = 0x10

/**
 * Ends with the message: tedious and Microsoft's clients write a DONE before that, FreeTDS does not. Undefined for a
 * message without columns, which FreeTDS sends for a file without rows.
 */
export async function readBulkRows(
  pieces: AsyncIterator<Buffer>,
  version: TdsVersion,
): Promise<BulkRows | undefined> {
  let buffer: Buffer = Buffer.alloc(0)
  let ended = false

  async function load(bytes: number): Promise<void> {
    const parts = [buffer]
    let have = buffer.length
    while (have < bytes && !ended) {
      const next = await pieces.next()
      if (next.done === true) ended = true
      else {
        parts.push(next.value)
        have += next.value.length
      }
    }
    buffer = Buffer.concat(parts)
  }

  /** Parses one thing that may not have arrived whole yet, and drops its bytes. */
  async function parse<Value>(read: (cursor: ByteCursor) => Value): Promise<Value> {
    for (;;) {
      const cursor = createByteCursor(buffer)
      try {
        const value = read(cursor)
        buffer = buffer.subarray(cursor.offset)
        return value
      } catch (thrown) {
        if (!(thrown instanceof NeedMoreBytes)) throw thrown
        if (ended) throw new TdsProtocolError('the bulk load ends inside a row', { cause: thrown })
        // By half more each time: a large value in many chunks is not parsed anew for each of them.
        await load(Math.max(thrown.bytes, Math.ceil(buffer.length * 1.5)))
      }
    }
  }

  async function isAtEnd(): Promise<boolean> {
    if (buffer.length === 0) await load(1)
    return buffer.length === 0
  }

  if (await isAtEnd()) return undefined
  const described = await parse((cursor) => readColumns(cursor, version))

  async function* rows(): AsyncGenerator<readonly TdsValue[]> {
    while (!(await isAtEnd())) {
      if (buffer[0] === TOKEN.done) {
        await parse((cursor) => cursor.bytes(version < 72 ? 9 : 13))
        if (await isAtEnd()) return
        throw new TdsProtocolError('something follows the end of a bulk load')
      }
      yield await parse((cursor) => readRow(cursor, described.decoders))
    }
  }
  return { columns: described.columns, rows: rows() }
}

function readColumns(
  cursor: ByteCursor,
  version: TdsVersion,
): { readonly columns: readonly TdsColumn[]; readonly decoders: readonly ValueDecoder[] } {
  const token = cursor.u8()
  if (token !== TOKEN.columns)
    throw new TdsProtocolError(`a bulk load begins with token 0x${token.toString(16)}`)
  const columns: TdsColumn[] = []
  const decoders: ValueDecoder[] = []
  const count = cursor.u16()
  for (let index = 0; index < count; index += 1) {
    // The user type, which says nothing here.
    if (version < 72) cursor.u16()
    else cursor.u32()
    const flags = cursor.u16()
    const decoder = readTypeInfo(cursor)
    // Other than in results, one name without a number of parts.
    if (decoder.isOldLarge) cursor.longText()
    const name = cursor.shortText()
    decoders.push(decoder)
    columns.push({
      name,
      type: decoder.type,
      nullable: (flags & NULLABLE) !== 0,
      identity: (flags & IDENTITY) !== 0,
    })
  }
  return { columns, decoders }
}

function readRow(cursor: ByteCursor, decoders: readonly ValueDecoder[]): readonly TdsValue[] {
  const token = cursor.u8()
  if (token === TOKEN.row) return decoders.map((decoder) => decoder.read(cursor, 'row'))
  if (token !== TOKEN.nullBitmapRow) {
    throw new TdsProtocolError(`token 0x${token.toString(16)} stands where a row should begin`)
  }
  const bitmap = cursor.bytes(Math.ceil(decoders.length / 8))
  return decoders.map((decoder, index) =>
    ((bitmap[index >> 3] ?? 0) & (1 << (index & 7))) !== 0 ? null : decoder.read(cursor, 'row'),
  )
}
