import type { TdsValue } from '../backend.ts'
import { compile } from './compile.ts'
import { switchConstraints } from './constraints.ts'
import { addAll, current, defineColumns, putTable, removeIndex, requireAlter } from './execute-table.ts'
import type { Column, Database, SqlObject, TableFacts } from './model.ts'
import { requireObject } from './names.ts'
import { createBinder } from './query.ts'
import { createFiller, dataOf, fitColumn, qualified } from './rows.ts'
import { SqlError } from './sql-error.ts'
import { change, lockTable, type SessionState, visibleRows, writeRows } from './state.ts'
import type { StatementBody } from './statements.ts'
import { columnByName, defineColumn } from './table-definition.ts'
import type { AlterTable, ColumnDef } from './table-statements.ts'
import { setVersioning } from './temporal-tables.ts'
import { castValue } from './values.ts'

type Of<K> = Extract<StatementBody, { kind: K }>

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
