import pg from 'pg'
import { readTrust } from '../../core/ca-bundle.ts'
import type { DatabaseUrl } from '../../core/database-url.ts'
import { abortReason, LifeboatError, throwIfAborted } from '../../core/errors.ts'
import type { Secret, SecretSource } from '../../core/secret.ts'
import { driverStream, serverProcess } from './driver-stream.ts'
import { driverTls } from './driver-tls.ts'
import { connectionError, queryError } from './failures.ts'
import { resolveAddress, type ServerAddress } from './server-address.ts'
import { askAboutSession, withSilenceWatch } from './silence-watch.ts'

const CONNECT_TIMEOUT_MS = 20_000
/** However little silence is borne, a server that is busy gets this long to answer whether it still works. */
const LEAST_ANSWER_MS = 2_000
const KEEPALIVE_AFTER_MS = 30_000
/** For a server to take note that a session is over. */
const GOODBYE_MS = 2_000
const AS_TEXT = { getTypeParser: () => (value: string) => value } as unknown as pg.CustomTypesConfig

/** What all connections to one server have in common: of ours and of the tools. */
export interface Server {
  readonly url: DatabaseUrl
  readonly address: ServerAddress
  /** PEM. Undefined where nothing is verified. */
  readonly trust: string | undefined
  /** Asked anew for each connection; undefined where there is no password. */
  readonly password: SecretSource | undefined
  /** How long a query may say nothing before the server is asked whether it still works on it. */
  readonly silenceMs: number
}

export async function findServer(
  url: DatabaseUrl,
  given: Pick<Server, 'password' | 'silenceMs'>,
  signal: AbortSignal,
): Promise<Server> {
  return {
    url,
    address: await resolveAddress(url, signal),
    trust: (await readTrust(url))?.join('\n'),
    ...given,
  }
}

export type Row = Readonly<Record<string, unknown>>

/** One session. Its search path is pg_catalog alone, so nobody's object can pose as a system one (CVE-2018-1058). */
export interface Connection extends AsyncDisposable {
  readonly database: string
  /** Rows as the server's text says; numbers that may pass 2^53 come as strings. */
  query<T = Row>(sql: string, values?: readonly unknown[]): Promise<T[]>
  /** Of one statement: the server's text of each value, in the order of the columns; null is null. */
  texts(sql: string): Promise<(string | null)[][]>
  /** Whether the session is encrypted, by the client's own knowledge. */
  readonly encrypted: boolean
}

/** Ends as soon as the signal is aborted, even in the middle of a query. */
export async function connect(server: Server, database: string, signal: AbortSignal): Promise<Connection> {
  throwIfAborted(signal)
  const { address, url } = server
  const secret = await server.password?.()
  // A prompt, or a token, may have taken its time.
  throwIfAborted(signal)
  const config: pg.ClientConfig = {
    host: address.hostaddr ?? address.host,
    port: address.port,
    user: address.user,
    database,
    // A function, so that the driver looks into neither PGPASSWORD nor a password file.
    password: () => secret?.reveal() ?? '',
    ssl: driverTls(url, server.trust),
    // Given, so that the driver does not take PGOPTIONS and PGAPPNAME.
    options: '-c search_path=pg_catalog',
    application_name: 'lifeboat',
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_AFTER_MS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  }
  const client = new pg.Client(config)
  let broken: Error | undefined
  // A connection that breaks while idle is told by an event; the next query then says why.
  client.on('error', (error) => {
    broken = error
  })
  let dropped = false
  const drop = () => {
    dropped = true
    driverStream(client).destroy()
  }
  signal.addEventListener('abort', drop, { once: true })
  const secrets: readonly Secret[] = secret === undefined ? [] : [secret]
  try {
    await client.connect()
  } catch (thrown) {
    signal.removeEventListener('abort', drop)
    drop()
    if (signal.aborted) throw abortReason(signal)
    throw connectionError(thrown, server, database, secrets)
  }
  const limitMs = Math.min(CONNECT_TIMEOUT_MS, Math.max(LEAST_ANSWER_MS, server.silenceMs))
  const check = async () =>
    await askAboutSession({ ...config, password: server.password }, serverProcess(client), limitMs)
  async function ask<T>(sql: string, start: () => Promise<{ rows: T[] }>): Promise<T[]> {
    throwIfAborted(signal)
    try {
      return (await withSilenceWatch(start(), server.silenceMs, check, drop)).rows
    } catch (thrown) {
      if (signal.aborted) throw abortReason(signal)
      if (thrown instanceof LifeboatError) throw thrown
      throw queryError(broken ?? thrown, database, sql)
    }
  }
  let open = true
  const connection: Connection = {
    database,
    encrypted: url.tls !== 'disable',
    async query<T>(sql: string, values?: readonly unknown[]) {
      return (await ask(sql, () => client.query(sql, values === undefined ? undefined : [...values]))) as T[]
    },
    async texts(sql) {
      // The extended protocol takes one statement only.
      const config = { text: sql, rowMode: 'array', queryMode: 'extended', types: AS_TEXT } as const
      return await ask(sql, () => client.query<(string | null)[]>(config))
    },
    async [Symbol.asyncDispose]() {
      if (!open) return
      open = false
      if (signal.aborted || dropped || broken !== undefined) drop()
      else await sayGoodbye(client, drop)
      signal.removeEventListener('abort', drop)
    },
  }
  // The operator's or the provider's limits must not cut a long count; the check (14 and later) ends a query of ours
  // whose client is gone.
  try {
    await connection.query(
      `SELECT set_config(name, CASE WHEN name = 'client_connection_check_interval' THEN '10s' ELSE '0' END, false)
     FROM pg_settings WHERE name IN ('statement_timeout', 'lock_timeout', 'idle_session_timeout',
       'idle_in_transaction_session_timeout', 'transaction_timeout', 'client_connection_check_interval')`,
    )
  } catch (thrown) {
    await connection[Symbol.asyncDispose]()
    throw thrown
  }
  return connection
}

/** The driver waits without end for a server that has fallen silent: then the connection is simply dropped. */
async function sayGoodbye(client: pg.Client, drop: () => void): Promise<void> {
  const timer = setTimeout(drop, GOODBYE_MS)
  try {
    await client.end()
  } finally {
    clearTimeout(timer)
  }
}

/** The database to connect to where none is meant: `postgres` may have been dropped, or closed to us. */
export async function connectMaintenance(server: Server, signal: AbortSignal): Promise<Connection> {
  const named = server.url.database
  const candidates = [...new Set(['postgres', named ?? server.address.user, 'template1'])]
  let first: unknown
  for (const database of candidates) {
    try {
      return await connect(server, database, signal)
    } catch (thrown) {
      first ??= thrown
      if (!isAboutDatabase(thrown)) throw thrown
    }
  }
  throw first
}

/** 3D000: there is no such database; 42501, 55000: it can't be connected to. Anything else holds for all of them. */
function isAboutDatabase(thrown: unknown): boolean {
  const cause = thrown instanceof Error ? thrown.cause : undefined
  const code = cause instanceof pg.DatabaseError ? cause.code : undefined
  return code === '3D000' || code === '42501' || code === '55000'
}
