import { type ColumnModel, type TableModel, travelsAsData } from '../catalog/model.ts'
import { quoteName, quoteObject } from '../catalog/quote.ts'
import { MAX_VALUE_BYTES, type RowShape } from './row-shape.ts'
import { storedForm } from './stored-form.ts'
import { selectVariant } from './variant.ts'

/** The columns of the table whose values are dumped and loaded, in the table's order. */
export function dataColumns(table: Pick<TableModel, 'columns'>): readonly ColumnModel[] {
  return table.columns.filter(travelsAsData)
}

export function rowShape(table: Pick<TableModel, 'schema' | 'name' | 'columns'>): RowShape {
  return { name: `${table.schema}.${table.name}`, columns: dataColumns(table) }
}

/** All rows of the table, each value in a form in which no driver can lose any of it. */
export function selectText(table: Pick<TableModel, 'schema' | 'name' | 'columns'>): string {
  const columns = dataColumns(table)
  // A table of nothing but computed and rowversion columns: its rows still count.
  const list = columns.length === 0 ? 'CAST(1 AS int)' : columns.map(selectColumn).join(', ')
  return `SELECT ${list} FROM ${quoteObject(table)}`
}

const BOUNDED_NVARCHAR = 4000

function selectColumn(column: ColumnModel): string {
  const name = quoteName(column.name)
  // Refuses what has no exact form.
  storedForm(column)
  switch (column.type) {
    case 'char':
    case 'varchar': {
      const { maxLength = -1 } = column
      const size = maxLength < 0 || maxLength > BOUNDED_NVARCHAR ? 'max' : String(maxLength)
      return `CAST(${name} AS nvarchar(${size}))`
    }
    case 'text':
    case 'ntext':
    case 'xml':
    case 'json':
      return `CAST(${name} AS nvarchar(max))`
    case 'decimal':
    case 'numeric':
      return `CAST(${name} AS varchar(41))`
    // CONVERT of money gives two decimals unless told, and not every server knows the style.
    case 'money':
    case 'smallmoney':
      return `CAST(CAST(${name} AS decimal(19, 4)) AS varchar(22))`
    case 'date':
      return `CONVERT(varchar(10), ${name}, 121)`
    case 'time':
      return `CONVERT(varchar(16), ${name}, 121)`
    case 'smalldatetime':
    case 'datetime':
      return `CONVERT(varchar(23), ${name}, 121)`
    case 'datetime2':
      return `CONVERT(varchar(27), ${name}, 121)`
    case 'datetimeoffset':
      return `CONVERT(varchar(34), ${name}, 121)`
    case 'hierarchyid':
      return `CAST(${name} AS varbinary(892))`
    case 'geography':
    case 'geometry':
      return `CAST(${name} AS varbinary(max))`
    case 'sql_variant':
      return selectVariant(name)
    default:
      return name
  }
}

const UNBOUNDED: ReadonlySet<string> = new Set([
  'text',
  'ntext',
  'image',
  'xml',
  'json',
  'geography',
  'geometry',
])

/**
 * Counts the values that are too large to be carried, column by column; undefined where none can be. Lengths lie in
 * the row itself, so this reads no large value.
 */
export function oversizedText(table: TableModel): string | undefined {
  if (table.bytesEstimate !== undefined && table.bytesEstimate < MAX_VALUE_BYTES / 2) return undefined
  const large = dataColumns(table).filter(({ type, maxLength }) => UNBOUNDED.has(type) || maxLength === -1)
  if (large.length === 0) return undefined
  const sums = large.map((column, index) => {
    const most = isSingleByte(column) ? MAX_VALUE_BYTES / 2 : MAX_VALUE_BYTES
    return `SUM(CASE WHEN DATALENGTH(${quoteName(column.name)}) > ${most} THEN 1 ELSE 0 END) AS c${index}`
  })
  return `SELECT ${sums.join(', ')} FROM ${quoteObject(table)}`
}

/** It has twice the bytes here, as UTF-16; of XML the text can be longer than what the server keeps. */
function isSingleByte({ type }: ColumnModel): boolean {
  return type === 'varchar' || type === 'text' || type === 'xml' || type === 'json'
}
