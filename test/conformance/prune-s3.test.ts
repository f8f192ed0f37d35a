import {
  CreateBucketCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectLegalHoldCommand,
  PutObjectRetentionCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listBackups } from '../../src/app/catalog.ts'
import { layout } from '../../src/core/backup-layout.ts'
import { once } from '../../src/core/bytes.ts'
import { createS3Sink } from '../../src/sinks/s3/index.ts'
import { startHttpFaultProxy } from '../testbed/http-fault-proxy.ts'
import { DAY_MS, prune, reasonsOf, storeDaily } from '../testbed/prune-runs.ts'
import { lacks } from '../testbed/requirement.ts'
import { S3_SERVERS, type S3Server, startS3Server } from '../testbed/s3-server.ts'

const { signal } = new AbortController()
const job = 'shop'

describe.skipIf(lacks('s3')).each(S3_SERVERS)('prune at %s', (name) => {
  let server: S3Server
  let bucketNumber = 0
  beforeAll(async () => {
    server = await startS3Server(name)
  })
  afterAll(() => server[Symbol.asyncDispose]())

  async function versionedBucket(): Promise<string> {
    const bucket = await server.newBucket()
    await server.client.send(
      new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }),
    )
    return bucket
  }
  async function lockingBucket(): Promise<string> {
    const bucket = `lifeboat-locked-${process.pid}-${++bucketNumber}`
    await server.client.send(new CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: true }))
    return bucket
  }
  const open = (bucket: string, endpoint = server.endpoint) =>
    createS3Sink({
      bucket,
      prefix: 'db',
      endpoint,
      region: server.region,
      pathStyle: true,
      attempts: 1,
    })
  /** Every version and marker below the prefix, as `VERSIONS/MARKERS`. */
  async function left(bucket: string, id: string) {
    const page = await server.client.send(new ListObjectVersionsCommand({ Bucket: bucket }))
    const of = (found: readonly { Key?: string | undefined }[] = []) =>
      found.filter(({ Key }) => Key?.includes(id)).length
    return { versions: of(page.Versions), markers: of(page.DeleteMarkers) }
  }

  test('hides in a bucket with versioning, and with --versions destroys every version', async () => {
    const bucket = await versionedBucket()
    await using sink = open(bucket)
    const ids = await storeDaily(sink, 4)
    const overwritten = layout.verified(job, ids[1] ?? '')
    for (const text of ['one', 'two']) await sink.write(overwritten, once(Buffer.from(text)), { signal })
    await sink.delete([overwritten], signal)
    expect((await prune(sink, { retention: { last: 3 } })).gone).toEqual([ids[0]])
    expect(await left(bucket, ids[0] ?? '')).toMatchObject({ versions: 4 })
    expect((await prune(sink, { retention: { last: 2 }, versions: true })).gone).toEqual([ids[1]])
    expect(await left(bucket, ids[1] ?? '')).toEqual({ versions: 0, markers: 0 })
    expect(await left(bucket, ids[2] ?? '')).toEqual({ versions: 4, markers: 0 })
    expect((await listBackups(sink, job, signal)).map(({ id }) => id)).toEqual(ids.slice(2))
  })

  test('sweeps every version of what no backup owns', async () => {
    const bucket = await versionedBucket()
    await using sink = open(bucket)
    await storeDaily(sink, 1)
    const key = layout.object(job, '20261020T000000Z-dead', '0001.sql')
    for (const text of ['one', 'two']) await sink.write(key, once(Buffer.from(text)), { signal })
    const report = await prune(sink, { versions: true, sweepOlderThanMs: -DAY_MS })
    expect(report.leftovers).toMatchObject([{ id: '20261020T000000Z-dead' }])
    expect(await left(bucket, 'dead')).toEqual({ versions: 0, markers: 0 })
  })

  test('a purge that breaks off brings no older version to light', async () => {
    const bucket = await versionedBucket()
    await using proxy = await startHttpFaultProxy(server.endpoint)
    await using sink = open(bucket, proxy.endpoint)
    for (const text of ['one', 'two', 'three']) await sink.write('a', once(Buffer.from(text)), { signal })
    const now = async () => {
      const info = await sink.stat('a', signal)
      if (info === undefined) return undefined
      return Buffer.from(await sink.read('a', { offset: 0, bytes: info.bytes }, signal)).toString()
    }
    for (const pass of [1, 2]) {
      let deleted = 0
      const body = '<Error><Code>AccessDenied</Code><Message>no more</Message></Error>'
      proxy.inject({
        on: ({ method }) => method === 'DELETE' && ++deleted > 1,
        kind: 'answer',
        status: 403,
        body,
        times: 1,
      })
      await expect(sink.purge?.(['a'], signal)).rejects.toMatchObject({
        code: 'sink-denied',
        hint: expect.stringContaining('s3:DeleteObjectVersion'),
      })
      expect([await now(), await left(bucket, 'a')]).toMatchObject(['three', { versions: 3 - pass }])
    }
    await sink.purge?.(['a'], signal)
    expect([await now(), await left(bucket, 'a')]).toEqual([undefined, { versions: 0, markers: 0 }])
    // A key that was hidden stays so, too.
    for (const text of ['one', 'two']) await sink.write('a', once(Buffer.from(text)), { signal })
    await sink.delete(['a'], signal)
    let deleted = 0
    proxy.inject({
      on: ({ method }) => method === 'DELETE' && ++deleted > 1,
      kind: 'answer',
      status: 503,
      times: 1,
    })
    await expect(sink.purge?.(['a'], signal)).rejects.toMatchObject({ code: 'sink-unavailable' })
    expect([await now(), await left(bucket, 'a')]).toEqual([undefined, { versions: 1, markers: 1 }])
  })

  test('never touches what Object Lock holds: manifest or volume, by retention or legal hold', async () => {
    const bucket = await lockingBucket()
    await using sink = open(bucket)
    const ids = await storeDaily(sink, 5)
    const at = (key: string) => ({ Bucket: bucket, Key: `db/${key}` })
    const until = new Date(Math.floor(Date.now() / 1000) * 1000 + 30 * DAY_MS)
    const volume = async (id: string) => {
      for await (const { key } of sink.list(layout.object(job, id, '0001'), signal)) return key
      throw new Error('there is no volume')
    }
    await server.client.send(
      new PutObjectLegalHoldCommand({
        ...at(layout.manifest(job, ids[0] ?? '')),
        LegalHold: { Status: 'ON' },
      }),
    )
    await server.client.send(
      new PutObjectRetentionCommand({
        ...at(await volume(ids[1] ?? '')),
        Retention: { Mode: 'GOVERNANCE', RetainUntilDate: until },
      }),
    )
    expect((await sink.stat(layout.manifest(job, ids[0] ?? ''), signal))?.lockedUntil).toBe('held')
    expect((await sink.stat(await volume(ids[1] ?? ''), signal))?.lockedUntil).toEqual(until)
    expect(await sink.stat(await volume(ids[2] ?? ''), signal)).not.toHaveProperty('lockedUntil')
    const report = await prune(sink, { versions: true })
    expect(report).toMatchObject({ gone: ids.slice(2, 4), failures: [] })
    expect(reasonsOf(report)).toMatchObject({
      [ids[0] ?? '']: ['locked by a legal hold'],
      [ids[1] ?? '']: [`locked until ${until.toISOString()}`],
    })
    expect((await listBackups(sink, job, signal)).map(({ id }) => id)).toEqual([ids[0], ids[1], ids[4]])
    await server.client.send(
      new PutObjectLegalHoldCommand({
        ...at(layout.manifest(job, ids[0] ?? '')),
        LegalHold: { Status: 'OFF' },
      }),
    )
    expect((await prune(sink, { versions: true })).gone).toEqual([ids[0]])
  })
})
