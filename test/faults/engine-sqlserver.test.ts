import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { collect } from '../../src/core/bytes.ts'
import { parseDatabaseUrl } from '../../src/core/database-url.ts'
import type { Engine } from '../../src/core/engine.ts'
import { LifeboatError } from '../../src/core/errors.ts'
import { Secret } from '../../src/core/secret.ts'
import { createSqlServerEngine } from '../../src/engines/sqlserver/index.ts'
import { failureOf, sourceOf, type Taken, take } from '../conformance/engine-suite.ts'
import { startBlackHole } from '../testbed/black-hole.ts'
import { type SqlServer, startSqlServer } from '../testbed/sqlserver.ts'

const never = new AbortController().signal
const ROWS = 3_000

function engineFor(
  server: SqlServer,
  query: Record<string, string> = {},
  login: { user?: string; password?: string; database?: string } = {},
): Engine {
  const { password = server.password, ...rest } = login
  return createSqlServerEngine(parseDatabaseUrl(server.url({ query, ...rest })), {
    searchPath: '',
    password: async () => new Secret(password),
  })
}

/** `shop`, where SNAPSHOT isolation is allowed, with a table of some size and one that refers to it. */
async function seed(server: SqlServer): Promise<void> {
  await server.run(`CREATE DATABASE shop
GO
ALTER DATABASE shop SET ALLOW_SNAPSHOT_ISOLATION ON`)
  const values = (from: number) =>
    Array.from({ length: 500 }, (_, at) => `(${from + at}, N'${'x'.repeat(200)}')`).join(', ')
  await server.run(
    'CREATE TABLE dbo.item (id int NOT NULL CONSTRAINT pk PRIMARY KEY, name nvarchar(400))',
    'shop',
  )
  for (let from = 0; from < ROWS; from += 500)
    await server.run(`INSERT INTO dbo.item VALUES ${values(from)}`, 'shop')
  await server.run(
    `CREATE TABLE dbo.line (id int NOT NULL PRIMARY KEY, item int NOT NULL CONSTRAINT fk REFERENCES dbo.item (id))
INSERT INTO dbo.line VALUES (1, 0), (2, 1)`,
    'shop',
  )
}

const READS_ITEMS = /^SELECT .* FROM \[dbo\]\.\[item\]$/s
/** What the stand-in calls the rows that follow an INSERT BULK. */
const LOADS_ITEMS = /^rows of INSERT BULK \[dbo\]\.\[item\]/i

async function rowsOf(server: SqlServer, table: string, database = 'shop'): Promise<number> {
  const [row] = await server.run(`SELECT COUNT_BIG(*) AS n FROM ${table}`, database)
  return Number(row?.n)
}

test('an abort while the password is asked for ends it, though the server would never answer', async () => {
  await using hole = await startBlackHole()
  const stop = new AbortController()
  const engine = createSqlServerEngine(parseDatabaseUrl(`sqlserver://sa@127.0.0.1:${hole.port}/shop`), {
    searchPath: '',
    password: async () => {
      stop.abort(new LifeboatError('interrupted', 'enough'))
      return new Secret('x')
    },
  })
  await expect(engine.probe('source', stop.signal)).rejects.toMatchObject({ code: 'interrupted' })
  expect(hole.connections).toBe(0)
})

describe('engine sqlserver when things break', { timeout: 30_000 }, () => {
  let source: SqlServer
  let taken: Taken
  beforeAll(async () => {
    source = await startSqlServer()
    await seed(source)
    await using engine = engineFor(source)
    taken = await take(engine)
  }, 60_000)
  afterAll(async () => {
    await source?.[Symbol.asyncDispose]()
  })

  describe('at a dump', () => {
    test('an error of the server in the middle of the rows is no backup', async () => {
      using _fault = source.fault({
        match: READS_ITEMS,
        afterRows: 2_000,
        error: { number: 605, message: 'Attempt to fetch logical page failed.', severity: 21 },
      })
      await using engine = engineFor(source)
      const failure = await failureOf(take(engine))
      expect(failure.message).toContain('Attempt to fetch logical page failed (error 605)')
      expect(failure.hint).toBeDefined()
    })

    test('a connection that is cut in the middle of the rows is no backup', async () => {
      using _fault = source.fault({ match: READS_ITEMS, afterRows: 2_000, disconnect: true })
      await using engine = engineFor(source)
      expect((await failureOf(take(engine))).code).toBe('engine-unreachable')
    })

    test('a lock that is not given back says so', async () => {
      using _fault = source.fault({
        match: READS_ITEMS,
        error: { number: 1222, message: 'Lock request time out period exceeded.' },
      })
      await using engine = engineFor(source, { 'lock-wait-ms': '5' })
      const failure = await failureOf(take(engine))
      expect(failure.code).toBe('locked')
      expect(failure.hint).toContain('lock-wait-ms=')
      expect(source.log).toContain('SET LOCK_TIMEOUT 5')
    })

    test('a server that says nothing any more is left when the run is given up', async () => {
      const hit = Promise.withResolvers<void>()
      using _fault = source.fault({ match: READS_ITEMS, afterRows: 10, stall: true, onHit: hit.resolve })
      await using engine = engineFor(source)
      const probe = await engine.probe('source', never)
      const stop = new AbortController()
      const begun = performance.now()
      const dump = engine.dump(probe, { counts: 'exact' }, stop.signal)
      const read = (async () => {
        for await (const part of dump.parts) for await (const _piece of part.open(stop.signal));
      })()
      await hit.promise
      stop.abort(new LifeboatError('terminated', 'the run was terminated'))
      expect((await failureOf(read)).code).toBe('terminated')
      await dump[Symbol.asyncDispose]()
      expect(performance.now() - begun).toBeLessThan(8_000)
      await vi.waitFor(() => expect(source.endpoint.connections).toEqual([]))
    })

    test('holds the rows of its own moment, whatever is written meanwhile', async () => {
      await using engine = engineFor(source)
      const probe = await engine.probe('source', never)
      await using dump = engine.dump(probe, { counts: 'exact' }, never)
      let written = false
      for await (const part of dump.parts) {
        for await (const _piece of part.open(never)) {
          if (written) continue
          written = true
          await source.run(`INSERT INTO dbo.line VALUES (99, 1)`, 'shop')
        }
        await part.release()
      }
      const { contents, consistency } = await dump.finish(never)
      await source.run('DELETE FROM dbo.line WHERE id = 99', 'shop')
      expect(consistency).toBe('one SNAPSHOT transaction over all tables of a database')
      expect(contents.tables.find(({ table }) => table === 'line')?.rows).toBe(2)
    })

    test('lets go of the snapshot of a database when its rows are read, not with the last database', async () => {
      await using server = await startSqlServer()
      for (const name of ['one', 'two']) {
        await server.run(
          `CREATE DATABASE ${name}\nGO\nALTER DATABASE ${name} SET ALLOW_SNAPSHOT_ISOLATION ON`,
        )
        await server.run('CREATE TABLE dbo.item (id int)\nINSERT INTO dbo.item VALUES (1)', name)
      }
      await using engine = engineFor(server)
      const probe = await engine.probe('source', never)
      await using dump = engine.dump(probe, { counts: 'exact' }, never)
      const parts: string[] = []
      for await (const part of dump.parts) {
        parts.push(part.name)
        await collect(part.open(never))
        if (part.name === '[two].[dbo].[item]') {
          await vi.waitFor(() => expect(server.endpoint.connections.length).toBe(1))
        }
        await part.release()
      }
      expect(parts).toContain('[two].[dbo].[item]')
      const { consistency } = await dump.finish(never)
      expect(consistency).toBe('one SNAPSHOT transaction over all tables of a database')
    })

    test('with several parts at once says that each table has a moment of its own', async () => {
      await using engine = engineFor(source)
      const { result } = await take(engine, 'exact', 3)
      expect(result.consistency).toBe('each table as of one moment of its own')
      expect(result.contents.tables).toEqual(taken.result.contents.tables)
    })

    test('snapshot=require keeps the one moment, with several parts at once too', async () => {
      await using engine = engineFor(source, { snapshot: 'require' })
      const { result } = await take(engine, 'exact', 3)
      expect(result.consistency).toBe('one SNAPSHOT transaction over all tables of a database')
    })

    test('goes without the views that a server lacks, and names them', async () => {
      const { faults } = source
      for (const view of ['sys.periods', 'sys.sql_expression_dependencies', 'sys.security_policies']) {
        faults.hiddenViews.add(view)
      }
      const before = faults.missingView
      faults.missingView = { number: 33557097, message: (name) => `relation "${name}" does not exist` }
      try {
        await using engine = engineFor(source)
        const { probe, result } = await take(engine)
        const warnings = probe.findings
          .filter(({ topic }) => topic === 'catalog')
          .map(({ message }) => message)
        expect(warnings.join('\n')).toMatch(/sys\.security_policies/)
        expect(result.notCaptured.map(({ what }) => what)).toContain(
          'kinds of objects whose catalog views the server lacks',
        )
        expect(result.contents.tables).toEqual(taken.result.contents.tables)
      } finally {
        faults.hiddenViews.clear()
        faults.missingView = before
      }
    })

    test('a database without snapshots gets the line that allows them, and fails where they are required', async () => {
      await source.run('CREATE DATABASE [odd ]]name]')
      try {
        await using engine = engineFor(source)
        const { findings } = await engine.probe('source', never)
        const found = findings.find(({ topic, level }) => topic === 'snapshot' && level === 'warning')
        expect(found?.hint).toContain('Run ALTER DATABASE [odd ]]name] SET ALLOW_SNAPSHOT_ISOLATION ON')
        await using strict = engineFor(source, { snapshot: 'require' })
        const { findings: strictly } = await strict.probe('source', never)
        expect(strictly.filter(({ level }) => level === 'failure')).toHaveLength(1)
      } finally {
        await source.run('DROP DATABASE [odd ]]name]')
      }
    })

    test('a login that may not see or read everything is refused before anything starts', async () => {
      await source.run(`CREATE LOGIN clerk WITH PASSWORD = 'Clerk-1'
GO
USE shop
CREATE USER clerk FOR LOGIN clerk`)
      await using engine = engineFor(source, {}, { user: 'clerk', password: 'Clerk-1' })
      const lacking = await engine.probe('source', never).then(
        ({ findings }) => findings.filter(({ level }) => level === 'failure').map(({ hint }) => hint),
        (thrown: LifeboatError) => [thrown.hint],
      )
      expect(lacking.join('\n')).toMatch(/GRANT VIEW DEFINITION/)
      expect(lacking.join('\n')).toMatch(/db_datareader/)
      await source.run('ALTER ROLE db_datareader ADD MEMBER clerk GRANT VIEW DEFINITION TO clerk', 'shop')
      const granted = await engine.probe('source', never)
      expect(granted.findings.filter(({ level }) => level === 'failure')).toEqual([])
    })
  })

  describe('at a restore', () => {
    const restore = (server: SqlServer, query: Record<string, string> = {}, replace = false, jobs = 1) =>
      (async () => {
        await using engine = engineFor(server, query)
        return await engine.restore(sourceOf(taken), { replace, jobs }, never)
      })()

    test.each([
      ['an error', { error: { number: 9002, message: "The transaction log for database 'shop' is full." } }],
      ['a cut connection', { disconnect: true }],
    ] as const)(
      '%s in the middle of a load leaves nothing of the table, and --replace mends it',
      async (_name, how) => {
        await using target = await startSqlServer()
        {
          using _fault = target.fault({ match: LOADS_ITEMS, afterRows: 1_000, ...how })
          const failure = await failureOf(restore(target))
          expect(failure.message).toMatch(/'shop'/)
          expect(failure.hint).toBeDefined()
        }
        expect(await rowsOf(target, 'dbo.item')).toBe(0)
        const again = await failureOf(restore(target))
        expect(again.code).toBe('confirmation-required')
        await restore(target, {}, true)
        expect(await rowsOf(target, 'dbo.item')).toBe(ROWS)
      },
    )

    test('the first of several tables that fails stops the others', async () => {
      await using target = await startSqlServer()
      using _fault = target.fault({
        match: LOADS_ITEMS,
        afterRows: 10,
        error: { number: 1105, message: 'Could not allocate space.' },
      })
      const failure = await failureOf(restore(target, {}, false, 3))
      expect(failure.message).toContain('INSERT BULK [dbo].[item]')
      expect(failure.hint).toContain('ran out of space')
      await vi.waitFor(() => expect(target.endpoint.connections).toEqual([]))
    })

    test('of a backup whose rows are fewer than were counted is refused', async () => {
      await using target = await startSqlServer()
      await using engine = engineFor(target)
      const whole = sourceOf(taken)
      const tables = whole.contents.tables.map((table) => ({ ...table, rows: (table.rows ?? 0) + 1 }))
      const torn = { ...whole, contents: { ...whole.contents, tables } }
      const failure = await failureOf(engine.restore(torn, { replace: false }, never))
      expect(failure.code).toBe('integrity')
      expect(failure.message).toContain(`${ROWS} rows came, ${ROWS + 1} were counted`)
    })

    test('uses an empty database of the same name, and drops no other', async () => {
      await using target = await startSqlServer()
      await target.run('CREATE DATABASE shop')
      await target.run('CREATE DATABASE other')
      await using engine = engineFor(target)
      expect(await engine.occupied(sourceOf(taken).contents, never)).toEqual({
        conflicts: [],
        others: ['other'],
      })
      await engine.restore(sourceOf(taken), { replace: true }, never)
      expect(await rowsOf(target, 'dbo.item')).toBe(ROWS)
      expect(await target.run("SELECT name FROM sys.databases WHERE name = 'other'")).toHaveLength(1)
    })

    test('into a server that holds the database changes nothing without --replace', async () => {
      await using target = await startSqlServer()
      await target.run('CREATE DATABASE shop')
      await target.run('CREATE TABLE dbo.mine (id int)', 'shop')
      const failure = await failureOf(restore(target))
      expect(failure).toMatchObject({
        code: 'confirmation-required',
        hint: expect.stringContaining('Nothing was changed'),
      })
      expect(await target.run("SELECT name FROM sys.tables WHERE name = 'mine'", 'shop')).toHaveLength(1)
    })

    test('with another layout, or into another database, is refused with the reason', async () => {
      await using target = await startSqlServer()
      const native = await failureOf(restore(target, { layout: 'native' }))
      expect(native.message).toContain('made with layout=bcp')
      await using engine = engineFor(target, {}, { database: 'elsewhere' })
      const failure = await failureOf(engine.restore(sourceOf(taken), { replace: false }, never))
      expect(failure.code).toBe('usage')
    })

    /** Tables of different moments: the second refers to a row that came after the first was read. */
    async function tear(server: SqlServer): Promise<Taken> {
      await using engine = engineFor(server, { snapshot: 'off' })
      const probe = await engine.probe('source', never)
      await using dump = engine.dump(probe, { counts: 'exact' }, never)
      const parts = new Map<string, { format: string; bytes: Uint8Array }>()
      for await (const part of dump.parts) {
        parts.set(part.name, { format: part.format, bytes: await collect(part.open(never)) })
        await part.release()
        if (part.name !== '[shop].[dbo].[item]') continue
        await server.run(
          "INSERT INTO dbo.item VALUES (900001, N'late') INSERT INTO dbo.line VALUES (7, 900001)",
          'shop',
        )
      }
      return { probe, parts, result: await dump.finish(never) }
    }

    test('of a torn copy lists the rows that break a foreign key, or keeps them unchecked when told', async () => {
      await using server = await startSqlServer()
      await seed(server)
      const torn = await tear(server)
      const into = async (query: Record<string, string>) => {
        await using target = await startSqlServer()
        await using engine = engineFor(target, query)
        const restored = await engine.restore(sourceOf(torn), { replace: false }, never).then(
          (result) => ({ result, failure: undefined }),
          (failure: LifeboatError) => ({ result: undefined, failure }),
        )
        const [key] = await target.run(
          "SELECT is_not_trusted FROM sys.foreign_keys WHERE name = 'fk'",
          'shop',
        )
        return { ...restored, untrusted: key?.is_not_trusted, rows: await rowsOf(target, 'dbo.line') }
      }
      const strict = await into({})
      expect(strict.failure).toMatchObject({
        code: 'integrity',
        hint: expect.stringContaining('violations=keep'),
      })
      expect(strict.failure?.message).toMatch(
        /rows break foreign key \[fk\] on \[dbo\]\.\[line\]: .*item = 900001/,
      )
      expect(strict).toMatchObject({ untrusted: undefined, rows: 3 })
      const lenient = await into({ violations: 'keep' })
      expect(lenient).toMatchObject({ failure: undefined, untrusted: true, rows: 3 })
      expect(JSON.stringify(lenient.result)).toContain('item = 900001')
    })
  })
})
