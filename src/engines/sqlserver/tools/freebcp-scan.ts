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
  let rest: Buffer = Buffer.alloc(0)
  let searched = 0
  let rows = 0
  for await (const piece of input) {
    rest = rest.length === 0 ? Buffer.from(piece) : Buffer.concat([rest, piece])
    let start = 0
    for (;;) {
      const end = rest.indexOf(ROW_END, Math.max(start, searched))
      if (end === -1) break
      rows += 1
      checkRow(table, columns, rest.subarray(start, end), rows)
      start = end + ROW_END.length
    }
    rest = rest.subarray(start)
    // A terminator may lie across two pieces.
    searched = Math.max(0, rest.length - ROW_END.length + 1)
    yield piece
  }
  if (rest.length > 0) throw unfit(table, rows + 1, undefined, 'the data ends inside it')
  onEnd(rows)
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
