import { execFile } from 'node:child_process'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Connection, Request } from 'tedious'
import { Wait } from 'testcontainers'
import { vi } from 'vitest'
import { makeCertificates } from '../certificates.ts'
import { type Container, startContainer } from './container.ts'
import { freePort } from './free-port.ts'
import { makeScratchFolder } from './scratch-folder.ts'

const run = promisify(execFile)

/** As the server's rules want it; odd on purpose. */
export const SQLSERVER_PASSWORD = `Sup;er}se'cret "é #1`

export interface SqlServerContainer extends AsyncDisposable {
  readonly container: Container
  readonly password: string
  /** `sqlserver://sa@localhost:PORT?…` with TLS fully verified. */
  readonly url: string
  /** Runs one batch after the other as sa; the rows of all results, each with its columns by name. */
  query(batches: string | readonly string[], database?: string): Promise<Record<string, unknown>[]>
  /** As sqlcmd reads it: a line that holds only GO ends a batch. */
  run(sql: string, database?: string): Promise<Record<string, unknown>[]>
  /** The same server again: same data, same address. */
  restart(): Promise<void>
}

/** Microsoft's own server on a free port, fresh each time. */
export async function startSqlServerContainer(): Promise<SqlServerContainer> {
  await using cleanup = new AsyncDisposableStack()
  const folder = cleanup.use(await makeScratchFolder('sqlserver')).path
  const { caFile, certificateFile, keyFile } = await makeCertificates(folder)
  // The server runs as a user of its own.
  await Promise.all([chmod(folder, 0o755), chmod(keyFile, 0o644), chmod(certificateFile, 0o644)])
  const port = await freePort()
  const settings = join(folder, 'mssql.conf')
  await writeFile(
    settings,
    `[network]\ntlscert = ${certificateFile}\ntlskey = ${keyFile}\ntlsprotocols = 1.2\nforceencryption = 0\n`,
  )
  await chmod(settings, 0o644)
  const container = cleanup.use(
    await startContainer({
      image: 'sqlserver',
      environment: {
        ACCEPT_EULA: 'Y',
        MSSQL_PID: 'Developer',
        MSSQL_SA_PASSWORD: SQLSERVER_PASSWORD,
        MSSQL_TCP_PORT: String(port),
        MSSQL_MEMORY_LIMIT_MB: '2048',
      },
      entrypoint: ['/bin/bash', '-c'],
      command: [`cp '${settings}' /var/opt/mssql/mssql.conf && exec /opt/mssql/bin/sqlservr`],
      wait: Wait.forLogMessage(/Recovery is complete/),
    }),
  )
  const started = cleanup.move()
  const query = (batches: string | readonly string[], database = 'master') =>
    runBatches(port, typeof batches === 'string' ? [batches] : batches, database)
  return {
    container,
    password: SQLSERVER_PASSWORD,
    url: `sqlserver://sa@localhost:${port}?tls=verify-full&tls-ca=${encodeURIComponent(caFile)}`,
    query,
    run: (sql, database) =>
      query(
        sql.split(/^[ \t]*GO[ \t]*\r?$/im).filter((batch) => batch.trim() !== ''),
        database,
      ),
    async restart() {
      await run('docker', ['restart', container.id], { timeout: 60_000 })
      await vi.waitFor(() => query('SELECT 1'), { timeout: 60_000, interval: 250 })
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

async function runBatches(
  port: number,
  batches: readonly string[],
  database: string,
): Promise<Record<string, unknown>[]> {
  const connection = new Connection({
    server: '127.0.0.1',
    authentication: { type: 'default', options: { userName: 'sa', password: SQLSERVER_PASSWORD } },
    options: { port, database, trustServerCertificate: true, requestTimeout: 0 },
  })
  // What breaks it is told by the request under way.
  connection.on('error', () => undefined)
  try {
    await new Promise<void>((resolve, reject) => {
      connection.on('connect', (failure) => (failure === undefined ? resolve() : reject(failure)))
      connection.connect()
    })
    const rows: Record<string, unknown>[] = []
    for (const batch of batches) {
      await new Promise<void>((resolve, reject) => {
        const request = new Request(batch, (failure) =>
          failure === undefined || failure === null ? resolve() : reject(failure),
        )
        request.on('row', (columns: readonly { value: unknown; metadata: { colName: string } }[]) => {
          rows.push(Object.fromEntries(columns.map(({ metadata, value }) => [metadata.colName, value])))
        })
        connection.execSqlBatch(request)
      })
    }
    return rows
  } finally {
    connection.close()
  }
}
