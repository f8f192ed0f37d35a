import { PutBucketVersioningCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { copyBackup } from '../../src/app/copy-backup.ts'
import { runVerify } from '../../src/app/verify.ts'
import { layout } from '../../src/core/backup-layout.ts'
import { systemClock } from '../../src/core/clock.ts'
import type { Manifest } from '../../src/core/manifest.ts'
import { CHUNK_BYTES, type Sink } from '../../src/core/sink.ts'
import { createS3Sink, type S3SinkOptions } from '../../src/sinks/s3/index.ts'
import { lacks } from '../testbed/requirement.ts'
import { S3_SERVERS, type S3Server, startS3Server } from '../testbed/s3-server.ts'
import { sampleBytes } from '../testbed/sample-bytes.ts'
import { storeBackup } from '../testbed/stored-backup.ts'

const { signal } = new AbortController()
const job = 'shop'
const LONG = sampleBytes(CHUNK_BYTES + 1000)
const SHORT = Buffer.from('CREATE USER')
const parts = [
  { name: 'shop', data: LONG },
  { name: 'accounts', data: SHORT },
]

/** What S3 itself attests, without a byte of data read: on a real S3, and on one that answers as AWS does. */
describe.skipIf(lacks('s3')).each(S3_SERVERS)(
  'verify without reading, on %s',
  { timeout: 60_000 },
  (name) => {
    let server: S3Server
    const opened: Sink[] = []
    beforeAll(async () => {
      server = await startS3Server(name)
    })
    afterAll(async () => {
      for (const sink of opened) await sink[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    })

    function open(bucket: string, options: Partial<S3SinkOptions> = {}) {
      const { endpoint, region } = server
      const sink = createS3Sink({ bucket, prefix: 'db', endpoint, region, pathStyle: true, ...options })
      opened.push(sink)
      const reads: string[] = []
      return {
        ...sink,
        reads,
        read: (...args: Parameters<Sink['read']>) => {
          reads.push(args[0])
          return sink.read(...args)
        },
      }
    }
    async function versionedBucket(): Promise<string> {
      const bucket = await server.newBucket()
      const VersioningConfiguration = { Status: 'Enabled' as const }
      await server.client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }))
      return bucket
    }
    const verify = (sink: Sink, id: string, deep = false) =>
      runVerify({ sink, job, id, deep, clock: systemClock, onEvent: () => undefined }, signal)
    const keysOf = ({ id, parts: stored }: Manifest) =>
      stored.flatMap(({ volumes }) => volumes.map((volume) => layout.object(job, id, volume.name)))
    /** Another writer, with the bucket's own tools: the very same length. */
    const overwrite = (bucket: string, key: string, data: Uint8Array) =>
      server.client.send(new PutObjectCommand({ Bucket: bucket, Key: `db/${key}`, Body: data }))
    const flipped = (data: Buffer) => {
      const other = Buffer.from(data)
      other[other.length - 1] = (other[other.length - 1] ?? 0) ^ 1
      return other
    }
    const damaged = expect.objectContaining({ code: 'integrity' })

    test('nothing of the data is read', async () => {
      const sink = open(await server.newBucket())
      const manifest = await storeBackup(sink, { parts })
      sink.reads.length = 0
      const { level, proofs } = await verify(sink, manifest.id)
      expect(level).toBe('attested')
      expect(proofs).toMatchObject({ size: 0 })
      expect(sink.reads.filter((key) => keysOf(manifest).includes(key))).toEqual([])
      expect(sink.reads).toHaveLength(3)
    })

    test.for([
      ['auto', { checksum: 2 }],
      ['crc64nvme', { checksum: 2 }],
      ['sha256', { digest: 2 }],
      ['off', { etag: 2 }],
    ] as const)(
      'with checksum=%s it is seen that another writer overwrote an object',
      async ([checksum, proofs]) => {
        const bucket = await server.newBucket()
        const sink = open(bucket, { checksum })
        const manifest = await storeBackup(sink, { parts })
        expect((await verify(sink, manifest.id)).proofs).toMatchObject(proofs)
        const [long = '', short = ''] = keysOf(manifest)
        await overwrite(bucket, short, flipped(SHORT))
        await expect(verify(sink, manifest.id)).rejects.toEqual(damaged)
        // Neither the checksum nor the number of parts is of the form that was recorded.
        await overwrite(bucket, short, SHORT)
        await overwrite(bucket, long, flipped(LONG))
        await expect(verify(sink, manifest.id)).rejects.toEqual(damaged)
        await expect(verify(sink, manifest.id)).rejects.toMatchObject({
          message: expect.stringContaining(long),
        })
        await expect(verify(sink, manifest.id, true)).rejects.toEqual(damaged)
      },
    )

    test('with versions it is seen even where the bytes are the same', async () => {
      const bucket = await versionedBucket()
      const sink = open(bucket)
      const manifest = await storeBackup(sink, { parts })
      expect(manifest.parts[1]?.volumes[0]?.attestation?.versionId).toMatch(/\S/)
      await verify(sink, manifest.id)
      const [, short = ''] = keysOf(manifest)
      await overwrite(bucket, short, SHORT)
      await expect(verify(sink, manifest.id)).rejects.toMatchObject({
        code: 'integrity',
        message: expect.stringContaining('written anew since'),
        hint: expect.stringContaining('--deep'),
      })
      expect(await verify(sink, manifest.id, true)).toMatchObject({ level: 'stored' })
    })

    test.for(['auto', 'sha256'] as const)(
      'a copy in another bucket is good, versions and all (checksum=%s)',
      async (checksum) => {
        const from = open(await versionedBucket(), { checksum })
        const to = open(await versionedBucket())
        const { id } = await storeBackup(from, { parts })
        const journal = { opened: async () => undefined, closed: async () => undefined, left: async () => [] }
        await copyBackup({ from, to, job, id, journal, onEvent: () => undefined }, signal)
        expect((await verify(to, id)).level).toBe('attested')
      },
    )
  },
)
