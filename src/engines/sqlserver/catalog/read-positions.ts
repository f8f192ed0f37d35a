import type { Session, SqlRow } from '../session.ts'
import { currentValue } from './build-ground.ts'
import type { Catalog, TableModel } from './model.ts'
import { CATALOG_QUERIES } from './queries.ts'
import { quoteObject } from './quote.ts'
import { identityText } from './read-identities.ts'
import { readQuery } from './read-rows.ts'
import { maybeText, text } from './row.ts'

/**
 * The same catalog with the positions of sequences and identity columns as they are now. Read after the last row: no
 * isolation holds them still, and rows that came while the tables were read took values beyond those read first.
 */
export async function readPositions(
  session: Session,
  catalog: Catalog,
  signal: AbortSignal,
): Promise<Catalog> {
  // What the server lacks was said when the catalog was read.
  const read = (name: 'schemas' | 'sequences' | 'identityColumns') =>
    readQuery(session, CATALOG_QUERIES[name], [], signal)
  const schemas = new Map((await read('schemas')).map((row) => [text(row, 'schema_id'), text(row, 'name')]))
  const sequences = new Map(
    (await read('sequences')).map((row) => [
      quoteObject({ schema: schemas.get(text(row, 'schema_id')) ?? '', name: text(row, 'name') }),
      currentValue(row),
    ]),
  )
  const identities = Map.groupBy(await read('identityColumns'), (row) => text(row, 'object_id'))
  const tables: TableModel[] = []
  for (const table of catalog.tables) {
    const column = table.columns.find(({ identity }) => identity !== undefined)
    if (column?.identity === undefined) {
      tables.push(table)
      continue
    }
    const row = await identityNow(session, table, identities.get(String(table.objectId)) ?? [], signal)
    const lastValue = row === undefined ? column.identity.lastValue : maybeText(row, 'last_value')
    tables.push({
      ...table,
      columns: table.columns.map((each) =>
        each.identity === undefined ? each : { ...each, identity: { ...each.identity, lastValue } },
      ),
    })
  }
  return {
    ...catalog,
    tables,
    sequences: catalog.sequences.map((sequence) => {
      const name = quoteObject(sequence)
      return sequences.has(name) ? { ...sequence, current: sequences.get(name) } : sequence
    }),
  }
}

/** As in read-identities.ts: a view that repeats the column is not believed. */
async function identityNow(
  session: Session,
  table: TableModel,
  rows: readonly SqlRow[],
  signal: AbortSignal,
): Promise<SqlRow | undefined> {
  const [row] = rows
  if (rows.length === 1 && row !== undefined && maybeText(row, 'seed_value') !== undefined) return row
  const [asked] = await session.query(identityText(quoteObject(table)), signal)
  return asked
}
