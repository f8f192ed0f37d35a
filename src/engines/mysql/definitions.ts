import { createHash } from 'node:crypto'
import type { DatabaseInfo } from './inventory.ts'
import { quoteText } from './quote.ts'
import type { Row, Session } from './server-access.ts'
import { isAtLeast, type ServerVersion } from './version.ts'

/** A digest of the definition of each table and view, by its names. */
export type Definitions = ReadonlyMap<string, string>

export interface TableName {
  readonly database: string
  readonly table: string
}

/**
 * What DDL would change: a snapshot of rows does not hold definitions. A table that was dropped and made anew the same
 * way has another creation time.
 */
export async function readDefinitions(
  session: Session,
  server: ServerVersion,
  databases: readonly DatabaseInfo[],
): Promise<Definitions> {
  if (databases.length === 0) return new Map()
  if (server.flavour === 'MySQL' && isAtLeast(server.numbers, [8])) {
    // Otherwise creation times may be a day old.
    await session.query('SET SESSION information_schema_stats_expiry = 0')
  }
  const names = databases.map(({ name }) => quoteText(name)).join(', ')
  const lines = new Map<string, string[]>()
  const add = (row: Row) => {
    const { db, name, ...rest } = row
    const key = `${db}\0${name}`
    const known = lines.get(key) ?? []
    known.push(Object.values(rest).map(String).join('\0'))
    lines.set(key, known)
  }
  const tables = await session.query(
    `SELECT TABLE_SCHEMA AS db, TABLE_NAME AS name, TABLE_TYPE AS type, ENGINE AS engine, CREATE_TIME AS created
     FROM information_schema.TABLES WHERE TABLE_SCHEMA IN (${names})`,
  )
  const columns = await session.query(
    `SELECT TABLE_SCHEMA AS db, TABLE_NAME AS name, COLUMN_NAME AS col, COLUMN_TYPE AS type, IS_NULLABLE AS nullable,
       COLUMN_DEFAULT AS dflt, EXTRA AS extra, COLLATION_NAME AS coll
     FROM information_schema.COLUMNS WHERE TABLE_SCHEMA IN (${names})
     ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION`,
  )
  for (const row of [...tables, ...columns]) add(row)
  const digest = (each: readonly string[]) => createHash('sha256').update(each.join('\n')).digest('hex')
  return new Map([...lines].map(([key, each]) => [key, digest(each)]))
}

/** Tables and views that were made, changed or dropped between the two looks. */
export function changedBetween(before: Definitions, after: Definitions): readonly TableName[] {
  const keys = [...new Set([...before.keys(), ...after.keys()])].sort()
  return keys
    .filter((key) => before.get(key) !== after.get(key))
    .map((key) => {
      const [database = '', table = ''] = key.split('\0')
      return { database, table }
    })
}
