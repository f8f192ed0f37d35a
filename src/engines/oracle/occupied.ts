import type { Contents } from '../../core/contents.ts'
import type { Occupancy } from '../../core/engine.ts'
import type { OracleConnection } from './connection.ts'
import { READ_OBJECT_OWNERS, READ_TABLES } from './dictionary-statements.ts'
import { readServerFacts, text } from './server-facts.ts'
import { readStoredFacts } from './stored-facts.ts'
import { fullName } from './survey.ts'
import type { OracleOptions } from './url-options.ts'

/** Schemas of the target that hold something, and are not Oracle's; for a backup of tables, the tables it names. */
export async function findOccupied(
  connection: OracleConnection,
  contents: Pick<Contents, 'engine'>,
  { remapSchemas, tableExistsAction }: OracleOptions,
  signal: AbortSignal,
): Promise<Occupancy> {
  const stored = readStoredFacts(contents)
  const facts = await readServerFacts(connection, signal)
  const users = new Set(facts.users)
  const owners = await connection.query(READ_OBJECT_OWNERS, {}, signal)
  const present = owners.map((row) => text(row.owner)).filter((name) => users.has(name))
  // Who says what is to happen with tables that exist has answered the question already.
  if (tableExistsAction !== 'SKIP') return { conflicts: [], others: present }
  const named = new Set(stored.schemas.map((name) => remapSchemas.get(name) ?? name))
  if (stored.mode === 'SCHEMA') {
    return {
      conflicts: present.filter((name) => named.has(name)),
      others: present.filter((name) => !named.has(name)),
    }
  }
  const wanted = new Set(stored.tables)
  const tables = await connection.query(READ_TABLES, {}, signal)
  return {
    conflicts: tables
      .map((row) => ({ schema: text(row.owner), table: text(row.name) }))
      .filter(({ schema, table }) => named.has(schema) && wanted.has(table))
      .map(fullName),
    others: present.filter((name) => !named.has(name)),
  }
}
