import type { SqlRow } from '../session.ts'
import type { TypeIndex } from './build-types.ts'
import type { Names } from './names.ts'
import { quoteObject } from './quote.ts'
import type { CatalogRows } from './read-rows.ts'
import { flag, maybeNumber, number, text } from './row.ts'

export interface UntakenTables {
  /** By object_id: tables that are not dumped at all. */
  readonly reasons: ReadonlyMap<number, string>
  readonly notCaptured: readonly { readonly what: string; readonly count: number; readonly reason: string }[]
  readonly warnings: readonly string[]
}

const KINDS: readonly {
  readonly what: string
  readonly reason: string
  is(table: SqlRow, columns: readonly SqlRow[], types: TypeIndex): boolean
}[] = [
  {
    what: 'FileTables',
    reason: 'their rows are files: copy these',
    is: (table) => flag(table, 'is_filetable'),
  },
  {
    what: 'external tables',
    reason: 'their rows lie elsewhere',
    is: (table) => flag(table, 'is_external'),
  },
  {
    what: 'graph tables',
    reason: 'the server gives their node ids itself: take them with layout=native',
    is: (table) => flag(table, 'is_node') || flag(table, 'is_edge'),
  },
  {
    what: 'tables with Always Encrypted columns',
    reason: 'their keys are outside of the database: take them with layout=native',
    is: (_table, columns) => columns.some((column) => maybeNumber(column, 'encryption_type') !== undefined),
  },
  {
    what: 'tables with columns of CLR types',
    reason: 'the assemblies of these types are not scripted: take them with layout=native',
    is: (_table, columns, types) => columns.some((column) => types.isUserClr(number(column, 'user_type_id'))),
  },
]

/** What is lost of tables that are dumped: named in the manifest, no reason to leave the table out. */
const LOSSES: readonly {
  readonly what: string
  readonly reason: string
  count(tables: readonly SqlRow[], columns: readonly SqlRow[], types: TypeIndex): number
}[] = [
  {
    what: 'ledgers',
    reason: 'the rows are dumped into ordinary tables: a copy can not prove the history of the original',
    count: (tables) => tables.filter((table) => (maybeNumber(table, 'ledger_type') ?? 0) > 1).length,
  },
  {
    what: 'FILESTREAM columns',
    reason: 'their values are restored into ordinary varbinary(max) columns',
    count: (_tables, columns) => columns.filter((column) => flag(column, 'is_filestream')).length,
  },
  {
    what: 'columns made with ANSI_PADDING OFF',
    reason: 'they are made with ANSI_PADDING ON: trailing blanks of new values are kept',
    count: (_tables, columns, types) =>
      columns.filter(
        (column) =>
          column.is_ansi_padded !== undefined &&
          !flag(column, 'is_ansi_padded') &&
          ['char', 'varchar', 'binary', 'varbinary'].includes(types.base(number(column, 'user_type_id'))),
      ).length,
  },
]

export function untakenTables(rows: CatalogRows, names: Names, types: TypeIndex): UntakenTables {
  const columns = Map.groupBy(rows.columns, (row) => number(row, 'object_id'))
  const columnsOf = (table: SqlRow) => columns.get(number(table, 'object_id')) ?? []
  const reasons = new Map<number, string>()
  const notCaptured: { what: string; count: number; reason: string }[] = []
  const warnings: string[] = []
  for (const { what, reason, is } of KINDS) {
    const found = rows.tables.filter(
      (table) => !reasons.has(number(table, 'object_id')) && is(table, columnsOf(table), types),
    )
    if (found.length === 0) continue
    notCaptured.push({ what, count: found.length, reason })
    for (const table of found) {
      reasons.set(number(table, 'object_id'), what)
      const name = { schema: names.schema(number(table, 'schema_id')), name: text(table, 'name') }
      warnings.push(`table ${quoteObject(name)} is not dumped: ${what}: ${reason}`)
    }
  }
  const taken = rows.tables.filter((table) => !reasons.has(number(table, 'object_id')))
  for (const { what, reason, count } of LOSSES) {
    const found = count(taken, taken.flatMap(columnsOf), types)
    if (found > 0) notCaptured.push({ what, count: found, reason })
  }
  return { reasons, notCaptured, warnings }
}
