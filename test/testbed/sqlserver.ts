import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeCertificates } from './certificates.ts'
import type { TdsSession, TdsValue } from './tds/backend.ts'
import { startTdsEndpoint, type TdsEndpoint } from './tds/endpoint.ts'
import { type BackendOptions, createSqlServerBackend } from './tds/server/backend.ts'
import type { Fault, Faults } from './tds/server/faults.ts'
import type { ServerState } from './tds/server/state.ts'

/** The password of `sa` of every server that is started here. Odd on purpose. */
export const SQLSERVER_PASSWORD = `sup:er\\se'cret "é;{} ${'#'}1`

export interface SqlServerOptions extends Pick<BackendOptions, 'facts' | 'storage'> {
  /** `off`: speaks no TLS at all; `required`: turns away who can't. */
  readonly tls?: 'off' | 'offered' | 'required'
}

export type SqlServerRow = Readonly<Record<string, TdsValue>>

/** The stand-in for SQL Server: TDS over TCP in front, a small strict server in memory behind. */
export interface SqlServer extends AsyncDisposable {
  readonly port: number
  readonly password: string
  readonly caFile: string
  readonly endpoint: TdsEndpoint
  /** The memory itself: comparable() and tests look into it. */
  readonly state: ServerState
  readonly faults: Faults
  /** Every batch that clients sent so far. */
  readonly log: readonly string[]
  /** `sqlserver://sa@localhost:PORT/DATABASE?…` with TLS fully verified, unless it is off. */
  url(parts?: {
    user?: string
    host?: string
    database?: string
    query?: Readonly<Record<string, string>>
  }): string
  /** As sa, in process, past the wire and the faults: batches between GO lines. Gives the last result; throws at an error. */
  run(sql: string, database?: string): Promise<readonly SqlServerRow[]>
  /** Cuts every connection; the server and its address stay, as after a quick restart. */
  restart(): void
  /** Adds a fault; gone when disposed. */
  fault(fault: Fault): Disposable
}

export async function startSqlServer(options: SqlServerOptions = {}): Promise<SqlServer> {
  const { tls = 'offered', ...rest } = options
  const folder = await mkdtemp(join(tmpdir(), 'lifeboat-sqlserver-'))
  const { caFile, certificateFile, keyFile } = await makeCertificates(folder)
  const material = { key: await readFile(keyFile), cert: await readFile(certificateFile) }
  const backend = createSqlServerBackend({ password: SQLSERVER_PASSWORD, ...rest })
  const endpoint = await startTdsEndpoint({
    backend,
    tls: tls === 'off' ? 'off' : { ...material, required: tls === 'required' },
  })
  const { state, faults } = backend
  return {
    port: endpoint.port,
    password: SQLSERVER_PASSWORD,
    caFile,
    endpoint,
    state,
    faults,
    log: state.log,
    url({ user = 'sa', host = 'localhost', database, query = {} } = {}) {
      const secure: Record<string, string> =
        tls === 'off' ? { tls: 'disable' } : { tls: 'verify-full', 'tls-ca': caFile }
      const all = new URLSearchParams({ ...secure, ...query })
      const path = database === undefined ? '' : `/${encodeURIComponent(database)}`
      return `sqlserver://${encodeURIComponent(user)}@${host}:${endpoint.port}${path}?${all}`
    },
    async run(sql, database = 'master') {
      const refused = faults.refuseLogins
      const list = faults.list.splice(0)
      faults.refuseLogins = null
      try {
        const session = await backend.login({
          user: 'sa',
          password: SQLSERVER_PASSWORD,
          database,
          application: 'test',
          host: 'test',
        })
        try {
          return await runScript(session, sql)
        } finally {
          session.close()
        }
      } finally {
        faults.refuseLogins = refused
        faults.list.push(...list)
      }
    },
    restart() {
      backend.killSessions()
      for (const connection of endpoint.connections) connection.destroy()
    },
    fault(fault) {
      faults.list.push(fault)
      return {
        [Symbol.dispose]() {
          const at = faults.list.indexOf(fault)
          if (at >= 0) faults.list.splice(at, 1)
        },
      }
    },
    async [Symbol.asyncDispose]() {
      await endpoint[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** As sqlcmd reads it: a line that holds only GO ends a batch. */
async function runScript(session: TdsSession, sql: string): Promise<readonly SqlServerRow[]> {
  let rows: SqlServerRow[] = []
  for (const batch of sql.split(/^[ \t]*GO[ \t]*\r?$/im)) {
    if (batch.trim() === '') continue
    let names: readonly string[] = []
    for await (const event of session.batch(batch.replace(/^\n/, ''), new AbortController().signal)) {
      if (event.kind === 'error')
        throw new Error(`${event.number} in line ${event.line}: ${event.message}\n${batch.slice(0, 2000)}`)
      if (event.kind === 'columns') {
        names = event.columns.map((column) => column.name)
        rows = []
      }
      if (event.kind === 'row')
        rows.push(Object.fromEntries(event.values.map((value, at) => [names[at] ?? '', value])))
    }
  }
  return rows
}
