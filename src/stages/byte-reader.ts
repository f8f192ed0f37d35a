import type { Bytes } from '../core/bytes.ts'
import { createFeed } from '../core/feed.ts'
import { damaged } from './decode-through.ts'

/** Reads a stream by byte counts, for parsers of binary formats. */
export interface ByteReader {
  /** Exactly so many bytes, for headers; throws `integrity` where the stream ends before. */
  read(bytes: number): Promise<Buffer>
  /** Up to so many bytes without taking them; fewer only at the end of the stream. */
  peek(bytes: number): Promise<Buffer>
  /** At least one and at most so many bytes, uncopied; throws `integrity` at the end of the stream. */
  some(maxBytes: number): Promise<Uint8Array>
  atEnd(): Promise<boolean>
  close(): Promise<void>
}

export function createByteReader(input: Bytes, what: string, signal: AbortSignal): ByteReader {
  const feed = createFeed(input, signal)
  let rest: Uint8Array = Buffer.alloc(0)

  async function fill(bytes: number): Promise<void> {
    while (rest.length < bytes) {
      const piece = await feed.next()
      if (piece === undefined) return
      rest = rest.length === 0 ? piece : Buffer.concat([rest, piece])
    }
  }
  function take(bytes: number): Uint8Array {
    const taken = rest.subarray(0, bytes)
    rest = rest.subarray(bytes)
    return taken
  }
  return {
    async read(bytes) {
      await fill(bytes)
      if (rest.length < bytes) throw damaged(what, 'it ends too early')
      return Buffer.from(take(bytes))
    },
    async peek(bytes) {
      await fill(bytes)
      return Buffer.from(rest.subarray(0, bytes))
    },
    async some(maxBytes) {
      await fill(1)
      if (rest.length === 0) throw damaged(what, 'it ends too early')
      return take(Math.min(maxBytes, rest.length))
    },
    async atEnd() {
      await fill(1)
      return rest.length === 0
    },
    close: () => feed.close(),
  }
}
