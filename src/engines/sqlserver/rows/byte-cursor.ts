import type { Bytes } from '../../../core/bytes.ts'

/** A stream read by exact lengths. What fits into the current piece is given without waiting. */
export interface ByteCursor {
  /** Undefined if the current piece does not hold that many: then `take` waits for them. */
  takeNow(bytes: number): Buffer | undefined
  /** Undefined if the stream ends before. */
  take(bytes: number): Promise<Buffer | undefined>
  /** True once nothing is left. */
  atEnd(): Promise<boolean>
  /** Where the next byte lies in the stream. */
  offset(): number
  close(): Promise<void>
}

export function createByteCursor(input: Bytes): ByteCursor {
  const iterator = input[Symbol.asyncIterator]()
  let piece: Buffer = Buffer.alloc(0)
  let at = 0
  let passed = 0
  let ended = false

  async function nextPiece(): Promise<boolean> {
    while (!ended) {
      const result = await iterator.next()
      if (result.done === true) ended = true
      else if (result.value.length > 0) {
        const { buffer, byteOffset, length } = result.value
        passed += piece.length
        piece = Buffer.from(buffer, byteOffset, length)
        at = 0
        return true
      }
    }
    return false
  }

  const cursor: ByteCursor = {
    takeNow(bytes) {
      if (at + bytes > piece.length) return undefined
      at += bytes
      return piece.subarray(at - bytes, at)
    },
    async take(bytes) {
      const whole = cursor.takeNow(bytes)
      if (whole !== undefined) return whole
      const gathered: Buffer[] = []
      let missing = bytes
      while (missing > 0) {
        if (at === piece.length && !(await nextPiece())) return undefined
        const part = piece.subarray(at, at + missing)
        at += part.length
        missing -= part.length
        gathered.push(part)
      }
      return Buffer.concat(gathered, bytes)
    },
    async atEnd() {
      return at === piece.length && !(await nextPiece())
    },
    offset: () => passed + at,
    async close() {
      if (ended) return
      ended = true
      await iterator.return?.()
    },
  }
  return cursor
}
