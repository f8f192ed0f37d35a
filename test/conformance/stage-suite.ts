import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Bytes, collect, once } from '../../src/core/bytes.ts'
import { LifeboatError } from '../../src/core/errors.ts'
import type { Stage } from '../../src/core/stage.ts'
import { lacks } from '../testbed/requirement.ts'
import { inPieces, sampleBytes, thenStall, thenThrow } from '../testbed/sample-bytes.ts'

export interface StageSubject extends AsyncDisposable {
  readonly stage: Stage
  /** What the format's own program makes of what the stage wrote. */
  readonly stockDecode: (stored: Buffer) => Buffer
  /** Ways in which other programs write the format. */
  readonly stockEncode: Readonly<Record<string, (plain: Buffer) => Buffer>>
}

export interface StageSuiteOptions {
  /**
   * Offsets at which a cut can't be seen: gzip has no end of file, so a stream that ends after a member is whole.
   * The app sees such a cut by the plain digest.
   */
  readonly unseenCuts?: (stored: Buffer) => readonly number[]
  /** Tests every n-th byte only, where each try starts a program. */
  readonly stride?: number
}

const MIB = 1024 * 1024
const signal = new AbortController().signal

/** What a stage promises in core/stage.ts, whichever it is. */
export function describeStage(
  name: string,
  create: () => Promise<StageSubject>,
  { unseenCuts = () => [], stride = 1 }: StageSuiteOptions = {},
): void {
  // Its requirement stands for gzip and zstd too: the programs of the formats.
  describe.skipIf(lacks('gpg'))(`stage ${name}`, () => {
    let subject: StageSubject
    let stage: Stage
    beforeAll(async () => {
      subject = await create()
      stage = subject.stage
    })
    afterAll(async () => {
      await subject?.[Symbol.asyncDispose]()
    })

    const encode = async (plain: Bytes) => Buffer.from(await collect(stage.encode(plain, signal)))
    const decode = async (stored: Bytes) => Buffer.from(await collect(stage.decode(stored, signal)))
    const text = Buffer.from("INSERT INTO `t` VALUES (1,'größer 🚣'),(2,NULL);\n".repeat(4))

    const samples: Readonly<Record<string, Buffer>> = {
      nothing: Buffer.alloc(0),
      'one byte': Buffer.of(0),
      text,
      'a block and a byte': sampleBytes(MIB + 1),
      'incompressible bytes': sampleBytes(3 * MIB + 12_345),
      'a long run of one byte': Buffer.alloc(20 * MIB, 0x41),
      'several MiB of statements': Buffer.concat(Array.from({ length: 20_000 }, () => text)),
    }

    it.each(Object.keys(samples))('gives back %s', async (which) => {
      const plain = samples[which] as Buffer
      expect((await decode(inPieces(await encode(inPieces(plain))))).equals(plain)).toBe(true)
    })

    it.each(Object.keys(samples))('writes %s as the stock program reads it', async (which) => {
      const plain = samples[which] as Buffer
      expect(subject.stockDecode(await encode(inPieces(plain, [60_000, 1, 70_000]))).equals(plain)).toBe(true)
    })

    it.each(Object.keys(samples))('reads %s as other programs write it', async (which) => {
      const plain = samples[which] as Buffer
      for (const [how, write] of Object.entries(subject.stockEncode)) {
        expect((await decode(inPieces(write(plain)))).equals(plain), how).toBe(true)
      }
    })

    it('does not mind where the stored bytes are cut', async () => {
      const stored = await encode(inPieces(text, [7]))
      for (let cut = 0; cut <= stored.length; cut += stride) {
        expect((await decode(inPieces(stored, [cut || 1, stored.length]))).equals(text), `at ${cut}`).toBe(
          true,
        )
      }
      expect((await decode(inPieces(stored, [1]))).equals(text)).toBe(true)
    })

    it('gives back any bytes in any pieces', { timeout: 120_000 }, async () => {
      const sizes = fc.array(fc.integer({ min: 1, max: 200_000 }), { minLength: 1, maxLength: 8 })
      const pieces = fc.array(
        fc.tuple(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 3_000 })),
        {
          maxLength: 12,
        },
      )
      await fc.assert(
        fc.asyncProperty(pieces, sizes, sizes, async (parts, plainSizes, storedSizes) => {
          const plain = Buffer.concat(parts.flatMap(([bytes, times]) => Array<Uint8Array>(times).fill(bytes)))
          const stored = await encode(inPieces(plain, plainSizes))
          return (await decode(inPieces(stored, storedSizes))).equals(plain)
        }),
        { numRuns: Math.ceil(25 / stride) },
      )
    })

    it('serves several streams at once', async () => {
      const plains = [1, 2, 3, 4].map((seed) => sampleBytes(MIB, `stream ${seed}`))
      const stored = await Promise.all(plains.map((plain) => encode(inPieces(plain))))
      const back = await Promise.all(stored.map((each) => decode(inPieces(each))))
      expect(back.every((each, index) => each.equals(plains[index] as Buffer))).toBe(true)
    })

    it('notices every cut', { timeout: 120_000 }, async () => {
      const stored = await encode(once(text))
      const unseen = unseenCuts(stored)
      for (let length = 0; length < stored.length; length += stride) {
        if (unseen.includes(length)) continue
        const thrown = await failureOf(decode(once(stored.subarray(0, length))))
        expect(thrown, `cut at ${length}`).toBeInstanceOf(LifeboatError)
        expect((thrown as LifeboatError).hint, `cut at ${length}`).toBeTruthy()
      }
    })

    it('never gives wrong data for a flipped bit', { timeout: 120_000 }, async () => {
      const stored = await encode(once(text))
      let noticed = 0
      let tries = 0
      for (let offset = 0; offset < stored.length; offset += stride) {
        const damaged = Buffer.from(stored)
        damaged[offset] = (damaged[offset] as number) ^ (1 << (offset % 8))
        tries += 1
        try {
          // Bytes that mean nothing (a time in a gzip header) may change: the data must not.
          expect((await decode(once(damaged))).equals(text), `flip at ${offset}`).toBe(true)
        } catch (thrown) {
          if (!(thrown instanceof LifeboatError)) throw thrown
          expect(['integrity', 'key-unusable', 'unsupported'], `flip at ${offset}`).toContain(thrown.code)
          noticed += 1
        }
      }
      // What another recipient's key would open means nothing to us either.
      expect(noticed / tries).toBeGreaterThan(0.6)
    })

    it('notices damage anywhere in a long stream', { timeout: 120_000 }, async () => {
      const plain = sampleBytes(2.5 * MIB)
      const stored = await encode(inPieces(plain))
      for (let part = 1; part < 12; part += 1) {
        const offset = Math.floor((stored.length * part) / 12)
        const flipped = Buffer.from(stored)
        flipped[offset] = (flipped[offset] as number) ^ (1 << (part % 8))
        expect(await failureOf(decode(inPieces(flipped))), `flip at ${offset}`).toBeInstanceOf(LifeboatError)
        const cut = decode(inPieces(stored.subarray(0, offset)))
        expect(await failureOf(cut), `cut at ${offset}`).toBeInstanceOf(LifeboatError)
      }
    })

    it('refuses bytes after the end', async () => {
      const stored = await encode(once(text))
      for (const rest of [Buffer.from('x'), Buffer.alloc(1), Buffer.alloc(600), sampleBytes(70_000)]) {
        const thrown = await failureOf(decode(once(Buffer.concat([stored, rest]))))
        expect(thrown).toMatchObject({ code: 'integrity' })
      }
    })

    it('refuses what it did not write', async () => {
      for (const foreign of [Buffer.from('-- MySQL dump 10.13\n'.repeat(50)), sampleBytes(5000)]) {
        expect(await failureOf(decode(once(foreign)))).toBeInstanceOf(LifeboatError)
      }
    })

    it('passes errors of its input on', async () => {
      const lost = new Error('connection lost')
      expect(await failureOf(encode(thenThrow(sampleBytes(MIB * 2), lost)))).toBe(lost)
      const stored = await encode(inPieces(sampleBytes(MIB)))
      expect(await failureOf(decode(thenThrow(stored.subarray(0, -100), lost)))).toBe(lost)
      expect(await failureOf(decode(thenThrow(Buffer.alloc(0), lost)))).toBe(lost)
    })

    it('closes its input when the reader stops', async () => {
      for (const transform of ['encode', 'decode'] as const) {
        // More than any stage reads ahead.
        const plain = sampleBytes(16 * MIB)
        const source = watched(inPieces(transform === 'encode' ? plain : await encode(inPieces(plain))))
        for await (const piece of stage[transform](source.bytes, signal)) {
          if (piece.length > 0) break
        }
        // A generator that is just being read ahead closes when that read is done.
        await vi.waitFor(() => expect(source.closed(), transform).toBe(true))
      }
    })

    it.each(['encode', 'decode'] as const)(
      'ends soon when %s is aborted, however its input stalls',
      async (which) => {
        const plain = sampleBytes(2 * MIB)
        const data = which === 'encode' ? plain : (await encode(inPieces(plain))).subarray(0, -1000)
        const { body, stalled } = thenStall(data)
        const abort = new AbortController()
        const outcome = failureOf(collect(stage[which](body, abort.signal)))
        await stalled
        const reason = new LifeboatError('interrupted', 'the test has had enough')
        abort.abort(reason)
        expect(await outcome).toBe(reason)
      },
    )

    it('stops a reader that leaves while the input stalls', async () => {
      const { body, stalled } = thenStall(sampleBytes(3 * MIB))
      const reading = stage.encode(body, signal)[Symbol.asyncIterator]()
      await reading.next()
      if (stage.name !== 'openpgp') await stalled
      await reading.return?.()
    })

    it('reads ahead by a few MiB only', async () => {
      const PIECE_BYTES = 64 * 1024
      for (const transform of ['encode', 'decode'] as const) {
        let pulled = 0
        async function* endless(): AsyncGenerator<Uint8Array> {
          for (; pulled < 32 * MIB; pulled += PIECE_BYTES) yield sampleBytes(PIECE_BYTES, `at ${pulled}`)
        }
        const source = transform === 'encode' ? endless() : stage.encode(endless(), signal)
        let given = 0
        for await (const out of stage[transform](source, signal)) {
          given += out.length
          expect(pulled - given).toBeLessThan(16 * MIB)
          // A pause, as of a slow sink: what reads ahead gets its chance.
          if (given % (4 * MIB) < out.length) await new Promise((resolve) => setImmediate(resolve))
        }
      }
    })

    it('holds a bounded amount of memory', { timeout: 120_000 }, async () => {
      const TOTAL_BYTES = 192 * MIB
      const PIECE_BYTES = 256 * 1024
      async function* long(): AsyncGenerator<Uint8Array> {
        for (let sent = 0; sent < TOTAL_BYTES; sent += PIECE_BYTES)
          yield sampleBytes(PIECE_BYTES, `at ${sent}`)
      }
      const before = process.memoryUsage.rss()
      let most = before
      let bytes = 0
      for await (const out of stage.decode(stage.encode(long(), signal), signal)) {
        bytes += out.length
        most = Math.max(most, process.memoryUsage.rss())
      }
      expect(bytes).toBe(TOTAL_BYTES)
      expect((most - before) / MIB).toBeLessThan(128)
    })
  })
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (thrown) {
    return thrown
  }
  throw new Error('nothing was thrown')
}

function watched(input: Bytes): { bytes: Bytes; closed: () => boolean } {
  const iterator = input[Symbol.asyncIterator]()
  let closed = false
  const bytes: Bytes = {
    [Symbol.asyncIterator]: () => ({
      next: () => iterator.next(),
      async return() {
        await iterator.return?.()
        closed = true
        return { done: true, value: undefined }
      },
    }),
  }
  return { bytes, closed: () => closed }
}
