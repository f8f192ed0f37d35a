import { createCipheriv, createHash } from 'node:crypto'
import type { Bytes } from '../../src/core/bytes.ts'
import { CHUNK_BYTES } from '../../src/core/sink.ts'

/** The same incompressible bytes for the same seed. */
export function sampleBytes(bytes: number, seed = 'lifeboat'): Buffer {
  const key = createHash('sha256').update(seed).digest()
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(bytes))
}

/** As the app cuts a body: pieces of the given sizes in turn, none of which crosses a multiple of CHUNK_BYTES. */
export async function* inPieces(
  data: Uint8Array,
  sizes: readonly number[] = [64 * 1024],
): AsyncGenerator<Uint8Array> {
  let offset = 0
  for (let turn = 0; offset < data.length; turn += 1) {
    const border = CHUNK_BYTES - (offset % CHUNK_BYTES)
    const size = Math.min(sizes[turn % sizes.length] ?? 1, border, data.length - offset)
    yield data.subarray(offset, offset + size)
    offset += size
  }
}

/** A body that ends in an error after the given bytes. */
export async function* thenThrow(data: Uint8Array, error: unknown): AsyncGenerator<Uint8Array> {
  yield* inPieces(data)
  throw error
}

/** A body that gives the bytes and then nothing for ever: no end, no error, deaf to `return()`. */
export function thenStall(data: Uint8Array): { body: Bytes; stalled: Promise<void> } {
  const stalled = Promise.withResolvers<void>()
  async function* body(): AsyncGenerator<Uint8Array> {
    yield* inPieces(data)
    stalled.resolve()
    await new Promise(() => undefined)
  }
  return { body: body(), stalled: stalled.promise }
}
