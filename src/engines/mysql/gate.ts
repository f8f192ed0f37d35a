import { randomUUID } from 'node:crypto'
import { messageOf, throwIfAborted } from '../../core/errors.ts'
import type { FencePlan, Gate, LiftPlan } from '../../core/gate.ts'
import { quoteAccount, quoteName } from './quote.ts'
import { errorNumber, type Row, type ServerAccess, type Session } from './server-access.ts'
import { isAtLeast, readServerVersion } from './version.ts'

/** Of the server and of RDS: they are not applications, and without them it can't be run. */
const OWN_ACCOUNTS = [
  'mysql.sys',
  'mysql.session',
  'mysql.infoschema',
  'mariadb.sys',
  'rdsadmin',
  'rdsrepladmin',
]
/** No session of an application: those of the server's own threads, and of replicas that are to get the last rows. */
const KEPT_USERS = ['system user', 'event_scheduler', 'rdsadmin', 'rdsrepladmin']
const NO_SUCH_THREAD = 1094
const DENIED_TO_KILL = [1095, 1227]

interface Account {
  readonly user: string
  readonly host: string
}

interface Look {
  readonly readOnly: boolean
  /** Of administrators too; never of MariaDB. */
  readonly superReadOnly: boolean
  readonly isMaria: boolean
  readonly persists: boolean
  /** Who could log in, but for ourselves and for accounts of replicas; undefined where we may not look. */
  readonly open: readonly Account[] | undefined
  /** Such accounts that are locked. */
  readonly locked: readonly Account[]
  readonly own: string
}

export function createGate(access: ServerAccess, database: string | undefined): Gate {
  return {
    writable: (signal) =>
      access.withSession(signal, async (session) => {
        const { readOnly, open, locked } = await look(session)
        if (readOnly) return 'read-only'
        // Where no other account was ever there, applications use this one, which can't be locked.
        if (open === undefined || open.length > 0 || locked.length === 0) return 'writable'
        return (await otherSessions(session)).length > 0 ? 'writable' : 'read-only'
      }),
    planFence: (signal) => access.withSession(signal, async (session) => planOf(await look(session))),
    fence: (statements, signal) =>
      access.withSession(signal, async (session) => {
        const done: string[] = []
        const failed: string[] = []
        for (const sql of statements) await attempt(session, sql, { done, failed }, signal)
        for (const id of await foreignSessions(session))
          await endSession(session, id, { done, failed }, signal)
        return { done, failed }
      }),
    planUnfence: (signal) => access.withSession(signal, async (session) => liftOf(await look(session))),
    unfence: (undo, signal) =>
      access.withSession(signal, async (session) => {
        for (const sql of undo) await session.query(sql)
      }),
    tryWrite: (signal) => access.withSession(signal, (session) => tryWrite(session, database)),
  }
}

async function look(session: Session): Promise<Look> {
  const [[version, comment, readOnly, own, unresolved] = []] = await session.rows(
    'SELECT @@version, @@version_comment, @@global.read_only, CURRENT_USER(), @@skip_name_resolve',
  )
  const { flavour, numbers } = readServerVersion(String(version), String(comment))
  const isMaria = flavour === 'MariaDB'
  const accounts = (await applicationAccounts(session, isMaria, String(own)))?.filter(
    ({ host }) => Number(unresolved) === 0 || isAddress(host),
  )
  return {
    ...{ readOnly: Number(readOnly) !== 0, isMaria, own: String(own) },
    persists: !isMaria && isAtLeast(numbers, [8]),
    superReadOnly: !isMaria && (await isSuperReadOnly(session)),
    open: accounts?.filter(({ isLocked }) => !isLocked),
    locked: accounts?.filter(({ isLocked }) => isLocked) ?? [],
  }
}

async function isSuperReadOnly(session: Session): Promise<boolean> {
  const [[, value] = []] = await session.rows("SHOW GLOBAL VARIABLES LIKE 'super_read_only'")
  return String(value) === 'ON'
}

/** But for ourselves, for the server's own, and for accounts of replicas. */
async function applicationAccounts(
  session: Session,
  isMaria: boolean,
  own: string,
): Promise<readonly (Account & { readonly isLocked: boolean })[] | undefined> {
  const locked = isMaria
    ? `SELECT User AS u, Host AS h, CAST(Priv AS CHAR) AS p FROM mysql.global_priv`
    : `SELECT User AS u, Host AS h, account_locked AS p FROM mysql.user`
  let rows: readonly Row[]
  try {
    rows = await session.query(locked)
  } catch (thrown) {
    // 1142: this account may not look into the schema mysql.
    if (errorNumber(thrown) === 1142 || errorNumber(thrown) === 1044) return undefined
    throw thrown
  }
  const replicas = new Set(
    (
      await session.query(
        `SELECT GRANTEE AS g FROM information_schema.USER_PRIVILEGES GROUP BY GRANTEE
         HAVING SUM(PRIVILEGE_TYPE LIKE 'REPLICATION SLAVE') > 0 AND SUM(PRIVILEGE_TYPE = 'INSERT') = 0`,
      )
    ).map(({ g }) => String(g)),
  )
  return rows
    .filter(({ p }) => !isMaria || !/"is_role":\s*true/.test(String(p)))
    .map(({ u, h, p }) => ({
      ...{ user: String(u), host: String(h) },
      isLocked: isMaria ? /"account_locked":\s*true/.test(String(p)) : p === 'Y',
    }))
    .filter(({ user, host }) => `${user}@${host}` !== own && !OWN_ACCOUNTS.includes(user))
    .filter(({ user, host }) => !replicas.has(`'${user}'@'${host}'`))
}

/** Under skip_name_resolve the accounts of any other host can neither log in nor be altered. */
function isAddress(host: string): boolean {
  return host === 'localhost' || /^[\d.%_/]*$/.test(host) || host.includes(':')
}

function planOf({ readOnly, isMaria, persists, open, own }: Look): FencePlan {
  const accounts = (open ?? []).map(quoteAccount)
  const set = setting(persists)
  // super_read_only holds for administrators too; MariaDB has no such thing.
  const variables = readOnly ? [] : isMaria ? ['read_only'] : ['super_read_only']
  return {
    client: 'mysql',
    statements: [
      ...accounts.map((account) => `ALTER USER ${account} ACCOUNT LOCK`),
      ...variables.map((name) => `${set} ${name} = ON`),
    ],
    undo: [
      ...variables.map((name) => `${set} ${name} = OFF`),
      ...(isMaria ? [] : variables.map(() => `${set} read_only = OFF`)),
      ...(open ?? []).map(unlocking),
    ],
    sessions: `SELECT CONCAT('KILL ', ID, ';') ${othersSessions(NOT_OURS)}`,
    limits: [
      `Account ${own}, which lifeboat itself uses, can still log in: keep applications from it.`,
      ...(open === undefined
        ? ['This account may not read the schema mysql: no other account could be locked, nor seen.']
        : []),
      ...(persists || readOnly
        ? []
        : [
            'read_only is gone when the server restarts; on RDS only its parameter group sets it. Locked accounts stay locked.',
          ]),
    ],
  }
}

function liftOf({ readOnly, superReadOnly, isMaria, persists, open, locked }: Look): LiftPlan {
  const set = setting(persists)
  const variables = [
    ...(isMaria ? [] : [{ sql: `${set} super_read_only = OFF`, stands: superReadOnly }]),
    { sql: `${set} read_only = OFF`, stands: readOnly },
  ]
  const words = (stands: boolean) => variables.filter((each) => each.stands === stands).map(({ sql }) => sql)
  return {
    standing: [...words(true), ...locked.map(unlocking)],
    lifted: [...words(false), ...(open ?? []).map(unlocking)],
  }
}

function setting(persists: boolean): string {
  return persists ? 'SET PERSIST' : 'SET GLOBAL'
}

function unlocking(account: Account): string {
  return `ALTER USER ${quoteAccount(account)} ACCOUNT UNLOCK`
}

const NOT_OURS = "AND USER <> SUBSTRING_INDEX(CURRENT_USER(), '@', 1)"

async function foreignSessions(session: Session): Promise<readonly number[]> {
  return await otherSessions(session, NOT_OURS)
}

async function otherSessions(session: Session, condition = ''): Promise<readonly number[]> {
  const rows = await session.rows(`SELECT ID ${othersSessions(condition)}`)
  return rows.map(([id]) => Number(id))
}

function othersSessions(condition: string): string {
  const kept = KEPT_USERS.map((user) => `'${user}'`).join(', ')
  return `FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() AND USER NOT IN (${kept}) AND COMMAND NOT LIKE 'Binlog Dump%' AND COMMAND NOT IN ('Daemon', 'Killed') ${condition}`.trim()
}

interface Deeds {
  readonly done: string[]
  readonly failed: string[]
}

async function endSession(session: Session, id: number, deeds: Deeds, signal: AbortSignal): Promise<void> {
  try {
    await session.query(`KILL ${id}`)
    deeds.done.push(`KILL ${id}`)
  } catch (thrown) {
    throwIfAborted(signal)
    const number = errorNumber(thrown)
    if (number === NO_SUCH_THREAD) return
    // On RDS nobody may end the sessions of others but through this.
    if (number !== undefined && DENIED_TO_KILL.includes(number))
      await attempt(session, `CALL mysql.rds_kill(${id})`, deeds, signal)
    else deeds.failed.push(`KILL ${id}: ${messageOf(thrown)}`)
  }
}

async function attempt(session: Session, sql: string, { done, failed }: Deeds, signal: AbortSignal) {
  try {
    await session.query(sql)
    done.push(sql)
  } catch (thrown) {
    throwIfAborted(signal)
    failed.push(`${sql}: ${messageOf(thrown)}`)
  }
}

async function tryWrite(session: Session, database: string | undefined): Promise<void> {
  const name = `lifeboat_scratch_${randomUUID().slice(0, 8)}`
  const schema = quoteName(database ?? name)
  const table = `${schema}.${quoteName(name)}`
  if (database === undefined) await session.query(`CREATE DATABASE ${schema}`)
  try {
    // A temporary table would be allowed where nothing else is.
    await session.query(`CREATE TABLE ${table} (n INT PRIMARY KEY)`)
    await session.query(`INSERT INTO ${table} VALUES (42)`)
    const [[found] = []] = await session.rows(`SELECT n FROM ${table}`)
    if (Number(found) !== 42) throw new Error(`wrote 42 and read ${String(found)}`)
  } finally {
    await session.query(database === undefined ? `DROP DATABASE ${schema}` : `DROP TABLE IF EXISTS ${table}`)
  }
}
