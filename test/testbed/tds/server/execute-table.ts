import type { TdsValue } from '../backend.ts'
import { compile } from './compile.ts'
import { addConstraint, addForeignKey, switchConstraints } from './constraints.ts'
import type { Column, Database, Index, SqlObject, TableFacts } from './model.ts'
import { placeFor, requireObject } from './names.ts'
import { mayDo, requireDatabasePermission } from './permissions.ts'
import { createBinder } from './query.ts'
import { createFiller, createUniqueCheck, dataOf, fitColumn, qualified } from './rows.ts'
import { SqlError } from './sql-error.ts'
import { change, lockTable, type SessionState, visibleRows, writeRows } from './state.ts'
import type { AlterTable, ColumnDef, ConstraintDef, StatementBody } from './statements.ts'
import {
  columnByName,
  defineColumn,
  defineIndex,
  heap,
  newObject,
  systemName,
  withIndex,
} from './table-definition.ts'
import { addPeriod, setVersioning } from './temporal-tables.ts'
import { castValue } from './values.ts'

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

function addAll(
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

export async function alterTable(
  session: SessionState,
  statement: Of<'alter-table'>,
  signal: AbortSignal,
): Promise<void> {
  const { database, object: table } = requireObject(session, statement.name)
  if (table.type !== 'U' || table.table === undefined)
    throw new SqlError(
      4902,
      `Cannot find the object "${statement.name.join('.')}" because it does not exist or you do not have permissions.`,
    )
  requireAlter(session, database, table)
  const alteration = statement.change
  await lockTable(session, dataOf(database, table), signal)
  switch (alteration.action) {
    case 'add':
      return addToTable(session, database, table, alteration)
    case 'alter-column':
      return alterColumn(session, database, table, alteration.column)
    case 'alter-column-property':
      return alterProperty(session, database, table, alteration)
    case 'drop':
      for (const item of alteration.items)
        if (item.kind === 'column') dropColumn(session, database, current(database, table.id), item.name)
        else dropConstraint(session, database, current(database, table.id), item.name)
      return
    case 'drop-period': {
      if (table.table.temporal !== null)
        throw new SqlError(
          13591,
          `Dropping PERIOD FOR SYSTEM_TIME failed on system-versioned table '${qualified(database, table)}'.`,
        )
      const columns = table.table.columns.map((column) => ({
        ...column,
        generated: 0 as const,
        hidden: false,
      }))
      putTable(session, database, table, { period: null, columns })
      return
    }
    case 'check':
      return switchConstraints(session, database, table, alteration)
    case 'versioning':
      return setVersioning(session, database, table, alteration, signal)
    case 'lock-escalation':
      putTable(session, database, table, { lockEscalation: alteration.value })
      return
    case 'triggers':
      for (const object of database.objects.values()) {
        const trigger = object.module?.trigger
        if (trigger === undefined || object.parentId !== table.id) continue
        if (
          alteration.names !== 'ALL' &&
          !alteration.names.some((name) => name.toLowerCase() === object.name.toLowerCase())
        )
          continue
        change(session, database.objects, object.id, {
          ...object,
          module: {
            ...(object.module as NonNullable<SqlObject['module']>),
            trigger: { ...trigger, disabled: !alteration.enable },
          },
        })
      }
      return
    case 'rebuild': {
      const compression = alteration.options.DATA_COMPRESSION
      const indexes = table.table.indexes.map((index) =>
        index.id < 2 && compression !== undefined ? { ...index, compression } : index,
      )
      putTable(session, database, table, { indexes })
    }
  }
}

export function requireAlter(session: SessionState, database: Database, object: SqlObject): void {
  if (database.name === 'tempdb' || mayDo(session, database, 'ALTER', object)) return
  throw new SqlError(
    1088,
    `Cannot find the object "${object.name}" because it does not exist or you do not have permissions.`,
  )
}

function addToTable(
  session: SessionState,
  database: Database,
  table: SqlObject,
  alteration: Extract<AlterTable, { action: 'add' }>,
): void {
  const facts = table.table as TableFacts
  if (alteration.columns.length > 0) {
    const added = defineColumns(session, database, alteration.columns, facts.columns, facts.nextColumnId)
    const columns = [...facts.columns, ...added]
    const data = dataOf(database, table)
    const rows = visibleRows(session, data)
    putTable(session, database, table, { columns, nextColumnId: facts.nextColumnId + added.length })
    const fill = createFiller(session, columns)
    const initial = added.map((column, at) =>
      initialValue(session, column, alteration.columns[at] as ColumnDef, rows.length > 0, table.name),
    )
    if (rows.length > 0)
      writeRows(
        session,
        data,
        rows.map((row) => fill([...row, ...initial.map((make) => make())])),
      )
  }
  addAll(
    session,
    database,
    table.id,
    [...alteration.columns.flatMap((column) => column.constraints), ...alteration.constraints],
    alteration.check,
  )
}

/** What rows that are there already get in a new column: its default only if NULL won't do. */
function initialValue(
  session: SessionState,
  column: Column,
  def: ColumnDef,
  hasRows: boolean,
  table: string,
): () => TdsValue {
  const byDefault = def.constraints.find((constraint) => constraint.kind === 'default')
  if (column.computed !== undefined) return () => null
  if (column.identity !== undefined) {
    let next = BigInt(column.identity.seed)
    const step = BigInt(column.identity.increment)
    return () => {
      const value = castValue(next, { name: 'bigint', length: 8 }, column.type)
      next += step
      return value
    }
  }
  if (column.nullable || !hasRows) return () => null
  if (byDefault === undefined)
    throw new SqlError(
      4901,
      `ALTER TABLE only allows columns to be added that can contain nulls, or have a DEFAULT definition specified, or the column being added is an identity or timestamp column, or alternatively if none of the previous conditions are satisfied the table must be empty to allow addition of this column. Column '${column.name}' cannot be added to non-empty table '${table}' because it does not satisfy these conditions.`,
    )
  const compiled = compile(byDefault.expr, createBinder(session, true))
  return () => castValue(compiled.eval({ row: [], outer: undefined }), compiled.type, column.type)
}

function alterColumn(session: SessionState, database: Database, table: SqlObject, def: ColumnDef): void {
  const facts = table.table as TableFacts
  const before = columnByName(facts.columns, def.name)
  if (before.computed !== undefined || def.computed !== undefined)
    throw new SqlError(4928, `Cannot alter column '${def.name}' because it is 'COMPUTED'.`)
  const column: Column = {
    ...defineColumn(session, database, def, before.id, facts.columns),
    rowguid: before.rowguid,
    generated: before.generated,
    hidden: before.hidden,
    masked: before.masked,
    ...(before.identity === undefined ? {} : { identity: before.identity, nullable: false }),
  }
  const at = facts.columns.indexOf(before)
  const data = dataOf(database, table)
  const rows = visibleRows(session, data).map((row) =>
    row.map((value, place) =>
      place === at
        ? fitColumn(
            castValue(value, before.type, column.type),
            column,
            `${database.name}.${qualified(database, table)}`,
            'ALTER TABLE ALTER COLUMN',
          )
        : value,
    ),
  )
  putTable(session, database, table, {
    columns: facts.columns.map((each) => (each === before ? column : each)),
  })
  writeRows(session, data, rows)
}

function alterProperty(
  session: SessionState,
  database: Database,
  table: SqlObject,
  alteration: Extract<AlterTable, { action: 'alter-column-property' }>,
): void {
  const facts = table.table as TableFacts
  const column = columnByName(facts.columns, alteration.column)
  let changed: Column
  if (alteration.property === 'MASKED')
    changed = { ...column, masked: alteration.add ? (alteration.value ?? null) : null }
  else if (alteration.property === 'ROWGUIDCOL') changed = { ...column, rowguid: alteration.add }
  else if (alteration.property === 'SPARSE') changed = { ...column, sparse: alteration.add }
  else if (alteration.property === 'HIDDEN') changed = { ...column, hidden: alteration.add }
  else if (alteration.property === 'PERSISTED' && column.computed !== undefined)
    changed = { ...column, computed: { ...column.computed, persisted: alteration.add } }
  else if (alteration.property === 'NOT FOR REPLICATION' && column.identity !== undefined)
    changed = { ...column, identity: { ...column.identity, notForReplication: alteration.add } }
  else throw new SqlError(102, `Incorrect syntax near '${alteration.property}'.`)
  putTable(session, database, table, {
    columns: facts.columns.map((each) => (each === column ? changed : each)),
  })
}

function dropColumn(session: SessionState, database: Database, table: SqlObject, name: string): void {
  const facts = table.table as TableFacts
  const found = facts.columns.find((column) => column.name.toLowerCase() === name.toLowerCase())
  if (found === undefined)
    throw new SqlError(
      4924,
      `ALTER TABLE DROP COLUMN failed because column '${name}' does not exist in table '${table.name}'.`,
    )
  const user = [...database.objects.values()].find(
    (object) =>
      object.parentId === table.id &&
      (object.default?.columnId === found.id ||
        object.check?.columnId === found.id ||
        object.foreignKey?.columns.includes(found.id)),
  )
  const index = facts.indexes.find((each) => each.columns.some((column) => column.columnId === found.id))
  const holder = user?.name ?? index?.name
  if (holder != null) throw new SqlError(5074, `The object '${holder}' is dependent on column '${name}'.`)
  const at = facts.columns.indexOf(found)
  const data = dataOf(database, table)
  writeRows(
    session,
    data,
    visibleRows(session, data).map((row) => row.filter((_, place) => place !== at)),
  )
  putTable(session, database, table, { columns: facts.columns.filter((column) => column !== found) })
}

function dropConstraint(session: SessionState, database: Database, table: SqlObject, name: string): void {
  const found = [...database.objects.values()].find(
    (object) =>
      object.parentId === table.id &&
      object.name.toLowerCase() === name.toLowerCase() &&
      ['PK', 'UQ', 'F', 'C', 'D'].includes(object.type),
  )
  if (found === undefined) throw new SqlError(3728, `'${name}' is not a constraint.`)
  if (found.indexId !== undefined) {
    for (const object of database.objects.values())
      if (object.foreignKey?.referencedId === table.id && object.foreignKey.keyIndexId === found.indexId)
        throw new SqlError(
          3725,
          `The constraint '${name}' is being referenced by table '${database.objects.get(object.parentId)?.name}', foreign key constraint '${object.name}'.`,
        )
    removeIndex(session, database, table, found.indexId)
  }
  change(session, database.objects, found.id, undefined)
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
