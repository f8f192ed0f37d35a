import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { collect, once } from '../../../src/core/bytes.ts'
import { createGzip } from '../../../src/stages/gzip.ts'
import { inPieces, sampleBytes } from '../../testbed/sample-bytes.ts'

const signal = new AbortController().signal
const members = ['one', 'two', '', 'four'].map((text) => gzipSync(text.repeat(5)))

describe('gzip', () => {
  it('joins members wherever the stream is cut', async () => {
    const stored = Buffer.concat(members)
    const plain = Buffer.from('oneoneoneoneonetwotwotwotwotwofourfourfourfourfour')
    for (let cut = 1; cut <= stored.length; cut += 1) {
      const back = await collect(createGzip().decode(inPieces(stored, [cut, stored.length]), signal))
      expect(plain.equals(back), `cut at ${cut}`).toBe(true)
    }
  })

  it('refuses zeros after the last member, which gunzip would pass over', async () => {
    const padded = Buffer.concat([...members, Buffer.alloc(512)])
    await expect(collect(createGzip().decode(once(padded), signal))).rejects.toMatchObject({
      code: 'integrity',
      message: expect.stringContaining('after its end'),
      hint: expect.stringContaining('lifeboat verify'),
    })
  })

  it('keeps the order of blocks however many are compressed at once', async () => {
    const plain = sampleBytes(9_500_000)
    for (const workers of [1, 2, 8]) {
      const stored = Buffer.from(
        await collect(createGzip({ workers, level: 1 }).encode(inPieces(plain), signal)),
      )
      expect(plain.equals(await collect(createGzip().decode(inPieces(stored), signal)))).toBe(true)
    }
  })

  it('writes the same bytes for the same data', async () => {
    const [first, second] = await Promise.all(
      [1, 2].map(() => collect(createGzip().encode(inPieces(sampleBytes(2_500_000)), signal))),
    )
    expect(Buffer.compare(first as Uint8Array, second as Uint8Array)).toBe(0)
  })

  it.each([0, 10, 1.5, Number.NaN])('refuses level %s', (level) => {
    expect(() => createGzip({ level })).toThrow(
      expect.objectContaining({ code: 'usage', hint: expect.any(String) }),
    )
  })
})
