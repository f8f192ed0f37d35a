import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import oracledb from 'oracledb'
import { Wait } from 'testcontainers'
import { vi } from 'vitest'
import { DEFINITIONS_ONLY, readOracleObjects } from '../oracle-objects.ts'
import { startContainer } from './container.ts'
import { makeScratchFolder } from './scratch-folder.ts'

/** Of SYS, SYSTEM and all others. No odder than the image's own scripts bear. */
export const ORACLE_PASSWORD = 'Sup.er-secret#1'

/** The listener of the image knows no other; containers share the host's network, so there is one at a time. */
const PORT = 1521
const ROOT = 'FREE'
const DIRECTORY = 'LIFEBOAT_DIR'

export interface OracleContainer extends AsyncDisposable {
  /** A fresh pluggable database: as good as a server of its own, with a DBID of its own. */
  createServer(): Promise<OracleServer>
}

export interface OracleServer extends AsyncDisposable {
  readonly url: string
  readonly password: string
  /** Users, tables, code and rows of test/fixtures/oracle/shop.sql. */
  loadFixture(): Promise<void>
  /** Everything of the users' own, object by object. */
  objects(): Promise<ReadonlyMap<string, string>>
  /** What runs have left: their tables, jobs and files. */
  leftovers(): Promise<readonly string[]>
  /** Closed and opened again: whoever is connected loses the connection. */
  restart(): Promise<void>
}

/** Oracle Database Free with its own listener. */
export async function startOracleContainer(): Promise<OracleContainer> {
  await using cleanup = new AsyncDisposableStack()
  // Seen by the server under the same path, and by any user.
  const folder = cleanup.use(await makeScratchFolder('oracle')).path
  cleanup.use(
    await startContainer({
      image: 'oracle',
      environment: { ORACLE_PASSWORD },
      command: [],
      wait: Wait.forLogMessage(/DATABASE IS READY TO USE!/),
      startupTimeoutMs: 300_000,
    }),
  )
  const started = cleanup.move()
  let servers = 0
  return {
    async createServer() {
      servers += 1
      return await createServer(`LIFEBOAT_T${servers}`, folder)
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

async function createServer(name: string, folder: string): Promise<OracleServer> {
  await runAs('SYS', ROOT, [
    `CREATE PLUGGABLE DATABASE ${name} ADMIN USER pdb_admin IDENTIFIED BY "${ORACLE_PASSWORD}"
     DEFAULT TABLESPACE users DATAFILE SIZE 50M AUTOEXTEND ON CREATE_FILE_DEST = '/opt/oracle/oradata'`,
    `ALTER PLUGGABLE DATABASE ${name} OPEN`,
  ])
  // The listener is told a moment later.
  await vi.waitFor(() => runAs('SYSTEM', name, []), { timeout: 60_000, interval: 250 })
  await runAs('SYS', name, [
    `CREATE DIRECTORY ${DIRECTORY} AS '${folder}'`,
    `GRANT READ, WRITE ON DIRECTORY ${DIRECTORY} TO SYSTEM`,
    'GRANT EXECUTE ON UTL_FILE TO SYSTEM',
    'GRANT EXECUTE ON DBMS_LOB TO SYSTEM',
  ])
  const close = () => runAs('SYS', ROOT, [`ALTER PLUGGABLE DATABASE ${name} CLOSE ABORT`])
  return {
    url: `oracle://SYSTEM@127.0.0.1:${PORT}/${name}?tls=disable&directory=${DIRECTORY}`,
    password: ORACLE_PASSWORD,
    async loadFixture() {
      const text = await readFile('test/fixtures/oracle/shop.sql', 'utf8')
      await runAs('SYSTEM', name, statementsOf(text))
    },
    objects: () =>
      withSession('SYSTEM', name, async (session) => {
        await session.execute(DEFINITIONS_ONLY)
        return await readOracleObjects((sql) => rowsOf(session, sql))
      }),
    leftovers: () =>
      withSession('SYSTEM', name, async (session) => {
        const rows = await rowsOf(
          session,
          `SELECT 'table ' || table_name AS name FROM user_tables WHERE table_name LIKE 'LIFEBOAT\\_%' ESCAPE '\\'
           UNION ALL SELECT 'job ' || job_name FROM user_datapump_jobs`,
        )
        return [
          ...rows.map((row) => String(row.NAME)),
          ...(await readdir(folder)).map((file) => join(folder, file)),
        ]
      }),
    async restart() {
      await close()
      await runAs('SYS', ROOT, [`ALTER PLUGGABLE DATABASE ${name} OPEN`])
      await vi.waitFor(() => runAs('SYSTEM', name, []), { timeout: 60_000, interval: 250 })
    },
    async [Symbol.asyncDispose]() {
      await close()
      await runAs('SYS', ROOT, [`DROP PLUGGABLE DATABASE ${name} INCLUDING DATAFILES`])
    },
  }
}

type Row = Readonly<Record<string, unknown>>

/** As SQL*Plus reads them: each ends at a line with a slash alone. */
export function statementsOf(text: string): readonly string[] {
  return text
    .split(/^\/$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '')
}

/** CLOBs whole, as text. */
async function rowsOf(session: oracledb.Connection, sql: string): Promise<readonly Row[]> {
  const { rows } = await session.execute<Row>(sql, [], {
    outFormat: oracledb.OUT_FORMAT_OBJECT,
    fetchTypeHandler: ({ dbType }) =>
      dbType === oracledb.DB_TYPE_CLOB ? { type: oracledb.STRING } : undefined,
  })
  return rows ?? []
}

async function runAs(user: 'SYS' | 'SYSTEM', service: string, statements: readonly string[]): Promise<void> {
  await withSession(user, service, async (session) => {
    for (const statement of statements) await session.execute(statement)
  })
}

async function withSession<T>(
  user: 'SYS' | 'SYSTEM',
  service: string,
  work: (session: oracledb.Connection) => Promise<T>,
): Promise<T> {
  const session = await oracledb.getConnection({
    user,
    password: ORACLE_PASSWORD,
    connectString: `127.0.0.1:${PORT}/${service}`,
    ...(user === 'SYS' && { privilege: oracledb.SYSDBA }),
  })
  try {
    return await work(session)
  } finally {
    await session.close()
  }
}
