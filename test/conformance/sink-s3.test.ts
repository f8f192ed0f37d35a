import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateMultipartUploadCommand, UploadPartCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe } from 'vitest'
import { createS3Sink } from '../../src/sinks/s3/index.ts'
import { lacks } from '../testbed/requirement.ts'
import { S3_SERVERS, type S3Server, startS3Server } from '../testbed/s3-server.ts'
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

  describeSink('s3', async () => {
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
  })
})

function place(server: S3Server, bucket: string): SinkUnderTest {
  const { endpoint, region } = server
  const prefix = 'some/prefix'
  const sink = createS3Sink({ bucket, prefix, endpoint, region, pathStyle: true, exclusiveCreate: true })
  return { sink, cleanup: async () => sink[Symbol.asyncDispose]() }
}
