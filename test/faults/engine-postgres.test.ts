import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { parseDatabaseUrl } from '../../src/core/database-url.ts'
import type { EngineContext } from '../../src/core/engine.ts'
import { LifeboatError } from '../../src/core/errors.ts'
import { Secret, type SecretSource } from '../../src/core/secret.ts'
import { connect, findServer } from '../../src/engines/postgres/connection.ts'
import { createPostgresEngine } from '../../src/engines/postgres/index.ts'
import { failureOf, sourceOf, type Taken, take } from '../conformance/engine-suite.ts'
import { findPostgresBinFolder, type PostgresServer, startPostgres } from '../testbed/postgres.ts'
import { lacks } from '../testbed/requirement.ts'
import { startTcpProxy } from '../testbed/tcp-proxy.ts'

const never = new AbortController().signal
const binFolder = (await findPostgresBinFolder()) ?? '/usr/bin'

async function drain(bytes: AsyncIterator<Uint8Array>): Promise<void> {
  while ((await bytes.next()).done !== true);
}

async function connectTo(server: PostgresServer, database: string): Promise<pg.Client> {
  const client = new pg.Client({ host: server.folder, port: server.port, user: 'postgres', database })
  await client.connect()
  return client
}

describe.skipIf(lacks('postgres'))('engine postgres when things break', { timeout: 60_000 }, () => {
  let source: PostgresServer
  let folder: string
  beforeAll(async () => {
    source = await startPostgres()
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-faults-'))
    await source.query('CREATE DATABASE big')
    await source.query(
      `CREATE TABLE filler AS SELECT n, repeat(md5(n::text), 20) AS text FROM generate_series(1, 20000) n;
       SELECT lo_from_bytea(1, decode(repeat('00ff', 50000), 'hex'))`,
      'big',
    )
  }, 60_000)
  afterAll(async () => {
    await source?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  const engineFor = (
    server: PostgresServer,
    query: Record<string, string> = {},
    context: Partial<EngineContext> = {},
    parts: { host?: string; user?: string } = {},
  ) =>
    createPostgresEngine(parseDatabaseUrl(server.url({ query, ...parts })), {
      searchPath: binFolder,
      password: async () => new Secret(server.password),
      ...context,
    })

  async function fake(name: string, script: string): Promise<[string, ...string[]]> {
    const path = join(folder, name)
    await writeFile(path, `#!/bin/sh\n${script}\n`)
    await chmod(path, 0o755)
    return [path]
  }

  const through = (proxy: { host: string; port: number }) => ({ connect: `${proxy.host}:${proxy.port}` })

  test.each(['cut', 'close'] as const)(
    'a connection that is lost in the middle (%s) is no backup',
    async (kind) => {
      await using proxy = await startTcpProxy({ host: '127.0.0.1', port: source.port })
      await using engine = engineFor(source, through(proxy))
      const probe = await engine.probe('source', never)
      const stop = new AbortController()
      await using dump = engine.dump(probe, { counts: 'exact' }, stop.signal)
      proxy.inject({ kind, after: { bytes: 2_000_000, direction: 'down' } })
      async function all(): Promise<void> {
        for await (const part of dump.parts) for await (const _piece of part.open(never));
        await dump.finish(never)
      }
      const failure = await failureOf(all())
      expect(['engine-unreachable', 'tool-failed']).toContain(failure.code)
      expect(failure.hint).toBeDefined()
    },
  )

  test('counting that fails is no backup, even though every part was whole', async () => {
    await using engine = engineFor(source)
    const probe = await engine.probe('source', never)
    const blocker = await connectTo(source, 'big')
    await using dump = engine.dump(probe, { counts: 'exact' }, never)
    for await (const part of dump.parts) {
      if (part.format !== 'pgdump') {
        await drain(part.open(never)[Symbol.asyncIterator]())
        continue
      }
      // Both the count and pg_dump wait here: so the count can be ended while it is surely under way.
      await blocker.query('BEGIN; LOCK TABLE pg_largeobject_metadata IN ACCESS EXCLUSIVE MODE')
      const bytes = part.open(never)[Symbol.asyncIterator]()
      const rest = drain(bytes)
      await vi.waitFor(
        async () => {
          const waiting = await source.query(
            `SELECT pid FROM pg_stat_activity WHERE datname = 'big' AND wait_event_type = 'Lock'`,
          )
          expect(waiting.length).toBe(2)
        },
        { timeout: 10_000, interval: 20 },
      )
      const ended = await source.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'big' AND query ~ '^SELECT count'`,
      )
      expect(ended.length).toBe(1)
      await blocker.end()
      await rest
    }
    expect((await failureOf(dump.finish(never))).code).toBe('engine-unreachable')
  })

  test.each(['stall', 'half-open'] as const)(
    'a count whose answer never comes (%s) ends after a bounded time',
    async (kind) => {
      await using proxy = await startTcpProxy({ host: '127.0.0.1', port: source.port })
      await using engine = engineFor(source, { ...through(proxy), 'silence-ms': '300' })
      const probe = await engine.probe('source', never)
      const blocker = await connectTo(source, 'big')
      try {
        await using dump = engine.dump(probe, { counts: 'exact' }, never)
        for await (const part of dump.parts) {
          const bytes = part.open(never)[Symbol.asyncIterator]()
          if (part.format !== 'pgdump') {
            await drain(bytes)
            continue
          }
          await blocker.query('BEGIN; LOCK TABLE pg_largeobject_metadata IN ACCESS EXCLUSIVE MODE')
          // Not waited for: the dump tool, whose own silence is the app's to notice, is silent too from here on.
          bytes.next().catch(() => undefined)
          await vi.waitFor(
            async () => {
              const waiting = await source.query(
                `SELECT pid FROM pg_stat_activity WHERE datname = 'big' AND query ~ '^SELECT count' AND wait_event_type = 'Lock'`,
              )
              expect(waiting.length).toBe(1)
            },
            { timeout: 10_000, interval: 20 },
          )
          proxy.inject({ kind })
          await blocker.query('ROLLBACK')
        }
        const failure = await failureOf(dump.finish(never))
        expect(failure).toMatchObject({
          code: 'engine-unreachable',
          message: expect.stringContaining('fell silent'),
          hint: expect.stringContaining('silence-ms'),
        })
      } finally {
        await blocker.end()
      }
    },
  )

  test('a count that merely takes long is left alone', async () => {
    await using engine = engineFor(source, { 'silence-ms': '50' })
    const { result } = await take(engine)
    const blocker = await connectTo(source, 'big')
    try {
      await blocker.query('BEGIN; LOCK TABLE filler IN ACCESS EXCLUSIVE MODE')
      const counting = engine.count(result.contents.tables, never)
      // Asked about again and again meanwhile, each time over a session of its own.
      const [before] = await source.query(`SELECT sessions FROM pg_stat_database WHERE datname = 'big'`)
      await vi.waitFor(
        async () => {
          const [now] = await source.query(`SELECT sessions FROM pg_stat_database WHERE datname = 'big'`)
          expect(Number(now?.sessions) - Number(before?.sessions)).toBeGreaterThan(4)
        },
        { timeout: 20_000, interval: 50 },
      )
      await blocker.query('ROLLBACK')
      expect(await counting).toEqual(result.contents.tables)
    } finally {
      await blocker.end()
    }
  })

  describe('a connection', () => {
    const serverFor = (proxy: { host: string; port: number }, password?: SecretSource) =>
      findServer(
        parseDatabaseUrl(source.url({ query: through(proxy) })),
        { password: password ?? (async () => new Secret(source.password)), silenceMs: 60_000 },
        never,
      )

    test('to a server that has fallen silent is not said goodbye to for ever, and not at all after an abort', async () => {
      await using proxy = await startTcpProxy({ host: '127.0.0.1', port: source.port })
      const server = await serverFor(proxy)
      const stop = new AbortController()
      const left = await connect(server, 'big', never)
      const stopped = await connect(server, 'big', stop.signal)
      proxy.inject({ kind: 'stall' })
      const began = performance.now()
      const leaving = left[Symbol.asyncDispose]()
      const stopping = stopped[Symbol.asyncDispose]()
      stop.abort()
      await stopping
      expect(performance.now() - began).toBeLessThan(1_500)
      await leaving
      expect(performance.now() - began).toBeLessThan(10_000)
    })

    test('is not begun when the run was stopped while its password was waited for', async () => {
      await using proxy = await startTcpProxy({ host: '127.0.0.1', port: source.port })
      const stop = new AbortController()
      const asked = async () => {
        stop.abort(new LifeboatError('interrupted', 'stopped at the prompt'))
        return new Secret(source.password)
      }
      const failure = await failureOf(connect(await serverFor(proxy, asked), 'big', stop.signal))
      expect(failure.message).toBe('stopped at the prompt')
      expect(proxy.connections).toBe(0)
    })
  })

  test('a part that is given up waits for no lock any more', async () => {
    await using engine = engineFor(source, { 'lock-wait-ms': '300000' })
    const probe = await engine.probe('source', never)
    const blocker = await connectTo(source, 'big')
    const waiting = () =>
      source.query(`SELECT pid FROM pg_stat_activity WHERE datname = 'big' AND wait_event_type = 'Lock'`)
    try {
      await blocker.query('BEGIN; LOCK TABLE filler IN ACCESS EXCLUSIVE MODE')
      await using dump = engine.dump(probe, { counts: 'exact' }, never)
      for await (const part of dump.parts) {
        if (part.format !== 'pgdump') continue
        const stop = new AbortController()
        const reading = failureOf(drain(part.open(stop.signal)[Symbol.asyncIterator]()))
        await vi.waitFor(async () => expect(await waiting()).toHaveLength(1), {
          timeout: 10_000,
          interval: 20,
        })
        stop.abort(new LifeboatError('sink-unavailable', 'the sink is gone'))
        expect((await reading).message).toBe('the sink is gone')
      }
    } finally {
      await blocker.end()
    }
  })

  test('the certificate is checked against the name in the URL, whatever address is dialled', async () => {
    await using proxy = await startTcpProxy({ host: '127.0.0.1', port: source.port })
    await using right = engineFor(source, through(proxy), {}, { host: 'db.example.test' })
    expect((await right.probe('source', never)).databases.map(({ name }) => name)).toEqual(['big'])
    expect((await take(right)).parts.size).toBe(2)
    await using wrong = engineFor(source, through(proxy), {}, { host: 'other.example.test' })
    const failure = await failureOf(wrong.probe('source', never))
    expect(failure.code).toBe('engine-unreachable')
    expect(failure.hint).toContain('certificate')
  })

  test('a CA that did not sign the certificate, and a CA file that is not there', async () => {
    await using engine = engineFor(source, { 'tls-ca': join(folder, 'no-such.pem') })
    expect((await failureOf(engine.probe('source', never))).code).toBe('config')
    const url = parseDatabaseUrl(`postgres://postgres@localhost:${source.port}?tls=verify-full`)
    await using stranger = createPostgresEngine(url, { searchPath: binFolder })
    const failure = await failureOf(stranger.probe('source', never))
    expect(failure.code).toBe('engine-unreachable')
    expect(failure.hint).toContain('tls-ca')
  })

  test('tls=require and a Unix socket work, tls=disable is refused by this server', async () => {
    const password = async () => new Secret(source.password)
    const probe = async (url: string) => {
      await using engine = createPostgresEngine(parseDatabaseUrl(url), { searchPath: binFolder, password })
      const taken = await take(engine)
      return taken.probe.findings.find(({ topic }) => topic === 'TLS')?.level
    }
    expect(await probe(`postgres://postgres@localhost:${source.port}`)).toBe('warning')
    expect(await probe(`postgres://postgres@?socket=${source.socket}`)).toBe('ok')
    const failure = await failureOf(probe(`postgres://postgres@localhost:${source.port}?tls=disable`))
    expect(failure.code).toBe('engine-unreachable')
  })

  test('variables of the operator do not divert a tool', async () => {
    const before = { ...process.env }
    Object.assign(process.env, {
      PGHOST: 'elsewhere.invalid',
      PGHOSTADDR: '127.0.0.9',
      PGPORT: '1',
      PGSERVICE: 'elsewhere',
      PGOPTIONS: '-c search_path=nowhere -c row_security=maybe',
      PGSSLMODE: 'disable',
      PGCLIENTENCODING: 'LATIN1',
      PGPASSWORD: 'not this one',
    })
    try {
      await using engine = engineFor(source)
      expect((await take(engine)).parts.size).toBe(2)
    } finally {
      for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name]
    }
  })

  test('a client older than the server is found before anything starts', async () => {
    const commands = { pg_dump: await fake('old-pg_dump', 'echo "pg_dump (PostgreSQL) 12.4"') }
    await using engine = engineFor(source, {}, { commands })
    const { findings } = await engine.probe('source', never)
    const failure = findings.find(({ level }) => level === 'failure')
    expect(failure).toMatchObject({ topic: 'pg_dump' })
    expect(failure?.hint).toContain('postgresql-client-15')
  })

  test('a client that is missing is named with its package', async () => {
    await using engine = engineFor(source, {}, { commands: { pg_dump: [join(folder, 'nothing-here')] } })
    expect((await failureOf(engine.probe('source', never))).code).toBe('tool-missing')
  })

  describe('restore', () => {
    let taken: Taken
    beforeAll(async () => {
      await using engine = engineFor(source)
      taken = await take(engine)
    })

    test('refuses a pg_restore older than the backup, an older server and a lacking extension, unchanged', async () => {
      await using server = await startPostgres()
      const contents = taken.result.contents
      const commands = { pg_restore: await fake('old-pg_restore', 'echo "pg_restore (PostgreSQL) 12.4"') }
      await using old = engineFor(server, {}, { commands })
      const older = await failureOf(old.restore(sourceOf(taken), { replace: false }, never))
      expect(older).toMatchObject({
        code: 'unsupported',
        hint: expect.stringContaining('postgresql-client-15'),
      })

      await using engine = engineFor(server)
      const newer = { ...sourceOf(taken), server: { flavour: 'PostgreSQL', version: '99.1' } }
      expect((await failureOf(engine.restore(newer, { replace: false }, never))).code).toBe('unsupported')

      const databases = contents.databases.map((each) => ({ ...each, extensions: ['hstore', 'postgis'] }))
      const lacking = sourceOf({
        ...taken,
        result: { ...taken.result, contents: { ...contents, databases } },
      })
      const failure = await failureOf(engine.restore(lacking, { replace: false }, never))
      expect(failure.message).toContain("'postgis'")
      expect(failure.message).not.toContain("'hstore'")
      expect(await server.query(`SELECT FROM pg_database WHERE datname = 'big'`)).toEqual([])
    })

    test('names the statement that failed, and can be repeated with replace', async () => {
      await using server = await startPostgres()
      await using engine = engineFor(server)
      const parts = new Map(taken.parts)
      const archive = parts.get('database big')
      if (archive === undefined) throw new Error('no archive')
      const text = Buffer.from(archive.bytes).toString('latin1')
      // Of the same length, so that the archive stays whole.
      const bytes = Buffer.from(
        text.replace('CREATE TABLE public.filler', 'CREATE TABEL public.filler'),
        'latin1',
      )
      parts.set('database big', { ...archive, bytes })
      const failure = await failureOf(
        engine.restore(sourceOf({ ...taken, parts }), { replace: false }, never),
      )
      expect(failure.code).toBe('tool-failed')
      expect(failure.message).toContain('CREATE TABEL public.filler')
      await engine.restore(sourceOf(taken), { replace: true }, never)
      expect(await engine.count(taken.result.contents.tables, never)).toEqual(taken.result.contents.tables)
    })

    test('an archive that ends early is refused by pg_restore too', async () => {
      await using server = await startPostgres()
      await using engine = engineFor(server)
      const parts = new Map(taken.parts)
      const archive = parts.get('database big')
      if (archive === undefined) throw new Error('no archive')
      parts.set('database big', { ...archive, bytes: archive.bytes.subarray(0, archive.bytes.length >> 1) })
      const failure = await failureOf(
        engine.restore(sourceOf({ ...taken, parts }), { replace: false }, never),
      )
      expect(failure.code).toBe('tool-failed')
    })
  })

  test('waits for a table lock no longer than told, and says who is in the way', async () => {
    await using engine = engineFor(source, { 'lock-wait-ms': '200' })
    const probe = await engine.probe('source', never)
    const { default: pg } = await import('pg')
    const blocker = new pg.Client({
      host: source.folder,
      port: source.port,
      user: 'postgres',
      database: 'big',
    })
    await blocker.connect()
    try {
      await blocker.query('BEGIN; LOCK TABLE filler IN ACCESS EXCLUSIVE MODE')
      await using dump = engine.dump(probe, { counts: 'off' }, never)
      async function all(): Promise<void> {
        for await (const part of dump.parts) for await (const _piece of part.open(never));
      }
      const failure = await failureOf(all())
      expect(failure.code).toBe('locked')
      expect(failure.hint).toContain('lock-wait-ms')
    } finally {
      await blocker.end()
    }
  })
})
