import { LifeboatError } from '../../../core/errors.ts'
import type { SqlColumn } from '../session.ts'

/** What a file of rows is read and written by: nothing of it lies in the file itself. */
export interface RowShape {
  /** For messages: `dbo.orders`. */
  readonly name: string
  readonly columns: readonly SqlColumn[]
}

/**
 * One value is held whole in memory, on its way in the driver and here: V8 ends a string at 2^29 - 24 characters, and
 * several copies of a value exist for a moment.
 */
export const MAX_VALUE_BYTES = 512 * 1024 * 1024

export function tooLarge(shape: RowShape, column: SqlColumn, row: number, bytes: number): LifeboatError {
  return new LifeboatError(
    'unsupported',
    `unable to carry a value of column '${column.name}' in row ${row} of table '${shape.name}': it has ${bytes} bytes, the most is ${MAX_VALUE_BYTES}`,
    { hint: 'Dump this database with tool=bcp or layout=native: they have no such bound.' },
  )
}
