import { LifeboatError } from '../core/errors.ts'
import type { ByteReader } from './byte-reader.ts'
import { damaged } from './decode-through.ts'

export const ZSTD_WHAT = 'the zstd stream'
const FRAME_MAGIC = 0xfd2fb528
const SKIPPABLE_MAGIC = 0x184d2a50
const RLE_BLOCK = 1
const RESERVED_BLOCK = 3
/** 128 MiB, more than which node:zlib and the zstd program refuse by default. */
const MOST_WINDOW_BITS = 27
const GATHER_BYTES = 256 * 1024

/** Skips a skippable frame (RFC 8878, 3.1.2), true if there was one. */
export async function skipFrame(reader: ByteReader): Promise<boolean> {
  const start = await reader.peek(4)
  if (start.length < 4 || (start.readUInt32LE(0) & 0xfffffff0) >>> 0 !== SKIPPABLE_MAGIC) return false
  const header = await reader.read(8)
  for (let left = header.readUInt32LE(4); left > 0; ) left -= (await reader.some(left)).length
  return true
}

/** The bytes of exactly one frame (RFC 8878, 3.1.1), in pieces that are worth a trip to a thread. */
export async function* zstdFrame(reader: ByteReader): AsyncGenerator<Uint8Array> {
  let gathered: Uint8Array[] = []
  let bytes = 0
  for await (const piece of framePieces(reader)) {
    gathered.push(piece)
    bytes += piece.length
    if (bytes < GATHER_BYTES) continue
    yield Buffer.concat(gathered)
    gathered = []
    bytes = 0
  }
  if (bytes > 0) yield Buffer.concat(gathered)
}

async function* framePieces(reader: ByteReader): AsyncGenerator<Uint8Array> {
  const start = await reader.read(5)
  if (start.readUInt32LE(0) !== FRAME_MAGIC) {
    throw damaged(ZSTD_WHAT, 'there are bytes that are no zstd frame')
  }
  const descriptor = start.readUInt8(4)
  const singleSegment = (descriptor & 0x20) !== 0
  const hasChecksum = (descriptor & 0x04) !== 0
  if ((descriptor & 0x03) !== 0) {
    throw new LifeboatError('unsupported', `unable to decode ${ZSTD_WHAT}: it needs a dictionary`, {
      hint: 'Decompress it by hand with zstd -d -D DICTIONARY.',
    })
  }
  const sizeCode = descriptor >> 6
  const sizeBytes = sizeCode === 0 ? (singleSegment ? 1 : 0) : 1 << sizeCode
  yield start
  const more = (singleSegment ? 0 : 1) + sizeBytes
  if (more > 0) {
    const fields = await reader.read(more)
    if (!singleSegment && 10 + (fields.readUInt8(0) >> 3) > MOST_WINDOW_BITS) {
      throw new LifeboatError('unsupported', `unable to decode ${ZSTD_WHAT}: its window is too long`, {
        hint: 'Decompress it by hand with zstd -d --long=31.',
      })
    }
    yield fields
  }
  for (let last = false; !last; ) {
    const blockStart = await reader.read(3)
    const block = blockStart.readUIntLE(0, 3)
    const type = (block >> 1) & 0x03
    if (type === RESERVED_BLOCK) throw damaged(ZSTD_WHAT, 'it holds a block of no known type')
    last = (block & 1) === 1
    yield blockStart
    for (let left = type === RLE_BLOCK ? 1 : block >> 3; left > 0; ) {
      const piece = await reader.some(left)
      left -= piece.length
      yield piece
    }
  }
  if (hasChecksum) yield await reader.read(4)
}
