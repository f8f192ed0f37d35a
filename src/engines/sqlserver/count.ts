import type { TableCount } from '../../core/contents.ts'
import { quoteObject } from './catalog/quote.ts'
import { listDatabases } from './databases.ts'
import { sqlNumberOf } from './failures.ts'
import { openMaintenance } from './maintenance.ts'
import type { Server } from './server-access.ts'
import type { Session, SessionSource } from './session.ts'

/** sys.messages: 208 is an object that is not there; Babelfish has one number for all that it does not know. */
const MISSING = [208, 33557097]

export function countText(table: { readonly schema: string; readonly name: string }): string {
  return `SELECT COUNT_BIG(*) AS rows_found FROM ${quoteObject(table)}`
}

/** Exact rows now, in the order asked; one session for each database. */
export async function countTables(
  server: Server,
  sessions: SessionSource,
  tables: readonly TableCount[],
  signal: AbortSignal,
): Promise<readonly TableCount[]> {
  const present = await namesOf(server, sessions, signal)
  const counted = new Map<TableCount, TableCount>()
  for (const [database, asked] of Map.groupBy(tables, (table) => table.database)) {
    if (!present.has(database)) continue
    await using session = await sessions.open(database, signal)
    for (const table of asked) {
      const rows = await countTable(session, table.schema ?? 'dbo', table.table, signal)
      if (rows !== undefined) counted.set(table, { ...table, rows })
    }
  }
  return tables.map((table) => counted.get(table) ?? withoutRows(table))
}

export async function countTable(
  session: Session,
  schema: string,
  name: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  try {
    const [row] = await session.query(countText({ schema, name }), signal)
    return Number(row?.rows_found)
  } catch (thrown) {
    if (MISSING.includes(sqlNumberOf(thrown) ?? 0)) return undefined
    throw thrown
  }
}

async function namesOf(
  server: Server,
  sessions: SessionSource,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  await using maintenance = await openMaintenance(server, sessions, signal)
  return new Set((await listDatabases(maintenance, signal)).map(({ name }) => name))
}

function withoutRows({ rows: _rows, ...table }: TableCount): TableCount {
  return table
}
