import { pipeline, type Transform } from 'node:stream'
import type { Bytes } from '../core/bytes.ts'
import { LifeboatError, messageOf } from '../core/errors.ts'
import { createFeed } from '../core/feed.ts'

/** A decoder of node:zlib: `bytesWritten` is what it consumed. */
type Decoder = Transform & { readonly bytesWritten: number }

/**
 * Passes a stream through a decoder of node:zlib. Errors of the input come out unchanged, those of the decoder as
 * `integrity`, and so do bytes that the decoder left unread: node:zlib ignores them.
 */
export async function* decodeThrough(
  input: Bytes,
  decoder: Decoder,
  what: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const feed = createFeed(input, signal)
  let failure: { readonly thrown: unknown } | undefined
  let bytes = 0
  async function* watched(): AsyncGenerator<Uint8Array> {
    try {
      for (let piece = await feed.next(); piece !== undefined; piece = await feed.next()) {
        bytes += piece.length
        yield piece
      }
    } catch (thrown) {
      failure = { thrown }
      throw thrown
    }
  }
  // What goes wrong destroys the decoder, so it comes out below.
  pipeline(watched(), decoder, () => undefined)
  try {
    for await (const piece of decoder as AsyncIterable<Buffer>) yield piece
  } catch (thrown) {
    if (failure !== undefined) throw failure.thrown
    throw damaged(what, messageOf(thrown))
  } finally {
    decoder.destroy()
    await feed.close()
  }
  if (decoder.bytesWritten !== bytes) throw damaged(what, 'there are bytes after its end')
}

export function damaged(what: string, reason: string): LifeboatError {
  return new LifeboatError('integrity', `unable to decode ${what}: ${reason}`, {
    hint: 'The stored data is damaged or cut short: run lifeboat verify --deep, and restore from another copy or backup.',
  })
}
