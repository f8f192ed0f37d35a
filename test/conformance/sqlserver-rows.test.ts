import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { collect, once } from '../../src/core/bytes.ts'
import { parseDatabaseUrl } from '../../src/core/database-url.ts'
import { Secret } from '../../src/core/secret.ts'
import type { TableModel } from '../../src/engines/sqlserver/catalog/model.ts'
import { readCatalog } from '../../src/engines/sqlserver/catalog/read-catalog.ts'
import { createSessionSource } from '../../src/engines/sqlserver/connection.ts'
import { createSqlServerEngine } from '../../src/engines/sqlserver/index.ts'
import { readBcpRecord } from '../../src/engines/sqlserver/record.ts'
import { exportTable, loadTable } from '../../src/engines/sqlserver/rows/table-rows.ts'
import { findServer } from '../../src/engines/sqlserver/server-access.ts'
import type { Session } from '../../src/engines/sqlserver/session.ts'
import { createTableTool, requireBulkTool } from '../../src/engines/sqlserver/tools/index.ts'
import { lacks } from '../testbed/requirement.ts'
import { type SqlServer, startSqlServer } from '../testbed/sqlserver.ts'
import { ROW_TABLES, ROWS } from '../testbed/sqlserver-row-tables.ts'
import { take } from './engine-suite.ts'

const { signal } = new AbortController()

describe('rows of the SQL Server engine', () => {
  let source: SqlServer
  let target: SqlServer
  beforeAll(async () => {
    source = await startSqlServer()
    target = await startSqlServer()
    for (const server of [source, target]) {
      await server.run('CREATE DATABASE shop')
      await server.run(ROW_TABLES, 'shop')
    }
    await source.run(ROWS, 'shop')
  })
  afterAll(async () => {
    await source?.[Symbol.asyncDispose]()
    await target?.[Symbol.asyncDispose]()
  })

  const reach = (server: SqlServer) =>
    findServer(
      parseDatabaseUrl(server.url({ database: 'shop' })),
      async () => new Secret(server.password),
      signal,
    )

  async function withSession<T>(server: SqlServer, use: (session: Session) => Promise<T>): Promise<T> {
    await using sessions = createSessionSource(await reach(server))
    await using session = await sessions.open('shop', signal)
    return await use(session)
  }

  async function modelOf(name: string): Promise<TableModel> {
    const { tables } = await withSession(source, (session) => readCatalog(session, signal))
    const found = tables.find((table) => table.name === name)
    if (found === undefined) throw new Error(`no table ${name} among ${tables.map((table) => table.name)}`)
    return found
  }

  /** All but what the server makes by itself anew. */
  const content = async (server: SqlServer, name: string) =>
    (await server.run(`SELECT * FROM dbo.[${name.replaceAll(']', ']]')}]`, 'shop')).map(
      ({ version: _version, ...row }) => row,
    )

  it.each(['numbers', 'words', 'moments', 'bits', 'odd ]name'])('carry table %s as it is', async (name) => {
    const table = await modelOf(name)
    let rows = -1
    const bytes = await withSession(source, (session) =>
      collect(
        exportTable(
          session,
          table,
          (count) => {
            rows = count
          },
          signal,
        ),
      ),
    )
    const loaded = await withSession(target, (session) => loadTable(session, table, once(bytes), signal))
    const expected = await content(source, name)
    expect([rows, loaded]).toEqual([expected.length, expected.length])
    expect(await content(target, name)).toEqual(expected)
  })

  it('keep the type of each value of a sql_variant', async () => {
    const table = await modelOf('variants')
    const bytes = await withSession(source, (session) =>
      collect(exportTable(session, table, () => undefined, signal)),
    )
    await withSession(target, (session) => loadTable(session, table, once(bytes), signal))
    const properties = ['BaseType', 'Precision', 'Scale', 'MaxLength', 'Collation'].map(
      (name) => `CAST(SQL_VARIANT_PROPERTY(v, '${name}') AS nvarchar(128)) AS ${name}`,
    )
    const text =
      "CASE SQL_VARIANT_PROPERTY(v, 'BaseType') WHEN 'varbinary' THEN '' ELSE CAST(v AS nvarchar(4000)) END AS text"
    const ask = `SELECT id, ${properties.join(', ')}, ${text} FROM dbo.variants ORDER BY id`
    const expected = await source.run(ask, 'shop')
    expect(expected).toHaveLength(19)
    expect(await target.run(ask, 'shop')).toEqual(expected)
  })

  it('have format files that number the columns as a load finds them', async () => {
    const engine = createSqlServerEngine(parseDatabaseUrl(source.url({ database: 'shop' })), {
      password: async () => new Secret(source.password),
      searchPath: '',
    })
    await using _engine = engine
    const { databases } = readBcpRecord((await take(engine)).result.contents)
    const called = databases[0]?.tables.find(({ table }) => table.name === 'called')
    // The first column calls a function that needs a table, so it is made after the rows, and stands last.
    expect(called?.formatFile).toBe('13.0\n2\n1\tSQLINT\t1\t4\t""\t1\tb\t""\n2\tSQLINT\t1\t4\t""\t2\tc\t""\n')
  })

  describe.skipIf(lacks('freetds'))('by freebcp', () => {
    const requireFreebcp = () => requireBulkTool('freebcp', { searchPath: process.env.PATH ?? '' }, signal)

    it('carry a table from one server to another', async () => {
      const table = await modelOf('bits')
      const tool = await requireFreebcp()
      await target.run('TRUNCATE TABLE dbo.bits', 'shop')
      const outward = createTableTool(tool, await reach(source), 'shop')
      const bytes = await withSession(source, (session) =>
        collect(
          outward.exportTable(
            { session, table, onCount: () => undefined, onWarning: () => undefined },
            signal,
          ),
        ),
      )
      const inward = createTableTool(tool, await reach(target), 'shop')
      const load = (session: Session) => inward.loadTable(session, table, once(bytes), signal)
      expect(await withSession(target, load)).toBe(3)
      expect(await content(target, 'bits')).toEqual(await content(source, 'bits'))
    })

    it('leave to the driver what would be damaged', async () => {
      const tool = createTableTool(await requireFreebcp(), await reach(source), 'shop')
      const refusals = ['numbers', 'words', 'moments', 'bits', 'variants'].map(
        async (name) => tool.refusal(await modelOf(name)) ?? 'fit',
      )
      expect(await Promise.all(refusals)).toEqual([
        'it has computed columns',
        "column 'i' is xml: FreeTDS loads no xml",
        "column 'h' is datetimeoffset: FreeTDS can read no offset back",
        'fit',
        "column 'v' is sql_variant: the types of the values would be lost",
      ])
    })
  })
})
