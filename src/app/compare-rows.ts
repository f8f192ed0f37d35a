import type { TableCount } from '../core/contents.ts'

export interface RowDifference {
  readonly table: string
  readonly expected: number
  /** Null where there is no such table. */
  readonly found: number | null
}

/** Tables whose rows are not those of the backup; `found` is in the order of `expected`. */
export function rowDifferences(
  expected: readonly TableCount[],
  found: readonly TableCount[],
): readonly RowDifference[] {
  return expected.flatMap((table, position) => {
    const rows = found[position]?.rows
    if (table.rows === undefined || rows === table.rows) return []
    return [{ table: tableName(table), expected: table.rows, found: rows ?? null }]
  })
}

function tableName(table: TableCount): string {
  return [table.database, table.schema, table.table].filter((step) => step !== undefined).join('.')
}
