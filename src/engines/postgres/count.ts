import type { TableCount } from '../../core/contents.ts'
import { type Connection, connect, type Server } from './connection.ts'
import { codeOf } from './failures.ts'
import { quoteIdentifier, quoteLiteral } from './quote.ts'
import { createSemaphore } from './semaphore.ts'

/** Two sessions count, whatever the number of databases and tables: the server has other work to do. */
export const COUNT_CONNECTIONS = 2

/** Large objects are rows of no table of the user's; each of them is one row here, readable by everybody. */
export const LARGE_OBJECTS = { schema: 'pg_catalog', table: 'pg_largeobject_metadata' } as const

/** Exact rows of one table as the session sees it, children not included. */
export async function countRows(connection: Connection, schema: string, table: string): Promise<number> {
  const [row] = await connection.query<{ rows: string }>(
    `SELECT count(*) AS rows FROM ONLY ${quoteIdentifier(schema)}.${quoteIdentifier(table)}`,
  )
  return Number(row?.rows)
}

/** Makes rows that a policy hides an error instead of a smaller number. */
export async function refuseHiddenRows(connection: Connection): Promise<void> {
  await connection.query('SET row_security = off')
}

/** Counts as of now, in the order asked. A table or database that is not there has no rows at all. */
export async function countTables(
  server: Server,
  tables: readonly TableCount[],
  signal: AbortSignal,
): Promise<readonly TableCount[]> {
  const found = new Array<number | undefined>(tables.length)
  const perDatabase = Map.groupBy(tables.entries(), ([, table]) => table.database)
  const limited = createSemaphore(COUNT_CONNECTIONS)
  const stop = new AbortController()
  const either = AbortSignal.any([signal, stop.signal])
  const results = await Promise.allSettled(
    [...perDatabase].map(([database, entries]) =>
      limited(async () => {
        try {
          await countDatabase(server, database, entries, found, either)
        } catch (thrown) {
          stop.abort(thrown)
          throw thrown
        }
      }),
    ),
  )
  const failed = results.find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  return tables.map(({ rows: _before, ...table }, position) => {
    const rows = found[position]
    return rows === undefined ? table : { ...table, rows }
  })
}

async function countDatabase(
  server: Server,
  database: string,
  entries: readonly (readonly [number, TableCount])[],
  found: (number | undefined)[],
  signal: AbortSignal,
): Promise<void> {
  let connection: Connection
  try {
    connection = await connect(server, database, signal)
  } catch (thrown) {
    if (codeOf(thrown) === '3D000') return
    throw thrown
  }
  await using session = connection
  await refuseHiddenRows(session)
  for (const [position, { schema = 'public', table }] of entries) {
    const name = quoteLiteral(`${quoteIdentifier(schema)}.${quoteIdentifier(table)}`)
    const [row] = await session.query<{ kind: string | null }>(
      `SELECT relkind AS kind FROM pg_class WHERE oid = to_regclass(${name})`,
    )
    if (row?.kind === 'r' || row?.kind === 'm') found[position] = await countRows(session, schema, table)
  }
}
