import { randomUUID } from 'node:crypto'
import { messageOf, throwIfAborted } from '../../core/errors.ts'
import type { FencePlan, Gate, LiftPlan } from '../../core/gate.ts'
import { quoteName } from './catalog/quote.ts'
import { listDatabases } from './databases.ts'
import { isOwnLogin } from './own-logins.ts'
import type { Session, SessionSource } from './session.ts'

/** Those that an application could come by; a Windows group is none that could be disabled. */
const LOGINS = `SELECT name, type, is_disabled FROM sys.server_principals WHERE type IN ('S', 'U', 'G') ORDER BY name`

/** But for this one, and for those of the server's agent and of RDS. */
const OTHER_SESSIONS = `FROM sys.dm_exec_sessions WHERE is_user_process = 1 AND session_id <> @@SPID AND login_name NOT IN ('rdsa', 'rdsadmin') AND login_name NOT LIKE 'NT %'`
/** What was open before a fence: ours go on, and those that run it with us. */
const FOREIGN_SESSIONS = `${OTHER_SESSIONS} AND login_name <> SUSER_SNAME()`

interface Look {
  readonly own: string
  readonly open: readonly string[]
  readonly disabled: readonly string[]
  readonly groups: readonly string[]
  /** Online, and the user's. */
  readonly databases: readonly { readonly name: string; readonly readOnly: boolean }[]
}

export function createGate(
  sessions: (signal: AbortSignal) => Promise<SessionSource>,
  database: string | undefined,
): Gate {
  async function within<T>(signal: AbortSignal, run: (session: Session) => Promise<T>): Promise<T> {
    await using session = await (await sessions(signal)).open('master', signal)
    return await run(session)
  }
  return {
    writable: (signal) =>
      within(signal, async (session) => {
        const { open, disabled, databases } = await look(session, signal)
        if (databases.length > 0 && databases.every(({ readOnly }) => readOnly)) return 'read-only'
        // Where no other login was ever there, applications use this one, which can't be disabled.
        if (open.length > 0 || disabled.length === 0) return 'writable'
        const others = await session.query(`SELECT session_id ${OTHER_SESSIONS}`, signal)
        return others.length > 0 ? 'writable' : 'read-only'
      }),
    planFence: (signal) => within(signal, async (session) => planOf(await look(session, signal))),
    fence: (statements, signal) =>
      within(signal, async (session) => {
        const done: string[] = []
        const failed: string[] = []
        for (const sql of statements) await attempt(session, sql, { done, failed }, signal)
        const foreign = await session.query(`SELECT session_id ${FOREIGN_SESSIONS}`, signal)
        for (const { session_id: id } of foreign)
          await attempt(session, `KILL ${Number(id)}`, { done, failed }, signal)
        return { done, failed }
      }),
    planUnfence: (signal) => within(signal, async (session) => liftOf(await look(session, signal))),
    unfence: (undo, signal) =>
      within(signal, async (session) => {
        for (const sql of undo) await session.batch(sql, signal)
      }),
    async tryWrite(signal) {
      const scratch = `lifeboat_scratch_${randomUUID().slice(0, 8)}`
      if (database === undefined) {
        await within(signal, (session) => tryDatabase(session, scratch, signal))
        return
      }
      await using session = await (await sessions(signal)).open(database, signal)
      await tryTable(session, `[dbo].${quoteName(scratch)}`, signal)
    },
  }
}

async function look(session: Session, signal: AbortSignal): Promise<Look> {
  const [{ own = '' } = {}] = await session.query('SELECT SUSER_SNAME() AS own', signal)
  const logins = (await session.query(LOGINS, signal))
    .map((row) => ({ name: String(row.name), type: String(row.type), off: row.is_disabled === true }))
    .filter(({ name }) => name !== own && !isOwnLogin(name))
  const modes = new Map(
    (await session.query('SELECT name, is_read_only FROM sys.databases', signal)).map((row) => [
      String(row.name),
      row.is_read_only === true,
    ]),
  )
  const all = await listDatabases(session, signal)
  const single = logins.filter(({ type }) => type !== 'G')
  return {
    own: String(own),
    open: single.filter(({ off }) => !off).map(({ name }) => name),
    disabled: single.filter(({ off }) => off).map(({ name }) => name),
    groups: logins.filter(({ type }) => type === 'G').map(({ name }) => name),
    databases: all
      .filter(({ state }) => state === 'ONLINE')
      .map(({ name }) => ({ name, readOnly: modes.get(name) ?? false })),
  }
}

function planOf({ own, open, groups, databases }: Look): FencePlan {
  const writable = databases.filter(({ readOnly }) => !readOnly).map(({ name }) => name)
  return {
    client: 'sqlcmd',
    statements: [
      ...open.map((name) => `ALTER LOGIN ${quoteName(name)} DISABLE`),
      ...writable.map((name) => `ALTER DATABASE ${quoteName(name)} SET READ_ONLY WITH ROLLBACK IMMEDIATE`),
    ],
    undo: [...writable.map(takingWrites), ...open.map(enabling)],
    sessions: `SELECT 'KILL ' + CAST(session_id AS varchar(10)) ${FOREIGN_SESSIONS}`,
    limits: [
      `Login ${own}, which lifeboat itself uses, can still log in; its writes fail in databases that are read-only.`,
      'Databases in a mirror or an availability group, as with Multi-AZ, can not be set to read-only: there logins and ended sessions have to do.',
      ...(groups.length === 0
        ? []
        : [`Windows groups can not be disabled: ${groups.join(', ')}. Their members can log in.`]),
      'Logins and modes outlast a restart. Users of contained databases and sysadmin sa are not logins that could be disabled.',
    ],
  }
}

function liftOf({ open, disabled, databases }: Look): LiftPlan {
  const modes = (isReadOnly: boolean) =>
    databases.filter(({ readOnly }) => readOnly === isReadOnly).map(({ name }) => takingWrites(name))
  return {
    standing: [...modes(true), ...disabled.map(enabling)],
    lifted: [...modes(false), ...open.map(enabling)],
  }
}

function takingWrites(name: string): string {
  return `ALTER DATABASE ${quoteName(name)} SET READ_WRITE WITH ROLLBACK IMMEDIATE`
}

function enabling(name: string): string {
  return `ALTER LOGIN ${quoteName(name)} ENABLE`
}

async function attempt(
  session: Session,
  sql: string,
  { done, failed }: { readonly done: string[]; readonly failed: string[] },
  signal: AbortSignal,
): Promise<void> {
  try {
    await session.batch(sql, signal)
    done.push(sql)
  } catch (thrown) {
    throwIfAborted(signal)
    failed.push(`${sql}: ${messageOf(thrown)}`)
  }
}

async function tryDatabase(session: Session, name: string, signal: AbortSignal): Promise<void> {
  await session.batch(`CREATE DATABASE ${quoteName(name)}`, signal)
  try {
    await tryTable(session, `${quoteName(name)}.[dbo].[scratch]`, signal)
  } finally {
    await session.batch(`DROP DATABASE ${quoteName(name)}`, signal)
  }
}

async function tryTable(session: Session, table: string, signal: AbortSignal): Promise<void> {
  await session.batch(`CREATE TABLE ${table} (n int PRIMARY KEY)`, signal)
  try {
    await session.batch(`INSERT INTO ${table} (n) VALUES (42)`, signal)
    const [{ n } = {}] = await session.query(`SELECT n FROM ${table}`, signal)
    if (n !== 42) throw new Error(`wrote 42 and read ${String(n)}`)
  } finally {
    await session.batch(`DROP TABLE ${table}`, signal)
  }
}
