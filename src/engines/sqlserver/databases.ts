import { LifeboatError } from '../../core/errors.ts'
import { sqlNumberOf } from './failures.ts'
import type { Session, SqlRow } from './session.ts'

/** One line of sys.databases. */
export interface DatabaseFacts {
  readonly name: string
  /** ONLINE, OFFLINE, RESTORING, RECOVERING, SUSPECT … */
  readonly state: string
  /** Whether this login may use it. */
  readonly accessible: boolean
  readonly snapshotIsolation: boolean
  /** READ COMMITTED reads rows as of the start of the statement. */
  readonly readCommittedSnapshot: boolean
  readonly collation: string | undefined
  readonly compatibilityLevel: number | undefined
}

export interface Selection {
  /** What a dump takes. */
  readonly taken: readonly DatabaseFacts[]
  /** The user's too, but this login may not use them. */
  readonly denied: readonly string[]
  /** Not online. */
  readonly left: readonly DatabaseFacts[]
}

/** The server's own, on every kind of it: `rdsadmin` is that of RDS, `distribution` of replication. */
const SYSTEM = ['master', 'model', 'msdb', 'tempdb', 'rdsadmin', 'distribution']

const PLAIN = ['name', 'state_desc', 'snapshot_isolation_state_desc', 'collation_name', 'compatibility_level']

export const DATABASES_TEXT = databasesText([
  ...PLAIN,
  'is_read_committed_snapshot_on',
  'source_database_id',
  'HAS_DBACCESS(name) AS accessible',
])
/** For servers that know less of the rest: Babelfish. */
export const FEWER_DATABASES_TEXT = databasesText(PLAIN)

function databasesText(columns: readonly string[]): string {
  return `SELECT ${columns.join(', ')} FROM sys.databases ORDER BY name`
}

/** All that are the user's, whether they can be dumped or not. Database snapshots are none: they are views of others. */
export async function listDatabases(
  session: Session,
  signal: AbortSignal,
): Promise<readonly DatabaseFacts[]> {
  const rows = await readRows(session, signal)
  return rows
    .filter((row) => (row.source_database_id ?? null) === null)
    .map(readFacts)
    .filter(({ name }) => !SYSTEM.includes(name.toLowerCase()))
}

async function readRows(session: Session, signal: AbortSignal): Promise<readonly SqlRow[]> {
  try {
    return await session.query(DATABASES_TEXT, signal)
  } catch (thrown) {
    if (sqlNumberOf(thrown) === undefined) throw thrown
    return await session.query(FEWER_DATABASES_TEXT, signal)
  }
}

function readFacts(row: SqlRow): DatabaseFacts {
  const collation = row.collation_name
  const level = row.compatibility_level
  return {
    name: String(row.name),
    state: String(row.state_desc ?? 'ONLINE'),
    accessible: row.accessible === undefined || row.accessible === null || Number(row.accessible) === 1,
    snapshotIsolation: row.snapshot_isolation_state_desc === 'ON',
    readCommittedSnapshot: row.is_read_committed_snapshot_on === true,
    collation: typeof collation === 'string' ? collation : undefined,
    compatibilityLevel: typeof level === 'number' ? level : undefined,
  }
}

export function selectDatabases(all: readonly DatabaseFacts[], only: string | undefined): Selection {
  const meant = only === undefined ? all : all.filter(({ name }) => name === only)
  if (only !== undefined && meant.length === 0) {
    throw new LifeboatError('usage', `unable to find database '${only}' on the server`, {
      hint:
        all.length === 0
          ? 'It has no user databases; system databases are never dumped.'
          : `It has ${all.map(({ name }) => `'${name}'`).join(', ')}; system databases are never dumped.`,
    })
  }
  return {
    taken: meant.filter(({ state, accessible }) => state === 'ONLINE' && accessible),
    denied: meant.flatMap(({ name, state, accessible }) => (state === 'ONLINE' && !accessible ? [name] : [])),
    left: meant.filter(({ state }) => state !== 'ONLINE'),
  }
}
