import { constants, createZstdCompress, type ZstdCompress, type ZstdOptions } from 'node:zlib'
import { createSlots } from '../core/slots.ts'

/** What compresses for all streams of a stage: its memory does not grow with their number. */
export interface ZstdCompressor {
  /** For one stream. The last to be disposed of frees all memory. */
  begin(): ZstdRun
}

/** Makes zstd frames, several at once. */
export interface ZstdRun extends Disposable {
  /** One whole frame. The block may be written again once this is settled. */
  compress(block: Uint8Array, signal: AbortSignal): Promise<Uint8Array>
}

type Params = NonNullable<ZstdOptions['params']>

/** Several frames in a row, so that little of it is left over. */
const OUTPUT_BYTES = 4 * 1024 * 1024

/**
 * node:zlib sets up a context and a buffer for each call of `zstdCompress`, and their fresh memory costs a seventh of the
 * compression. Here they are used again: a stream that ends a frame with each write, by its `flush` option.
 */
export function createZstdCompressor(params: Params, contexts: number): ZstdCompressor {
  const slots = createSlots(contexts)
  const all = new Set<Context>()
  let idle: Context[] = []
  let runs = 0

  async function compressIn(block: Uint8Array): Promise<Uint8Array> {
    const context = idle.pop() ?? createContext(params)
    all.add(context)
    const frame = await context.compress(block)
    idle.push(context)
    return frame
  }

  function free(): void {
    for (const context of all) context.stream.destroy()
    all.clear()
    idle = []
  }

  return {
    begin() {
      let closed = false
      runs += 1
      return {
        compress: (block, signal) =>
          slots.run(async () => {
            if (closed) throw new Error('the compressor was closed')
            return compressIn(block)
          }, signal),
        [Symbol.dispose]() {
          if (closed) return
          closed = true
          runs -= 1
          if (runs === 0) free()
        },
      }
    },
  }
}

interface Context {
  readonly stream: ZstdCompress
  compress(block: Uint8Array): Promise<Uint8Array>
}

function createContext(params: Params): Context {
  const stream = createZstdCompress({ params, flush: constants.ZSTD_e_end, chunkSize: OUTPUT_BYTES })
  let pieces: Buffer[] = []
  let fail: (reason: unknown) => void = () => undefined
  stream.on('data', (piece: Buffer) => pieces.push(piece))
  stream.on('error', (thrown) => fail(thrown))
  stream.on('close', () => fail(new Error('the compressor was closed')))
  return {
    stream,
    compress: (block) =>
      new Promise((resolve, reject) => {
        fail = reject
        stream.write(block, (failure) => {
          if (failure != null) return reject(failure)
          // What it holds back comes with the event, too.
          if (stream.readableLength > 0) stream.read()
          const frame = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces)
          pieces = []
          resolve(frame)
        })
      }),
  }
}
