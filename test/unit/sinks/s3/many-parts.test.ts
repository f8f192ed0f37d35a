import { crc32 } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Sink } from '../../../../src/core/sink.ts'
import { createS3Sink, type S3SinkOptions } from '../../../../src/sinks/s3/index.ts'
import { startWeightlessS3, type WeightlessS3 } from '../../../testbed/weightless-s3.ts'

const PART = 64
const { signal } = new AbortController()

describe('an object of many parts', () => {
  let server: WeightlessS3
  beforeEach(async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'test')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test')
    server = await startWeightlessS3()
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    await server[Symbol.asyncDispose]()
  })
  const open = (options: Partial<S3SinkOptions> = {}): Sink =>
    createS3Sink({
      bucket: 'bucket',
      prefix: '',
      endpoint: server.endpoint,
      pathStyle: true,
      chunkBytes: PART,
      ...options,
    })

  test('has 10,000 equal parts and a last one that may be shorter', async () => {
    await using sink = open()
    const piece = Buffer.from('0123456789abcdef')
    const pieces = (10_000 * PART) / piece.length - 1
    let sum = 0
    async function* body(): AsyncGenerator<Buffer> {
      for (let index = 0; index < pieces; index += 1) {
        sum = crc32(piece, sum)
        yield piece
      }
    }
    const stored = await sink.write('object', body(), { signal })
    expect(stored.bytes).toBe(10_000 * PART - piece.length)
    expect(stored.attestation?.CRC32).toBe(
      Buffer.from(sum.toString(16).padStart(8, '0'), 'hex').toString('base64'),
    )
    expect(server.completed).toHaveLength(10_000)
    expect(server.completed.slice(0, -1).every((bytes) => bytes === PART)).toBe(true)
    expect(server.completed.at(-1)).toBe(PART - piece.length)
    expect(server.mostAtOnce).toBeLessThanOrEqual(3)
  })

  test('is refused one part beyond what the place takes, before it is complete', async () => {
    await using sink = open({ maxParts: 5 })
    expect(sink.traits.maxChunks).toBe(5)
    const body = async function* () {
      yield Buffer.alloc(5 * PART + 1)
    }
    await expect(sink.write('object', body(), { signal })).rejects.toThrow(/more than 5 parts/)
    expect(server.completed).toEqual([])
  })
})

test('without credentials a write is refused before its body is asked for anything', async () => {
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE'])
    vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_CONFIG_FILE', '/dev/null')
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null')
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
  await using sink = createS3Sink({ bucket: 'bucket', prefix: '', region: 'eu-west-3' })
  let asked = false
  const body = async function* () {
    asked = true
    yield Buffer.alloc(1)
  }
  await expect(sink.write('object', body(), { signal })).rejects.toMatchObject({
    code: 'sink-denied',
    hint: expect.stringContaining('AWS_ACCESS_KEY_ID'),
  })
  expect(asked).toBe(false)
  vi.unstubAllEnvs()
})
