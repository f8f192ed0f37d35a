import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import mysql from 'mysql2/promise'
import { Wait } from 'testcontainers'
import { makeCertificates } from '../certificates.ts'
import { type Command, type Container, startContainer } from './container.ts'
import { freePort } from './free-port.ts'
import { makeScratchFolder } from './scratch-folder.ts'

/** Root's password. Odd on purpose: option files need it quoted. */
export const MYSQL_PASSWORD = `sup:er\\se'cret "é #1`

export interface MysqlContainer extends AsyncDisposable {
  readonly port: number
  readonly socket: string
  readonly caFile: string
  readonly password: string
  /** Oracle's clients, as the engine takes them. */
  readonly commands: Readonly<Record<'mysql' | 'mysqldump', Command>>
  readonly container: Container
  /** `mysql://root@localhost:PORT/DATABASE?…` with TLS fully verified. */
  url(parts?: UrlParts): string
  /** Runs SQL (several statements, too) as root over the socket; the rows of the last one. */
  query(sql: string, database?: string): Promise<Record<string, unknown>[]>
  stop(): Promise<void>
}

export interface UrlParts {
  readonly user?: string
  readonly host?: string
  readonly database?: string
  readonly query?: Readonly<Record<string, string>>
}

/** Oracle's MySQL with TLS and binary log, a fresh server (and server_uuid) each time. `settings`: options of mysqld. */
export async function startMysqlContainer(
  settings: Readonly<Record<string, string>> = {},
): Promise<MysqlContainer> {
  await using cleanup = new AsyncDisposableStack()
  const folder = cleanup.use(await makeScratchFolder('mysql')).path
  const { caFile, certificateFile, keyFile } = await makeCertificates(folder)
  await chmod(keyFile, 0o644)
  const port = await freePort()
  const socket = join(folder, 'mysqld.sock')
  const options: Record<string, string> = {
    port: String(port),
    'bind-address': '127.0.0.1',
    socket,
    'pid-file': join(folder, 'mysqld.pid'),
    mysqlx: 'OFF',
    'secure-file-priv': 'NULL',
    'ssl-ca': caFile,
    'ssl-cert': certificateFile,
    'ssl-key': keyFile,
    'local-infile': 'ON',
    'max-allowed-packet': '256M',
    // Nothing here outlives the test: no need to reach the disk.
    'innodb-flush-log-at-trx-commit': '0',
    'innodb-doublewrite': 'OFF',
    'sync-binlog': '0',
    ...settings,
  }
  const container = cleanup.use(
    await startContainer({
      image: 'mysql',
      environment: { MYSQL_ROOT_PASSWORD: MYSQL_PASSWORD, MYSQL_ROOT_HOST: '%' },
      command: ['mysqld', ...Object.entries(options).map(([name, value]) => `--${name}=${value}`)],
      wait: Wait.forLogMessage(new RegExp(`ready for connections.*port: ${port}\\b`)),
    }),
  )
  const started = cleanup.move()
  const stop = () => started.disposeAsync()
  return {
    port,
    socket,
    caFile,
    password: MYSQL_PASSWORD,
    commands: { mysql: container.program('mysql'), mysqldump: container.program('mysqldump') },
    container,
    url({ user = 'root', host = 'localhost', database, query = {} } = {}) {
      const all = new URLSearchParams({ tls: 'verify-full', 'tls-ca': caFile, ...query })
      const path = database === undefined ? '' : `/${encodeURIComponent(database)}`
      return `mysql://${encodeURIComponent(user)}@${host}:${port}${path}?${all}`
    },
    async query(sql, database) {
      const connection = await mysql.createConnection({
        socketPath: socket,
        user: 'root',
        password: MYSQL_PASSWORD,
        multipleStatements: true,
        ...(database === undefined ? {} : { database }),
      })
      try {
        const [result] = await connection.query(sql)
        return lastRows(result)
      } finally {
        await connection.end()
      }
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** One statement gives its rows, several give an array with one result each; statements without rows give a header. */
function lastRows(result: unknown): Record<string, unknown>[] {
  if (!Array.isArray(result)) return []
  const last: unknown = result.at(-1)
  if (Array.isArray(last)) return last as Record<string, unknown>[]
  const isHeader = typeof last === 'object' && last !== null && last.constructor.name === 'ResultSetHeader'
  return isHeader ? [] : (result as Record<string, unknown>[])
}
