import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { warnBeforeFirstDump } from '../../src/app/doctor-bucket.ts'
import { openEngine, openSink } from '../../src/app/registry.ts'
import type { RunEvent } from '../../src/app/run-event.ts'
import { once } from '../../src/core/bytes.ts'
import type { Engine } from '../../src/core/engine.ts'
import { type ErrorCode, LifeboatError } from '../../src/core/errors.ts'
import { Secret } from '../../src/core/secret.ts'
import type { Sink } from '../../src/core/sink.ts'
import { createS3Sink } from '../../src/sinks/s3/index.ts'
import { type BlackHole, startBlackHole } from '../testbed/black-hole.ts'
import { lacks } from '../testbed/requirement.ts'

/** What docs/errors.md promises, with room for a busy machine. */
const ENGINE_BOUND_MS = 20_000 + 15_000
const SLACK_MS = 10_000

/** A place that takes the connection and never says a word: the worst of a dead region, where nothing is refused. */
describe('against a black hole', { timeout: 60_000 }, () => {
  let hole: BlackHole
  let folder: string
  const { signal } = new AbortController()

  beforeAll(async () => {
    hole = await startBlackHole()
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-black-hole-'))
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'a')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'b')
    vi.stubEnv('AWS_CONFIG_FILE', '/dev/null')
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null')
  })
  afterAll(async () => {
    vi.unstubAllEnvs()
    await hole[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })

  async function endsWithin(boundMs: number, work: () => Promise<unknown>): Promise<LifeboatError> {
    const before = hole.connections
    const began = performance.now()
    const thrown = await work().then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(performance.now() - began).toBeLessThan(boundMs)
    // Else it was refused for another reason, before it ever had to wait.
    expect(hole.connections).toBeGreaterThan(before)
    expect(thrown).toBeInstanceOf(LifeboatError)
    const error = thrown as LifeboatError
    expect(error.hint).toMatch(/\w.*\.$/)
    return error
  }

  async function each<Work>(
    works: Readonly<Record<string, Work>>,
    run: (work: Work) => Promise<LifeboatError>,
    code: ErrorCode,
  ): Promise<void> {
    const ended = Object.entries(works).map(async ([name, work]) => [name, (await run(work)).code] as const)
    const names = Object.keys(works)
    expect(Object.fromEntries(await Promise.all(ended))).toEqual(
      Object.fromEntries(names.map((name) => [name, code])),
    )
  }

  const verbs: Readonly<Record<string, (sink: Sink) => Promise<unknown>>> = {
    write: (sink) => sink.write('a', once(Buffer.from('x')), { signal }),
    'write if absent': (sink) => sink.write('a', once(Buffer.from('x')), { ifAbsent: true, signal }),
    read: (sink) => sink.read('a', { offset: 0, bytes: 1 }, signal),
    stat: (sink) => sink.stat('a', signal),
    list: (sink) => Array.fromAsync(sink.list('', signal)),
    delete: (sink) => sink.delete(['a'], signal),
    sweep: (sink) => sink.sweep('', new Date(), signal),
  }

  const questions: Readonly<Record<string, (engine: Engine) => Promise<unknown>>> = {
    'probe of a source': (engine) => engine.probe('source', signal),
    'probe of a target': (engine) => engine.probe('target', signal),
    count: (engine) => engine.count([{ database: 'd', schema: 's', table: 't' }], signal),
  }
  const engines = [
    ...(lacks('mariadb') ? [] : [['mysql', '']]),
    ...(lacks('postgres') ? [] : [['postgres', '']]),
    ['sqlserver', ''],
    ['oracle', '/service'],
  ]

  // All at once: each waits for its own bound, and none of them works meanwhile.
  test.concurrent.each(engines)('%s: each question', async (scheme, path) => {
    await each(
      questions,
      async (question) => {
        const context = { searchPath: process.env.PATH ?? '', password: async () => new Secret('x') }
        await using engine = await openEngine(`${scheme}://me@${hole.host}:${hole.port}${path}`, context)
        return await endsWithin(ENGINE_BOUND_MS, () => question(engine))
      },
      'engine-unreachable',
    )
  })

  /** Attempts × time without a byte, their back-offs, and once more for what is cleared away. */
  const S3_BOUND_MS = 2 * 500 + 1_000

  test.concurrent('s3: each verb', async () => {
    await each(
      verbs,
      async (verb) => {
        await using sink = createS3Sink({
          bucket: 'bucket',
          prefix: 'x',
          region: 'eu-west-1',
          endpoint: `http://${hole.host}:${hole.port}`,
          pathStyle: true,
          attempts: 2,
          timeouts: { connectMs: 500, idleMs: 500, cleanupMs: 1_000 },
        })
        return await endsWithin(S3_BOUND_MS + SLACK_MS, () => verb(sink))
      },
      'sink-unavailable',
    )
  })

  test.concurrent('ssh: each verb', async () => {
    const key = join(folder, 'key')
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    })
    await writeFile(key, privateKey, { mode: 0o600 })
    await writeFile(join(folder, 'hosts'), '')
    const url = `ssh://me@${hole.host}:${hole.port}/x?connect-timeout=1&identity=${key}&known-hosts=${folder}/hosts`
    const context = {
      home: folder,
      stateFolder: folder,
      agentSocket: undefined,
      password: undefined,
      passphrase: undefined,
    }
    await each(
      verbs,
      async (verb) => {
        await using sink = await openSink(url, context)
        // Reads, stat, list and delete are tried four times in all.
        return await endsWithin(4 * 1_000 + SLACK_MS, () => verb(sink))
      },
      'timed-out',
    )
  })

  test.concurrent('the look at a bucket before a dump: a warning', async () => {
    const events: RunEvent[] = []
    const sinkUrl = `s3://bucket/x?endpoint=http://${hole.host}:${hole.port}&region=eu-west-1&path-style=true`
    const began = performance.now()
    const first = {
      sinkUrl,
      databaseUrl: 'mysql://me@h',
      stateFolder: folder,
      onEvent: (event: RunEvent) => events.push(event),
    }
    await warnBeforeFirstDump(first, signal)
    expect(performance.now() - began).toBeLessThan(10_000 + SLACK_MS)
    const warnings = events.filter(({ kind }) => kind === 'warning')
    expect(warnings).toMatchObject([{ message: expect.stringMatching(/unknown of bucket/) }])
  })
})
