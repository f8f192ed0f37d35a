import { promisify } from 'node:util'
import { createGunzip, gzip } from 'node:zlib'
import type { Bytes } from '../core/bytes.ts'
import { LifeboatError } from '../core/errors.ts'
import type { Stage } from '../core/stage.ts'
import { compressBlocks, defaultWorkers } from './compress-blocks.ts'
import { damaged, decodeThrough } from './decode-through.ts'

export interface GzipOptions {
  /** 1 (fastest) to 9 (smallest). */
  readonly level?: number
  /** Blocks compressed at once. */
  readonly workers?: number
}

// On 300 MB of INSERT statements, one core of a 2023 Xeon: level 1 138 MB/s at ratio 2.95, level 2 118 at 3.01,
// level 4 95 at 3.14, level 6 51 at 3.32; gzip -6 does 33 at 3.25. Blocks of 4 MiB gain 0.2 %. A window of 16 KiB
// instead of 32 is an eighth faster with such text, and no larger.
const LEVEL = 1
const WINDOW_BITS = 14
const BLOCK_BYTES = 1024 * 1024
const WHAT = 'the gzip stream'
const compressBlock = promisify(gzip) as (
  block: Uint8Array,
  options: import('node:zlib').ZlibOptions,
) => Promise<Buffer>

/** gzip over several cores: each block is a member of its own, and a gzip file is any number of members. */
export function createGzip({ level = LEVEL, workers = defaultWorkers() }: GzipOptions = {}): Stage {
  if (!Number.isInteger(level) || level < 1 || level > 9) {
    throw new LifeboatError('usage', `unable to use gzip level '${level}': it is not between 1 and 9`, {
      hint: 'Leave --level out, or give a whole number from 1 (fastest) to 9 (smallest).',
    })
  }
  const options = { level, memLevel: 9, windowBits: WINDOW_BITS, chunkSize: BLOCK_BYTES / 2 }
  return {
    name: 'gzip',
    suffix: '.gz',
    byHand: 'gunzip',
    facts: { level },
    encode: (input, signal) =>
      compressBlocks(
        input,
        { blockBytes: BLOCK_BYTES, workers, compress: (block) => compressBlock(block, options) },
        signal,
      ),
    decode: gunzipStream,
  }
}

async function* gunzipStream(input: Bytes, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let empty = true
  async function* noticing(): AsyncGenerator<Uint8Array> {
    for await (const piece of input) {
      if (piece.length > 0) empty = false
      yield piece
    }
  }
  yield* decodeThrough(noticing(), createGunzip({ chunkSize: 256 * 1024 }), WHAT, signal)
  // node:zlib takes no bytes for no data; gunzip calls it an unexpected end of file, and so it is.
  if (empty) throw damaged(WHAT, 'it is empty')
}
