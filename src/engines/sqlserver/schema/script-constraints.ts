import type { CheckModel, ColumnModel, ForeignKeyModel, Named, TableModel } from '../catalog/model.ts'
import { quoteName, quoteObject } from '../catalog/quote.ts'
import type { Step } from './step.ts'

/** So many of the rows that break a constraint are shown. */
export const SHOWN_ROWS = 10

export function scriptCheck(table: TableModel, check: CheckModel): Step {
  const { definition, notForReplication } = check
  const clause = `CHECK ${notForReplication ? 'NOT FOR REPLICATION ' : ''}${definition}`
  return scriptConstraint(table, check, 'check', clause, violatingCheckRows(table, check))
}

export function scriptForeignKey(table: TableModel, key: ForeignKeyModel): Step {
  const action = (event: string, does: string) =>
    does === 'NO_ACTION' ? [] : [`ON ${event} ${does.replaceAll('_', ' ')}`]
  const clause = [
    `FOREIGN KEY (${key.columns.map(quoteName).join(', ')})`,
    `REFERENCES ${quoteObject(key.referenced)} (${key.referencedColumns.map(quoteName).join(', ')})`,
    ...action('DELETE', key.onDelete),
    ...action('UPDATE', key.onUpdate),
    ...(key.notForReplication ? ['NOT FOR REPLICATION'] : []),
  ].join(' ')
  return scriptConstraint(table, key, 'foreign key', clause, violatingRows(table, key))
}

/** WITH CHECK looks at all rows and makes it trusted; what was not trusted at the source may have rows that break it. */
function scriptConstraint(
  table: Named,
  constraint: CheckModel | ForeignKeyModel,
  kind: string,
  clause: string,
  rows: string,
): Step {
  const alter = `ALTER TABLE ${quoteObject(table)}`
  const add = (check: string) =>
    `${alter} WITH ${check} ADD CONSTRAINT ${quoteName(constraint.name)} ${clause}`
  const named = {
    kind,
    name: `${quoteName(constraint.name)} on ${quoteObject(table)}`,
    onFailure: 'collect' as const,
  }
  if (!constraint.notTrusted && !constraint.disabled) {
    return { ...named, batches: [add('CHECK')], violations: { rows, unchecked: add('NOCHECK') } }
  }
  return {
    ...named,
    batches: [
      add('NOCHECK'),
      ...(constraint.disabled ? [`${alter} NOCHECK CONSTRAINT ${quoteName(constraint.name)}`] : []),
    ],
  }
}

/** Rows that refer to a row that is not there; one NULL among its columns frees a row. */
export function violatingRows(table: TableModel, key: ForeignKeyModel): string {
  const pairs = key.columns.map((column, at) => [
    quoteName(column),
    quoteName(key.referencedColumns[at] ?? ''),
  ])
  const matches = pairs.map(([column, referenced]) => `parent.${referenced} = child.${column}`).join(' AND ')
  return [
    `SELECT TOP (${SHOWN_ROWS}) ${shownColumns(table, key.columns, 'child.')}`,
    `FROM ${quoteObject(table)} AS child`,
    `WHERE ${pairs.map(([column]) => `child.${column} IS NOT NULL AND `).join('')}NOT EXISTS (SELECT * FROM ${quoteObject(key.referenced)} AS parent WHERE ${matches})`,
  ].join(' ')
}

/** Where the condition is unknown, for a NULL in it, the constraint holds. */
function violatingCheckRows(table: TableModel, { definition }: CheckModel): string {
  const columns = table.columns.filter(({ name }) => definition.includes(quoteName(name)))
  const shown = shownColumns(
    table,
    columns.map(({ name }) => name),
    '',
  )
  return `SELECT TOP (${SHOWN_ROWS}) ${shown} FROM ${quoteObject(table)} WHERE NOT (${definition})`
}

/** Those of the primary key, to find the row again, and those that it is about. */
function shownColumns(table: TableModel, about: readonly string[], prefix: string): string {
  const key = table.indexes.find(({ constraint }) => constraint?.kind === 'primary key')
  const names = [...new Set([...(key?.keys.map(({ name }) => name) ?? []), ...about])]
  const columns = table.columns.filter(({ name }) => names.includes(name))
  if (columns.length === 0) return "N'(a row)' AS [row]"
  return columns.map((column) => `${shown(column, prefix)} AS ${quoteName(column.name)}`).join(', ')
}

/** For the eyes only, so a long value is cut. */
function shown({ type, name }: ColumnModel, prefix: string): string {
  const column = `${prefix}${quoteName(name)}`
  if (['binary', 'varbinary', 'timestamp'].includes(type)) return `CONVERT(nvarchar(200), ${column}, 1)`
  if (/date|time/.test(type)) return `CONVERT(nvarchar(200), ${column}, 121)`
  return `CAST(${column} AS nvarchar(200))`
}
