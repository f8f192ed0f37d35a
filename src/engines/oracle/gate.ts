import { randomUUID } from 'node:crypto'
import { LifeboatError, messageOf, throwIfAborted } from '../../core/errors.ts'
import type { FencePlan, Gate, LiftPlan } from '../../core/gate.ts'
import type { ConnectionSource, OracleConnection } from './connection.ts'
import { isLost, oraOf } from './failures.ts'
import {
  END_SESSION,
  END_SESSION_ON_RDS,
  LOCK_ACCOUNT,
  READ_GATE_ACCOUNTS,
  READ_OPEN_MODES,
  READ_OTHER_SESSIONS,
  UNLOCK_ACCOUNT,
  WRITE_SCRATCH,
} from './gate-statements.ts'
import { quoteName } from './quote.ts'
import { isProviders, queryIfAllowed, readServerFacts, text } from './server-facts.ts'

const ROOT = 'CDB$ROOT'

/** Prints a statement for each session that `fence` ends. */
const PRINT_ENDS = `SELECT 'ALTER SYSTEM KILL SESSION ''' || s.sid || ',' || s.serial# || ',@' || s.inst_id || ''' IMMEDIATE;' FROM gv$session s JOIN dba_users u ON u.username = s.username WHERE s.type = 'USER' AND s.status <> 'KILLED' AND s.username <> USER AND (u.oracle_maintained = 'N' OR u.username = 'SYSTEM')`
const PRINT_ENDS_ON_RDS = `SELECT 'EXEC rdsadmin.rdsadmin_util.kill(' || s.sid || ', ' || s.serial# || ', ''IMMEDIATE'')' FROM gv$session s JOIN dba_users u ON u.username = s.username WHERE s.type = 'USER' AND s.status <> 'KILLED' AND s.username <> USER AND (u.oracle_maintained = 'N' OR u.username = 'SYSTEM') AND u.username NOT IN ('RDSADMIN', 'RDSSEC', 'RDS_DATAGUARD') AND u.username NOT LIKE 'RDS$%'`

interface OtherSession {
  readonly sid: string
  readonly serial: string
  readonly instance: string
  readonly account: string
}

interface Look {
  readonly own: string
  readonly container: string
  readonly rds: boolean
  /** Both the database and the pluggable one. */
  readonly readOnly: boolean
  /** Who could log in, or could in a while, but for ourselves, Oracle and RDS. */
  readonly open: readonly string[]
  readonly locked: readonly string[]
  /** Open, and of all containers: a pluggable database can't lock them. */
  readonly common: readonly string[]
  /** Of applications, and those of our own account. */
  readonly sessions: readonly OtherSession[]
}

/**
 * Accounts are locked and sessions ended; that is all. A restricted session would turn lifeboat away as well: the listener lets
 * nobody in then, whatever his privilege, unless he says (UR=A) (ORA-12526), and a restart lifts it.
 */
export function createGate(source: ConnectionSource): Gate {
  async function within<T>(
    signal: AbortSignal,
    run: (connection: OracleConnection) => Promise<T>,
  ): Promise<T> {
    await using connection = await source.open(signal)
    return await run(connection)
  }
  return {
    writable: (signal) =>
      within(signal, async (connection) => {
        const { readOnly, open, locked, sessions } = await look(connection, signal)
        if (readOnly) return 'read-only'
        // Where no other account was ever there, applications use this one, which can't be locked.
        if (open.length > 0 || locked.length === 0) return 'writable'
        return sessions.length > 0 ? 'writable' : 'read-only'
      }),
    planFence: (signal) => within(signal, async (connection) => planOf(await look(connection, signal))),
    fence: (statements, signal) =>
      within(signal, async (connection) => {
        const done: string[] = []
        const failed: string[] = []
        for (const sql of statements)
          await attempt(sql, { done, failed }, signal, () => alter(connection, sql, signal))
        const { own, rds, sessions } = await look(connection, signal)
        // Our own go on, and those that run it with us.
        for (const session of sessions.filter(({ account }) => account !== own))
          await attempt(endOf(session, rds), { done, failed }, signal, () =>
            endSession(connection, session, rds, signal),
          )
        return { done, failed }
      }),
    planUnfence: (signal) => within(signal, async (connection) => liftOf(await look(connection, signal))),
    unfence: (undo, signal) =>
      within(signal, async (connection) => {
        for (const sql of undo) await alter(connection, sql, signal)
      }),
    tryWrite: (signal) =>
      within(signal, async (connection) => {
        const table = `lifeboat_scratch_${randomUUID().slice(0, 8)}`
        const outs = { p_read: { type: 'number' } } as const
        const { p_read: read } = await connection.call(WRITE_SCRATCH, { p_table: table }, outs, signal)
        if (read !== 42) throw new Error(`wrote 42 and read ${String(read)}`)
      }),
  }
}

async function look(connection: OracleConnection, signal: AbortSignal): Promise<Look> {
  const { user: own, container, rds } = await readServerFacts(connection, signal)
  const read = async (sql: string, view: string) =>
    (await queryIfAllowed(connection, sql, signal)) ?? refuse(view, own)
  const modes = (await read(READ_OPEN_MODES, 'V$DATABASE and V$PDBS')).map((row) => text(row.mode))
  const accounts = (await read(READ_GATE_ACCOUNTS, 'DBA_USERS'))
    .map((row) => ({
      name: text(row.name),
      isLocked: isLocked(text(row.status)),
      isCommon: row.common === 'YES' && container !== ROOT,
    }))
    .filter(({ name }) => !isProviders(name))
  const others = accounts.filter(({ name }) => name !== own)
  const watched = new Set([own, 'SYSTEM', ...others.map(({ name }) => name)])
  const namesOf = (found: typeof others) => found.map(({ name }) => name)
  return {
    own,
    container,
    rds,
    readOnly: modes.some((mode) => mode !== 'READ WRITE'),
    open: namesOf(others.filter((each) => !each.isLocked && !each.isCommon)),
    locked: namesOf(others.filter((each) => each.isLocked && !each.isCommon)),
    common: namesOf(others.filter((each) => !each.isLocked && each.isCommon)),
    sessions: (await read(READ_OTHER_SESSIONS, 'GV$SESSION'))
      .map((row) => ({
        sid: text(row.sid),
        serial: text(row.serial),
        instance: text(row.instance),
        account: text(row.account),
      }))
      .filter(({ account }) => watched.has(account)),
  }
}

/** `LOCKED(TIMED)` opens by itself, and an expired password can be changed by whoever knows it. */
function isLocked(status: string): boolean {
  return /LOCKED(?!\(TIMED\))/.test(status)
}

/** Half of it would call a server fenced that is not. */
function refuse(view: string, user: string): never {
  throw new LifeboatError(
    'unsupported',
    `unable to look at accounts and sessions: ${user} may not see ${view}`,
    {
      hint: `Run GRANT SELECT_CATALOG_ROLE, ALTER USER TO ${quoteName(user)}, or log in as the master user.`,
    },
  )
}

function planOf({ own, container, rds, readOnly, open, common }: Look): FencePlan {
  const sessions = rds ? PRINT_ENDS_ON_RDS : PRINT_ENDS
  if (readOnly) return { client: 'sqlplus', statements: [], undo: [], sessions, limits: [] }
  return {
    client: 'sqlplus',
    statements: open.map(locking),
    undo: open.map(unlocking),
    sessions,
    limits: [
      `Account ${own}, which lifeboat itself uses, can still log in and write, as can SYS, SYSTEM and others of Oracle's own: keep applications from them.`,
      'Jobs of the scheduler need no login, and go on: set JOB_QUEUE_PROCESSES to 0 where they must not.',
      ...(common.length === 0
        ? []
        : [
            `Common accounts can be locked from ${ROOT} alone: ${common.join(', ')}. They can log in to ${container}.`,
          ]),
      `It is about container ${container}: what is local to others goes on.`,
      'Locks outlast a restart.',
    ],
  }
}

function liftOf({ open, locked }: Look): LiftPlan {
  return { standing: locked.map(unlocking), lifted: open.map(unlocking) }
}

function locking(name: string): string {
  return `ALTER USER ${quoted(name)} ACCOUNT LOCK`
}

function unlocking(name: string): string {
  return `ALTER USER ${quoted(name)} ACCOUNT UNLOCK`
}

/** Always: a name may be a word of SQL. None has a quote in it. */
function quoted(name: string): string {
  return `"${name}"`
}

function endOf({ sid, serial, instance }: OtherSession, rds: boolean): string {
  const id = `'${sid},${serial},@${instance}'`
  return rds
    ? `rdsadmin.rdsadmin_util.kill(${sid}, ${serial}, 'IMMEDIATE')`
    : `ALTER SYSTEM KILL SESSION ${id} IMMEDIATE`
}

/** Reads a statement of ours back: what is sent is a fixed text, and the name is bound. */
async function alter(connection: OracleConnection, sql: string, signal: AbortSignal): Promise<void> {
  const [, account, lock] = /^ALTER USER "([^"]+)" ACCOUNT (LOCK|UNLOCK)$/.exec(sql) ?? []
  if (account === undefined)
    throw new LifeboatError('usage', `unable to run '${sql}': it is not a statement of a fence`, {
      hint: 'Type it by hand if it is right: lifeboat only locks and unlocks accounts here.',
    })
  const block = lock === 'LOCK' ? LOCK_ACCOUNT : UNLOCK_ACCOUNT
  try {
    await connection.call(block, { p_account: account }, {}, signal)
  } catch (thrown) {
    if (oraOf(thrown) !== 1031) throw thrown
    throw new LifeboatError('unsupported', messageOf(thrown), {
      hint: `Run GRANT ALTER USER for the account of --login, or log in as the master user; by hand: ${sql}`,
      details: { ora: 1031 },
    })
  }
}

async function endSession(
  connection: OracleConnection,
  { sid, serial, instance }: OtherSession,
  rds: boolean,
  signal: AbortSignal,
): Promise<void> {
  try {
    if (rds) await connection.call(END_SESSION_ON_RDS, { p_sid: sid, p_serial: serial }, {}, signal)
    else await connection.call(END_SESSION, { p_session: `${sid},${serial},@${instance}` }, {}, signal)
  } catch (thrown) {
    // Gone by itself; or marked, and it ends once what it does lets it.
    if (![30, 31].includes(oraOf(thrown) ?? 0)) throw thrown
  }
}

async function attempt(
  sql: string,
  { done, failed }: { readonly done: string[]; readonly failed: string[] },
  signal: AbortSignal,
  run: () => Promise<void>,
): Promise<void> {
  try {
    await run()
    done.push(sql)
  } catch (thrown) {
    throwIfAborted(signal)
    if (isLost(thrown)) throw thrown
    failed.push(`${sql}: ${messageOf(thrown)}`)
  }
}
