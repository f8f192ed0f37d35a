import { type ColumnModel, travelsAsData } from '../catalog/model.ts'
import { storedForm } from './stored-form.ts'

/** SQL Server 2016's bcp and every later one read it: a bcp reads the versions up to its own. */
export const FORMAT_FILE_VERSION = '13.0'

/**
 * What Microsoft's bcp has to be told, as -f, to load a file of rows: a non-XML format file
 * (learn.microsoft.com/sql/relational-databases/import-export/non-xml-format-files-sql-server).
 *
 * Fields are bound to columns by their number; the name only has to be there. The table is the one that schema-before
 * makes: its period columns are not hidden yet, so they count.
 */
export function formatFile(columns: readonly ColumnModel[], version = FORMAT_FILE_VERSION): string {
  const fields = columns.flatMap((column, index) =>
    travelsAsData(column) ? [{ column, position: index + 1 }] : [],
  )
  const lines = fields.map(({ column, position }, index) => {
    const { hostType, prefix, bytes } = storedForm(column)
    const name = column.name.replaceAll(/[^A-Za-z0-9_]/g, '_')
    return [index + 1, hostType, prefix, bytes, '""', position, name, '""'].join('\t')
  })
  return `${[version, String(lines.length), ...lines].join('\n')}\n`
}
