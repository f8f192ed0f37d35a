import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { LifeboatError } from '../../src/core/errors.ts'
import { createFileJournal } from '../../src/core/journal.ts'
import type { Sink } from '../../src/core/sink.ts'
import type { UploadJournal } from '../../src/core/upload-journal.ts'
import { createS3Sink, type S3SinkOptions } from '../../src/sinks/s3/index.ts'
import {
  type HttpFault,
  type HttpFaultProxy,
  type SeenRequest,
  s3Error,
  startHttpFaultProxy,
} from '../testbed/http-fault-proxy.ts'
import { lacks } from '../testbed/requirement.ts'
import { S3_SERVERS, type S3Server, startS3Server } from '../testbed/s3-server.ts'
import { inPieces, sampleBytes, thenStall } from '../testbed/sample-bytes.ts'

const CHUNK = 5 * 1024 * 1024
const DATA = sampleBytes(3 * CHUNK + 1000)
/** Attempts × idle time, back-offs and the cleanup, with room for a busy machine. */
const BOUND_MS = 15_000

const on =
  (operation: string, partNumber?: number) =>
  (seen: SeenRequest): boolean =>
    seen.operation === operation && (partNumber === undefined || seen.partNumber === partNumber)

describe.skipIf(lacks('s3')).each(S3_SERVERS)('s3 sink under faults, on %s', { timeout: 60_000 }, (name) => {
  let server: S3Server
  let proxy: HttpFaultProxy
  let bucket: string
  let folder: string
  let journal: UploadJournal
  let sinks: Sink[]
  const { signal } = new AbortController()

  beforeAll(async () => {
    server = await startS3Server(name)
  })
  afterAll(() => server[Symbol.asyncDispose]())
  beforeEach(async () => {
    proxy = await startHttpFaultProxy(server.endpoint)
    bucket = await server.newBucket()
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-s3-'))
    journal = createFileJournal(folder)
    sinks = []
  })
  afterEach(async () => {
    for (const sink of sinks) await sink[Symbol.asyncDispose]()
    await proxy[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })

  function open(options: Partial<S3SinkOptions> = {}): Sink {
    const sink = createS3Sink({
      bucket,
      prefix: '',
      endpoint: proxy.endpoint,
      region: server.region,
      pathStyle: true,
      chunkBytes: CHUNK,
      attempts: 3,
      timeouts: { connectMs: 1_000, idleMs: 700, requestMs: 5_000, credentialsMs: 2_000, cleanupMs: 2_000 },
      journal,
      ...options,
    })
    sinks.push(sink)
    return sink
  }
  const write = (sink: Sink, data: Buffer = DATA, ifAbsent = false) =>
    sink.write('object', inPieces(data), { signal, ifAbsent })
  const left = () => server.names(bucket)
  const remembered = async () => (await readdir(folder)).filter((name) => name.endsWith('.json'))
  async function failure(promise: Promise<unknown>): Promise<LifeboatError> {
    const began = performance.now()
    const thrown = await promise.then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(thrown).toBeInstanceOf(LifeboatError)
    expect(performance.now() - began).toBeLessThan(BOUND_MS)
    expect((thrown as LifeboatError).hint).toMatch(/\w{3}.*\.$/)
    return thrown as LifeboatError
  }
  async function expectWhole(data: Buffer = DATA): Promise<void> {
    expect(await left()).toEqual(['object'])
    const read = await open({ endpoint: server.endpoint }).read(
      'object',
      { offset: 0, bytes: data.length },
      signal,
    )
    expect(data.equals(read)).toBe(true)
    expect(await remembered()).toEqual([])
  }
  async function expectNothing(): Promise<void> {
    expect(await left()).toEqual([])
    expect(await remembered()).toEqual([])
  }

  describe('passing', () => {
    const slowDown = { kind: 'answer', status: 503, body: s3Error('SlowDown', 'Reduce your rate') } as const
    test.for<[string, HttpFault]>([
      ['503 to a part', { on: on('UploadPart', 2), times: 2, ...slowDown }],
      ['503 to Create', { on: on('CreateMultipartUpload'), times: 1, ...slowDown }],
      ['503 to Complete', { on: on('CompleteMultipartUpload'), times: 1, ...slowDown }],
      ['500 to every part once', { on: on('UploadPart'), times: 2, kind: 'answer', status: 500 }],
      ['a reset in the middle of a part', { on: on('UploadPart', 3), times: 1, kind: 'reset' }],
      ['a stall in the middle of a part', { on: on('UploadPart', 1), times: 1, kind: 'stall' }],
      ['the answer to a part lost', { on: on('UploadPart', 2), times: 1, kind: 'lose-answer' }],
      ['the answer to Complete lost', { on: on('CompleteMultipartUpload'), times: 1, kind: 'lose-answer' }],
      ['the answers to all Completes lost', { on: on('CompleteMultipartUpload'), kind: 'lose-answer' }],
      [
        'half the answer to Complete',
        { on: on('CompleteMultipartUpload'), times: 1, kind: 'truncate-answer' },
      ],
      ['an empty 200 though Complete was heard', { on: on('CompleteMultipartUpload'), kind: 'forge-answer' }],
    ])('%s ends well', async ([, fault]) => {
      const sink = open()
      proxy.inject(fault)
      expect(await write(sink)).toMatchObject({ key: 'object', bytes: DATA.length })
      await expectWhole()
    })

    test.for<[string, HttpFault]>([
      ['503', { on: on('PutObject'), times: 2, ...slowDown }],
      ['a lost answer', { on: on('PutObject'), times: 1, kind: 'lose-answer' }],
      ['all answers lost', { on: on('PutObject'), kind: 'lose-answer' }],
    ])('%s to PutObject ends well, also with ifAbsent', async ([, fault]) => {
      const sink = open({ exclusiveCreate: true })
      proxy.inject(fault)
      const small = DATA.subarray(0, 1000)
      expect((await write(sink, small, true)).bytes).toBe(1000)
      await expectWhole(small)
    })

    test('the answer to Complete lost, with ifAbsent, is not taken for another writer', async () => {
      const sink = open({ exclusiveCreate: true })
      proxy.inject({ on: on('CompleteMultipartUpload'), times: 1, kind: 'lose-answer' })
      await write(sink, DATA, true)
      await expectWhole()
    })
  })

  describe('lasting', () => {
    const cases: [string, HttpFault, string, RegExp][] = [
      [
        '503 to a part',
        {
          on: on('UploadPart', 2),
          kind: 'answer',
          status: 503,
          body: s3Error('SlowDown', 'Reduce your rate'),
        },
        'sink-unavailable',
        /SlowDown/,
      ],
      [
        'a reset in the middle of a part',
        { on: on('UploadPart', 2), kind: 'reset' },
        'sink-unavailable',
        /./,
      ],
      [
        'a stall in the middle of a part',
        { on: on('UploadPart', 2), kind: 'stall' },
        'sink-unavailable',
        /./,
      ],
      [
        'expired credentials in the middle',
        {
          on: on('UploadPart', 3),
          kind: 'answer',
          status: 403,
          body: s3Error('ExpiredToken', 'It has expired'),
        },
        'sink-denied',
        /ExpiredToken/,
      ],
      [
        'a part that arrived otherwise than it was sent',
        {
          on: on('UploadPart', 1),
          kind: 'answer',
          status: 400,
          body: s3Error('BadDigest', 'It did not match'),
        },
        'integrity',
        /BadDigest/,
      ],
      [
        'a part confirmed with another checksum',
        {
          on: on('UploadPart', 1),
          kind: 'answer',
          headers: { etag: '"0123456789abcdef0123456789abcdef"', 'x-amz-checksum-crc32': 'AAAAAA==' },
        },
        'integrity',
        /CRC32/,
      ],
      [
        'a part answered without an ETag',
        { on: on('UploadPart', 2), kind: 'answer' },
        'sink-unavailable',
        /ETag/,
      ],
      [
        'Complete refused',
        {
          on: on('CompleteMultipartUpload'),
          kind: 'answer',
          status: 400,
          body: s3Error('InvalidPart', 'One could not be found'),
        },
        'unsupported',
        /InvalidPart/,
      ],
      ['Complete unheard', { on: on('CompleteMultipartUpload'), kind: 'reset' }, 'sink-unavailable', /./],
      ['Complete stalled', { on: on('CompleteMultipartUpload'), kind: 'stall' }, 'sink-unavailable', /./],
      [
        'Complete answered 200 with an error in its body',
        { on: on('CompleteMultipartUpload'), kind: 'answer', body: s3Error('InternalError', 'We failed') },
        'sink-unavailable',
        /InternalError/,
      ],
      [
        'Complete answered 200 without an ETag',
        { on: on('CompleteMultipartUpload'), kind: 'answer', body: '<CompleteMultipartUploadResult/>' },
        'sink-unavailable',
        /ETag/,
      ],
      [
        'Complete refused because another writer was first',
        {
          on: on('CompleteMultipartUpload'),
          kind: 'answer',
          status: 412,
          body: s3Error('PreconditionFailed', 'At least one of the preconditions did not hold'),
        },
        'sink-exists',
        /exists already/,
      ],
      [
        'Complete answered 200 with nothing',
        { on: on('CompleteMultipartUpload'), kind: 'answer' },
        'sink-unavailable',
        /InternalError/,
      ],
      [
        'a KMS key that is disabled',
        {
          on: on('CreateMultipartUpload'),
          kind: 'answer',
          status: 400,
          body: s3Error('KMS.DisabledException', 'arn:aws:kms:x is disabled'),
        },
        'sink-denied',
        /KMS/,
      ],
      [
        'a clock that is wrong',
        {
          on: on('CreateMultipartUpload'),
          kind: 'answer',
          status: 403,
          body: s3Error('RequestTimeTooSkewed', 'The difference is too large'),
        },
        'sink-denied',
        /Skewed/,
      ],
    ]
    test.for(cases)('%s fails, and leaves nothing', async ([, fault, code, reason]) => {
      const sink = open()
      proxy.inject(fault)
      const error = await failure(write(sink))
      expect(error.code).toBe(code)
      expect(error.message).toMatch(reason)
      await expectNothing()
    })

    test('an object that is not what was sent is removed', async () => {
      const sink = open()
      proxy.inject({
        on: on('HeadObject'),
        times: 1,
        kind: 'answer',
        headers: { 'content-length': String(DATA.length - 1), 'last-modified': new Date().toUTCString() },
      })
      expect(await failure(write(sink))).toMatchObject({ code: 'integrity' })
      await expectNothing()
    })

    test('an upload that can not be aborted either is swept later', async () => {
      const sink = open()
      proxy.inject(
        { on: on('UploadPart', 3), kind: 'reset' },
        { on: on('AbortMultipartUpload'), kind: 'stall' },
      )
      expect((await failure(write(sink))).code).toBe('sink-unavailable')
      expect(await left()).toEqual(['upload:object'])
      expect(await remembered()).toHaveLength(1)
      await dieInJournal(folder)
      expect(await open().sweep('other/', new Date(), signal)).toEqual([])
      proxy.inject({
        on: on('ListMultipartUploads'),
        kind: 'answer',
        status: 501,
        body: s3Error('NotImplemented', 'No'),
      })
      expect(await open().sweep('', new Date(0), signal)).toEqual(['object'])
      await expectNothing()
    })
  })

  test('an abort while a part stalls sends AbortMultipartUpload, soon', async () => {
    const sink = open({ timeouts: { idleMs: 60_000, cleanupMs: 2_000 } })
    const abort = new AbortController()
    const reason = new LifeboatError('terminated', 'told to stop')
    proxy.inject({ on: on('UploadPart', 1), kind: 'stall' })
    const { body } = thenStall(DATA)
    const struck = proxy.struck()
    const settled = expect(sink.write('object', body, { signal: abort.signal })).rejects.toBe(reason)
    await struck
    const began = performance.now()
    abort.abort(reason)
    await settled
    expect(performance.now() - began).toBeLessThan(2_000)
    expect(proxy.count('AbortMultipartUpload')).toBe(1)
    await expectNothing()
  })

  test('an abort while Complete is under way leaves nothing', async () => {
    const sink = open({ timeouts: { idleMs: 60_000, cleanupMs: 2_000 } })
    const abort = new AbortController()
    proxy.inject({ on: on('CompleteMultipartUpload'), kind: 'stall' })
    const struck = proxy.struck()
    const settled = expect(
      sink.write('object', inPieces(DATA), { signal: abort.signal }),
    ).rejects.toMatchObject({ code: 'interrupted' })
    await struck
    abort.abort()
    await settled
    await expectNothing()
  })

  test('a failing part ends the write while the body is silent', async () => {
    const sink = open()
    proxy.inject({
      on: on('UploadPart', 1),
      kind: 'answer',
      status: 403,
      body: s3Error('AccessDenied', 'No'),
    })
    const { body } = thenStall(DATA.subarray(0, CHUNK + 10))
    expect(await failure(sink.write('object', body, { signal }))).toMatchObject({ code: 'sink-denied' })
    await expectNothing()
  })

  // moto compares neither Content-MD5 nor checksums nor signatures with what it gets.
  if (name === 'ceph')
    describe('what arrived is proven', () => {
      test.for([10, DATA.length])('by a checksum that the place attests: %i bytes', async (bytes) => {
        const sink = open()
        const stored = await write(sink, DATA.subarray(0, bytes))
        expect(stored.attestation).toMatchObject({ CRC32: expect.any(String) })
        expect(sink.traits.attests).toBe('checksum')
        expect(proxy.count('PutObject') + proxy.count('UploadPart')).toBe(Math.ceil(bytes / CHUNK))
      })

      test.for<[string, number, object]>([
        ['PutObject', 10, {}],
        ['UploadPart', DATA.length, {}],
        ['PutObject', 10, { checksum: 'off' }],
        ['UploadPart', DATA.length, { checksum: 'off' }],
      ])(
        'a bit that flips on the way to %s of %i bytes is noticed: %o',
        async ([operation, bytes, options]) => {
          const sink = open(options)
          proxy.inject({ on: on(operation), kind: 'corrupt-body' })
          expect(await failure(write(sink, DATA.subarray(0, bytes)))).toMatchObject({ code: 'integrity' })
          await expectNothing()
        },
      )
    })

  if (name === 'ceph')
    describe('credentials that may write and list, but not read', () => {
      test.for([10, DATA.length])('write %i bytes, and look by a listing', async (bytes) => {
        const data = DATA.subarray(0, bytes)
        const lift = await server.deny(bucket, 's3:GetObject')
        const sink = open()
        const stored = await write(sink, data, true)
        expect(stored).toMatchObject({ bytes, attestation: { ETag: expect.any(String) } })
        expect(await sink.stat('object', signal)).toMatchObject({ bytes })
        expect(await failure(write(sink, data, true))).toMatchObject({ code: 'sink-exists' })
        const range = { offset: 0, bytes: 1 }
        const error = await failure(sink.read('object', range, signal))
        expect(error).toMatchObject({ code: 'sink-denied', hint: expect.stringContaining('s3:GetObject') })
        await lift()
        await expectWhole(data)
      })

      test('keep what they wrote where nobody can tell whose it is', async () => {
        const lift = await server.deny(bucket, 's3:GetObject')
        const sink = open()
        proxy.inject({ on: on('CompleteMultipartUpload'), kind: 'lose-answer' })
        expect(await failure(write(sink))).toMatchObject({ code: 'sink-unavailable' })
        await lift()
        await expectWhole()
      })
    })

  if (name === 'ceph') {
    test.for(['http', 'https'])(
      'the right to write that is taken away in the middle, by %s',
      async (scheme) => {
        const { endpoint, caFile } = server.tls ?? { endpoint: '', caFile: '' }
        // As many tries as in use: a place that refuses may hang up before it was heard, and three times in a row if it is busy.
        const attempts = 10
        const sink = open(scheme === 'http' ? { attempts } : { attempts, endpoint, tlsCa: caFile })
        let lift = async () => {}
        async function* body() {
          yield* inPieces(DATA.subarray(0, CHUNK + 1))
          lift = await server.deny(bucket, 's3:PutObject')
          yield* inPieces(DATA.subarray(CHUNK + 1))
        }
        expect(await failure(sink.write('object', body(), { signal }))).toMatchObject({ code: 'sink-denied' })
        await lift()
        await expectNothing()
      },
    )
  }

  if (name === 'ceph')
    test('credentials that may not write', async () => {
      const lift = await server.deny(bucket, 's3:PutObject')
      for (const data of [DATA.subarray(0, 10), DATA]) {
        const error = await failure(write(open(), data))
        expect(error).toMatchObject({ code: 'sink-denied', hint: expect.stringContaining('s3:PutObject') })
      }
      await lift()
      await expectNothing()
    })

  describe('encryption at rest', () => {
    test.for([10, DATA.length])('by KMS is asked for and attested: %i bytes', async (bytes) => {
      const stored = await write(open({ sse: 'kms', kmsKey: server.kmsKey }), DATA.subarray(0, bytes))
      expect(stored.attestation).toMatchObject({ encryption: 'aws:kms' })
    })

    test('a place that ignores it without a word is refused', async () => {
      const sink = open({ sse: 's3' })
      const body = '<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>'
      proxy.inject({ on: on('CreateMultipartUpload'), kind: 'answer', body })
      expect(await failure(write(sink))).toMatchObject({ code: 'unsupported' })
      expect(proxy.count('UploadPart')).toBe(0)
      expect(proxy.count('AbortMultipartUpload')).toBe(1)
      await expectNothing()
    })
  })

  describe('S3-compatibles', () => {
    test('a place that refuses checksums gets Content-MD5', async () => {
      const sink = open()
      const dislike = s3Error(
        'NotImplemented',
        'A header you provided implies functionality that is not implemented',
      )
      proxy.inject({ on: on('CreateMultipartUpload'), times: 1, kind: 'answer', status: 501, body: dislike })
      expect(sink.traits.attests).toBe('checksum')
      await write(sink)
      expect(sink.traits.attests).toBe('bytes')
      await expectWhole()
    })

    test('a place without DeleteObjects is asked for each key', async () => {
      const sink = open()
      await write(sink, DATA.subarray(0, 10))
      proxy.inject({
        on: on('DeleteObjects'),
        kind: 'answer',
        status: 501,
        body: s3Error('NotImplemented', 'No'),
      })
      await sink.delete(['object', 'never-was'], signal)
      expect(proxy.count('DeleteObject')).toBe(2)
      await expectNothing()
    })

    test('a key that may not be deleted is an error though the batch was answered 200', async () => {
      const sink = open()
      proxy.inject({
        on: on('DeleteObjects'),
        kind: 'answer',
        body: '<DeleteResult><Error><Key>object</Key><Code>AccessDenied</Code><Message>No</Message></Error></DeleteResult>',
      })
      expect(await failure(sink.delete(['object'], signal))).toMatchObject({ code: 'sink-denied' })
    })

    test('whether it honours If-None-Match is found out by the first small write', async () => {
      const sink = open()
      expect(sink.traits.exclusiveCreate).toBe(false)
      await write(sink, DATA.subarray(0, 10), true)
      expect(sink.traits.exclusiveCreate).toBe(true)
      expect(proxy.count('PutObject')).toBe(2)
    })
  })

  test('what came into being during a long upload is not replaced', async () => {
    const sink = open()
    async function* body() {
      yield* inPieces(DATA)
      await open({ endpoint: server.endpoint }).write('object', inPieces(Buffer.from('early')), { signal })
    }
    expect(await failure(sink.write('object', body(), { signal, ifAbsent: true }))).toMatchObject({
      code: 'sink-exists',
    })
    await expectWhole(Buffer.from('early'))
  })

  test('a bucket that is not there', async () => {
    const sink = open({ bucket: 'no-such-bucket-anywhere' })
    for (const call of [
      () => write(sink),
      () => write(sink, DATA.subarray(0, 1)),
      () => sink.stat('object', signal),
    ]) {
      expect(await failure(call())).toMatchObject({ code: 'sink-not-found' })
    }
    expect(await failure(sink.list('', signal)[Symbol.asyncIterator]().next())).toMatchObject({
      code: 'sink-not-found',
    })
  })

  test.for<[string, string, Record<string, string>, RegExp]>([
    ['AuthorizationHeaderMalformed', '<Region>eu-west-3</Region>', {}, /region=eu-west-3/],
    ['PermanentRedirect', '', { 'x-amz-bucket-region': 'ap-south-1' }, /region=ap-south-1/],
    ['InvalidAccessKeyId', '', {}, /access key id/],
    ['SignatureDoesNotMatch', '', {}, /secret key/],
    ['AccessDenied', '', {}, /s3:PutObject/],
  ])('%s is refused with a hint that helps', async ([code, more, headers, hint]) => {
    const sink = open()
    const status = code === 'PermanentRedirect' ? 301 : code === 'AuthorizationHeaderMalformed' ? 400 : 403
    proxy.inject({ on: () => true, kind: 'answer', status, headers, body: s3Error(code, 'No', more) })
    const error = await failure(write(sink))
    expect(error.code).toBe('sink-denied')
    expect(error.hint).toMatch(hint)
  })

  test('nobody listens', async () => {
    const gone = await startHttpFaultProxy(server.endpoint)
    const sink = open({ endpoint: gone.endpoint })
    await gone[Symbol.asyncDispose]()
    expect(await failure(write(sink))).toMatchObject({ code: 'sink-unavailable', retryable: true })
  })

  test('a read whose answer breaks off, stalls or is aborted', async () => {
    const sink = open()
    await write(sink)
    const range = { offset: CHUNK, bytes: CHUNK }
    proxy.inject({ on: on('GetObject'), kind: 'truncate-answer' })
    expect(await failure(sink.read('object', range, signal))).toMatchObject({ code: 'sink-unavailable' })
    proxy.inject({ on: on('GetObject'), kind: 'stall' })
    expect(await failure(sink.read('object', range, signal))).toMatchObject({ code: 'sink-unavailable' })
    const abort = new AbortController()
    const struck = proxy.struck()
    const reading = expect(sink.read('object', range, abort.signal)).rejects.toMatchObject({
      code: 'interrupted',
    })
    await struck
    abort.abort()
    await reading
    proxy.inject()
    expect(DATA.subarray(CHUNK, 2 * CHUNK).equals(await sink.read('object', range, signal))).toBe(true)
  })
})

/** Makes the entries those of a process that is gone: the pid is ours, but was started at another time. */
async function dieInJournal(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    const entry = JSON.parse(await readFile(path, 'utf8'))
    await writeFile(path, JSON.stringify({ ...entry, owner: { ...entry.owner, startTime: 1 } }))
  }
}
