import type { Bytes } from '../../../core/bytes.ts'
import { LifeboatError } from '../../../core/errors.ts'
import type { TableModel } from '../catalog/model.ts'
import { quoteObject } from '../catalog/quote.ts'
import type { Session } from '../session.ts'
import { readRows } from './row-reader.ts'
import { MAX_VALUE_BYTES } from './row-shape.ts'
import { writeRows } from './row-writer.ts'
import { dataColumns, oversizedText, rowShape, selectText } from './select-text.ts'
import { variantAsText, watchVariants } from './variant.ts'

/** The table's rows as a file. `onCount` gets their number after the last one. */
export async function* exportTable(
  session: Session,
  table: TableModel,
  onCount: (rows: number) => void,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  await refuseOversized(session, table, signal)
  const shape = rowShape(table)
  const rows = session.stream(selectText(table), signal)
  if (shape.columns.length > 0) {
    yield* writeRows(shape, rows, onCount)
    return
  }
  for await (const _row of rows) throw withoutColumns(shape.name)
  onCount(0)
}

/**
 * Loads a file of rows, all of it or nothing: in a transaction of its own, so the session must not be in one. Resolves
 * with the number of rows, which the file and the server agree on.
 */
export async function loadTable(
  session: Session,
  table: TableModel,
  bytes: Bytes,
  signal: AbortSignal,
): Promise<number> {
  const shape = rowShape(table)
  if (shape.columns.length === 0) {
    for await (const piece of bytes) if (piece.length > 0) throw withoutColumns(shape.name)
    return 0
  }
  let read = 0
  async function* counted() {
    for await (const row of readRows(shape, bytes)) {
      read += 1
      yield row
    }
  }
  const variants = watchVariants(table, shape.columns)
  const columns = dataColumns(table).map((column) =>
    column.type === 'sql_variant' ? variantAsText(column) : column,
  )
  return session.transaction(
    'read committed',
    async () => {
      const taken = await session.bulk(
        quoteObject(table),
        columns,
        variants.rows(counted()),
        { tableLock: true },
        signal,
      )
      if (taken !== read) {
        throw new LifeboatError(
          'integrity',
          `unable to load table '${shape.name}': the server took ${taken} of ${read} rows`,
          {
            hint: 'Nothing of the table was kept. Look into the error log of the server, then restore again.',
          },
        )
      }
      for (const statement of variants.statements()) await session.batch(statement, signal)
      return taken
    },
    signal,
  )
}

async function refuseOversized(session: Session, table: TableModel, signal: AbortSignal): Promise<void> {
  const text = oversizedText(table)
  if (text === undefined) return
  const [counts = {}] = await session.query(text, signal)
  const found = Object.values(counts).reduce<number>((sum, count) => sum + Number(count ?? 0), 0)
  if (found === 0) return
  throw new LifeboatError(
    'unsupported',
    `unable to dump table '${table.schema}.${table.name}': ${found} of its values are larger than ${MAX_VALUE_BYTES} bytes`,
    { hint: 'Dump this database with tool=bcp or layout=native: they have no such bound.' },
  )
}

function withoutColumns(name: string): LifeboatError {
  return new LifeboatError(
    'unsupported',
    `unable to carry the rows of table '${name}': all its columns are computed or rowversion columns`,
    { hint: 'Give the table a column with data, or dump this database with layout=native.' },
  )
}
