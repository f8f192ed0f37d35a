import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createS3Sink } from '../../src/sinks/s3/index.ts'
import { createLeaseAgent, storedLeases } from '../testbed/lease-agent.ts'
import { lacks } from '../testbed/requirement.ts'
import { S3_SERVERS, type S3Server, startS3Server } from '../testbed/s3-server.ts'
import { describeLease } from './lease-suite.ts'

const { signal } = new AbortController()

describe.skipIf(lacks('s3')).each(S3_SERVERS)('%s', (name) => {
  let server: S3Server
  beforeAll(async () => {
    server = await startS3Server(name)
  })
  afterAll(() => server[Symbol.asyncDispose]())

  const open = (bucket: string, changes: { readonly exclusiveCreate?: boolean } = {}) =>
    createS3Sink({
      bucket,
      prefix: 'some/prefix',
      endpoint: server.endpoint,
      region: server.region,
      pathStyle: true,
      ...changes,
    })

  const openPlace = async () => {
    const bucket = await server.newBucket()
    // Nothing is said of exclusive create: the lease's own writes find it out.
    const sinks = [open(bucket), open(bucket)] as const
    return {
      sinks,
      async cleanup() {
        await Promise.all(sinks.map((sink) => sink[Symbol.asyncDispose]()))
      },
    }
  }
  // moto 5 answers each request in a thread, looks there for the object and creates it later (s3/responses.py, put_object).
  describeLease('a bucket', openPlace, { looksThenWrites: name === 'moto' })

  test('a bucket of which it is said that it creates nothing exclusively has no lease', async () => {
    await using sink = open(await server.newBucket(), { exclusiveCreate: false })
    const agent = createLeaseAgent(sink)
    await agent.lease.awaitFree(signal)
    await agent.lease.take('ours', signal)
    expect(agent.warnings()).toEqual([expect.stringContaining('lets two writers create the same object')])
    expect(await storedLeases(sink)).toEqual([])
  })
})
