import type { TableCount } from '../../core/contents.ts'
import { listRelations, type Relation } from './catalog.ts'
import { type Connection, connect, type Server } from './connection.ts'
import { countRows, LARGE_OBJECTS, refuseHiddenRows } from './count.ts'
import { codeOf } from './failures.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import type { Semaphore } from './semaphore.ts'

/** One moment of one database, held open: pg_dump and our counts both see exactly it. */
export interface Snapshot extends AsyncDisposable {
  readonly database: string
  readonly id: string
  readonly connection: Connection
  /** Tables whose rows the dump takes. */
  readonly tables: readonly Relation[]
  readonly foreignTables: number
  readonly unreadableUnlogged: number
}

const LOCKS_PER_STATEMENT = 200
const ATTEMPTS = 5

/**
 * The tables are locked (ACCESS SHARE, which only DDL and TRUNCATE mind) before the snapshot is taken: TRUNCATE and
 * rewriting ALTER TABLE are not bound by snapshots, and would let pg_dump and the counts see different rows.
 */
export async function takeSnapshot(
  server: Server,
  database: string,
  options: { readonly lockWaitMs: number; readonly role: string | undefined },
  signal: AbortSignal,
): Promise<Snapshot> {
  const connection = await connect(server, database, signal)
  try {
    if (options.role !== undefined) await connection.query(`SET ROLE ${quoteIdentifier(options.role)}`)
    await refuseHiddenRows(connection)
    await lockAndFreeze(connection, options.lockWaitMs)
    const [row] = await connection.query<{ id: string; recovery: boolean }>(
      'SELECT pg_export_snapshot() AS id, pg_is_in_recovery() AS recovery',
    )
    if (row === undefined) throw new Error('the server exported no snapshot')
    const relations = await listRelations(connection)
    const tables = relations.filter(
      ({ kind, populated, unlogged }) =>
        // On a standby unlogged tables are empty and unreadable, and pg_dump leaves their rows out.
        (kind === 'r' || (kind === 'm' && populated)) && !(row.recovery && unlogged),
    )
    return {
      database,
      id: row.id,
      connection,
      tables,
      foreignTables: relations.filter(({ kind }) => kind === 'f').length,
      unreadableUnlogged: relations.filter(({ kind, unlogged }) => row.recovery && unlogged && kind === 'r')
        .length,
      [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
    }
  } catch (thrown) {
    await connection[Symbol.asyncDispose]()
    throw thrown
  }
}

async function lockAndFreeze(connection: Connection, lockWaitMs: number): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const relations = await listRelations(connection)
    const names = relations
      .filter(({ kind, readable }) => (kind === 'r' || kind === 'p') && readable)
      .map(({ schema, name }) => `ONLY ${quoteIdentifier(schema)}.${quoteIdentifier(name)}`)
    await connection.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    try {
      await connection.query(`SET LOCAL lock_timeout = ${lockWaitMs}`)
      for (let at = 0; at < names.length; at += LOCKS_PER_STATEMENT) {
        const batch = names.slice(at, at + LOCKS_PER_STATEMENT)
        await connection.query(`LOCK TABLE ${batch.join(', ')} IN ACCESS SHARE MODE`)
      }
      return
    } catch (thrown) {
      // Dropped since it was listed: list again.
      if (codeOf(thrown) !== '42P01' || attempt === ATTEMPTS) throw thrown
      await connection.query('ROLLBACK')
    }
  }
}

/** Counts every table of the snapshot over sessions of its own, as many as the semaphore allows. */
export async function countSnapshot(
  server: Server,
  snapshot: Snapshot,
  options: { readonly limited: Semaphore; readonly role: string | undefined; readonly sessions: number },
  signal: AbortSignal,
): Promise<readonly TableCount[]> {
  const { database } = snapshot
  const counts: TableCount[] = []
  const waiting = snapshot.tables.map(({ schema, name }) => ({ schema, table: name }))
  const large = await countRows(snapshot.connection, LARGE_OBJECTS.schema, LARGE_OBJECTS.table)
  if (large > 0) counts.push({ database, ...LARGE_OBJECTS, rows: large })
  async function work(): Promise<void> {
    if (waiting.length === 0) return
    await using session = await connect(server, database, signal)
    await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    await session.query(`SET TRANSACTION SNAPSHOT ${quoteLiteral(snapshot.id)}`)
    if (options.role !== undefined) await session.query(`SET ROLE ${quoteIdentifier(options.role)}`)
    await refuseHiddenRows(session)
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      counts.push({ database, ...next, rows: await countRows(session, next.schema, next.table) })
    }
  }
  const results = await Promise.allSettled(
    Array.from({ length: options.sessions }, () => options.limited(work)),
  )
  const failed = results.find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  return counts.sort(byName)
}

/** The tables of a dump that counts nothing. */
export function namesOf(snapshot: Snapshot): readonly TableCount[] {
  return snapshot.tables
    .map(({ schema, name }) => ({ database: snapshot.database, schema, table: name }))
    .sort(byName)
}

function byName(left: TableCount, right: TableCount): number {
  const one = `${left.schema}\0${left.table}`
  const two = `${right.schema}\0${right.table}`
  return one < two ? -1 : one > two ? 1 : 0
}
