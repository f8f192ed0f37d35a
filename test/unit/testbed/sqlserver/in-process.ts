import type { TdsEvent, TdsSession, TdsValue } from '../../../testbed/tds/backend.ts'
import {
  type BackendOptions,
  createSqlServerBackend,
  type SqlServerBackend,
} from '../../../testbed/tds/server/backend.ts'

export interface InProcess {
  readonly backend: SqlServerBackend
  /** The rows of the last result; rejects at the first error with `number: message`. */
  run(sql: string): Promise<TdsValue[][]>
  events(sql: string): Promise<TdsEvent[]>
  login(user?: string, password?: string, database?: string): Promise<TdsSession>
}

/** The server without the wire, as sa in a database of its own. */
export async function startInProcess(options: Partial<BackendOptions> = {}): Promise<InProcess> {
  const backend = createSqlServerBackend({ password: 'secret', ...options })
  const login = (user = 'sa', password = 'secret', database = 'master') =>
    backend.login({ user, password, database, application: 'test', host: 'here' })
  const session = await login()
  await runOn(session, 'CREATE DATABASE d')
  await runOn(session, 'USE d')
  return { backend, login, run: (sql) => runOn(session, sql), events: (sql) => eventsOf(session, sql) }
}

export async function eventsOf(session: TdsSession, sql: string): Promise<TdsEvent[]> {
  return await Array.fromAsync(session.batch(sql, new AbortController().signal))
}

export async function runOn(session: TdsSession, sql: string): Promise<TdsValue[][]> {
  let rows: TdsValue[][] = []
  for (const event of await eventsOf(session, sql)) {
    if (event.kind === 'error') throw new Error(`${event.number}: ${event.message}`)
    if (event.kind === 'columns') rows = []
    if (event.kind === 'row') rows.push([...event.values])
  }
  return rows
}
