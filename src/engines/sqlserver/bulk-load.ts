import { LifeboatError, messageOf } from '../../core/errors.ts'
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
  let refused: LifeboatError | undefined
  const refuse = (column: SqlColumn) => (reason: unknown) => {
    refused ??= new LifeboatError(
      'tool-failed',
      `unable to load column '${column.name}' of table ${table}: ${messageOf(reason)}`,
      { hint: 'The backup has a value that its own column could not hold: please report it.', cause: reason },
    )
  }
  try {
    return await turn.perform(
      (done) => {
        const load = turn.connection.newBulkLoad(
          table,
          { keepNulls: true, lockTable: options.tableLock === true },
          (failure, count) => done(failure, count),
        )
        for (const column of columns) {
          load.addColumn(column.name, driverType(column, refuse(column)), {
            nullable: column.nullable !== false,
          })
        }
        // The driver's own text leaves a `]` in a name as it is.
        load.getBulkInsertSql = () => insertBulk(table, columns, options)
        turn.connection.execBulkLoad(load, source.rows)
      },
      `INSERT BULK ${table}`,
      signal,
    )
  } catch (thrown) {
    throw signal.aborted ? thrown : (refused ?? source.failure() ?? thrown)
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
