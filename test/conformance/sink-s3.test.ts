import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CreateMultipartUploadCommand, UploadPartCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CHUNK_BYTES } from '../../src/core/sink.ts'
import { createS3Sink, type S3SinkOptions } from '../../src/sinks/s3/index.ts'
import { lacks } from '../testbed/requirement.ts'
import { S3_SERVERS, type S3Server, startS3Server } from '../testbed/s3-server.ts'
import { inPieces, sampleBytes } from '../testbed/sample-bytes.ts'
import { describeSink, type SinkUnderTest } from './sink-suite.ts'

describe.skipIf(lacks('s3')).each(S3_SERVERS)('%s', (name) => {
  let server: S3Server
  let folder: string
  beforeAll(async () => {
    server = await startS3Server(name)
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-aws-'))
    const words = server.aws.map((word) => `'${word}'`).join(' ')
    // The usual PATH, or the container would find this very script again, its temp folder being ours.
    await writeFile(join(folder, 'aws'), `#!/bin/sh\nPATH=/usr/local/bin:/usr/bin:/bin exec ${words} "$@"\n`)
    await chmod(join(folder, 'aws'), 0o755)
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })

  describeSink(
    's3',
    async () => {
      const bucket = await server.newBucket()
      return {
        ...place(server, bucket),
        raw: {
          names: async () => (await server.names(bucket)).map((name) => name.replace('some/prefix/', '')),
          async abandonWrite(key) {
            const at = { Bucket: bucket, Key: `some/prefix/${key}` }
            const { UploadId } = await server.client.send(new CreateMultipartUploadCommand(at))
            await server.client.send(new UploadPartCommand({ ...at, UploadId, PartNumber: 1, Body: 'half' }))
          },
        },
        byHandEnv: { ...server.env, PATH: `${folder}:${process.env.PATH}` },
      }
    },
    { purges: true },
  )
})

describe.skipIf(lacks('s3'))('ceph by HTTPS with a private CA', () => {
  let server: S3Server
  let tls: NonNullable<S3Server['tls']>
  const { signal } = new AbortController()
  beforeAll(async () => {
    server = await startS3Server('ceph')
    if (server.tls === undefined) throw new Error('Ceph was started without TLS')
    tls = server.tls
  })
  afterAll(() => server[Symbol.asyncDispose]())

  async function open(options: Partial<S3SinkOptions>) {
    return createS3Sink({
      bucket: await server.newBucket(),
      prefix: '',
      endpoint: tls.endpoint,
      region: server.region,
      pathStyle: true,
      attempts: 1,
      ...options,
    })
  }

  test.for([10, CHUNK_BYTES + 10])('writes and reads %i bytes', async (bytes) => {
    await using sink = await open({ tlsCa: tls.caFile })
    const data = sampleBytes(bytes)
    expect(await sink.write('object', inPieces(data), { signal })).toMatchObject({ bytes })
    const range = { offset: bytes - 10, bytes: 10 }
    expect(Buffer.from(await sink.read('object', range, signal))).toEqual(data.subarray(-10))
    const env = { ...process.env, ...server.env }
    const [program, ...words] = server.aws
    const command = sink.byHand(['object']).replace(/^aws /, '')
    const { stdout } = await promisify(execFile)('sh', ['-c', `"$0" "$@" ${command}`, program, ...words], {
      env,
      encoding: 'buffer',
      maxBuffer: 2 * CHUNK_BYTES,
    })
    expect(data.equals(stdout)).toBe(true)
  })

  test('says what to do where the CA is not given', async () => {
    await using sink = await open({})
    await expect(sink.stat('object', signal)).rejects.toMatchObject({
      code: 'sink-denied',
      hint: expect.stringContaining('tls-ca=FILE'),
    })
  })
})

function place(server: S3Server, bucket: string): SinkUnderTest {
  const { endpoint, region } = server
  const prefix = 'some/prefix'
  const sink = createS3Sink({ bucket, prefix, endpoint, region, pathStyle: true, exclusiveCreate: true })
  return { sink, cleanup: async () => sink[Symbol.asyncDispose]() }
}
