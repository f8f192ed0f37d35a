import type { ColumnModel, TableModel, TableType } from '../catalog/model.ts'
import { quoteName, quoteObject, quoteText } from '../catalog/quote.ts'
import { hasCollation, typeText } from '../catalog/type-text.ts'
import type { CalledFunctions } from './called-functions.ts'
import {
  compressionOptions,
  inlineIndex,
  isClustered,
  keyClause,
  onClause,
  scriptIndex,
} from './script-indexes.ts'
import type { Step } from './step.ts'

/**
 * A table without its PERIOD, so that the times of the source's rows can be loaded, and without what calls functions of
 * the database, which come later. Its clustered key or index comes right after it.
 */
export function scriptTable(table: TableModel, calls: CalledFunctions): readonly Step[] {
  const name = quoteObject(table)
  const columns = table.columns
    .filter((column) => !isDeferredColumn(column, calls))
    .map((column) =>
      columnText(column, { constraintNames: true, withDefault: calls.inColumn(column).length === 0 }),
    )
  const inMemory = table.memoryOptimized !== undefined
  const inside = inMemory ? table.indexes.map(memoryIndex) : []
  const options = inMemory
    ? [`WITH (MEMORY_OPTIMIZED = ON, DURABILITY = ${table.memoryOptimized?.durability})`]
    : table.heap === undefined
      ? []
      : [...onClause(table.heap), ...withOptions(compressionOptions(table.heap))]
  const lockEscalation =
    table.lockEscalation === undefined
      ? []
      : [`ALTER TABLE ${name} SET (LOCK_ESCALATION = ${table.lockEscalation})`]
  return [
    {
      kind: 'table',
      name,
      onFailure: 'stop',
      batches: [
        [
          `CREATE TABLE ${name} (`,
          `  ${[...columns, ...inside].join(',\n  ')}`,
          [')', ...options].join(' '),
        ].join('\n'),
        ...(inMemory ? [] : lockEscalation),
      ],
    },
    ...(inMemory ? [] : earlyIndexes(table, calls).map((index) => scriptIndex(table, index, 'stop'))),
  ]
}

/** Those that are there before the rows come. */
export function earlyIndexes(table: TableModel, calls: CalledFunctions) {
  return table.indexes.filter((index) => isClustered(index) && !usesDeferred(table, index.keys, calls))
}

export function usesDeferred(
  table: TableModel,
  keys: readonly { readonly name: string }[],
  calls: CalledFunctions,
): boolean {
  const deferred = new Set(
    table.columns.filter((column) => isDeferredColumn(column, calls)).map(({ name }) => name),
  )
  return keys.some(({ name }) => deferred.has(name))
}

export function isDeferredColumn(column: ColumnModel, calls: CalledFunctions): boolean {
  return column.computed !== undefined && calls.inColumn(column).length > 0
}

/** Columns and defaults that call functions. The columns then stand last, in whatever order they stood before. */
export function scriptDeferred(table: TableModel, calls: CalledFunctions): readonly Step[] {
  const name = quoteObject(table)
  return table.columns.flatMap((column): readonly Step[] => {
    if (calls.inColumn(column).length === 0) return []
    const label = `${quoteName(column.name)} of ${name}`
    if (column.computed !== undefined) {
      const text = columnText(column, { constraintNames: true, withDefault: true })
      return [
        {
          kind: 'computed column',
          name: label,
          onFailure: 'retry',
          batches: [`ALTER TABLE ${name} ADD ${text}`],
        },
      ]
    }
    if (column.default === undefined) return []
    const { name: constraint, definition } = column.default
    return [
      {
        kind: 'default',
        name: label,
        onFailure: 'retry',
        batches: [
          `ALTER TABLE ${name} ADD CONSTRAINT ${quoteName(constraint)} DEFAULT ${definition} FOR ${quoteName(column.name)}`,
        ],
      },
    ]
  })
}

export function scriptTableType(type: TableType, onFailure: Step['onFailure']): Step {
  const name = quoteObject(type)
  const lines = [
    ...type.columns.map((column) => columnText(column, { constraintNames: false, withDefault: true })),
    ...type.indexes.map((index) =>
      index.constraint === undefined
        ? inlineIndex(index)
        : typeKey(keyClause(index, { named: false }), index.ignoreDuplicateKeys),
    ),
    ...type.checks.map(({ definition }) => `CHECK ${definition}`),
  ]
  const options = type.memoryOptimized ? ' WITH (MEMORY_OPTIMIZED = ON)' : ''
  return {
    kind: 'table type',
    name,
    onFailure,
    batches: [[`CREATE TYPE ${name} AS TABLE (`, `  ${lines.join(',\n  ')}`, `)${options}`].join('\n')],
  }
}

function typeKey(clause: string, ignoreDuplicateKeys: boolean): string {
  return ignoreDuplicateKeys ? `${clause} WITH (IGNORE_DUP_KEY = ON)` : clause
}

function memoryIndex(index: TableModel['indexes'][number]): string {
  return index.constraint === undefined ? inlineIndex(index) : keyClause(index, { named: true })
}

function withOptions(options: readonly string[]): readonly string[] {
  return options.length === 0 ? [] : [`WITH (${options.join(', ')})`]
}

export function columnText(
  column: ColumnModel,
  { constraintNames, withDefault }: { readonly constraintNames: boolean; readonly withDefault: boolean },
): string {
  const name = quoteName(column.name)
  if (column.computed !== undefined) {
    const { definition, persisted } = column.computed
    const suffix = persisted ? (column.nullable ? ' PERSISTED' : ' PERSISTED NOT NULL') : ''
    return `${name} AS ${definition}${suffix}`
  }
  if (column.columnSet) return `${name} xml COLUMN_SET FOR ALL_SPARSE_COLUMNS`
  const { identity, maskedWith } = column
  return [
    name,
    declaredType(column),
    // An alias type brings its own collation.
    ...(column.collation !== undefined && column.userType === undefined && hasCollation(column.type)
      ? [`COLLATE ${column.collation}`]
      : []),
    ...(column.sparse ? ['SPARSE'] : []),
    ...(maskedWith === undefined ? [] : [`MASKED WITH (FUNCTION = ${quoteText(maskedWith).slice(1)})`]),
    ...(identity === undefined ? [] : [`IDENTITY(${identity.seed},${identity.increment})`]),
    ...(identity?.notForReplication === true ? ['NOT FOR REPLICATION'] : []),
    ...(column.rowguid ? ['ROWGUIDCOL'] : []),
    column.nullable ? 'NULL' : 'NOT NULL',
    ...(column.default === undefined || !withDefault
      ? []
      : [
          ...(constraintNames ? [`CONSTRAINT ${quoteName(column.default.name)}`] : []),
          `DEFAULT ${column.default.definition}`,
        ]),
  ].join(' ')
}

function declaredType(column: ColumnModel): string {
  if (column.userType !== undefined) return quoteObject(column.userType)
  if (column.xmlCollection !== undefined) {
    const kind = column.xmlCollection.document ? 'DOCUMENT' : 'CONTENT'
    return `xml(${kind} ${quoteObject(column.xmlCollection)})`
  }
  return typeText(column)
}
