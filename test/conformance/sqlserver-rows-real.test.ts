import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { collect, once } from '../../src/core/bytes.ts'
import { parseDatabaseUrl } from '../../src/core/database-url.ts'
import { Secret } from '../../src/core/secret.ts'
import type { TableModel } from '../../src/engines/sqlserver/catalog/model.ts'
import { readCatalog } from '../../src/engines/sqlserver/catalog/read-catalog.ts'
import { createSessionSource } from '../../src/engines/sqlserver/connection.ts'
import { formatFile } from '../../src/engines/sqlserver/rows/format-file.ts'
import { exportTable, loadTable } from '../../src/engines/sqlserver/rows/table-rows.ts'
import { findServer, type Server } from '../../src/engines/sqlserver/server-access.ts'
import type { Session } from '../../src/engines/sqlserver/session.ts'
import {
  createTableTool,
  requireBulkTool,
  type TableTool,
  tryBcp,
} from '../../src/engines/sqlserver/tools/index.ts'
import { type SqlServerContainer, startSqlServerContainer } from '../testbed/containers/sqlserver.ts'
import { lacks } from '../testbed/requirement.ts'
import { ROW_TABLES, ROWS } from '../testbed/sqlserver-row-tables.ts'

const { signal } = new AbortController()
const BCP = '/opt/mssql-tools18/bin/bcp'
const TABLES = ['numbers', 'words', 'moments', 'bits', 'odd ]name'] as const

/** Microsoft's own server and its own bcp, where the image is: LIFEBOAT_REQUIRE=sqlserver pulls it. */
describe.skipIf(lacks('sqlserver'))('rows on a real SQL Server', () => {
  let container: SqlServerContainer
  let server: Server
  beforeAll(async () => {
    container = await startSqlServerContainer()
    for (const name of ['source', 'target']) {
      await container.query(`CREATE DATABASE ${name}`)
      await container.run(ROW_TABLES, name)
    }
    await container.run(ROWS, 'source')
    const url = parseDatabaseUrl(container.url)
    server = await findServer(url, async () => new Secret(container.password), signal)
  }, 300_000)
  afterAll(async () => {
    await container?.[Symbol.asyncDispose]()
  })

  async function withSession<T>(database: string, use: (session: Session) => Promise<T>): Promise<T> {
    await using sessions = createSessionSource(server)
    await using session = await sessions.open(database, signal)
    return await use(session)
  }

  async function modelOf(name: string): Promise<TableModel> {
    const { tables } = await withSession('source', (session) => readCatalog(session, signal))
    const found = tables.find((table) => table.name === name)
    if (found === undefined) throw new Error(`there is no table ${name}`)
    return found
  }

  /** All values, exact, in the order of the rows' own bytes. */
  async function rowsOf(database: string, table: TableModel): Promise<string> {
    const bytes = await withSession(database, (session) =>
      collect(exportTable(session, table, () => undefined, signal)),
    )
    return Buffer.from(bytes).toString('hex')
  }

  const empty = (name: string) =>
    container.query(`TRUNCATE TABLE dbo.[${name.replaceAll(']', ']]')}]`, 'target')

  const findBcp = () =>
    requireBulkTool('bcp', { searchPath: '', commands: { bcp: container.container.program(BCP) } }, signal)

  it.each([...TABLES, 'variants'])('carry table %s by the driver', async (name) => {
    const table = await modelOf(name)
    const hex = await rowsOf('source', table)
    await withSession('target', (session) => loadTable(session, table, once(Buffer.from(hex, 'hex')), signal))
    expect(await rowsOf('target', table)).toBe(hex)
  })

  it('let bcp in', async () => {
    expect(await tryBcp(await findBcp(), server, signal)).toBeUndefined()
  })

  it.each([...TABLES, 'variants'])('carry table %s by bcp', async (name) => {
    const table = await modelOf(name)
    const tool = await findBcp()
    const at = (database: string): TableTool => createTableTool(tool, server, database)
    await empty(name)
    const work = { table, onCount: () => undefined, onWarning: () => undefined }
    const bytes = await withSession('source', (session) =>
      collect(at('source').exportTable({ session, ...work }, signal)),
    )
    await withSession('target', (session) => at('target').loadTable(session, table, once(bytes), signal))
    expect(await rowsOf('target', table)).toBe(await rowsOf('source', table))
  })

  it.each(TABLES)('load table %s by hand, with the format file', async (name) => {
    const table = await modelOf(name)
    const hex = await rowsOf('source', table)
    await empty(name)
    const folder = await mkdtemp(join(tmpdir(), 'lifeboat-by-hand-'))
    try {
      const data = join(folder, 'rows')
      const format = join(folder, 'rows.fmt')
      await writeFile(data, Buffer.from(hex, 'hex'))
      await writeFile(format, formatFile(table.columns))
      const [file, ...words] = container.container.program(BCP)
      const part = `[target].[dbo].[${name.replaceAll(']', ']]')}]`
      const access = ['-S', `localhost,${server.address.port}`, '-U', 'sa', '-P', container.password, '-u']
      await promisify(execFile)(file, [
        ...[...words, part, 'in', data, '-f', format, '-k', '-E', '-q', '-m', '1'],
        ...access,
      ])
      expect(await rowsOf('target', table)).toBe(hex)
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
