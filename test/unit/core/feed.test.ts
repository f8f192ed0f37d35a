import { describe, expect, it } from 'vitest'
import { createFeed } from '../../../src/core/feed.ts'
import { inPieces, thenStall, thenThrow } from '../../testbed/sample-bytes.ts'

const signal = new AbortController().signal

describe('a feed', () => {
  it('gives the pieces but not the empty ones, then undefined for ever', async () => {
    async function* pieces() {
      yield Buffer.from('a')
      yield Buffer.alloc(0)
      yield Buffer.from('b')
    }
    const feed = createFeed(pieces(), signal)
    expect(String(await feed.next())).toBe('a')
    expect(String(await feed.next())).toBe('b')
    expect(await feed.next()).toBeUndefined()
    expect(await feed.next()).toBeUndefined()
    await feed.close()
  })

  it('throws what the input throws', async () => {
    const lost = new Error('lost')
    const feed = createFeed(thenThrow(Buffer.from('a'), lost), signal)
    await feed.next()
    await expect(feed.next()).rejects.toBe(lost)
  })

  it('rejects on abort, and closes, though the input stalls', async () => {
    const abort = new AbortController()
    const { body, stalled } = thenStall(Buffer.from('a'))
    const feed = createFeed(body, abort.signal)
    await feed.next()
    const next = feed.next()
    await stalled
    abort.abort(new Error('enough'))
    await expect(next).rejects.toMatchObject({ code: 'interrupted' })
    await feed.close()
  })

  it('closes the input once, and waits for that', async () => {
    let closed = 0
    async function* pieces() {
      try {
        yield* inPieces(Buffer.alloc(100_000))
      } finally {
        await new Promise((resolve) => setImmediate(resolve))
        closed += 1
      }
    }
    const feed = createFeed(pieces(), signal)
    await feed.next()
    await feed.close()
    expect(closed).toBe(1)
    await feed.close()
    expect(closed).toBe(1)
    expect(await feed.next()).toBeUndefined()
  })
})
