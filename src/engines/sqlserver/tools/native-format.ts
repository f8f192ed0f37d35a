import { type ColumnModel, travelsAsData } from '../catalog/model.ts'
import { storedForm } from '../rows/stored-form.ts'

/** As bcp itself would write them with -n (Microsoft: Specify File Storage Type; Specify Prefix Length). */
const NATIVE: Readonly<Record<string, readonly [hostType: string, prefix: number, bytes: number]>> = {
  decimal: ['SQLDECIMAL', 1, 19],
  numeric: ['SQLNUMERIC', 1, 19],
  money: ['SQLMONEY', 1, 8],
  smallmoney: ['SQLMONEY4', 1, 4],
  date: ['SQLDATE', 1, 3],
  time: ['SQLTIME', 1, 5],
  datetime: ['SQLDATETIME', 1, 8],
  smalldatetime: ['SQLDATETIM4', 1, 4],
  datetime2: ['SQLDATETIME2', 1, 8],
  datetimeoffset: ['SQLDATETIMEOFFSET', 1, 10],
  sql_variant: ['SQLVARIANT', 4, 8009],
}

/**
 * Native format, but all text as UTF-16: -n alone would take text that is not Unicode through the code page of this
 * machine's locale, and -N, which does not, is documented for Windows only. It also leaves out what the server makes
 * by itself, and holds whatever the order of the columns is there.
 */
export function nativeFormatFile(
  columns: readonly ColumnModel[],
  positionOf: (column: ColumnModel) => number,
): string {
  const lines = columns.filter(travelsAsData).map((column, index) => {
    const form = storedForm(column)
    const [hostType, prefix, bytes] = NATIVE[column.type] ?? [form.hostType, form.prefix, form.bytes]
    const name = column.name.replaceAll(/[^A-Za-z0-9_]/g, '_')
    return [index + 1, hostType, prefix, bytes, '""', positionOf(column), name, '""'].join('\t')
  })
  return `13.0\n${lines.length}\n${lines.join('\n')}\n`
}
