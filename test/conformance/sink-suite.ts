import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LifeboatError } from '../../src/core/errors.ts'
import { CHUNK_BYTES, type ObjectInfo, type Sink } from '../../src/core/sink.ts'
import { inPieces, sampleBytes, thenStall, thenThrow } from '../testbed/sample-bytes.ts'

/** One empty place with a sink on it. */
export interface SinkUnderTest {
  readonly sink: Sink
  /** Disposes of the sink and removes the place. */
  cleanup(): Promise<void>
  /** Looks at the place past the sink: what lifeboat does not list must be seen too. */
  readonly raw?: {
    /** Names of everything that lies there: objects, temp names, multipart uploads that are open. */
    names(): Promise<readonly string[]>
    /** Leaves what a write of `key` leaves whose process was killed in the middle. */
    abandonWrite(key: string): Promise<void>
  }
  /** Added to the environment in which `byHand` commands run. */
  readonly byHandEnv?: Readonly<Record<string, string>>
}

export interface SinkSuiteOptions {
  /** A place in the memory of the test: no command reads it, and a killed process leaves nothing there. */
  readonly inMemory?: boolean
  /** More than one page of a listing, where the place has pages. */
  readonly manyKeys?: number
  /** The place may keep older versions, which `purge` removes. */
  readonly purges?: boolean
}

const SOON_MS = 5_000

/** What src/core/sink.ts promises, against one implementation. `factory` is called once per test. */
export function describeSink(
  name: string,
  factory: () => Promise<SinkUnderTest>,
  { inMemory = false, manyKeys = 1_050, purges = false }: SinkSuiteOptions = {},
): void {
  describe(`sink ${name}`, { timeout: 60_000 }, () => {
    let place: SinkUnderTest
    let sink: Sink
    const { signal } = new AbortController()

    beforeEach(async () => {
      place = await factory()
      sink = place.sink
    })
    afterEach(() => place.cleanup())

    const put = (key: string, data: Uint8Array | string, ifAbsent = false) =>
      sink.write(key, inPieces(Buffer.from(data)), { ifAbsent, signal })
    const get = async (key: string) => {
      const info = await sink.stat(key, signal)
      if (info === undefined) return undefined
      return Buffer.from(await sink.read(key, { offset: 0, bytes: info.bytes }, signal)).toString()
    }
    const keys = async (prefix = '') => {
      const found: string[] = []
      for await (const info of sink.list(prefix, signal)) found.push(info.key)
      return found
    }
    const expectNothingLeft = async () => {
      expect(await keys()).toEqual([])
      if (place.raw !== undefined) expect(await place.raw.names()).toEqual([])
    }

    describe('write', () => {
      test.for([0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES + 12_345])(
        'stores %i bytes, and reads them back by ranges',
        async (bytes) => {
          const data = sampleBytes(bytes)
          const written = await sink.write('job/data/1/0001.sql.gz', inPieces(data), { signal })
          expect(written).toMatchObject({ key: 'job/data/1/0001.sql.gz', bytes })
          expect(await sink.stat(written.key, signal)).toMatchObject({ key: written.key, bytes })
          for (let offset = 0; offset < bytes; offset += CHUNK_BYTES) {
            const range = { offset, bytes: Math.min(CHUNK_BYTES, bytes - offset) }
            const read = await sink.read(written.key, range, signal)
            expect(data.subarray(offset, offset + range.bytes).equals(read)).toBe(true)
          }
        },
      )

      test('takes pieces of odd sizes, empty ones among them', async () => {
        const data = sampleBytes(CHUNK_BYTES + 300_007)
        async function* body() {
          yield new Uint8Array(0)
          yield* inPieces(data, [1, 65_537, 3, 1_048_583, 8 * 1024 * 1024])
          yield new Uint8Array(0)
        }
        expect((await sink.write('odd', body(), { signal })).bytes).toBe(data.length)
        const head = await sink.read('odd', { offset: 0, bytes: CHUNK_BYTES }, signal)
        const tail = await sink.read('odd', { offset: CHUNK_BYTES, bytes: 300_007 }, signal)
        expect(data.equals(Buffer.concat([head, tail]))).toBe(true)
      })

      test('replaces an object', async () => {
        await put('object', 'the first, which is longer')
        await put('object', 'the second')
        expect(await get('object')).toBe('the second')
        expect(await keys()).toEqual(['object'])
      })

      test('dates an object by the clock of the place', async () => {
        await put('object', 'x')
        const modified = (await sink.stat('object', signal))?.modified.getTime() ?? 0
        expect(Math.abs(modified - Date.now())).toBeLessThan(10 * 60_000)
      })

      test('runs several at once', async () => {
        const names = Array.from({ length: 8 }, (_, index) => `at-once/${index}`)
        await Promise.all(names.map((key) => put(key, sampleBytes(200_000, key))))
        for (const key of names) {
          const read = await sink.read(key, { offset: 0, bytes: 200_000 }, signal)
          expect(sampleBytes(200_000, key).equals(read)).toBe(true)
        }
      })

      test.for([0, 1_000, CHUNK_BYTES + 1_000])(
        'leaves nothing when its body throws after %i bytes',
        async (bytes) => {
          const error = new LifeboatError('tool-failed', 'the tool exited 1 after its last byte')
          const write = sink.write('a/b/object', thenThrow(sampleBytes(bytes), error), { signal })
          await expect(write).rejects.toBe(error)
          expect(await sink.stat('a/b/object', signal)).toBeUndefined()
          await expectNothingLeft()
        },
      )

      test('keeps what was there when a replacing body throws', async () => {
        await put('object', 'the first')
        const error = new Error('not even an error of ours')
        await expect(sink.write('object', thenThrow(sampleBytes(10), error), { signal })).rejects.toBe(error)
        expect(await get('object')).toBe('the first')
        if (place.raw !== undefined) expect(await place.raw.names()).toEqual(['object'])
      })

      test('shows nothing of an object before it is whole', async () => {
        const { body, stalled } = thenStall(sampleBytes(CHUNK_BYTES + 10))
        const abort = new AbortController()
        const write = sink.write('object', body, { signal: abort.signal })
        const settled = expect(write).rejects.toBeInstanceOf(LifeboatError)
        await stalled
        expect(await sink.stat('object', signal)).toBeUndefined()
        expect(await keys()).toEqual([])
        abort.abort()
        await settled
      })

      test('may use a key again after a failure', async () => {
        await expect(
          sink.write('object', thenThrow(sampleBytes(10), new Error('no')), { signal }),
        ).rejects.toThrow('no')
        await put('object', 'yes', true)
        expect(await get('object')).toBe('yes')
      })
    })

    describe('write ifAbsent', () => {
      test('creates, and refuses what exists', async () => {
        await put('lease/1', 'first', true)
        await expect(put('lease/1', 'second', true)).rejects.toMatchObject({ code: 'sink-exists' })
        expect(await get('lease/1')).toBe('first')
        if (place.raw !== undefined) expect(await place.raw.names()).toEqual(['lease/1'])
      })

      test('refuses what came into being while the body was flowing', async () => {
        const body = async function* () {
          yield Buffer.from('late')
          await put('lease/1', 'early', true)
          yield Buffer.from('r')
        }
        await expect(sink.write('lease/1', body(), { ifAbsent: true, signal })).rejects.toMatchObject({
          code: 'sink-exists',
        })
        expect(await get('lease/1')).toBe('early')
      })

      test('lets one of several writers win', async (context) => {
        if (!sink.traits.exclusiveCreate) context.skip('the place has no exclusive create')
        const texts = ['a', 'b', 'c', 'd', 'e', 'f']
        const results = await Promise.allSettled(texts.map((text) => put('lease/2', text, true)))
        const won = texts.filter((_, index) => results[index]?.status === 'fulfilled')
        expect(won).toHaveLength(1)
        expect(await get('lease/2')).toBe(won[0])
        for (const result of results) {
          if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'sink-exists' })
        }
      })
    })

    describe('read', () => {
      test('gives exactly the range', async () => {
        const data = sampleBytes(100_000)
        await put('object', data)
        for (const [offset, bytes] of [
          [0, 100_000],
          [0, 1],
          [99_999, 1],
          [12_345, 54_321],
          [40_000, 0],
        ] as const) {
          const read = await sink.read('object', { offset, bytes }, signal)
          expect(data.subarray(offset, offset + bytes).equals(read)).toBe(true)
        }
      })

      test('reads nothing of an empty object', async () => {
        await put('empty', '')
        expect(await sink.read('empty', { offset: 0, bytes: 0 }, signal)).toHaveLength(0)
      })

      test.for([
        [0, 11],
        [9, 2],
        [10, 1],
        [1_000, 5],
      ] as const)('is `integrity` past the end: offset %i, %i bytes of 10', async ([offset, bytes]) => {
        await put('object', '0123456789')
        await expect(sink.read('object', { offset, bytes }, signal)).rejects.toMatchObject({
          code: 'integrity',
        })
      })

      test('is `sink-not-found` for what is not there', async () => {
        const missing = sink.read('no/such/object', { offset: 0, bytes: 1 }, signal)
        await expect(missing).rejects.toMatchObject({ code: 'sink-not-found' })
      })

      test('runs several at once', async () => {
        const data = sampleBytes(1_000_000)
        await put('object', data)
        const reads = Array.from({ length: 16 }, (_, index) =>
          sink.read('object', { offset: index * 60_000, bytes: 60_000 }, signal),
        )
        expect(data.subarray(0, 960_000).equals(Buffer.concat(await Promise.all(reads)))).toBe(true)
      })
    })

    describe('stat', () => {
      test('is undefined for what is not there', async () => {
        expect(await sink.stat('object', signal)).toBeUndefined()
        expect(await sink.stat('no/such/object', signal)).toBeUndefined()
        await put('folder/object', 'x')
        expect(await sink.stat('folder', signal)).toBeUndefined()
        expect(await sink.stat('folder/object/below', signal)).toBeUndefined()
      })
    })

    describe('list', () => {
      test('is empty at first', async () => {
        await expectNothingLeft()
        expect(await keys('no/such/')).toEqual([])
      })

      test('says of each object what stat says', async () => {
        await put('a/1', 'x')
        await put('a/2', 'yy')
        const listed: ObjectInfo[] = []
        for await (const info of sink.list('a/', signal)) listed.push(info)
        const pick = (info: ObjectInfo | undefined) => [info?.key, info?.bytes, seconds(info?.modified)]
        expect(listed.map(pick)).toEqual([
          pick(await sink.stat('a/1', signal)),
          pick(await sink.stat('a/2', signal)),
        ])
      })

      test('orders by the bytes of the whole key', async () => {
        const names = [
          'a',
          'a-b/c',
          'a.b',
          'a/b',
          'a/b-c',
          'a/b.d/e',
          'a0',
          'ab',
          'ab/c',
          'B',
          'é',
          '～',
          '🛟',
        ]
        // A folder and a file of one name can't both be; 'a' and 'ab' lie beside 'a/…' in buckets only.
        const files = names.filter((key) => key !== 'a' && key !== 'ab' && key !== 'a/b')
        for (const key of [...files, 'a/b/x'].toReversed()) await put(key, key)
        expect(await keys()).toEqual(
          [...files, 'a/b/x'].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
        )
      })

      test('takes a prefix that ends anywhere', async () => {
        for (const key of ['job/data/1/a', 'job/data/1/b', 'job/data/10/a', 'job-2/data/1/a', 'jobs'])
          await put(key, key)
        expect(await keys('job/data/1/')).toEqual(['job/data/1/a', 'job/data/1/b'])
        expect(await keys('job/data/1')).toEqual(['job/data/1/a', 'job/data/1/b', 'job/data/10/a'])
        expect(await keys('job/data/1/b')).toEqual(['job/data/1/b'])
        expect(await keys('job')).toEqual([
          'job-2/data/1/a',
          'job/data/1/a',
          'job/data/1/b',
          'job/data/10/a',
          'jobs',
        ])
        expect(await keys('job/data/2')).toEqual([])
        expect(await keys('job/data/1/a/')).toEqual([])
      })

      test('takes names that a shell or a URL would read otherwise', async () => {
        const awkward = [
          '-n',
          "it's",
          'a b',
          '$HOME',
          '`id`',
          ';x',
          '*',
          '#1',
          '%41',
          'a+b',
          '"q"',
          '&',
          'ü/~',
        ].sort()
        for (const key of awkward) await put(key, key)
        expect((await keys()).sort()).toEqual(awkward)
        for (const key of awkward) expect(await get(key)).toBe(key)
        await sink.delete(awkward, signal)
        await expectNothingLeft()
      })

      test('may be left early', async () => {
        for (const key of ['a', 'b', 'c']) await put(key, key)
        for await (const info of sink.list('', signal)) {
          expect(info.key).toBe('a')
          break
        }
        expect(await keys()).toEqual(['a', 'b', 'c'])
      })

      test(`lists and deletes ${manyKeys} objects`, async () => {
        const names = Array.from({ length: manyKeys }, (_, index) => `many/${String(index).padStart(6, '0')}`)
        const queue = names.values()
        const worker = async () => {
          for (const key of queue) await put(key, key)
        }
        await Promise.all(Array.from({ length: 16 }, worker))
        expect(await keys('many/')).toEqual(names)
        await sink.delete(names, signal)
        expect(await keys()).toEqual([])
      })
    })

    describe('delete', () => {
      test('removes what is there, and minds nothing that is not', async () => {
        for (const key of ['a/1', 'a/2', 'b/c/1']) await put(key, key)
        await sink.delete(['a/1', 'a/3', 'no/such', 'b/c/1'], signal)
        expect(await keys()).toEqual(['a/2'])
        await sink.delete(['a/1'], signal)
        await sink.delete([], signal)
        if (place.raw !== undefined) expect(await place.raw.names()).toEqual(['a/2'])
      })
    })

    if (purges) {
      test('purge removes what is there, and minds nothing that is not', async () => {
        for (const key of ['a/1', 'a/12', 'b/c/1']) await put(key, key)
        await put('a/1', 'again')
        await sink.purge?.(['a/1', 'a/3', 'no/such', 'b/c/1'], signal)
        expect(await keys()).toEqual(['a/12'])
        await sink.purge?.(['a/1'], signal)
        await sink.purge?.([], signal)
        if (place.raw !== undefined) expect(await place.raw.names()).toEqual(['a/12'])
      })
    }

    describe('sweep', () => {
      const past = () => new Date(Date.now() - 3_600_000)
      const future = () => new Date(Date.now() + 3_600_000)

      if (!inMemory) {
        test('removes what killed writes left below the prefix, if it is old', async () => {
          const raw = rawOf(place)
          await put('job/data/1/whole', 'whole')
          await raw.abandonWrite('job/data/1/broken')
          await raw.abandonWrite('other/data/1/broken')
          expect(await keys()).toEqual(['job/data/1/whole'])
          const before = await raw.names()
          expect(before).toHaveLength(3)

          expect(await sink.sweep('', past(), signal)).toEqual([])
          expect(await raw.names()).toEqual(before)

          expect(await sink.sweep('job/', future(), signal)).toHaveLength(1)
          expect(await raw.names()).toHaveLength(2)
          expect(await sink.sweep('', future(), signal)).toHaveLength(1)
          expect(await raw.names()).toEqual(['job/data/1/whole'])
          expect(await get('job/data/1/whole')).toBe('whole')
          expect(await sink.sweep('', future(), signal)).toEqual([])
        })

        test('takes a whole key for a prefix', async () => {
          const raw = rawOf(place)
          await raw.abandonWrite('job/backups/1.json')
          await raw.abandonWrite('job/backups/2.json')
          expect(await sink.sweep('job/backups/2.json', future(), signal)).toHaveLength(1)
          expect(await raw.names()).toHaveLength(1)
          expect(await sink.sweep('job/backups/1.json', future(), signal)).toHaveLength(1)
          expect(await raw.names()).toEqual([])
        })
      }

      test('touches no whole object', async () => {
        await put('a/b', 'b')
        expect(await sink.sweep('', future(), signal)).toEqual([])
        expect(await sink.sweep('no/such/', future(), signal)).toEqual([])
        expect(await keys()).toEqual(['a/b'])
      })
    })

    describe('abort', () => {
      const reason = new LifeboatError('terminated', 'told to stop')

      test('ends a write whose body stalls, soon and with the reason', async () => {
        const { body, stalled } = thenStall(sampleBytes(CHUNK_BYTES + 100_000))
        const abort = new AbortController()
        const settled = expect(sink.write('object', body, { signal: abort.signal })).rejects.toBe(reason)
        await stalled
        const began = performance.now()
        abort.abort(reason)
        await settled
        expect(performance.now() - began).toBeLessThan(SOON_MS)
        await expectNothingLeft()
      })

      test('ends a write whose body never stops', async () => {
        const abort = new AbortController()
        const piece = sampleBytes(256 * 1024)
        async function* body() {
          for (let pieces = 1; ; pieces += 1) {
            if (pieces === 100) abort.abort(reason)
            yield piece
          }
        }
        await expect(sink.write('object', body(), { signal: abort.signal })).rejects.toBe(reason)
        await expectNothingLeft()
      })

      test('before a call is seen by each', async () => {
        await put('object', 'x')
        const gone = AbortSignal.abort(reason)
        await expect(sink.write('other', inPieces(Buffer.from('x')), { signal: gone })).rejects.toBe(reason)
        await expect(sink.read('object', { offset: 0, bytes: 1 }, gone)).rejects.toBe(reason)
        await expect(sink.stat('object', gone)).rejects.toBe(reason)
        await expect(sink.delete(['object'], gone)).rejects.toBe(reason)
        await expect(sink.sweep('', new Date(), gone)).rejects.toBe(reason)
        await expect(sink.list('', gone)[Symbol.asyncIterator]().next()).rejects.toBe(reason)
        expect(await keys()).toEqual(['object'])
      })
    })

    if (!inMemory) {
      describe('byHand', () => {
        test('gives the objects back, joined in order', async () => {
          const data = sampleBytes(3 * 100_000)
          const names = ["it's/a $(touch x) 2.000", 'job/data/1/0001.sql.001', 'job/data/1/0001.sql.002']
          for (const [index, key] of names.entries())
            await put(key, data.subarray(index * 100_000, (index + 1) * 100_000))
          const command = sink.byHand(names)
          const { stdout } = await promisify(execFile)('sh', ['-c', command], {
            encoding: 'buffer',
            env: { ...process.env, ...place.byHandEnv },
          })
          expect(data.equals(stdout)).toBe(true)
        })
      })
    }
  })
}

function rawOf({ raw }: SinkUnderTest): NonNullable<SinkUnderTest['raw']> {
  if (raw === undefined) throw new Error('the suite looks at the place past the sink: give it raw')
  return raw
}

const seconds = (date: Date | undefined) => Math.floor((date?.getTime() ?? 0) / 1000)
