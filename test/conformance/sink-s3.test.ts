import { CreateMultipartUploadCommand, UploadPartCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe } from 'vitest'
import { createS3Sink } from '../../src/sinks/s3/index.ts'
import { lacks } from '../testbed/requirement.ts'
import { type S3Server, startS3Server } from '../testbed/s3-server.ts'
import { describeSink } from './sink-suite.ts'

describe.skipIf(lacks('s3'))('moto', () => {
  let server: S3Server
  beforeAll(async () => {
    server = await startS3Server()
  })
  afterAll(() => server[Symbol.asyncDispose]())

  describeSink('s3', async () => {
    const bucket = await server.newBucket()
    const { endpoint, region } = server
    const sink = createS3Sink({
      bucket,
      prefix: 'some/prefix',
      endpoint,
      region,
      pathStyle: true,
      exclusiveCreate: true,
    })
    return {
      sink,
      cleanup: async () => sink[Symbol.asyncDispose](),
      raw: {
        names: async () => (await server.names(bucket)).map((name) => name.replace('some/prefix/', '')),
        async abandonWrite(key) {
          const at = { Bucket: bucket, Key: `some/prefix/${key}` }
          const { UploadId } = await server.client.send(new CreateMultipartUploadCommand(at))
          await server.client.send(new UploadPartCommand({ ...at, UploadId, PartNumber: 1, Body: 'half' }))
        },
      },
      byHandEnv: server.env,
    }
  })
})
