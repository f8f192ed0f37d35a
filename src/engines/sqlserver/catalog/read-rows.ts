import { messageOf } from '../../../core/errors.ts'
import { sqlNumberOf } from '../failures.ts'
import type { Session, SqlRow } from '../session.ts'
import { COUNTED_KINDS, countText } from './counted.ts'
import { CATALOG_QUERIES, type CatalogQueryName } from './queries.ts'
import { type CatalogQuery, queryText } from './query.ts'

export type CatalogRows = Readonly<Record<CatalogQueryName, readonly SqlRow[]>>

/** Invalid column; invalid object; no such function; no such column or function with a schema; Babelfish's "does not exist". */
const MISSING = [207, 208, 195, 4121, 33557097]
/** sys.sql_expression_dependencies, for one, is only for db_owner. */
const DENIED = [229, 230, 297, 300, 371]

export async function readRows(
  session: Session,
  warnings: string[],
  signal: AbortSignal,
): Promise<CatalogRows> {
  const entries: [string, readonly SqlRow[]][] = []
  for (const [name, query] of Object.entries(CATALOG_QUERIES)) {
    entries.push([name, await readQuery(session, query, warnings, signal)])
  }
  return Object.fromEntries(entries) as Record<CatalogQueryName, readonly SqlRow[]>
}

/** First with all columns, then without those that this server does not know, then not at all. */
async function readQuery(
  session: Session,
  query: CatalogQuery,
  warnings: string[],
  signal: AbortSignal,
): Promise<readonly SqlRow[]> {
  const without = new Set<string>()
  for (;;) {
    try {
      return await session.query(queryText(query, without), signal)
    } catch (thrown) {
      const left = (query.optional ?? []).filter((each) => !without.has(each))
      if (!isMissing(thrown) || (left.length === 0 && query.required === true)) throw thrown
      if (left.length === 0) {
        warnings.push(`${query.what} are not read: ${query.view}: ${reasonOf(thrown)}`)
        return []
      }
      for (const column of blamed(thrown, left)) without.add(column)
    }
  }
}

/** Those that the server's message names; where it names none of them, all. */
function blamed(thrown: unknown, columns: readonly string[]): readonly string[] {
  if (sqlNumberOf(thrown) !== 207) return columns
  const names = [...reasonOf(thrown).matchAll(/'(\w+)'/g)].map((match) => match[1] ?? '')
  const found = columns.filter((column) =>
    names.some((name) => new RegExp(`\\b${name}\\b`, 'i').test(column)),
  )
  return found.length === 0 ? columns : found
}

export async function countKinds(
  session: Session,
  warnings: string[],
  signal: AbortSignal,
): Promise<readonly { readonly what: string; readonly count: number; readonly reason: string }[]> {
  const found: { what: string; count: number; reason: string }[] = []
  for (const kind of COUNTED_KINDS) {
    try {
      const [row] = await session.query(countText(kind), signal)
      const count = Number(row?.found ?? 0)
      if (count > 0) found.push({ what: kind.what, count, reason: kind.reason })
    } catch (thrown) {
      if (!isMissing(thrown)) throw thrown
      if (sqlNumberOf(thrown) === 208) continue
      warnings.push(`${kind.what} are not counted: ${kind.view}: ${reasonOf(thrown)}`)
    }
  }
  return found
}

export function isMissing(thrown: unknown): boolean {
  const number = sqlNumberOf(thrown)
  return number !== undefined && (MISSING.includes(number) || DENIED.includes(number))
}

/** The server's own words, without the query that they were about. */
export function reasonOf(thrown: unknown): string {
  const cause = thrown instanceof Error ? thrown.cause : undefined
  return messageOf(cause ?? thrown)
}
