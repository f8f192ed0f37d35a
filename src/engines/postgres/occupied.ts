import type { Contents } from '../../core/contents.ts'
import type { Occupancy } from '../../core/engine.ts'
import { holdsUserObjects, listDatabases, selectDatabases } from './catalog.ts'
import { type Connection, connect, type Server } from './connection.ts'
import { quoteIdentifier } from './quote.ts'

/** User databases of the target; `postgres` is one once something was made in it. */
export async function findOccupied(
  server: Server,
  contents: Pick<Contents, 'databases'>,
  maintenance: Connection,
  signal: AbortSignal,
): Promise<Occupancy> {
  const { taken, denied, left } = await selectDatabases(
    await listDatabases(maintenance),
    undefined,
    async (database) => {
      await using connection = await connect(server, database, signal)
      return await holdsUserObjects(connection)
    },
  )
  const present = [...taken.map(({ name }) => name), ...denied, ...left.map(({ name }) => name)]
  const named = new Set(contents.databases.map(({ name }) => name))
  return {
    conflicts: present.filter((name) => named.has(name)),
    others: present.filter((name) => !named.has(name)),
  }
}

/** Drops databases, ending the sessions in them. */
export async function dropDatabases(connection: Connection, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const [row] = await connection.query<{ template: boolean }>(
      'SELECT datistemplate AS template FROM pg_database WHERE datname = $1',
      [name],
    )
    if (row === undefined) continue
    if (row.template) await connection.query(`ALTER DATABASE ${quoteIdentifier(name)} IS_TEMPLATE false`)
    await connection.query(`DROP DATABASE ${quoteIdentifier(name)} WITH (FORCE)`)
  }
}
