import type { Bytes } from '../../core/bytes.ts'
import { throwIfAborted } from '../../core/errors.ts'
import { orAborted } from '../../core/until-aborted.ts'

export interface Chunk {
  readonly bytes: Buffer
  /** Nothing follows: known because one more piece was looked for. */
  readonly last: boolean
  /** Gives the memory back for a later chunk. Only once nobody reads `bytes` any more. */
  release(): void
}

const FIRST_BYTES = 256 * 1024

/**
 * Copies a stream into chunks of equal length, but for the last. Memory is used again, so that an upload of a TiB
 * allocates a handful of chunks; and a small object costs its own size only. An empty stream is one empty chunk.
 * It throws `signal`'s reason even while the body is silent.
 */
export async function* cutChunks(
  body: Bytes,
  chunkBytes: number,
  signal: AbortSignal,
): AsyncGenerator<Chunk, undefined> {
  const iterator = body[Symbol.asyncIterator]()
  const free: Buffer[] = []
  let memory: Buffer = Buffer.allocUnsafeSlow(Math.min(FIRST_BYTES, chunkBytes))
  let used = 0
  let ended = false

  const take = (last: boolean): Chunk => {
    const whole = memory
    const chunk = { bytes: whole.subarray(0, used), last, release: () => void free.push(whole) }
    used = 0
    return chunk
  }
  const append = (piece: Uint8Array): void => {
    if (used + piece.length > memory.length) {
      const grown = Buffer.allocUnsafeSlow(
        Math.min(chunkBytes, Math.max(memory.length * 4, used + piece.length)),
      )
      memory.copy(grown, 0, 0, used)
      memory = grown
    }
    memory.set(piece, used)
    used += piece.length
  }

  try {
    for (;;) {
      throwIfAborted(signal)
      const { done, value } = await orAborted(iterator.next(), signal)
      if (done === true) {
        ended = true
        yield take(true)
        return
      }
      let piece = value
      while (piece.length > 0) {
        if (used === chunkBytes) {
          yield take(false)
          memory = free.pop() ?? Buffer.allocUnsafeSlow(chunkBytes)
        }
        const room = chunkBytes - used
        append(piece.subarray(0, room))
        piece = piece.subarray(room)
      }
    }
  } finally {
    // Not awaited: a body that is silent answers return() only when it wakes.
    if (!ended) void close(iterator)
  }
}

async function close(iterator: AsyncIterator<Uint8Array>): Promise<void> {
  // The failure that led here is being reported; what closing adds is not news.
  await iterator.return?.().catch(() => undefined)
}
