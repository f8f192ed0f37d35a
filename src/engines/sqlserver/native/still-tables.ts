import type { TableCount } from '../../../core/contents.ts'
import { LifeboatError } from '../../../core/errors.ts'
import type { Session } from '../session.ts'

/** When each table was last written, as far as the server remembers since its start. */
export const LAST_WRITES_TEXT = `SELECT s.name AS schema_name, t.name AS table_name,
  CONVERT(varchar(33), MAX(u.last_user_update), 126) AS written
FROM sys.dm_db_index_usage_stats AS u
JOIN sys.tables AS t ON t.object_id = u.object_id
JOIN sys.schemas AS s ON s.schema_id = t.schema_id
WHERE u.database_id = DB_ID()
GROUP BY s.name, t.name`

/** Rows of every table, and when each was written last; `written` is undefined where the login may not see that. */
export interface TableStates {
  readonly tables: readonly TableCount[]
  readonly written: ReadonlyMap<string, string> | undefined
}

export async function readLastWrites(
  session: Session,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string> | undefined> {
  try {
    const rows = await session.query(LAST_WRITES_TEXT, signal)
    return new Map(
      rows.map((row) => [nameOf(String(row.schema_name), String(row.table_name)), String(row.written)]),
    )
  } catch (thrown) {
    // The server answered, and refused: no VIEW SERVER STATE, or a server without the view.
    if (thrown instanceof LifeboatError && thrown.details?.sqlNumber !== undefined) return undefined
    throw thrown
  }
}

export interface StillTables {
  /** All tables; with rows only where the count is surely that of the backup. */
  readonly tables: readonly TableCount[]
  readonly moved: number
}

/**
 * A native backup holds the state at its own end, which nobody can count. The count of a table that was not written
 * between a look before and a look after is that of the backup; equal counts alone would not show it (a queue's rows
 * come and go).
 */
export function stillTables(before: TableStates, after: TableStates): StillTables {
  const rowsBefore = new Map(before.tables.map((table) => [keyOf(table), table.rows]))
  let moved = 0
  const tables = after.tables.map(({ rows, ...table }) => {
    const key = keyOf(table)
    const seen = before.written !== undefined && after.written !== undefined
    const still = seen && before.written.get(key) === after.written.get(key)
    if (still && rows !== undefined && rowsBefore.get(key) === rows) return { ...table, rows }
    moved += 1
    return table
  })
  return { tables, moved }
}

function keyOf({ schema = '', table }: TableCount): string {
  return nameOf(schema, table)
}

function nameOf(schema: string, table: string): string {
  return JSON.stringify([schema, table])
}
