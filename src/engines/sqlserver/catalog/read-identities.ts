import type { Session, SqlRow } from '../session.ts'
import type { Names } from './names.ts'
import { quoteObject, quoteText } from './quote.ts'
import type { CatalogRows } from './read-rows.ts'
import { flag, maybeText, number, text } from './row.ts'
import { isMissing, reasonOf } from './server-error.ts'

/**
 * Babelfish's sys.identity_columns repeats each column once for each sequence of the database, and mixes their values;
 * what it says then is asked again, table by table, of the functions that are right.
 */
export async function readIdentities(
  session: Session,
  rows: CatalogRows,
  names: Names,
  warnings: string[],
  signal: AbortSignal,
): Promise<readonly SqlRow[]> {
  const wanted = rows.columns.filter((row) => flag(row, 'is_identity'))
  const keyOf = (row: SqlRow) => `${text(row, 'object_id')}.${text(row, 'column_id')}`
  const found = Map.groupBy(rows.identityColumns, keyOf)
  const read: SqlRow[] = []
  for (const column of wanted) {
    const entries = found.get(keyOf(column)) ?? []
    const [entry] = entries
    if (entries.length === 1 && entry !== undefined && maybeText(entry, 'seed_value') !== undefined) {
      read.push(entry)
      continue
    }
    const table = names.object(number(column, 'object_id'))
    if (table === undefined) continue
    try {
      const [row] = await session.query(identityText(quoteObject(table)), signal)
      read.push({ ...column, is_not_for_replication: false, ...row })
    } catch (thrown) {
      if (!isMissing(thrown)) throw thrown
      warnings.push(`the seed of identity column of ${quoteObject(table)} is not read: ${reasonOf(thrown)}`)
    }
  }
  return read
}

/** IDENT_CURRENT is the seed where no row was ever inserted: nothing tells these apart. */
export function identityText(table: string): string {
  const columns = [
    ['IDENT_SEED', 'seed_value'],
    ['IDENT_INCR', 'increment_value'],
    ['IDENT_CURRENT', 'last_value'],
  ].map(([name, column]) => `CAST(${name}(${quoteText(table)}) AS nvarchar(40)) AS ${column}`)
  return `SELECT ${columns.join(', ')}`
}
