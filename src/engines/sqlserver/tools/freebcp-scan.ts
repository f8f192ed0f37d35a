import type { Bytes } from '../../../core/bytes.ts'
import { LifeboatError } from '../../../core/errors.ts'
import type { ColumnModel, TableModel } from '../catalog/model.ts'
import { damageTo, FIELD_END, ROW_END } from './freebcp-damage.ts'

/**
 * Passes on what freebcp writes, looking at each value: freebcp puts terminators between values without escaping them,
 * and damages some values when it reads them back. Throws where a row does not have as many values as there are columns,
 * or where one would be damaged. `onEnd` gets the number of rows.
 */
export async function* scanRows(
  table: TableModel,
  input: Bytes,
  onEnd: (rows: number) => void,
): AsyncGenerator<Uint8Array> {
  const { columns } = table
  /** The row that has not ended yet, in pieces: a large value must not be copied with each of them. */
  let held: Buffer[] = []
  let tail: Buffer = Buffer.alloc(0)
  let rows = 0
  for await (const piece of input) {
    held.push(Buffer.from(piece))
    // A terminator may lie across two pieces.
    const seen = Buffer.concat([tail, piece])
    if (seen.includes(ROW_END)) {
      const whole = Buffer.concat(held)
      let searched = whole.length - seen.length
      let start = 0
      for (;;) {
        const end = whole.indexOf(ROW_END, searched)
        if (end === -1) break
        rows += 1
        checkRow(table, columns, whole.subarray(start, end), rows)
        start = end + ROW_END.length
        searched = start
      }
      const rest = whole.subarray(start)
      held = rest.length === 0 ? [] : [rest]
      tail = lastOf(rest)
    } else {
      tail = lastOf(seen)
    }
    yield piece
  }
  if (held.length > 0) throw unfit(table, rows + 1, undefined, 'the data ends inside it')
  onEnd(rows)
}

/** What a terminator could begin in. */
function lastOf(bytes: Buffer): Buffer {
  return bytes.subarray(Math.max(0, bytes.length - ROW_END.length + 1))
}

function checkRow(table: TableModel, columns: readonly ColumnModel[], row: Buffer, number: number): void {
  let start = 0
  for (const [index, column] of columns.entries()) {
    const found = row.indexOf(FIELD_END, start)
    const isLast = index === columns.length - 1
    if (isLast !== (found === -1)) {
      throw unfit(table, number, undefined, 'a value holds the bytes that freebcp puts between values')
    }
    const field = row.subarray(start, isLast ? row.length : found)
    const damage = damageTo(column, field)
    if (damage !== undefined) throw unfit(table, number, column, damage)
    start = found + FIELD_END.length
  }
}

function unfit(
  table: TableModel,
  row: number,
  column: ColumnModel | undefined,
  reason: string,
): LifeboatError {
  const where = column === undefined ? `row ${row}` : `column '${column.name}' of row ${row}`
  return new LifeboatError(
    'unsupported',
    `unable to carry ${where} of table '${table.schema}.${table.name}' by freebcp: ${reason}`,
    { hint: 'Leave out tool=freebcp: the driver keeps every value as it is.' },
  )
}
