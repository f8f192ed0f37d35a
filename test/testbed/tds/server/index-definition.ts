import { compile } from './compile.ts'
import type { Column, Database, Index } from './model.ts'
import { sameName } from './names.ts'
import { printDefinition } from './print-expression.ts'
import { createBinder } from './query.ts'
import { tableScope } from './scope-columns.ts'
import { SqlError } from './sql-error.ts'
import type { SessionState } from './state.ts'
import { columnByName } from './table-definition.ts'
import type { IndexDef, IndexOptions, Placement } from './table-statements.ts'

/** A place for rows: a filegroup, or a partition scheme with its column. */
function findSpace(
  database: Database,
  columns: readonly Column[],
  placement: Placement | undefined,
): { id: number; columnId: number } {
  if (placement === undefined) return { id: 1, columnId: 0 }
  for (const space of database.dataSpaces.values()) {
    if (!sameName(space.name, placement.space) && !(space.id === 1 && sameName(placement.space, 'default')))
      continue
    if (space.type === 'PS' && placement.column === undefined)
      throw new SqlError(
        2726,
        `Partition function of scheme '${space.name}' uses 1 columns which does not match with the number of partition columns used to partition the table or index.`,
      )
    return {
      id: space.id,
      columnId: placement.column === undefined ? 0 : columnByName(columns, placement.column).id,
    }
  }
  throw new SqlError(1921, `Invalid partition scheme or filegroup '${placement.space}' specified.`)
}

export const on = (value: string | undefined, otherwise: boolean) =>
  value === undefined ? otherwise : value === 'ON'

export function heap(
  database: Database,
  columns: readonly Column[],
  placement: Placement | undefined,
  options: IndexOptions,
): Index {
  const space = findSpace(database, columns, placement)
  return {
    ...INDEX,
    id: 0,
    name: null,
    type: 0,
    dataSpaceId: space.id,
    compression: compressionOf(options, 'NONE'),
    columns:
      space.columnId === 0
        ? []
        : [
            {
              columnId: space.columnId,
              keyOrdinal: 0,
              partitionOrdinal: 1,
              descending: false,
              included: false,
            },
          ],
  }
}

const INDEX = {
  unique: false,
  primary: false,
  uniqueConstraint: false,
  ignoreDupKey: false,
  fillFactor: 0,
  padded: false,
  disabled: false,
  allowRowLocks: true,
  allowPageLocks: true,
  filter: null,
}

function compressionOf(options: IndexOptions, otherwise: string): string {
  const whole = options.DATA_COMPRESSION
  const parts = Object.entries(options).filter(([name]) => name.startsWith('DATA_COMPRESSION:'))
  if (parts.length > 0) return parts.map(([name, value]) => `${name.slice(17)}=${value}`).join(';')
  return whole ?? otherwise
}

export interface NewIndex extends Omit<IndexDef, 'type' | 'included' | 'filter'> {
  readonly type: Index['type']
  readonly included?: readonly string[]
  readonly filter?: IndexDef['filter']
  readonly primary?: boolean
  readonly uniqueConstraint?: boolean
}

export function defineIndex(
  session: SessionState,
  database: Database,
  table: readonly Column[],
  indexes: readonly Index[],
  def: NewIndex,
): Index {
  const clustered = def.type === 1 || def.type === 5
  if (clustered && indexes.some((index) => index.type === 1 || index.type === 5)) {
    const other = indexes.find((index) => index.type === 1 || index.type === 5)
    throw new SqlError(
      1902,
      `Cannot create more than one clustered index on table. Drop the existing clustered index '${other?.name}' before creating another.`,
    )
  }
  if (indexes.some((index) => index.name !== null && sameName(index.name, def.name)))
    throw new SqlError(
      1913,
      `The operation failed because an index or statistics with name '${def.name}' already exists on the table.`,
    )
  const columnstore = def.type === 5 || def.type === 6
  const keys = def.columns.map((key) => ({
    column: columnByName(table, key.name),
    descending: key.descending,
  }))
  for (const { column } of keys)
    if (
      !columnstore &&
      (column.type.length === -1 || ['text', 'ntext', 'image', 'xml'].includes(column.type.name))
    )
      throw new SqlError(
        1919,
        `Column '${column.name}' in table is of a type that is invalid for use as a key column in an index.`,
      )
  const base = indexes.find((index) => index.id < 2)
  const space =
    def.placement === undefined && base !== undefined
      ? {
          id: base.dataSpaceId,
          columnId: base.columns.find((column) => column.partitionOrdinal === 1)?.columnId ?? 0,
        }
      : findSpace(database, table, def.placement)
  const all = def.type === 5 ? table.filter((column) => column.computed === undefined) : []
  const columns = [
    ...keys.map(({ column, descending }, at) => ({
      columnId: column.id,
      keyOrdinal: columnstore ? 0 : at + 1,
      partitionOrdinal: column.id === space.columnId ? 1 : 0,
      descending,
      included: columnstore,
    })),
    ...all.map((column) => ({
      columnId: column.id,
      keyOrdinal: 0,
      partitionOrdinal: column.id === space.columnId ? 1 : 0,
      descending: false,
      included: true,
    })),
    ...(def.included ?? []).map((name) => ({
      columnId: columnByName(table, name).id,
      keyOrdinal: 0,
      partitionOrdinal: 0,
      descending: false,
      included: true,
    })),
  ]
  if (space.columnId !== 0 && !columns.some((column) => column.partitionOrdinal === 1)) {
    if (def.unique)
      throw new SqlError(
        1908,
        `Column '${table.find((column) => column.id === space.columnId)?.name}' is partitioning column of the index '${def.name}'. Partition columns for a unique index must be a subset of the index key.`,
      )
    columns.push({
      columnId: space.columnId,
      keyOrdinal: 0,
      partitionOrdinal: 1,
      descending: false,
      included: false,
    })
  }
  if (def.filter !== undefined) {
    const scope = tableScope(table)
    compile(def.filter, createBinder(session, true, scope))
  }
  const { options } = def
  const ids = indexes.map((index) => index.id)
  return {
    id: clustered ? 1 : Math.max(1, ...ids) + 1,
    name: def.name,
    type: def.type,
    unique: def.unique,
    primary: def.primary ?? false,
    uniqueConstraint: def.uniqueConstraint ?? false,
    ignoreDupKey: on(options.IGNORE_DUP_KEY, false),
    fillFactor: Number(options.FILLFACTOR ?? 0),
    padded: on(options.PAD_INDEX, false),
    disabled: false,
    allowRowLocks: on(options.ALLOW_ROW_LOCKS, true),
    allowPageLocks: on(options.ALLOW_PAGE_LOCKS, true),
    filter: def.filter === undefined ? null : { text: printDefinition(def.filter), expr: def.filter },
    dataSpaceId: space.id,
    compression: compressionOf(options, columnstore ? 'COLUMNSTORE' : 'NONE'),
    columns,
  }
}

export function withIndex(indexes: readonly Index[], index: Index): readonly Index[] {
  const rest = index.id === 1 ? indexes.filter((each) => each.id !== 0) : indexes
  return [...rest, index].sort((a, b) => a.id - b.id)
}
