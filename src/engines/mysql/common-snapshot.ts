import { setTimeout as pause } from 'node:timers/promises'
import type { EngineEvent } from '../../core/engine.ts'
import { abortReason, LifeboatError, messageOf } from '../../core/errors.ts'
import { readLogPosition } from './log-position.ts'
import { quoteName, quoteText } from './quote.ts'
import { errorNumber, type ServerAccess, type Session } from './server-access.ts'
import type { SnapshotGate } from './snapshot-gate.ts'
import type { ServerVersion } from './version.ts'
import { within } from './within.ts'

export interface SnapshotWanted {
  readonly server: ServerVersion
  readonly databases: readonly string[]
  /** All tables that are read, for where the whole server can't be locked. */
  readonly tables: readonly { readonly database: string; readonly table: string }[]
  /** Tools that wait for their snapshot. */
  readonly gates: readonly SnapshotGate[]
  readonly onProgress: ((event: EngineEvent) => void) | undefined
}

export interface CommonSnapshot {
  /** Of the binary log, exactly at the snapshot. */
  readonly position: string | undefined
  readonly lock: 'global' | 'tables'
  /** Which tables there were, as `database\0table`. */
  readonly tables: ReadonlySet<string>
}

export interface Patience {
  /** How long one try waits for its lock; what writes to these tables meanwhile waits too. */
  readonly lockWaitS: number
  readonly tries: number
  readonly pauseMs: number
  /** The snapshots are a round trip each, all at once: whoever takes longer lets go of the lock and fails. */
  readonly holdMs: number
}

const PATIENCE: Patience = { lockWaitS: 4, tries: 3, pauseMs: 3_000, holdMs: 5_000 }
/** Should we vanish while we hold the lock: the server ends an idle session after this, and with it the lock. */
const IDLE_S = 10

const ER_LOCK_WAIT_TIMEOUT = 1205
/** ER_STATEMENT_TIMEOUT of MariaDB, ER_QUERY_TIMEOUT of MySQL. */
const INTERRUPTED: ReadonlySet<number | undefined> = new Set([1969, 3024])
/** On RDS FLUSH TABLES WITH READ LOCK is answered with 1045, as if it were a login. */
const DENIED: ReadonlySet<number | undefined> = new Set([1044, 1045, 1142, 1227])

/**
 * Opens one snapshot at several connections: for a moment nothing may be committed, and in this moment all of them start
 * their transaction. FLUSH TABLES WITH READ LOCK holds back every commit; where it is denied, as on managed servers, READ
 * locks on all tables that are read wait for whoever writes to them and hold back whoever wants to.
 */
export async function openCommonSnapshot(
  access: ServerAccess,
  wanted: SnapshotWanted,
  signal: AbortSignal,
  patience: Patience = PATIENCE,
): Promise<CommonSnapshot> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await access.withSession(signal, (session) => lockAndOpen(session, wanted, patience))
    } catch (thrown) {
      if (errorNumber(thrown) !== ER_LOCK_WAIT_TIMEOUT) throw thrown
      if (tries === patience.tries) throw lockTimeout(access.target, patience, thrown)
      wanted.onProgress?.({
        kind: 'step',
        message: `no lock within ${patience.lockWaitS} s, since something long is running there; trying again`,
      })
      await pause(patience.pauseMs, undefined, { signal }).catch(() => Promise.reject(abortReason(signal)))
    }
  }
}

async function lockAndOpen(
  session: Session,
  wanted: SnapshotWanted,
  { lockWaitS, holdMs }: Patience,
): Promise<CommonSnapshot> {
  await session.query(`SET SESSION lock_wait_timeout = ${lockWaitS}, SESSION wait_timeout = ${IDLE_S}`)
  const lock = await takeLock(session, wanted)
  const begun = performance.now()
  const inTime = <T>(promise: Promise<T>) => within(promise, holdMs, () => tooSlow(holdMs))
  try {
    const [tables] = await inTime(
      Promise.all([
        readTableNames(session, wanted, holdMs),
        ...wanted.gates.map((gate) => gate.openSnapshot()),
      ]),
    )
    const position = await inTime(readLogPosition(session, wanted.server))
    return { position, lock, tables }
  } finally {
    // Its answer proves that the lock was held until now. Where none comes, the server ends the session, as it is idle.
    await inTime(session.query('UNLOCK TABLES'))
    const heldMs = Math.ceil(performance.now() - begun)
    wanted.onProgress?.({ kind: 'step', message: `one snapshot for all: writes were held for ${heldMs} ms` })
  }
}

/** Bounded by the server, too: the lock is given back only behind it. */
async function readTableNames(
  session: Session,
  { server, databases }: SnapshotWanted,
  limitMs: number,
): Promise<ReadonlySet<string>> {
  const [before, hint] =
    server.flavour === 'MariaDB'
      ? [`SET STATEMENT max_statement_time = ${limitMs / 1000} FOR `, '']
      : ['', `/*+ MAX_EXECUTION_TIME(${limitMs}) */ `]
  try {
    const rows = await session.query(
      `${before}SELECT ${hint}TABLE_SCHEMA AS db, TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA IN (${databases.map(quoteText).join(', ')})`,
    )
    // MariaDB compares names there without case.
    const ours = rows.filter((row) => databases.includes(String(row.db)))
    return new Set(ours.map((row) => `${row.db}\0${row.name}`))
  } catch (thrown) {
    if (!INTERRUPTED.has(errorNumber(thrown))) throw thrown
    throw tooSlow(limitMs)
  }
}

async function takeLock(session: Session, wanted: SnapshotWanted): Promise<CommonSnapshot['lock']> {
  try {
    await session.query('FLUSH TABLES WITH READ LOCK')
    return 'global'
  } catch (thrown) {
    // A try that failed half way may leave a part of the lock.
    await session.query('UNLOCK TABLES')
    if (!DENIED.has(errorNumber(thrown))) throw thrown
    await lockTables(session, wanted, thrown)
    return 'tables'
  }
}

async function lockTables(session: Session, wanted: SnapshotWanted, denied: unknown): Promise<void> {
  await refuseWhatLocksMiss(session, wanted)
  const list = wanted.tables.map(({ database, table }) => `${quoteName(database)}.${quoteName(table)} READ`)
  try {
    if (list.length > 0) await session.query(`LOCK TABLES ${list.join(', ')}`)
  } catch (thrown) {
    if (!DENIED.has(errorNumber(thrown))) throw thrown
    throw new LifeboatError(
      'unsupported',
      `unable to open one snapshot for several connections: ${messageOf(denied)}; ${messageOf(thrown)}`,
      {
        hint: 'Grant LOCK TABLES (or RELOAD, where the provider allows it) on *.* to the account, or run with --jobs 1, which needs no lock.',
        cause: thrown,
      },
    )
  }
}

/** What may change a locked table all the same: commits of XA transactions whose session is gone, cascades from outside. */
async function refuseWhatLocksMiss(session: Session, { server, databases }: SnapshotWanted): Promise<void> {
  const names = databases.map(quoteText).join(', ')
  const [outside] = await session.query(
    `SELECT COUNT(*) AS n FROM information_schema.REFERENTIAL_CONSTRAINTS
     WHERE CONSTRAINT_SCHEMA IN (${names}) AND UNIQUE_CONSTRAINT_SCHEMA NOT IN (${names})`,
  )
  // MySQL keeps the metadata locks of a prepared transaction when its session ends.
  const prepared = server.flavour === 'MariaDB' ? await session.query('XA RECOVER') : []
  const reason =
    Number(outside?.n) > 0
      ? 'foreign keys lead to databases that are not dumped'
      : prepared.length > 0
        ? 'there are prepared XA transactions'
        : undefined
  if (reason === undefined) return
  throw new LifeboatError(
    'unsupported',
    `unable to open one snapshot for several connections: FLUSH TABLES WITH READ LOCK is denied, and ${reason}, which locks on tables do not hold back`,
    { hint: 'Run with --jobs 1, which needs no lock.' },
  )
}

function tooSlow(holdMs: number): LifeboatError {
  return new LifeboatError(
    'source-protected',
    `unable to open one snapshot for several connections: not all were open within ${holdMs / 1000} s, and the lock was given back`,
    { hint: 'The server or the way to it is too slow just now: run again later, or with --jobs 1.' },
  )
}

function lockTimeout(target: string, { tries, lockWaitS }: Patience, thrown: unknown): LifeboatError {
  return new LifeboatError(
    'source-protected',
    `unable to lock the tables of '${target}' for a moment: ${tries} times something that runs there did not let go within ${lockWaitS} s`,
    {
      hint: 'Run again when the long query or transaction (SHOW PROCESSLIST) has ended, or with --jobs 1, which needs no lock.',
      cause: thrown,
    },
  )
}
