import { sqlNumberOf } from '../failures.ts'
import type { Session, SqlRow } from '../session.ts'
import { COUNTED_KINDS, countText } from './counted.ts'
import { CATALOG_QUERIES, type CatalogQueryName } from './queries.ts'
import { type CatalogQuery, queryText } from './query.ts'
import { isMissing, reasonOf } from './server-error.ts'

export type CatalogRows = Readonly<Record<CatalogQueryName, readonly SqlRow[]>>

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
export async function readQuery(
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
