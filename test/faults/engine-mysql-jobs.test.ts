import { once } from 'node:events'
import { connect as dial } from 'node:net'
import { type Connection, createConnection } from 'mysql2/promise'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { collect } from '../../src/core/bytes.ts'
import { parseDatabaseUrl } from '../../src/core/database-url.ts'
import type { Dump, Engine, Part } from '../../src/core/engine.ts'
import { LifeboatError } from '../../src/core/errors.ts'
import { createPrivateFolder } from '../../src/core/private-folder.ts'
import { Secret } from '../../src/core/secret.ts'
import { openCommonSnapshot, type SnapshotWanted } from '../../src/engines/mysql/common-snapshot.ts'
import { holdDump } from '../../src/engines/mysql/held-dump.ts'
import { createMysqlEngine } from '../../src/engines/mysql/index.ts'
import { parseMysqlOptions } from '../../src/engines/mysql/options.ts'
import { packet } from '../../src/engines/mysql/packets.ts'
import { createServerAccess, type ServerAccess } from '../../src/engines/mysql/server-access.ts'
import { createSnapshotGate, type SnapshotGate } from '../../src/engines/mysql/snapshot-gate.ts'
import { findClient } from '../../src/engines/mysql/tools.ts'
import { failureOf, sourceOf, take } from '../conformance/engine-suite.ts'
import { childProcesses } from '../testbed/child-processes.ts'
import { type MariadbServer, startMariadb } from '../testbed/mariadb.ts'
import { BANK } from '../testbed/mysql-transfers.ts'
import { lacks } from '../testbed/requirement.ts'
import { startTcpProxy } from '../testbed/tcp-proxy.ts'

const never = new AbortController().signal
const SHARED = { shared: true, singleBytes: true }
const HURRIED = { lockWaitS: 1, tries: 2, pauseMs: 10, holdMs: 500 }

describe.skipIf(lacks('mariadb'))('engine mysql, by several jobs', { timeout: 60_000 }, () => {
  let source: MariadbServer
  let before: ReadonlySet<number>
  const urlOf = (user: string, options: Record<string, string> = {}) => {
    const url = new URL(source.url)
    url.username = user
    for (const [name, value] of Object.entries({ accounts: 'no', ...options }))
      url.searchParams.set(name, value)
    return parseDatabaseUrl(url.href)
  }
  const context = { searchPath: '/usr/bin:/bin', password: async () => new Secret(source.password) }
  const engineFor = (user = source.user, options: Record<string, string> = {}): Engine =>
    createMysqlEngine(urlOf(user, options), context)
  const accessFor = (user = source.user): ServerAccess => {
    const url = urlOf(user)
    return createServerAccess(url, parseMysqlOptions(url), context)
  }
  const connect = (): Promise<Connection> =>
    createConnection({ socketPath: source.socket, user: source.user, password: source.password })
  const wanted = (gates: readonly SnapshotGate[] = []): SnapshotWanted => ({
    server: { flavour: 'MariaDB', text: '10.11', numbers: [10, 11] },
    databases: ['bank', 'vault'],
    tables: [
      { database: 'bank', table: 'account' },
      { database: 'vault', table: 'box' },
    ],
    gates,
    onProgress: undefined,
  })

  beforeAll(async () => {
    source = await startMariadb()
    await source.run(BANK)
    const password = source.password.replaceAll('\\', '\\\\').replaceAll("'", "\\'")
    for (const [user, more] of [
      ['reader', ''],
      ['locker', ', LOCK TABLES'],
    ]) {
      await source.run(
        `CREATE USER ${user}@'%' IDENTIFIED BY '${password}'; GRANT SELECT, SHOW VIEW, TRIGGER, EVENT${more} ON *.* TO ${user}@'%'`,
      )
    }
  }, 120_000)
  afterAll(async () => {
    await source?.[Symbol.asyncDispose]()
  })
  beforeEach(async () => {
    before = new Set((await childProcesses()).map(({ pid }) => pid))
  })
  afterEach(async () => {
    await vi.waitFor(async () => {
      const left = (await childProcesses()).filter(({ pid }) => !before.has(pid))
      expect(left.map(({ command }) => command)).toEqual([])
    })
    // Whatever went wrong, nobody is held back.
    expect(
      await source.run("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE LIKE '%lock%'"),
    ).toBe('0')
    await source.run('SET SESSION lock_wait_timeout = 2; UPDATE bank.account SET cents = cents WHERE id = 1')
  })

  /** A dump that has its snapshot, with its parts not yet read. */
  async function begin(engine: Engine): Promise<{ dump: Dump; parts: readonly Part[] }> {
    const dump = engine.dump(await engine.probe('source', never), { counts: 'exact', jobs: 3 }, never)
    return { dump, parts: await Array.fromAsync(dump.parts) }
  }
  const ranges = async () => {
    const all = (await childProcesses()).filter(({ pid }) => !before.has(pid))
    return all.filter(({ command }) => command.includes('--where='))
  }

  test('says which privilege is missing, and what works without it', async () => {
    await using engine = engineFor('reader')
    const failure = await failureOf(take(engine, 'exact', 3))
    expect(failure.code).toBe('unsupported')
    expect(failure.message).toMatch(/FLUSH TABLES.*LOCK TABLES/)
    expect(failure.hint).toMatch(/LOCK TABLES.*--jobs 1/)
    expect((await take(engine)).result.contents.tables.length).toBeGreaterThan(0)
  })

  test.each([
    ['a lock of another session', (source0) => source0.user, 'LOCK TABLES bank.account WRITE'],
    ['an open transaction', () => 'locker', 'START TRANSACTION; UPDATE vault.box SET cents = 0 WHERE id = 1'],
  ] as readonly [string, (from: MariadbServer) => string, string][])(
    'gives up behind %s, and holds nobody back',
    async (_what, user, statements) => {
      await using access = accessFor(user(source))
      const other = await connect()
      try {
        for (const statement of statements.split('; ')) await other.query(statement)
        const failure = await failureOf(openCommonSnapshot(access, wanted(), never, HURRIED))
        expect(failure.code).toBe('source-protected')
        expect(failure.message).toMatch(/2 times .* within 1 s/)
        expect(failure.hint).toMatch(/--jobs 1/)
        expect(await source.run('SELECT COUNT(*) FROM vault.account')).toBe('10000')
      } finally {
        await other.query('ROLLBACK')
        await other.query('UNLOCK TABLES')
        await other.end()
      }
      expect((await openCommonSnapshot(access, wanted(), never, HURRIED)).tables.size).toBe(4)
    },
  )

  test('gives the lock back when a snapshot does not come', async () => {
    await using access = accessFor()
    const silent: SnapshotGate = {
      route: { socket: '/nonexistent' },
      reached: Promise.resolve(),
      openSnapshot: () => new Promise(() => undefined),
      proceed: () => undefined,
      refusal: () => undefined,
      [Symbol.asyncDispose]: async () => undefined,
    }
    const failure = await failureOf(openCommonSnapshot(access, wanted([silent]), never, HURRIED))
    expect(failure).toMatchObject({ code: 'source-protected', message: expect.stringMatching(/given back/) })
  })

  test('is refused where locks on tables would not hold back a prepared transaction', async () => {
    await source.run(
      "XA START 'one'; UPDATE vault.box SET cents = cents WHERE id = 2; XA END 'one'; XA PREPARE 'one'",
    )
    try {
      await using access = accessFor('locker')
      const failure = await failureOf(openCommonSnapshot(access, wanted(), never, HURRIED))
      expect(failure).toMatchObject({ code: 'unsupported', message: expect.stringMatching(/XA/) })
    } finally {
      await source.run("XA ROLLBACK 'one'")
    }
  })

  test('is refused where rows may change by a foreign key from a database that is not locked', async () => {
    await source.run(
      'CREATE TABLE vault.child (id INT PRIMARY KEY, FOREIGN KEY (id) REFERENCES bank.account (id) ON DELETE CASCADE)',
    )
    try {
      await using access = accessFor('locker')
      const one = { ...wanted(), databases: ['vault'], tables: [{ database: 'vault', table: 'child' }] }
      const failure = await failureOf(openCommonSnapshot(access, one, never, HURRIED))
      expect(failure).toMatchObject({ code: 'unsupported', message: expect.stringMatching(/foreign keys/) })
    } finally {
      await source.run('DROP TABLE vault.child')
    }
  })

  test('ends all when a tool is killed that still waits for its turn', async () => {
    await using engine = engineFor()
    const { dump, parts } = await begin(engine)
    await using _ = dump
    const [victim] = await ranges()
    process.kill(victim?.pid ?? 0, 'SIGKILL')
    await vi.waitFor(async () => expect(await ranges()).toEqual([]))
    for (const part of parts.slice(0, 3)) {
      expect((await failureOf(collect(part.open(never)))).code).toBe('tool-failed')
    }
  })

  test('fails when the server goes away from one of the connections', async () => {
    await using engine = engineFor()
    const { dump, parts } = await begin(engine)
    await using _ = dump
    const [, first] = parts
    const bytes = first?.open(never)[Symbol.asyncIterator]()
    const ids = await source.run(
      "SELECT GROUP_CONCAT(ID) FROM information_schema.PROCESSLIST WHERE USER = 'lifeboat' AND ID <> CONNECTION_ID()",
    )
    for (const id of ids.split(',')) await source.run(`KILL ${id}`)
    const failure = await failureOf(
      (async () => {
        while ((await bytes?.next())?.done === false);
      })(),
    )
    expect(['engine-unreachable', 'tool-failed']).toContain(failure.code)
  })

  test('fails when the network is cut in the middle', async () => {
    await using proxy = await startTcpProxy({ host: '127.0.0.1', port: source.port })
    await using engine = engineFor(source.user, { connect: `${proxy.host}:${proxy.port}` })
    const { dump, parts } = await begin(engine)
    await using _ = dump
    proxy.inject({ kind: 'cut', after: { bytes: 300_000, direction: 'down' } })
    const results = await Promise.allSettled(parts.map((part) => collect(part.open(never))))
    const failures = results.flatMap((each) =>
      each.status === 'rejected' ? [each.reason as LifeboatError] : [],
    )
    expect(failures.length).toBeGreaterThan(0)
    for (const failure of failures) expect(['engine-unreachable', 'tool-failed']).toContain(failure.code)
  })

  test('says that there are too few connections for so many jobs', async () => {
    await source.run(
      "ALTER USER reader@'%' WITH MAX_USER_CONNECTIONS 3; GRANT LOCK TABLES ON *.* TO reader@'%'",
    )
    try {
      await using engine = engineFor('reader')
      const failure = await failureOf(take(engine, 'exact', 3))
      expect(failure).toMatchObject({
        code: 'engine-unreachable',
        hint: expect.stringMatching(/fewer --jobs/),
      })
    } finally {
      await source.run(
        "ALTER USER reader@'%' WITH MAX_USER_CONNECTIONS 0; REVOKE LOCK TABLES ON *.* FROM reader@'%'",
      )
    }
  })

  test('lets a tool have one connection only: another would see another moment', async () => {
    await using folder = await createPrivateFolder()
    await using gate = await createSnapshotGate({ socket: source.socket }, `${folder.path}/gate.sock`, SHARED)
    const path = 'socket' in gate.route ? gate.route.socket : ''
    const first = dial(path)
    const [greeting] = (await once(first, 'data')) as [Buffer]
    expect(greeting.toString('latin1')).toContain('MariaDB')
    const second = dial(path)
    const received: Buffer[] = []
    second.on('data', (piece) => received.push(piece))
    await once(second, 'close')
    expect(received).toEqual([])
    first.destroy()
  })

  test('lets no tool take a lock of its own, which would be held while it waits', async () => {
    await using folder = await createPrivateFolder()
    await using gate = await createSnapshotGate({ socket: source.socket }, `${folder.path}/gate.sock`, SHARED)
    const client = dial('socket' in gate.route ? gate.route.socket : '')
    await once(client, 'data')
    client.write(packet(0, Buffer.from('\x03FLUSH TABLES WITH READ LOCK')))
    expect(await failureOf(gate.reached)).toMatchObject({
      code: 'unsupported',
      hint: expect.stringMatching(/later mysqldump/),
    })
    client.destroy()
  })

  test('lets no tool take its session out of UTF-8 again', async () => {
    const numbers = { flavour: 'MariaDB', text: '10.11', numbers: [10, 11] } as const
    const tool = await findClient('dump', numbers, context, never)
    // For definitions it changes the character set of results, and then to what it was told.
    const args = ['--default-character-set=cp850', '--single-transaction', '--databases', 'bank']
    await using access = accessFor()
    await using held = await holdDump({ access, tool, args, singleBytes: true }, () => undefined, never)
    await held.ready()
    await held.gate.openSnapshot()
    expect(await failureOf(collect(held.read(never)))).toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('changes the character set of its session'),
      hint: expect.stringContaining('version of this one'),
    })
  })

  test('is stopped as a whole, wherever it is', async () => {
    await using engine = engineFor()
    const stop = new AbortController()
    const probe = await engine.probe('source', never)
    await using dump = engine.dump(probe, { counts: 'exact', jobs: 3 }, stop.signal)
    const parts = await Array.fromAsync(dump.parts)
    const reads = parts.slice(1, 3).map((part) => failureOf(collect(part.open(never))))
    stop.abort(new LifeboatError('terminated', 'the run was terminated'))
    for (const failure of await Promise.all(reads)) expect(failure.code).toBe('terminated')
  })

  test('fails rather than leave out a table that is dropped or renamed meanwhile', async () => {
    await source.run('CREATE TABLE vault.leaving (id INT PRIMARY KEY); INSERT INTO vault.leaving VALUES (1)')
    await using engine = engineFor()
    const { dump, parts } = await begin(engine)
    await using _ = dump
    await source.run('DROP TABLE vault.leaving')
    const results = await Promise.allSettled(parts.map((part) => collect(part.open(never))))
    const finished = dump.finish(never)
    if (results.some(({ status }) => status === 'rejected')) await expect(finished).rejects.toThrow()
    else expect(await failureOf(finished)).toMatchObject({ hint: expect.stringMatching(/schema changes/) })
  })

  test('stops all loads at the first that fails, and names its statement', async () => {
    await using engine = engineFor()
    const taken = await take(engine, 'exact', 3)
    const parts = new Map(taken.parts)
    parts.set('rows 2', {
      format: 'sql',
      bytes: Buffer.from('USE `bank`;\nINSERT INTO `nowhere` VALUES (1);\n'),
    })
    await using target = await startMariadb()
    const into = createMysqlEngine(parseDatabaseUrl(target.url), {
      ...context,
      password: async () => new Secret(target.password),
    })
    await using _ = into
    const failure = await failureOf(
      into.restore(sourceOf({ ...taken, parts }), { replace: false, jobs: 3 }, never),
    )
    expect(failure.message).toMatch(/INSERT INTO `nowhere`.*1146/)
  })
})
