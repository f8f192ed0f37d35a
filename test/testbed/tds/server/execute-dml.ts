import type { TdsValue } from '../backend.ts'
import { type Expr, isQuery, type Source } from './ast.ts'
import { compile } from './compile.ts'
import type { Column, Database, Row, SqlObject, TableFacts } from './model.ts'
import { requireObject, sameName } from './names.ts'
import { requirePermission } from './permissions.ts'
import { compileQuery, createBinder } from './query.ts'
import { castForColumn, createRowWriter, type Given } from './row-writer.ts'
import {
  constraintTests,
  createFiller,
  createUniqueCheck,
  dataOf,
  fitColumn,
  qualified,
  testReferences,
} from './rows.ts'
import type { Compiled, Env } from './scope.ts'
import { tableScope } from './scope-columns.ts'
import { SqlError } from './sql-error.ts'
import { lockTable, type SessionState, visibleRows, writeRows } from './state.ts'
import type { StatementBody } from './statements.ts'
import { columnByName } from './table-definition.ts'
import { periodNow } from './temporal-tables.ts'
import { BIGINT } from './types.ts'
import { castValue } from './values.ts'

type Of<K> = Extract<StatementBody, { kind: K }>

export interface Change {
  readonly database: Database
  readonly object: SqlObject
  readonly event: 'INSERT' | 'UPDATE' | 'DELETE'
  readonly inserted: readonly Row[]
  readonly deleted: readonly Row[]
  readonly count: number
}

function target(
  session: SessionState,
  name: readonly string[],
  permission: string,
): { database: Database; object: SqlObject } {
  const found = requireObject(session, name)
  if (found.object.table === undefined)
    throw new SqlError(
      4406,
      `Update or insert of view or function '${name.join('.')}' failed because it contains a derived or constant field.`,
    )
  if (found.database.name !== 'tempdb') requirePermission(session, found.database, permission, found.object)
  return found
}

export async function insert(
  session: SessionState,
  statement: Of<'insert'>,
  signal: AbortSignal,
): Promise<Change> {
  const { database, object } = target(session, statement.target, 'INSERT')
  const facts = object.table as TableFacts
  const keepIdentity = session.identityInsert === object.id
  await lockTable(session, dataOf(database, object), signal)
  const targets =
    statement.columns?.map((name) => columnByName(facts.columns, name)) ??
    (statement.rows === 'defaults'
      ? []
      : facts.columns.filter(
          (column) =>
            (column.identity === undefined || keepIdentity) &&
            column.computed === undefined &&
            column.type.name !== 'timestamp' &&
            column.generated === 0 &&
            !column.columnSet,
        ))
  const writer = createRowWriter(session, database, object, targets, {
    statement: 'INSERT',
    checks: true,
    nullsToDefaults: false,
    keepIdentity,
  })
  const wrongCount = (count: number) => {
    if (count !== targets.length)
      throw new SqlError(
        statement.columns === undefined ? 213 : count < targets.length ? 109 : 110,
        statement.columns === undefined
          ? 'Column name or number of supplied values does not match table definition.'
          : `There are ${count < targets.length ? 'more' : 'fewer'} columns in the INSERT statement than values specified in the VALUES clause. The number of values in the VALUES clause must match the number of columns specified in the INSERT statement.`,
        { endsBatch: true },
      )
  }
  if (statement.rows === 'defaults') writer.add([])
  else if (isQuery(statement.rows)) {
    const plan = compileQuery(statement.rows, createBinder(session))
    wrongCount(plan.columns.length)
    for (const row of [...plan.rows(undefined)])
      writer.add(row.map((value, at) => ({ value, type: plan.columns[at]?.type ?? BIGINT })))
  } else {
    const compiled = statement.rows.map((row) =>
      row.map((cell): Compiled | 'default' =>
        cell === 'default' ? cell : compile(cell, createBinder(session)),
      ),
    )
    for (const row of compiled) {
      wrongCount(row.length)
      writer.add(
        row.map(
          (cell): Given =>
            cell === 'default' ? cell : { value: cell.eval({ row: [], outer: undefined }), type: cell.type },
        ),
      )
    }
  }
  const { count, rows } = writer.finish()
  return { database, object, event: 'INSERT', inserted: rows, deleted: [], count }
}

/** UPDATE t … or UPDATE a … FROM t AS a: which table, and which of its rows. */
function chosenRows(
  session: SessionState,
  name: readonly string[],
  from: Source | undefined,
  where: Expr | undefined,
  permission: string,
) {
  if (
    from !== undefined &&
    !(
      from.kind === 'table' &&
      (sameName(from.alias ?? '', name.at(-1) ?? '') || sameName(from.name.at(-1) ?? '', name.at(-1) ?? ''))
    )
  )
    throw new SqlError(50999, 'The test server plays UPDATE and DELETE with one table in FROM only.')
  const found = target(session, from === undefined ? name : from.name, permission)
  const facts = found.object.table as TableFacts
  if (facts.historyOf !== null)
    throw new SqlError(
      permission === 'DELETE' ? 13560 : 13561,
      `Cannot ${permission.toLowerCase()} rows from a temporal history table '${found.database.name}.${qualified(found.database, found.object)}'.`,
    )
  const scope = tableScope(facts.columns, from?.alias ?? name.at(-1) ?? '')
  const binder = createBinder(session, false, scope)
  const condition = where === undefined ? undefined : compile(where, binder)
  return {
    ...found,
    facts,
    binder,
    matches: (row: Row) => condition === undefined || condition.eval({ row, outer: undefined }) === true,
  }
}

export async function update(
  session: SessionState,
  statement: Of<'update'>,
  signal: AbortSignal,
): Promise<Change> {
  const { database, object, facts, binder, matches } = chosenRows(
    session,
    statement.target,
    statement.from,
    statement.where,
    'UPDATE',
  )
  const data = dataOf(database, object)
  await lockTable(session, data, signal)
  const where = `${database.name}.${qualified(database, object)}`
  const sets = statement.set.map(({ column: name, value }) => {
    const column = columnByName(facts.columns, name)
    if (column.identity !== undefined) throw new SqlError(8102, `Cannot update identity column '${name}'.`)
    if (column.computed !== undefined)
      throw new SqlError(
        271,
        `The column "${name}" cannot be modified because it is either a computed column or is the result of a UNION operator.`,
      )
    if (column.type.name === 'timestamp') throw new SqlError(272, 'Cannot update a timestamp column.')
    if (column.generated !== 0)
      throw new SqlError(13537, `Cannot update GENERATED ALWAYS columns in table '${where}'.`)
    return { at: facts.columns.indexOf(column), column, value: compile(value, binder) }
  })
  const fill = createFiller(session, facts.columns)
  const deleted: Row[] = []
  const inserted: Row[] = []
  const rows = visibleRows(session, data).map((row) => {
    if (!matches(row)) return row
    const env: Env = { row, outer: undefined }
    const next = [...row]
    for (const { at, column, value } of sets)
      next[at] = fitColumn(
        castForColumn({ value: value.eval(env), type: value.type }, column),
        column,
        where,
        'UPDATE',
      )
    touch(database, facts.columns, next)
    const filled = fill(next)
    deleted.push(row)
    inserted.push(filled)
    return filled
  })
  createUniqueCheck(session, database, object, rows)
  writeRows(session, data, rows)
  for (const { test } of constraintTests(
    session,
    database,
    object,
    (constraint) => !(constraint.check ?? constraint.foreignKey)?.disabled,
  ))
    test(inserted, 'UPDATE')
  testReferences(session, database, object, 'UPDATE')
  await keepHistory(session, database, object, deleted, signal)
  return { database, object, event: 'UPDATE', inserted, deleted, count: inserted.length }
}

function touch(database: Database, columns: readonly Column[], row: TdsValue[]): void {
  for (const [at, column] of columns.entries()) {
    if (column.type.name === 'timestamp') {
      database.rowversion += 1n
      row[at] = castValue(database.rowversion, BIGINT, { name: 'binary', length: 8 })
    }
    if (column.generated === 1) row[at] = periodNow(column.type)
  }
}

async function keepHistory(
  session: SessionState,
  database: Database,
  object: SqlObject,
  gone: readonly Row[],
  signal: AbortSignal,
): Promise<void> {
  const facts = object.table as TableFacts
  const history = facts.temporal === null ? undefined : database.objects.get(facts.temporal.historyId)
  if (history === undefined || gone.length === 0) return
  const end = facts.columns.findIndex((column) => column.generated === 2)
  const data = dataOf(database, history)
  await lockTable(session, data, signal)
  const now = periodNow((facts.columns[end] as Column).type)
  writeRows(session, data, [
    ...visibleRows(session, data),
    ...gone.map((row) => row.map((value, at) => (at === end ? now : value))),
  ])
}

export async function remove(
  session: SessionState,
  statement: Of<'delete'>,
  signal: AbortSignal,
): Promise<Change> {
  const { database, object, matches } = chosenRows(
    session,
    statement.target,
    statement.from,
    statement.where,
    'DELETE',
  )
  const data = dataOf(database, object)
  await lockTable(session, data, signal)
  const top = statement.top === undefined ? undefined : compile(statement.top, createBinder(session))
  const limit = top === undefined ? Number.POSITIVE_INFINITY : Number(top.eval({ row: [], outer: undefined }))
  const deleted: Row[] = []
  const rows = visibleRows(session, data).filter((row) => {
    if (deleted.length >= limit || !matches(row)) return true
    deleted.push(row)
    return false
  })
  writeRows(session, data, rows)
  testReferences(session, database, object, 'DELETE')
  await keepHistory(session, database, object, deleted, signal)
  return { database, object, event: 'DELETE', inserted: [], deleted, count: deleted.length }
}

export async function truncate(
  session: SessionState,
  statement: Of<'truncate'>,
  signal: AbortSignal,
): Promise<void> {
  const { database, object } = target(session, statement.target, 'ALTER')
  for (const other of database.objects.values())
    if (other.foreignKey?.referencedId === object.id && other.parentId !== object.id)
      throw new SqlError(
        4712,
        `Cannot truncate table '${object.name}' because it is being referenced by a FOREIGN KEY constraint.`,
      )
  if (object.table?.temporal !== null)
    throw new SqlError(
      13545,
      `Truncate failed on table '${object.name}' because it is not a supported operation on system-versioned tables.`,
    )
  const data = dataOf(database, object)
  await lockTable(session, data, signal)
  writeRows(session, data, [])
  data.lastIdentity = null
}
