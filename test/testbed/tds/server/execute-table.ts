import { addConstraint, addForeignKey } from './constraints.ts'
import { defineIndex, heap, withIndex } from './index-definition.ts'
import type { Column, Database, Index, SqlObject, TableFacts } from './model.ts'
import { placeFor } from './names.ts'
import { mayDo, requireDatabasePermission } from './permissions.ts'
import { createUniqueCheck, dataOf, qualified } from './rows.ts'
import { SqlError } from './sql-error.ts'
import { change, type SessionState, visibleRows } from './state.ts'
import type { StatementBody } from './statements.ts'
import { columnByName, defineColumn, newObject, systemName } from './table-definition.ts'
import type { ColumnDef, ConstraintDef } from './table-statements.ts'
import { addPeriod, setVersioning } from './temporal-tables.ts'

type Of<K> = Extract<StatementBody, { kind: K }>

export const EMPTY_TABLE: TableFacts = {
  columns: [],
  nextColumnId: 1,
  indexes: [],
  period: null,
  temporal: null,
  historyOf: null,
  lockEscalation: 'TABLE',
}

/** Puts a changed table back under its id. */
export function putTable(
  session: SessionState,
  database: Database,
  object: SqlObject,
  facts: Partial<TableFacts>,
): SqlObject {
  const current = database.objects.get(object.id) ?? object
  const changed = { ...current, table: { ...(current.table ?? EMPTY_TABLE), ...facts } }
  change(session, database.objects, object.id, changed)
  return changed
}

/** The order of one CREATE TABLE: columns, computed ones last, then keys and indexes, then the rest. */
export async function createTable(
  session: SessionState,
  statement: Of<'create-table'>,
  signal: AbortSignal,
): Promise<void> {
  const { database, schema, name } = placeFor(session, statement.name)
  if (database.name !== 'tempdb') requireDatabasePermission(session, database, 'CREATE TABLE')
  const table = newObject(database, { schemaId: schema.id, name, type: 'U', parentId: 0 })
  change(session, database.objects, table.id, { ...table, table: EMPTY_TABLE })
  change(session, database.data, table.id, { rows: [], pending: null, lastIdentity: null })
  const columns = defineColumns(session, database, statement.columns, [], 1)
  putTable(session, database, table, { columns, nextColumnId: columns.length + 1 })
  putTable(session, database, table, {
    indexes: [heap(database, columns, statement.placement, statement.options)],
  })
  const constraints = [...statement.columns.flatMap((column) => column.constraints), ...statement.constraints]
  addAll(session, database, table.id, constraints, true)
  if (columns.some((column) => column.generated !== 0) && current(database, table.id).table?.period == null)
    throw new SqlError(
      13589,
      `Column in table '${name}' can be specified as GENERATED ALWAYS only in tables with PERIOD FOR SYSTEM_TIME.`,
    )
  if (statement.versioning?.on === true)
    await setVersioning(session, database, current(database, table.id), statement.versioning, signal)
}

export const current = (database: Database, id: number): SqlObject => database.objects.get(id) as SqlObject

/** Also of a table type. */
export function defineColumns(
  session: SessionState,
  database: Database,
  defs: readonly ColumnDef[],
  before: readonly Column[],
  nextId: number,
): Column[] {
  const columns: (Column | undefined)[] = defs.map(() => undefined)
  const known = () => [...before, ...columns.filter((column) => column !== undefined)]
  for (const computed of [false, true])
    for (const [at, def] of defs.entries()) {
      if ((def.computed !== undefined) !== computed) continue
      if (known().some((column) => column.name.toLowerCase() === def.name.toLowerCase()))
        throw new SqlError(
          2705,
          `Column names in each table must be unique. Column name '${def.name}' is specified more than once.`,
        )
      columns[at] = defineColumn(session, database, def, nextId + at, known())
    }
  const all = [...before, ...(columns as Column[])]
  if (all.filter((column) => column.identity !== undefined).length > 1)
    throw new SqlError(
      2744,
      'Multiple identity columns specified for table. Only one identity column per table is allowed.',
    )
  if (all.filter((column) => column.type.name === 'timestamp').length > 1)
    throw new SqlError(2738, 'A table can only have one timestamp column.')
  return columns as Column[]
}

/** Keys first, foreign keys last. */
export function addAll(
  session: SessionState,
  database: Database,
  tableId: number,
  constraints: readonly ConstraintDef[],
  check: boolean,
): void {
  const order = (constraint: ConstraintDef) =>
    constraint.kind === 'primary' ? 0 : constraint.kind === 'foreign' ? 2 : 1
  for (const constraint of [...constraints].sort((a, b) => order(a) - order(b))) {
    const table = current(database, tableId)
    if (constraint.kind === 'primary' || constraint.kind === 'unique')
      addKey(session, database, table, constraint)
    else if (constraint.kind === 'index') addIndex(session, database, table, constraint.index)
    else if (constraint.kind === 'period') addPeriod(session, database, table, constraint)
    else if (constraint.kind === 'foreign') addForeignKey(session, database, table, constraint, check)
    else if (constraint.kind === 'default' || constraint.kind === 'check')
      addConstraint(session, database, table, constraint, check)
  }
}

export function addKey(
  session: SessionState,
  database: Database,
  table: SqlObject,
  def: Extract<ConstraintDef, { kind: 'primary' | 'unique' }>,
): void {
  const facts = table.table as TableFacts
  const primary = def.kind === 'primary'
  if (primary && facts.indexes.some((index) => index.primary))
    throw new SqlError(1779, `Table '${table.name}' already has a primary key defined on it.`)
  if (primary) {
    const nullable = def.columns.find((key) => columnByName(facts.columns, key.name).nullable)
    const fresh =
      dataOf(database, table).rows.length === 0 && visibleRows(session, dataOf(database, table)).length === 0
    if (nullable !== undefined && !(fresh && facts.indexes.length <= 1))
      throw new SqlError(
        8111,
        `Cannot define PRIMARY KEY constraint on nullable column in table '${table.name}'.`,
      )
    if (nullable !== undefined) {
      const keys = new Set(def.columns.map((key) => key.name.toLowerCase()))
      const columns = facts.columns.map((column) =>
        keys.has(column.name.toLowerCase()) ? { ...column, nullable: false } : column,
      )
      table = putTable(session, database, table, { columns })
    }
  }
  const hasClustered = facts.indexes.some((index) => index.type === 1 || index.type === 5)
  const clustered = def.clustered ?? (primary && !hasClustered)
  const name = def.name ?? systemName(primary ? 'PK' : 'UQ', table.name)
  const key = newObject(database, {
    schemaId: table.schemaId,
    name,
    type: primary ? 'PK' : 'UQ',
    parentId: table.id,
    systemNamed: def.name === undefined,
  })
  requireFreeName(database, table.schemaId, name)
  const index = addIndex(session, database, table, {
    name,
    unique: true,
    type: clustered ? 1 : 2,
    columns: def.columns,
    options: def.options,
    placement: def.placement,
    primary,
    uniqueConstraint: !primary,
  })
  change(session, database.objects, key.id, { ...key, indexId: index.id })
}

export function requireFreeName(database: Database, schemaId: number, name: string): void {
  for (const object of database.objects.values())
    if (
      object.schemaId === schemaId &&
      object.type !== 'TT' &&
      object.name.toLowerCase() === name.toLowerCase()
    )
      throw new SqlError(2714, `There is already an object named '${name}' in the database.`, {
        endsBatch: true,
      })
}

export function addIndex(
  session: SessionState,
  database: Database,
  table: SqlObject,
  def: Parameters<typeof defineIndex>[4],
): Index {
  const facts = current(database, table.id).table as TableFacts
  const index = defineIndex(session, database, facts.columns, facts.indexes, def)
  const changed = putTable(session, database, table, { indexes: withIndex(facts.indexes, index) })
  if (index.unique) validateUnique(session, database, changed, index)
  return index
}

function validateUnique(session: SessionState, database: Database, table: SqlObject, index: Index): void {
  const only = {
    ...table,
    table: { ...(table.table as TableFacts), indexes: [{ ...index, ignoreDupKey: false }] },
  }
  const data = database.data.get(table.id)
  if (data === undefined) return
  try {
    createUniqueCheck(session, database, only, visibleRows(session, data))
  } catch (thrown) {
    if (!(thrown instanceof SqlError)) throw thrown
    throw new SqlError(
      1505,
      `The CREATE UNIQUE INDEX statement terminated because a duplicate key was found for the object name '${qualified(database, table)}' and the index name '${index.name}'.${thrown.message.slice(thrown.message.lastIndexOf(' The duplicate'))}`,
    )
  }
}

export function requireAlter(session: SessionState, database: Database, object: SqlObject): void {
  if (database.name === 'tempdb' || mayDo(session, database, 'ALTER', object)) return
  throw new SqlError(
    1088,
    `Cannot find the object "${object.name}" because it does not exist or you do not have permissions.`,
  )
}

export function removeIndex(
  session: SessionState,
  database: Database,
  table: SqlObject,
  indexId: number,
): void {
  const facts = current(database, table.id).table as TableFacts
  const index = facts.indexes.find((each) => each.id === indexId)
  const rest = facts.indexes.filter((each) => each !== index)
  const indexes =
    index !== undefined && index.id === 1
      ? [
          {
            ...heap(database, facts.columns, undefined, {}),
            dataSpaceId: index.dataSpaceId,
            columns: index.columns
              .filter((column) => column.partitionOrdinal === 1)
              .map((column) => ({ ...column, keyOrdinal: 0 })),
          },
          ...rest,
        ]
      : rest
  putTable(session, database, table, { indexes })
}
