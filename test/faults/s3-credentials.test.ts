import { renameSync, writeFileSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { createFileJournal } from '../../src/core/journal.ts'
import type { Sink } from '../../src/core/sink.ts'
import { createS3Sink } from '../../src/sinks/s3/index.ts'
import { type HttpFaultProxy, s3Error, startHttpFaultProxy } from '../testbed/http-fault-proxy.ts'
import { lacks } from '../testbed/requirement.ts'
import { type S3Server, startS3Server } from '../testbed/s3-server.ts'
import { inPieces, sampleBytes } from '../testbed/sample-bytes.ts'

const CHUNK = 5 * 1024 * 1024
const DATA = sampleBytes(4 * CHUNK + 1000)

/** moto takes any key; the proxy before it says which have expired. */
describe.skipIf(lacks('s3'))(
  'credentials that expire in the middle of an upload',
  { timeout: 60_000 },
  () => {
    let server: S3Server
    let proxy: HttpFaultProxy
    let bucket: string
    let folder: string
    const sinks: Sink[] = []
    const expired = new Set<string>()
    const { signal } = new AbortController()

    beforeAll(async () => {
      server = await startS3Server('moto')
    })
    afterAll(() => server[Symbol.asyncDispose]())
    beforeEach(async () => {
      proxy = await startHttpFaultProxy(server.endpoint)
      bucket = await server.newBucket()
      folder = await mkdtemp(join(tmpdir(), 'lifeboat-expiry-'))
      expired.clear()
      vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(folder, 'credentials'))
      vi.stubEnv('AWS_CONFIG_FILE', join(folder, 'config'))
      const helper = join(folder, 'helper')
      await writeFile(helper, `#!/bin/sh\ncat '${folder}/answer.json'\n`)
      await chmod(helper, 0o700)
      await writeFile(join(folder, 'config'), `[profile program]\ncredential_process = ${helper}\n`)
      giveOut('FIRST')
    })
    afterEach(async () => {
      for (const sink of sinks.splice(0)) await sink[Symbol.asyncDispose]()
      await proxy[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
      vi.unstubAllEnvs()
    })

    /** As a helper beside lifeboat does it, at once for every way to get at them. */
    function giveOut(key: string): void {
      const files = {
        credentials: `[file]\naws_access_key_id = ${key}\naws_secret_access_key = s\naws_session_token = t\n`,
        'answer.json': JSON.stringify({
          Version: 1,
          AccessKeyId: key,
          SecretAccessKey: 's',
          SessionToken: 't',
          // What the helper believes; it may be revoked before.
          Expiration: new Date(Date.now() + 3_600_000).toISOString(),
        }),
      }
      for (const [name, text] of Object.entries(files)) {
        writeFileSync(join(folder, `${name}.new`), text)
        renameSync(join(folder, `${name}.new`), join(folder, name))
      }
    }
    function open(profile: string): Sink {
      const sink = createS3Sink({
        bucket,
        prefix: '',
        endpoint: proxy.endpoint,
        region: server.region,
        pathStyle: true,
        profile,
        chunkBytes: CHUNK,
        attempts: 3,
        timeouts: { cleanupMs: 3_000, renewalMs: 200 },
        journal: createFileJournal(join(folder, 'journal')),
      })
      sinks.push(sink)
      return sink
    }
    /** Once `parts` have come, the first key is dead; `then` may bring the next one. */
    function expireAfter(parts: number, then: (refusals: number) => void): void {
      let seen = 0
      let refusals = 0
      proxy.inject({
        on: ({ operation, accessKeyId = '' }) => {
          if (operation === 'UploadPart') seen += 1
          if (seen > parts) expired.add('FIRST')
          if (!expired.has(accessKeyId)) return false
          refusals += 1
          then(refusals)
          return true
        },
        kind: 'answer',
        status: 400,
        body: s3Error('ExpiredToken', 'The provided token has expired.'),
      })
    }
    const keysOf = (operation: string) =>
      new Set(proxy.seen.filter((one) => one.operation === operation).map(({ accessKeyId }) => accessKeyId))

    describe.each(['file', 'program'])('from a %s', (profile) => {
      test.each([
        ['at once', 1],
        ['a little late', 4],
      ])('which has new ones %s: the upload ends well', async (_, refusal) => {
        expireAfter(2, (refusals) => {
          if (refusals === refusal) giveOut('SECOND')
        })
        const sink = open(profile)
        expect(await sink.write('object', inPieces(DATA), { signal })).toMatchObject({ bytes: DATA.length })
        expect(keysOf('UploadPart')).toEqual(new Set(['FIRST', 'SECOND']))
        expect(keysOf('CompleteMultipartUpload')).toEqual(new Set(['SECOND']))
        expect(await server.names(bucket)).toEqual(['object'])
        expect(DATA.equals(await sink.read('object', { offset: 0, bytes: DATA.length }, signal))).toBe(true)
      })

      test('which has none: it fails with what to do, and what is left is swept with the next ones', async () => {
        expireAfter(2, () => undefined)
        const writing = open(profile).write('object', inPieces(DATA), { signal })
        await expect(writing).rejects.toMatchObject({
          code: 'sink-denied',
          message: expect.stringContaining('ExpiredToken'),
          hint: expect.stringMatching(/^The session credentials have expired\. Renew them/),
        })
        // Whoever may do nothing can't clear away either: no object, but an upload that the journal knows.
        expect(await server.names(bucket)).toEqual(['upload:object'])
        giveOut('SECOND')
        await open(profile).sweep('', new Date(Date.now() + 60_000), signal)
        expect(await server.names(bucket)).toEqual([])
      })
    })

    test('are looked for anew where the answer to HEAD has no room to say so', async () => {
      const sink = open('file')
      await sink.write('object', inPieces(Buffer.from('x')), { signal })
      proxy.inject({
        on: ({ operation, accessKeyId }) => {
          if (operation !== 'HeadObject' || accessKeyId !== 'FIRST') return false
          giveOut('SECOND')
          return true
        },
        kind: 'answer',
        status: 400,
      })
      expect(await sink.stat('object', signal)).toMatchObject({ bytes: 1 })
      expect(keysOf('HeadObject')).toContain('SECOND')
    })
  },
)
