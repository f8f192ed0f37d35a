import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { type DumpFactsRequest, gatherDumpFacts } from '../../../../src/app/policy/dump-facts.ts'
import { systemClock } from '../../../../src/core/clock.ts'
import { LifeboatError } from '../../../../src/core/errors.ts'

const gather = (but: Partial<DumpFactsRequest>) =>
  gatherDumpFacts(
    {
      job: 'shop',
      source: 'mysql://db.example.com',
      fingerprints: async () => ['A', 'B'],
      signed: false,
      sinks: [],
      staging: undefined,
      audit: false,
      verify: false,
      rtoMs: undefined,
      rpoMs: undefined,
      drillMaxAgeMs: 1,
      clock: systemClock,
      ask: { notAsked: 'nobody asks' },
      ...but,
    },
    new AbortController().signal,
  )

describe('the facts of a dump', () => {
  test('the same key in two files is one', async () => {
    expect((await gather({ fingerprints: async () => ['A', 'A'] })).recipients).toEqual({
      known: true,
      value: 1,
    })
  })

  test('a key file that can not be read is told, not thrown', async () => {
    const fingerprints = () => Promise.reject(new LifeboatError('key-unusable', 'it is no key'))
    expect((await gather({ fingerprints })).recipients).toEqual({ known: false, reason: 'it is no key' })
  })

  test.each([
    ['mysql://db.example.com', 'require'],
    ['mysql://db.example.com?tls-ca=/ca.pem', 'verify-full'],
    ['mysql://db.x.eu-central-1.rds.amazonaws.com', 'verify-full'],
    ['mysql://db.x.eu-central-1.rds.amazonaws.com?tls=require', 'require'],
    ['postgres://?socket=/run/postgresql', 'socket'],
  ])('%s is reached by %s', async (source, connection) => {
    expect((await gather({ source })).connection).toBe(connection)
  })

  test('a URL says how its bucket encrypts; what it leaves open is asked, or unknown', async () => {
    const sinks = [
      'file:///x',
      's3://bucket-a?sse=kms',
      's3://bucket-b?kms-key=alias/x',
      's3://bucket-c?sse=s3',
      's3://bucket-d',
    ]
    const { buckets } = await gather({ sinks })
    expect(buckets).toEqual([
      { name: 's3://bucket-a', encryption: { known: true, value: 'aws:kms' } },
      { name: 's3://bucket-b', encryption: { known: true, value: 'aws:kms' } },
      { name: 's3://bucket-c', encryption: { known: true, value: 'AES256' } },
      {
        name: 's3://bucket-d',
        encryption: { known: false, reason: 'the URL does not say, and nobody asks' },
      },
    ])
  })

  test('the bucket beside the server counts, which encrypts with KMS unless it is told otherwise', async () => {
    const staged = async (staging: string) => (await gather({ staging })).buckets
    expect(await staged('s3://near')).toMatchObject([{ encryption: { value: 'aws:kms' } }])
    expect(await staged('s3://near?sse=s3')).toMatchObject([{ encryption: { value: 'AES256' } }])
  })

  test('a bucket that takes the connection and says nothing is unknown, in bounded time', async () => {
    const server = createServer(() => undefined).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    try {
      const url = `s3://silent?endpoint=http://127.0.0.1:${port}&region=eu-central-1`
      const { buckets } = await gather({ sinks: [url], ask: { sinks: [], lastDrill: async () => undefined } })
      expect(buckets).toEqual([
        {
          name: 's3://silent',
          encryption: { known: false, reason: expect.stringMatching(/answer|time|credentials/i) },
        },
      ])
    } finally {
      server.close()
    }
  }, 20_000)
})
