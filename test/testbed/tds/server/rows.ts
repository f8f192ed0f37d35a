import type { TdsValue } from '../backend.ts'
import { compile } from './compile.ts'
import type { Column, Database, Index, Row, SqlObject, TableData } from './model.ts'
import { createBinder } from './query.ts'
import type { Compiled } from './scope.ts'
import { tableScope } from './scope-columns.ts'
import { SqlError } from './sql-error.ts'
import { type SessionState, visibleRows } from './state.ts'
import { familyOf, isMax, isUnicode } from './types.ts'
import { keyOf, Variant } from './values.ts'

export function dataOf(database: Database, object: SqlObject): TableData {
  const found = database.data.get(object.id)
  if (found === undefined) throw new Error(`no rows kept for ${object.name}`)
  return found
}

export function qualified(database: Database, object: SqlObject): string {
  return `${database.schemas.get(object.schemaId)?.name}.${object.name}`
}

/** The values of computed columns are worked out when a row is written. */
export function createFiller(
  session: SessionState,
  columns: readonly Column[],
): (values: readonly TdsValue[]) => Row {
  const computed = columns.flatMap((column, at) =>
    column.computed === undefined
      ? []
      : [{ at, value: compile(column.computed.expr, createBinder(session, true, tableScope(columns))) }],
  )
  if (computed.length === 0) return (values) => values
  return (values) => {
    const row = [...values]
    for (const { at, value } of computed) row[at] = value.eval({ row, outer: undefined })
    return row
  }
}

/** Fits a value into its column, or refuses it as the server does. */
export function fitColumn(value: TdsValue, column: Column, table: string, statement: string): TdsValue {
  if (value === null) {
    if (column.nullable) return null
    throw new SqlError(
      515,
      `Cannot insert the value NULL into column '${column.name}', table '${table}'; column does not allow nulls. ${statement} fails.`,
    )
  }
  const { type } = column
  const family = familyOf(type)
  if ((family === 'text' || family === 'binary') && !isMax(type) && !(value instanceof Variant)) {
    const limit = isUnicode(type) ? (type.length ?? 0) / 2 : (type.length ?? 0)
    const length = (value as string | Uint8Array).length
    if (length > limit) {
      // Trailing spaces and zeros of fixed types don't count.
      const shown = typeof value === 'string' ? value.slice(0, limit) : ''
      throw new SqlError(
        2628,
        `String or binary data would be truncated in table '${table}', column '${column.name}'. Truncated value: '${shown}'.`,
      )
    }
  }
  return value
}

/** Unique keys of a table: refuses what is there already. */
export function createUniqueCheck(
  session: SessionState,
  database: Database,
  object: SqlObject,
  rows: readonly Row[],
) {
  const columns = object.table?.columns ?? []
  const indexes = (object.table?.indexes ?? []).filter((index) => index.unique && !index.disabled)
  const checks = indexes.map((index) => {
    const filter =
      index.filter === null
        ? undefined
        : compile(index.filter.expr, createBinder(session, true, tableScope(columns)))
    const keys = keyColumns(columns, index)
    const keyFor = (row: Row): string | undefined => {
      if (filter !== undefined && filter.eval({ row, outer: undefined }) !== true) return undefined
      return keys
        .map(({ at, column }) => keyOf(row[at] ?? null, column.type, column.collation))
        .join('\u0001')
    }
    const taken = new Set<string>()
    return { index, keys, keyFor, taken }
  })
  const check = (row: Row): 'taken' | 'ignored' => {
    for (const { index, keys, keyFor, taken } of checks) {
      const key = keyFor(row)
      if (key === undefined || !taken.has(key)) continue
      if (index.ignoreDupKey) return 'ignored'
      const shown = keys.map(({ at }) => showKey(row[at] ?? null)).join(', ')
      const where = qualified(database, object)
      if (index.primary || index.uniqueConstraint)
        throw new SqlError(
          2627,
          `Violation of ${index.primary ? 'PRIMARY' : 'UNIQUE'} KEY constraint '${index.name}'. Cannot insert duplicate key in object '${where}'. The duplicate key value is (${shown}).`,
        )
      throw new SqlError(
        2601,
        `Cannot insert duplicate key row in object '${where}' with unique index '${index.name}'. The duplicate key value is (${shown}).`,
      )
    }
    for (const { keyFor, taken } of checks) {
      const key = keyFor(row)
      if (key !== undefined) taken.add(key)
    }
    return 'taken'
  }
  for (const row of rows) check(row)
  return check
}

export function keyColumns(columns: readonly Column[], index: Index): { at: number; column: Column }[] {
  return index.columns
    .filter((each) => each.keyOrdinal > 0)
    .sort((a, b) => a.keyOrdinal - b.keyOrdinal)
    .map((each) => {
      const at = columns.findIndex((column) => column.id === each.columnId)
      return { at, column: columns[at] as Column }
    })
}

const showKey = (value: TdsValue): string =>
  value === null
    ? '<NULL>'
    : value instanceof Uint8Array
      ? `0x${Buffer.from(value).toString('hex')}`
      : String(value)

export interface ConstraintTest {
  readonly object: SqlObject
  test(rows: Iterable<Row>, statement: string): void
}

/** Checks and foreign keys of a table; `which` picks them. */
export function constraintTests(
  session: SessionState,
  database: Database,
  table: SqlObject,
  which: (constraint: SqlObject) => boolean,
): ConstraintTest[] {
  const columns = table.table?.columns ?? []
  const tests: ConstraintTest[] = []
  for (const object of database.objects.values()) {
    if (object.parentId !== table.id || !which(object)) continue
    const conflict = (statement: string, kind: string, where: SqlObject, column: string) =>
      new SqlError(
        547,
        `The ${statement} statement conflicted with the ${kind} constraint "${object.name}". The conflict occurred in database "${database.name}", table "${qualified(database, where)}"${column === '' ? '' : `, column '${column}'`}.`,
      )
    if (object.check !== undefined) {
      const { check } = object
      const compiled: Compiled = compile(check.expr, createBinder(session, true, tableScope(columns)))
      const column = columns.find((each) => each.id === check.columnId)?.name ?? ''
      tests.push({
        object,
        test(rows, statement) {
          for (const row of rows)
            if (compiled.eval({ row, outer: undefined }) === false)
              throw conflict(statement, 'CHECK', table, column)
        },
      })
    }
    if (object.foreignKey !== undefined) {
      const { foreignKey } = object
      tests.push({
        object,
        test(rows, statement) {
          const parent = database.objects.get(foreignKey.referencedId)
          if (parent?.table === undefined) return
          const own = foreignKey.columns.map((id) => positionOf(columns, id))
          const parentColumns = parent.table.columns
          const theirs = foreignKey.referencedColumns.map((id) => positionOf(parentColumns, id))
          const key = (row: Row, places: readonly number[], from: readonly Column[]) =>
            places
              .map((at) => keyOf(row[at] ?? null, (from[at] as Column).type, (from[at] as Column).collation))
              .join('\u0001')
          const keys = new Set<string>()
          for (const row of visibleRows(session, dataOf(database, parent)))
            keys.add(key(row, theirs, parentColumns))
          for (const row of rows) {
            if (own.some((at) => row[at] === null)) continue
            if (!keys.has(key(row, own, columns)))
              throw conflict(
                statement,
                parent.id === table.id ? 'FOREIGN KEY SAME TABLE' : 'FOREIGN KEY',
                parent,
                own.length === 1 ? (parentColumns[theirs[0] ?? 0]?.name ?? '') : '',
              )
          }
        },
      })
    }
  }
  return tests
}

const positionOf = (columns: readonly Column[], id: number) => columns.findIndex((column) => column.id === id)

/** After rows went or changed: nobody may refer to what is gone. */
export function testReferences(
  session: SessionState,
  database: Database,
  table: SqlObject,
  statement: string,
): void {
  for (const object of database.objects.values()) {
    const { foreignKey } = object
    if (foreignKey === undefined || foreignKey.referencedId !== table.id || foreignKey.disabled) continue
    const child = database.objects.get(object.parentId)
    if (child === undefined) continue
    const rows = visibleRows(session, dataOf(database, child))
    for (const { test } of constraintTests(session, database, child, (each) => each.id === object.id)) {
      try {
        test(rows, statement)
      } catch (thrown) {
        if (!(thrown instanceof SqlError) || thrown.number !== 547) throw thrown
        throw new SqlError(
          547,
          `The ${statement} statement conflicted with the REFERENCE constraint "${object.name}". The conflict occurred in database "${database.name}", table "${qualified(database, child)}".`,
        )
      }
    }
  }
}
