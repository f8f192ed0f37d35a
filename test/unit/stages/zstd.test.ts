import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { collect, once } from '../../../src/core/bytes.ts'
import { createZstd } from '../../../src/stages/zstd.ts'
import { createZstdCompressor } from '../../../src/stages/zstd-compressor.ts'
import { inPieces, sampleBytes } from '../../testbed/sample-bytes.ts'

const signal = new AbortController().signal
const decode = async (stored: Uint8Array, sizes?: readonly number[]) =>
  Buffer.from(await collect(createZstd().decode(inPieces(stored, sizes), signal)))
const frame = (plain: Uint8Array, contentSize = 1) =>
  zstdCompressSync(plain, { params: { [constants.ZSTD_c_contentSizeFlag]: contentSize } })

describe('zstd', () => {
  it('joins frames wherever the stream is cut (nodejs/node#64741)', async () => {
    const plains = ['one', '', 'three', 'four'].map((text) => Buffer.from(text.repeat(9)))
    const stored = Buffer.concat(plains.map((plain, index) => frame(plain, index % 2)))
    for (let cut = 1; cut <= stored.length; cut += 1) {
      expect((await decode(stored, [cut, stored.length])).toString(), `cut at ${cut}`).toBe(
        Buffer.concat(plains).toString(),
      )
    }
  })

  it('loses nothing of five frames of 50,000 bytes in one write', async () => {
    const plains = [1, 2, 3, 4, 5].map((seed) => sampleBytes(50_000, `frame ${seed}`))
    const stored = Buffer.concat(plains.map((plain) => frame(plain)))
    expect((await decode(stored, [stored.length])).equals(Buffer.concat(plains))).toBe(true)
  })

  it('joins any frames in any pieces', async () => {
    const frames = fc.array(fc.tuple(fc.uint8Array({ maxLength: 2_000 }), fc.integer({ min: 0, max: 1 })), {
      minLength: 1,
      maxLength: 6,
    })
    const sizes = fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(frames, sizes, async (parts, cuts) => {
        const stored = Buffer.concat(parts.map(([plain, contentSize]) => frame(plain, contentSize)))
        return (await decode(stored, cuts)).equals(Buffer.concat(parts.map(([plain]) => plain)))
      }),
      { numRuns: 60 },
    )
  })

  it('writes a checksum into every frame', async () => {
    const stored = Buffer.from(await collect(createZstd().encode(once(Buffer.from('x')), signal)))
    expect(stored.readUInt8(4) & 0x04).toBe(0x04)
  })

  it('makes a frame of each block, also where the compressor is used again and its output runs over', async () => {
    using run = createZstdCompressor({ [constants.ZSTD_c_checksumFlag]: 1 }, 3).begin()
    for (let round = 0; round < 4; round += 1) {
      const blocks = [0, 1, 2_000_000, 3_000_000].map((bytes) =>
        sampleBytes(bytes, `block ${bytes} ${round}`),
      )
      const frames = await Promise.all(blocks.map((block) => run.compress(block, signal)))
      for (const [at, one] of frames.entries()) {
        expect(zstdDecompressSync(one).equals(blocks[at] as Uint8Array), `round ${round}, block ${at}`).toBe(
          true,
        )
      }
    }
  })

  it('gives up what is being compressed, and what waits for it, with the last stream', async () => {
    const compressor = createZstdCompressor({}, 1)
    const [one, other] = [compressor.begin(), compressor.begin()]
    const block = sampleBytes(3_000_000, 'given up')
    const frame = one.compress(block, signal)
    const waiting = other.compress(block, signal)
    other[Symbol.dispose]()
    await expect(waiting).rejects.toThrow('closed')
    expect(zstdDecompressSync(await frame).equals(block)).toBe(true)
    const last = one.compress(block, signal)
    one[Symbol.dispose]()
    await expect(last).rejects.toThrow('closed')
    using later = compressor.begin()
    expect(zstdDecompressSync(await later.compress(block, signal)).equals(block)).toBe(true)
  })

  it('says what it can’t read: frames that need a dictionary', async () => {
    const stored = frame(Buffer.from('x'))
    stored[4] = (stored[4] as number) | 0x01
    await expect(decode(stored)).rejects.toMatchObject({ code: 'unsupported', hint: expect.any(String) })
  })

  it('says what it can’t read: windows longer than those of zstd without --long', async () => {
    const stored = frame(Buffer.alloc(300_000, 'long'), 0)
    stored[5] = (28 - 10) << 3
    await expect(decode(stored)).rejects.toMatchObject({ code: 'unsupported', hint: expect.any(String) })
  })

  it.each([0, 20, 2.5, Number.NaN])('refuses level %s', (level) => {
    expect(() => createZstd({ level })).toThrow(
      expect.objectContaining({ code: 'usage', hint: expect.any(String) }),
    )
  })
})
