import { LifeboatError } from '../../core/errors.ts'
import type { Turn } from './driver-session.ts'
import type { BulkOptions, SqlColumn, SqlValue } from './session.ts'
import { driverType, wireType } from './wire-values.ts'

interface Load {
  /** As SQL has it, quoted. */
  readonly table: string
  readonly columns: readonly SqlColumn[]
  readonly rows: AsyncIterable<readonly SqlValue[]>
  readonly options: BulkOptions
}

/**
 * INSERT BULK, row by row as the server takes them. An error of the rows' own source comes out unchanged; what had been
 * sent by then the server keeps, unless a transaction is around it.
 */
export async function bulkLoad(
  turn: Turn,
  { table, columns, rows, options }: Load,
  signal: AbortSignal,
): Promise<number> {
  const source = observed(rows)
  try {
    return await turn.perform(
      (done) => {
        const load = turn.connection.newBulkLoad(
          table,
          { keepNulls: true, lockTable: options.tableLock === true },
          (failure, count) => done(failure, count),
        )
        for (const column of columns) {
          load.addColumn(column.name, driverType(column), { nullable: column.nullable !== false })
        }
        // The driver's own text leaves a `]` in a name as it is.
        load.getBulkInsertSql = () => insertBulk(table, columns, options)
        turn.connection.execBulkLoad(load, source.rows)
      },
      `INSERT BULK ${table}`,
      signal,
    )
  } catch (thrown) {
    if (!signal.aborted && source.failure() !== undefined) throw source.failure()
    throw thrown
  }
}

export function insertBulk(table: string, columns: readonly SqlColumn[], options: BulkOptions): string {
  const list = columns.map(
    (column) => `[${column.name.replaceAll(']', ']]')}] ${wireType(column).declaration}`,
  )
  return `INSERT BULK ${table} (${list.join(', ')}) WITH (KEEP_NULLS${options.tableLock === true ? ', TABLOCK' : ''})`
}

/** The rows, remembering why they ended: the driver wraps or drops the error. */
function observed(rows: AsyncIterable<readonly SqlValue[]>): {
  readonly rows: AsyncIterable<unknown[]>
  failure(): Error | undefined
} {
  let failure: Error | undefined
  return {
    rows: (async function* () {
      try {
        for await (const row of rows) yield row as SqlValue[]
      } catch (thrown) {
        failure = thrown instanceof Error ? thrown : new LifeboatError('internal', String(thrown))
        throw failure
      }
    })(),
    failure: () => failure,
  }
}
