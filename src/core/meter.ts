import { createHash } from 'node:crypto'
import type { Bytes } from './bytes.ts'

export interface Measure {
  readonly bytes: number
  /** SHA-256, lower-case hex. */
  readonly sha256: string
}

export interface Meter {
  /** Passes the stream through, counting and hashing. One stream per meter. */
  through(input: Bytes): Bytes
  /** Bytes so far. */
  readonly bytes: number
  /** The whole measure; only after the stream has ended well. */
  result(): Measure
}

export function createMeter(onBytes?: (bytes: number) => void): Meter {
  const hash = createHash('sha256')
  let bytes = 0
  let sha256: string | undefined
  return {
    async *through(input) {
      for await (const piece of input) {
        hash.update(piece)
        bytes += piece.length
        onBytes?.(piece.length)
        yield piece
      }
      sha256 = hash.digest('hex')
    },
    get bytes() {
      return bytes
    },
    result() {
      if (sha256 === undefined) throw new Error('the metered stream has not ended')
      return { bytes, sha256 }
    },
  }
}
