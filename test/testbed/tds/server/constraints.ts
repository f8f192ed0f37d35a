import type { Expr } from './ast.ts'
import { compile } from './compile.ts'
import { current, requireFreeName } from './execute-table.ts'
import type { CheckFacts, Column, Database, ForeignKeyFacts, Row, SqlObject, TableFacts } from './model.ts'
import { findObject } from './names.ts'
import { printDefinition } from './print-expression.ts'
import { createBinder } from './query.ts'
import { constraintTests, qualified } from './rows.ts'
import { tableScope } from './scope-columns.ts'
import { SqlError } from './sql-error.ts'
import { change, type SessionState, visibleRows } from './state.ts'
import { columnByName, newObject, systemName } from './table-definition.ts'
import type { AlterTable, ConstraintDef } from './table-statements.ts'

/** A default or a check. */
export function addConstraint(
  session: SessionState,
  database: Database,
  table: SqlObject,
  def: Extract<ConstraintDef, { kind: 'default' | 'check' }>,
  validate: boolean,
): void {
  const { columns } = table.table as TableFacts
  if (def.kind === 'default') {
    const column = columnByName(columns, def.column)
    for (const object of database.objects.values())
      if (object.parentId === table.id && object.default?.columnId === column.id)
        throw new SqlError(1781, 'Column already has a DEFAULT bound to it.')
    if (column.identity !== undefined)
      throw new SqlError(
        1754,
        `Defaults cannot be created on columns with an IDENTITY attribute. Table '${table.name}', column '${column.name}'.`,
      )
    compile(def.expr, createBinder(session, true))
    const name = def.name ?? systemName('DF', table.name, column.name)
    requireFreeName(database, table.schemaId, name)
    const object = newObject(database, {
      schemaId: table.schemaId,
      name,
      type: 'D',
      parentId: table.id,
      systemNamed: def.name === undefined,
    })
    change(session, database.objects, object.id, {
      ...object,
      default: { columnId: column.id, expr: def.expr, text: printDefinition(def.expr) },
    })
    return
  }
  compile(def.expr, createBinder(session, true, tableScope(columns)))
  const used = new Set<string>()
  namesIn(def.expr, (name) => used.add(name.toLowerCase()))
  const single = columns.filter((column) => used.has(column.name.toLowerCase()))
  const name = def.name ?? systemName('CK', table.name, def.column ?? '')
  requireFreeName(database, table.schemaId, name)
  const object = newObject(database, {
    schemaId: table.schemaId,
    name,
    type: 'C',
    parentId: table.id,
    systemNamed: def.name === undefined,
  })
  const check: CheckFacts = {
    columnId: def.column !== undefined && single.length === 1 ? (single[0] as Column).id : 0,
    expr: def.expr,
    text: printDefinition(def.expr),
    disabled: false,
    notTrusted: !validate || def.notForReplication,
    notForReplication: def.notForReplication,
  }
  change(session, database.objects, object.id, { ...object, check })
  if (validate) validateRows(session, database, table, object.id)
}

/** With ALTER TABLE's own wording. */
function validateRows(
  session: SessionState,
  database: Database,
  table: SqlObject,
  constraintId: number,
): void {
  const data = database.data.get(table.id)
  if (data === undefined) return
  const rows: readonly Row[] = visibleRows(session, data)
  for (const { test } of constraintTests(
    session,
    database,
    current(database, table.id),
    (each) => each.id === constraintId,
  ))
    test(rows, 'ALTER TABLE')
}

function namesIn(expr: Expr, seen: (name: string) => void): void {
  if (expr.kind === 'name') seen(expr.parts.at(-1) ?? '')
  for (const value of Object.values(expr)) {
    const inner = Array.isArray(value) ? value : [value]
    for (const each of inner)
      if (each !== null && typeof each === 'object' && 'kind' in each) namesIn(each as Expr, seen)
  }
}

export function addForeignKey(
  session: SessionState,
  database: Database,
  table: SqlObject,
  def: Extract<ConstraintDef, { kind: 'foreign' }>,
  validate: boolean,
): void {
  const { columns } = table.table as TableFacts
  const found = findObject(
    session,
    def.target.length === 1
      ? [database.schemas.get(table.schemaId)?.name ?? 'dbo', ...def.target]
      : def.target,
  )
  const parent = found?.object
  const name = def.name ?? systemName('FK', table.name, def.columns[0] ?? '')
  if (parent?.table === undefined || found?.database !== database)
    throw new SqlError(1767, `Foreign key '${name}' references invalid table '${def.target.join('.')}'.`)
  const own = def.columns.map((column) => columnByName(columns, column))
  const primary = parent.table.indexes.find((index) => index.primary)
  const theirs =
    def.targetColumns.length > 0
      ? def.targetColumns.map((column) => columnByName(parent.table?.columns ?? [], column))
      : (primary?.columns
          .filter((column) => column.keyOrdinal > 0)
          .map((column) => parent.table?.columns.find((each) => each.id === column.columnId) as Column) ?? [])
  if (own.length !== theirs.length)
    throw new SqlError(
      8139,
      `Number of referencing columns in foreign key differs from number of referenced columns, table '${table.name}'.`,
    )
  for (const [at, column] of own.entries())
    if (column.type.name !== theirs[at]?.type.name)
      throw new SqlError(
        1778,
        `Column '${parent.name}.${theirs[at]?.name}' is not the same data type as referencing column '${table.name}.${column.name}' in foreign key '${name}'.`,
      )
  const wanted = theirs
    .map((column) => column.id)
    .sort()
    .join()
  const key = parent.table.indexes.find(
    (index) =>
      index.unique &&
      index.filter === null &&
      index.columns
        .filter((column) => column.keyOrdinal > 0)
        .map((column) => column.columnId)
        .sort()
        .join() === wanted,
  )
  if (key === undefined)
    throw new SqlError(
      1776,
      `There are no primary or candidate keys in the referenced table '${qualified(database, parent)}' that match the referencing column list in the foreign key '${name}'.`,
    )
  requireFreeName(database, table.schemaId, name)
  const object = newObject(database, {
    schemaId: table.schemaId,
    name,
    type: 'F',
    parentId: table.id,
    systemNamed: def.name === undefined,
  })
  const foreignKey: ForeignKeyFacts = {
    columns: own.map((column) => column.id),
    referencedId: parent.id,
    referencedColumns: theirs.map((column) => column.id),
    keyIndexId: key.id,
    onDelete: def.onDelete,
    onUpdate: def.onUpdate,
    disabled: false,
    notTrusted: !validate || def.notForReplication,
    notForReplication: def.notForReplication,
  }
  change(session, database.objects, object.id, { ...object, foreignKey })
  if (validate) validateRows(session, database, table, object.id)
}

/** [WITH CHECK|NOCHECK] CHECK|NOCHECK CONSTRAINT: without WITH, enabling doesn't look at the rows, and isn't trusted. */
export function switchConstraints(
  session: SessionState,
  database: Database,
  table: SqlObject,
  alteration: Extract<AlterTable, { action: 'check' }>,
): void {
  const own = [...database.objects.values()].filter(
    (object) =>
      object.parentId === table.id && (object.check !== undefined || object.foreignKey !== undefined),
  )
  const { names } = alteration
  if (names !== 'ALL')
    for (const name of names)
      if (!own.some((object) => object.name.toLowerCase() === name.toLowerCase()))
        throw new SqlError(4917, `Constraint '${name}' does not exist.`)
  for (const object of own) {
    if (names !== 'ALL' && !names.some((name) => name.toLowerCase() === object.name.toLowerCase())) continue
    const facts = object.check ?? (object.foreignKey as ForeignKeyFacts)
    const trusted = alteration.enable && alteration.validate === true && !facts.notForReplication
    const state = { disabled: !alteration.enable, notTrusted: !trusted }
    if (trusted) validateRows(session, database, table, object.id)
    const changed =
      object.check !== undefined
        ? { check: { ...object.check, ...state } }
        : { foreignKey: { ...(object.foreignKey as ForeignKeyFacts), ...state } }
    change(session, database.objects, object.id, { ...object, ...changed })
  }
}

/** A load that looked at no constraint leaves them all untrusted. */
export function distrust(session: SessionState, database: Database, table: SqlObject): void {
  for (const object of [...database.objects.values()]) {
    if (object.parentId !== table.id) continue
    if (object.check !== undefined && !object.check.disabled)
      change(session, database.objects, object.id, {
        ...object,
        check: { ...object.check, notTrusted: true },
      })
    if (object.foreignKey !== undefined && !object.foreignKey.disabled)
      change(session, database.objects, object.id, {
        ...object,
        foreignKey: { ...object.foreignKey, notTrusted: true },
      })
  }
}
