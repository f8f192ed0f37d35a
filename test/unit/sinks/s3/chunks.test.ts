import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cutChunks } from '../../../../src/sinks/s3/chunks.ts'
import { thenStall } from '../../../testbed/sample-bytes.ts'

const { signal } = new AbortController()

describe('cutChunks', () => {
  test('gives equal chunks, whatever the pieces and whenever memory comes back', async () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 30 })
    const holds = fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(pieces, fc.integer({ min: 1, max: 32 }), holds, async (body, chunkBytes, turns) => {
        const held: { copy: Buffer; bytes: Buffer; release(): void }[] = []
        const seen: Buffer[] = []
        let lasts = 0
        for await (const chunk of cutChunks(stream(body), chunkBytes, signal)) {
          if (!chunk.last) expect(chunk.bytes).toHaveLength(chunkBytes)
          expect(lasts).toBe(0)
          lasts += chunk.last ? 1 : 0
          seen.push(Buffer.from(chunk.bytes))
          held.push({ copy: Buffer.from(chunk.bytes), bytes: chunk.bytes, release: chunk.release })
          for (const one of held) expect(one.bytes.equals(one.copy)).toBe(true)
          for (const one of held.splice(0, turns[seen.length % turns.length])) one.release()
        }
        expect(lasts).toBe(1)
        expect(Buffer.concat(seen).equals(Buffer.concat(body))).toBe(true)
        const whole = body.reduce((sum, piece) => sum + piece.length, 0)
        expect(seen).toHaveLength(Math.max(1, Math.ceil(whole / chunkBytes)))
      }),
    )
  })

  test('ends while the body is silent, when told to', async () => {
    const { body, stalled } = thenStall(Buffer.alloc(10))
    const abort = new AbortController()
    const reason = new Error('enough')
    const next = cutChunks(body, 100, abort.signal).next()
    await stalled
    abort.abort(reason)
    await expect(next).rejects.toMatchObject({ code: 'interrupted', cause: reason })
  })

  test('closes the body when nobody wants more of it', async () => {
    let closed = false
    async function* body() {
      try {
        for (;;) yield Buffer.alloc(10)
      } finally {
        closed = true
      }
    }
    for await (const chunk of cutChunks(body(), 25, signal)) {
      expect(chunk.last).toBe(false)
      break
    }
    await expect.poll(() => closed).toBe(true)
  })
})

async function* stream(pieces: readonly Uint8Array[]) {
  yield* pieces
}
