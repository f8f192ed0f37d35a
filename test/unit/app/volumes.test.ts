import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readVerified } from '../../../src/app/stored-object.ts'
import { writeVolumes } from '../../../src/app/volumes.ts'
import { collect } from '../../../src/core/bytes.ts'
import { LifeboatError } from '../../../src/core/errors.ts'
import { CHUNK_BYTES, type Sink } from '../../../src/core/sink.ts'
import { createCountingSink, createMemorySink } from '../../testbed/memory-sink.ts'
import { sampleBytes } from '../../testbed/sample-bytes.ts'

const { signal } = new AbortController()

async function* cut(data: Buffer, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let offset = 0
  for (let turn = 0; offset < data.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1
    yield data.subarray(offset, offset + size)
    offset += size
  }
}

const target = (sink: Sink, maxChunks = sink.traits.maxChunks) => ({
  sink,
  maxChunks,
  name: '0001.sql',
  key: (name: string) => `job/data/id/${name}`,
})

describe('writeVolumes', () => {
  test('several TiB of unknown length fit a place that allows 10,000 chunks an object', async () => {
    const sink = createCountingSink(10_000)
    const chunk = Buffer.alloc(CHUNK_BYTES)
    const chunks = 3 * 65_536 + 1
    async function* endless() {
      for (let number = 0; number < chunks; number++) yield chunk
    }
    const cheap = () => ({ update: () => undefined, digest: () => '0'.repeat(64) })
    const before = process.memoryUsage().rss
    const written = await writeVolumes({ ...target(sink), newDigest: cheap }, endless(), signal)
    expect(written.bytes).toBe(chunks * CHUNK_BYTES)
    expect(written.volumes).toHaveLength(20)
    expect(written.volumes[0]).toMatchObject({ name: '0001.sql.000', bytes: 10_000 * CHUNK_BYTES })
    expect(written.volumes[19]?.bytes).toBe((chunks - 190_000) * CHUNK_BYTES)
    expect([...sink.objects.keys()].at(-1)).toBe('job/data/id/0001.sql.019')
    // The digests of 3 TiB are 13 MB of text; the data itself must not be held.
    expect(process.memoryUsage().rss - before).toBeLessThan(150e6)
  })

  test('what was cut into chunks and volumes reads back as it was, whatever the pieces', async () => {
    const data = sampleBytes(2 * CHUNK_BYTES + 12_345)
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: data.length }),
        fc.array(fc.integer({ min: 1000, max: 3 * CHUNK_BYTES }), { minLength: 1, maxLength: 4 }),
        fc.constantFrom(1, 2, 3, Number.POSITIVE_INFINITY),
        async (length, sizes, maxChunks) => {
          const sink = createMemorySink()
          const sent = data.subarray(0, length)
          const written = await writeVolumes(target(sink, maxChunks), cut(sent, sizes), signal)
          const objects = Object.entries(written.objects).map(([name, entry]) => ({
            name,
            key: `job/data/id/${name}`,
            ...entry,
          }))
          expect(Buffer.compare(await collect(readVerified(sink, objects, signal)), sent)).toBe(0)
          expect(written.volumes).toHaveLength(
            Number.isFinite(maxChunks) ? Math.max(1, Math.ceil(length / CHUNK_BYTES / maxChunks)) : 1,
          )
          expect(written.volumes.map((volume) => volume.bytes)).not.toContain(length === 0 ? -1 : 0)
        },
      ),
      { numRuns: 15 },
    )
  })

  test('a sink that stored less than it was given is not believed', async () => {
    const sink = createMemorySink()
    const lying: Sink = {
      ...sink,
      write: async (key, body, options) => ({ ...(await sink.write(key, body, options)), bytes: 5 }),
    }
    await expect(writeVolumes(target(lying), cut(sampleBytes(10), [10]), signal)).rejects.toMatchObject({
      code: 'integrity',
    })
  })

  test('a sink that stopped reading early is not believed', async () => {
    const sink = createMemorySink()
    const lazy: Sink = {
      ...sink,
      async write(key, body) {
        for await (const piece of body) return { key, bytes: piece.length, modified: new Date() }
        throw new Error('empty')
      },
    }
    await expect(writeVolumes(target(lazy), cut(sampleBytes(100), [10]), signal)).rejects.toMatchObject({
      code: 'integrity',
    })
  })

  test('an error of the stream comes out unchanged', async () => {
    const wrong = new LifeboatError('tool-failed', 'exit code 1')
    async function* broken() {
      yield Buffer.alloc(10)
      throw wrong
    }
    const sink = createMemorySink()
    await expect(writeVolumes(target(sink), broken(), signal)).rejects.toBe(wrong)
    expect(sink.objects.size).toBe(0)
  })
})

describe('readVerified', () => {
  const data = sampleBytes(2 * CHUNK_BYTES + 99)

  async function stored(maxChunks: number) {
    const sink = createMemorySink()
    const written = await writeVolumes(target(sink, maxChunks), cut(data, [CHUNK_BYTES]), signal)
    const objects = Object.entries(written.objects).map(([name, entry]) => ({
      name,
      key: `job/data/id/${name}`,
      ...entry,
    }))
    return { sink, objects }
  }

  test('hands out nothing of a chunk with one flipped bit', async () => {
    const { sink, objects } = await stored(Number.POSITIVE_INFINITY)
    const object = sink.objects.get('job/data/id/0001.sql')?.data as Uint8Array
    object[CHUNK_BYTES + 7] = (object[CHUNK_BYTES + 7] as number) ^ 1
    let bytes = 0
    await expect(
      (async () => {
        for await (const piece of readVerified(sink, objects, signal)) bytes += piece.length
      })(),
    ).rejects.toMatchObject({ code: 'integrity', message: expect.stringContaining('chunk 1') })
    expect(bytes).toBe(CHUNK_BYTES)
  })

  test('swapped volumes are found', async () => {
    const { sink, objects } = await stored(1)
    const [first, second] = objects
    const a = sink.objects.get(first?.key as string)
    const b = sink.objects.get(second?.key as string)
    sink.objects.set(first?.key as string, b as never)
    sink.objects.set(second?.key as string, a as never)
    await expect(collect(readVerified(sink, objects, signal))).rejects.toMatchObject({ code: 'integrity' })
  })

  test('an index whose chunks do not cover the object is refused', async () => {
    const { sink, objects } = await stored(Number.POSITIVE_INFINITY)
    const short = objects.map((object) => ({ ...object, chunks: object.chunks.slice(0, -1) }))
    await expect(collect(readVerified(sink, short, signal))).rejects.toMatchObject({ code: 'integrity' })
  })

  test('stopping early stops the requests that are under way', async () => {
    const { sink, objects } = await stored(1)
    const aborted: boolean[] = []
    const slow: Sink = {
      ...sink,
      read: (key, range, inner) =>
        key.endsWith('.000')
          ? sink.read(key, range, inner)
          : new Promise((_, reject) => {
              inner.addEventListener('abort', () => {
                aborted.push(true)
                reject(inner.reason)
              })
            }),
    }
    for await (const _piece of readVerified(slow, objects, signal)) break
    expect(aborted).toEqual([true, true])
  })
})
