import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  DeleteObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { once } from '../../src/core/bytes.ts'
import { createFileJournal } from '../../src/core/journal.ts'
import type { StagedObject } from '../../src/core/staging.ts'
import { createS3Staging } from '../../src/sinks/s3/staging.ts'
import { lacks } from '../testbed/requirement.ts'
import { S3_SERVERS, type S3Server, startS3Server } from '../testbed/s3-server.ts'

const { signal } = new AbortController()

describe.skipIf(lacks('s3')).each(S3_SERVERS)('staging bucket at %s', (name) => {
  let server: S3Server
  let folder: string
  beforeAll(async () => {
    server = await startS3Server(name)
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-staging-'))
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })

  const open = (bucket: string) =>
    createS3Staging({
      bucket,
      prefix: 'staging/run',
      endpoint: server.endpoint,
      region: server.region,
      pathStyle: true,
      attempts: 1,
      ...(server.kmsKey === undefined ? {} : { kmsKey: server.kmsKey }),
      staged: createFileJournal(join(folder, 'staged')),
    })
  const versions = async (bucket: string) => {
    const page = await server.client.send(new ListObjectVersionsCommand({ Bucket: bucket }))
    return [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].map(({ Key }) => Key).sort()
  }
  const put = (bucket: string, key: string, body: string) =>
    server.client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }))

  test('purges every version and delete marker of its keys, and nothing else', async () => {
    const bucket = await server.newBucket()
    await server.client.send(
      new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }),
    )
    for (const body of ['one', 'two', 'three']) await put(bucket, 'staging/run/a.bak', body)
    await server.client.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'staging/run/a.bak' }))
    await put(bucket, 'staging/run/a.bak', 'four')
    // Names that begin alike are not the same.
    await put(bucket, 'staging/run/a.bak2', 'stays')
    await put(bucket, 'staging/a.bak', 'stays')
    await using staging = open(bucket)
    await staging.purge(['a.bak', 'was-never-there.bak'], signal)
    expect(await versions(bucket)).toEqual(['staging/a.bak', 'staging/run/a.bak2'])
  })

  test('purges in a bucket without versioning, and what is gone already', async () => {
    const bucket = await server.newBucket()
    await put(bucket, 'staging/run/a.bak', 'one')
    await put(bucket, 'staging/run/b.bak', 'stays')
    await using staging = open(bucket)
    await staging.purge(['a.bak'], signal)
    await staging.purge(['a.bak'], signal)
    expect(await versions(bucket)).toEqual(['staging/run/b.bak'])
  })

  test('encrypts what it writes by KMS', async () => {
    const bucket = await server.newBucket()
    await using staging = open(bucket)
    await staging.sink.write('a.bak', once(Buffer.from('plain')), { signal })
    const head = await server.client.send(new HeadObjectCommand({ Bucket: bucket, Key: 'staging/run/a.bak' }))
    expect(head.ServerSideEncryption).toBe('aws:kms')
  })

  test('purges what a dead process of this machine had claimed, and nothing of a living one', async () => {
    const bucket = await server.newBucket()
    for (const key of ['dead.bak', 'living.bak', 'released.bak']) {
      await put(bucket, `staging/run/${key}`, 'plain')
    }
    const claim = `
      import { createFileJournal } from '${new URL('../../src/core/journal.ts', import.meta.url).href}'
      const staged = createFileJournal('${join(folder, 'staged')}')
      await staged.opened({ sink: process.argv[1], key: 'staging/run/dead.bak' })`
    await using staging = open(bucket)
    await staging.claim(['living.bak', 'released.bak'])
    await staging.release(['released.bak'])
    const sink = `s3://${bucket}?endpoint=${server.endpoint}`
    await promisify(execFile)(process.execPath, ['--input-type=module', '-e', claim, sink])
    expect(await staging.sweep(signal)).toEqual(['dead.bak'])
    expect(await staging.sweep(signal)).toEqual([])
    expect(await versions(bucket)).toEqual(['staging/run/living.bak', 'staging/run/released.bak'])
    await staging.purge(['living.bak'], signal)
  })

  test('what was not there yet stays claimed: the server may be writing it for a run that is gone', async () => {
    const bucket = await server.newBucket()
    const journal = join(folder, 'staged')
    const sink = `s3://${bucket}?endpoint=${server.endpoint}`
    const claim = `
      import { createFileJournal } from '${new URL('../../src/core/journal.ts', import.meta.url).href}'
      const staged = createFileJournal('${journal}')
      for (const key of ['late.bak', 'never.bak'])
        await staged.opened({ sink: '${sink}', key: 'staging/run/' + key })`
    await using staging = open(bucket)
    const before = (await readdir(journal)).length
    await promisify(execFile)(process.execPath, ['--input-type=module', '-e', claim])
    expect((await staging.left()).toSorted()).toEqual(['late.bak', 'never.bak'])
    expect(await staging.sweep(signal)).toEqual([])
    await put(bucket, 'staging/run/late.bak', 'plain')
    expect(await staging.sweep(signal)).toEqual(['late.bak'])
    expect(await versions(bucket)).toEqual([])
    expect(await staging.left()).toEqual(['never.bak'])
    for (const name of await readdir(journal)) {
      const path = join(journal, name)
      const entry = JSON.parse(await readFile(path, 'utf8'))
      await writeFile(path, JSON.stringify({ ...entry, openedMs: entry.openedMs - 4 * 24 * 3_600_000 }))
    }
    expect(await staging.sweep(signal)).toEqual([])
    expect(await staging.left()).toEqual([])
    expect((await readdir(journal)).length).toBe(before)
  })

  test('names objects as a database server is told them', async () => {
    const staged = createFileJournal<StagedObject>(join(folder, 'unused'))
    await using staging = createS3Staging({
      bucket: 'backups',
      prefix: 'x/y',
      region: 'eu-central-1',
      staged,
    })
    await using china = createS3Staging({ bucket: 'backups', prefix: '', region: 'cn-north-1', staged })
    expect(staging.arn('db.bak')).toBe('arn:aws:s3:::backups/x/y/db.bak')
    expect(staging.objectKey('db.bak')).toBe('x/y/db.bak')
    expect(china.arn('db.bak')).toBe('arn:aws-cn:s3:::backups/db.bak')
  })
})
