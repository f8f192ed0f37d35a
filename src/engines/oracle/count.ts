import type { TableCount } from '../../core/contents.ts'
import type { OracleConnection } from './connection.ts'
import { COUNT_ROWS, COUNT_ROWS_AS_OF } from './dictionary-statements.ts'
import { oraOf } from './failures.ts'
import type { Remap, TableName } from './url-options.ts'

const ROWS = { p_rows: { type: 'number' } } as const

/** Exact rows as of the dump's own moment. */
export async function countAsOf(
  connection: OracleConnection,
  { schema, table }: TableName,
  scn: string,
  signal: AbortSignal,
): Promise<number> {
  const binds = { p_schema: schema, p_table: table, p_scn: scn }
  const { p_rows } = await connection.call(COUNT_ROWS_AS_OF, binds, ROWS, signal)
  return Number(p_rows)
}

/** Exact rows now, under the names that a restore with `remap` gives them. */
export async function countNow(
  connection: OracleConnection,
  tables: readonly TableCount[],
  remap: Remap,
  signal: AbortSignal,
): Promise<readonly TableCount[]> {
  const counted: TableCount[] = []
  for (const { rows: _before, ...table } of tables) {
    const binds = { p_schema: remap.get(table.database) ?? table.database, p_table: table.table }
    try {
      const { p_rows } = await connection.call(COUNT_ROWS, binds, ROWS, signal)
      counted.push({ ...table, rows: Number(p_rows) })
    } catch (thrown) {
      // No such table; ORA-44003 and ORA-44004 are names that none can have.
      if (![942, 44003, 44004].includes(oraOf(thrown) ?? 0)) throw thrown
      counted.push(table)
    }
  }
  return counted
}
