import { randomUUID } from 'node:crypto'
import { messageOf, throwIfAborted } from '../../core/errors.ts'
import type { FencePlan, Gate, LiftPlan } from '../../core/gate.ts'
import { type Connection, connect, connectMaintenance, type Server } from './connection.ts'
import { quoteIdentifier } from './quote.ts'

interface Look {
  readonly recovering: boolean
  /** Set for the whole server, not for a database or a session. */
  readonly readOnly: boolean
  readonly own: string
  /** Who could log in, but for ourselves, RDS, and accounts of replicas. */
  readonly open: readonly string[]
  /** Roles that can't log in; groups are among them. */
  readonly closed: readonly string[]
  readonly databases: readonly { readonly name: string; readonly readOnly: boolean }[]
}

const FOREIGN_SESSIONS = `FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND usename <> 'rdsadmin' AND application_name <> 'lifeboat'`

export function createGate(server: (signal: AbortSignal) => Promise<Server>): Gate {
  async function within<T>(signal: AbortSignal, run: (session: Connection) => Promise<T>): Promise<T> {
    await using session = await connectMaintenance(await server(signal), signal)
    return await run(session)
  }
  return {
    writable: (signal) =>
      within(signal, async (session) => {
        const { recovering, readOnly, open, databases } = await look(session)
        if (recovering || readOnly) return 'read-only'
        // An application may use this very role: then the databases have to be read-only to it.
        if (open.length > 0 || databases.some((database) => !database.readOnly)) return 'writable'
        const [sessions] = await session.query<{ count: string }>(`SELECT count(*) ${FOREIGN_SESSIONS}`)
        return Number(sessions?.count) > 0 ? 'writable' : 'read-only'
      }),
    planFence: (signal) => within(signal, async (session) => planOf(await look(session))),
    fence: (statements, signal) =>
      within(signal, async (session) => {
        const done: string[] = []
        const failed: string[] = []
        await mayWrite(session)
        for (const sql of statements) {
          try {
            await session.query(sql)
            done.push(sql)
          } catch (thrown) {
            throwIfAborted(signal)
            failed.push(`${sql}: ${messageOf(thrown)}`)
          }
        }
        await endSessions(session, done, failed, signal)
        return { done, failed }
      }),
    planUnfence: (signal) => within(signal, async (session) => liftOf(await look(session))),
    unfence: (undo, signal) =>
      within(signal, async (session) => {
        await mayWrite(session)
        for (const sql of undo) await session.query(sql)
      }),
    async tryWrite(signal) {
      const found = await server(signal)
      const { database } = found.url
      await using session =
        database === undefined
          ? await connectMaintenance(found, signal)
          : await connect(found, database, signal)
      await tryWrite(session)
    },
  }
}

async function look(session: Connection): Promise<Look> {
  const [state] = await session.query<{ recovering: boolean; own: string; readonly: boolean }>(
    `SELECT pg_is_in_recovery() AS recovering, current_user AS own, EXISTS (SELECT FROM pg_settings
       WHERE name = 'default_transaction_read_only' AND setting = 'on'
         AND source IN ('configuration file', 'command line')) AS readonly`,
  )
  const roles = await session.query<{ rolname: string; rolcanlogin: boolean }>(
    `SELECT rolname, rolcanlogin FROM pg_roles WHERE rolname <> current_user
       AND rolname NOT IN ('rdsadmin', 'rdsrepladmin', 'rdstopmgr') AND NOT (rolreplication AND NOT rolsuper)
     ORDER BY rolname`,
  )
  const databases = await session.query<{ name: string; readonly: boolean }>(
    `SELECT datname AS name, EXISTS (SELECT FROM pg_db_role_setting WHERE setdatabase = d.oid AND setrole = 0
       AND 'default_transaction_read_only=on' = ANY (setconfig)) AS readonly
     FROM pg_database d WHERE datallowconn AND NOT datistemplate AND datname <> 'rdsadmin' ORDER BY datname`,
  )
  return {
    recovering: state?.recovering ?? false,
    readOnly: state?.readonly ?? false,
    own: state?.own ?? '',
    open: roles.filter(({ rolcanlogin }) => rolcanlogin).map(({ rolname }) => rolname),
    closed: roles
      .filter(({ rolname, rolcanlogin }) => !rolcanlogin && !/^(pg|rds)_/.test(rolname))
      .map(({ rolname }) => rolname),
    databases: databases.map(({ name, readonly }) => ({ name, readOnly: readonly })),
  }
}

function planOf({ own, open, databases, recovering }: Look): FencePlan {
  const sessions = `SELECT pg_terminate_backend(pid) ${FOREIGN_SESSIONS}`
  if (recovering) return { client: 'psql', statements: [], undo: [], sessions, limits: [] }
  const names = databases.filter(({ readOnly }) => !readOnly).map(({ name }) => quoteIdentifier(name))
  const roles = open.map(quoteIdentifier)
  return {
    client: 'psql',
    statements: [
      ...roles.map((role) => `ALTER ROLE ${role} NOLOGIN`),
      ...names.map((name) => `ALTER DATABASE ${name} SET default_transaction_read_only = on`),
    ],
    undo: [...names.map(resetting), ...roles.map(opening)],
    sessions,
    limits: [
      `Role ${own}, which lifeboat itself uses, can still log in; its transactions are read-only until it says otherwise.`,
      'Roles and settings outlast a restart.',
    ],
  }
}

function liftOf({ open, closed, databases }: Look): LiftPlan {
  const resets = (isReadOnly: boolean) =>
    databases
      .filter(({ readOnly }) => readOnly === isReadOnly)
      .map(({ name }) => resetting(quoteIdentifier(name)))
  const logins = (roles: readonly string[]) => roles.map((role) => opening(quoteIdentifier(role)))
  return {
    standing: [...resets(true), ...logins(closed)],
    lifted: [...resets(false), ...logins(open)],
  }
}

function resetting(name: string): string {
  return `ALTER DATABASE ${name} RESET default_transaction_read_only`
}

function opening(role: string): string {
  return `ALTER ROLE ${role} LOGIN`
}

/** Our own fence makes transactions read-only by default, those that lift it too. */
async function mayWrite(session: Connection): Promise<void> {
  await session.query('SET default_transaction_read_only = off')
}

async function endSessions(
  session: Connection,
  done: string[],
  failed: string[],
  signal: AbortSignal,
): Promise<void> {
  const pids = await session.query<{ pid: number }>(`SELECT pid ${FOREIGN_SESSIONS}`)
  for (const { pid } of pids) {
    const sql = `SELECT pg_terminate_backend(${pid})`
    try {
      await session.query(sql)
      done.push(sql)
    } catch (thrown) {
      throwIfAborted(signal)
      failed.push(`${sql}: ${messageOf(thrown)}`)
    }
  }
}

async function tryWrite(session: Connection): Promise<void> {
  const table = `public.lifeboat_scratch_${randomUUID().slice(0, 8)}`
  // A temporary table would be allowed where nothing else is.
  await session.query(`CREATE TABLE ${table} (n int PRIMARY KEY)`)
  try {
    await session.query(`INSERT INTO ${table} VALUES (42)`)
    const [found] = await session.query<{ n: number }>(`SELECT n FROM ${table}`)
    if (found?.n !== 42) throw new Error(`wrote 42 and read ${String(found?.n)}`)
  } finally {
    await session.query(`DROP TABLE ${table}`)
  }
}
