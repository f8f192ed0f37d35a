import type { TdsType, TdsValue } from '../backend.ts'
import { compile } from './compile.ts'
import type { Column, Database, Row, SqlObject, TableFacts } from './model.ts'
import { createBinder } from './query.ts'
import { constraintTests, createFiller, createUniqueCheck, dataOf, fitColumn, qualified } from './rows.ts'
import type { Compiled } from './scope.ts'
import { SqlError } from './sql-error.ts'
import { type SessionState, visibleRows, writeRows } from './state.ts'
import { endOfTime, periodNow } from './temporal-tables.ts'
import { BIGINT } from './types.ts'
import { castValue } from './values.ts'

export type Given = { readonly value: TdsValue; readonly type: TdsType } | 'default'

export interface WriterOptions {
  readonly statement: 'INSERT' | 'BULK INSERT'
  readonly checks: boolean
  /** A NULL given for a column takes its default, as a bulk load without KEEP_NULLS. */
  readonly nullsToDefaults: boolean
  /** Identity values are taken from the rows. */
  readonly keepIdentity: boolean
}

export interface RowWriter {
  /** One value for each of the columns it was made for. */
  add(values: readonly Given[]): void
  finish(): { readonly count: number; readonly rows: readonly Row[]; readonly ignored: number }
}

/** Takes rows one by one and puts them into the table at the end: all or none. The table is locked. */
export function createRowWriter(
  session: SessionState,
  database: Database,
  object: SqlObject,
  targets: readonly Column[],
  options: WriterOptions,
): RowWriter {
  const facts = object.table as TableFacts
  const { columns } = facts
  const data = dataOf(database, object)
  const before = visibleRows(session, data)
  const where = `${database.name}.${qualified(database, object)}`
  if (database.options.get('options')?.readOnly)
    throw new SqlError(
      3906,
      `Failed to update database "${database.name}" because the database is read-only.`,
    )
  if (facts.historyOf !== null)
    throw new SqlError(13559, `Cannot insert rows in a temporal history table '${where}'.`)
  for (const column of targets) {
    if (column.computed !== undefined || column.columnSet)
      throw new SqlError(
        271,
        `The column "${column.name}" cannot be modified because it is either a computed column or is the result of a UNION operator.`,
      )
    if (column.type.name === 'timestamp')
      throw new SqlError(
        273,
        'Cannot insert an explicit value into a timestamp column. Use INSERT with a column list to exclude the timestamp column, or insert a DEFAULT into the timestamp column.',
      )
    if (column.generated !== 0)
      throw new SqlError(
        13536,
        `Cannot insert an explicit value into a GENERATED ALWAYS column in table '${where}'. Use INSERT with a column list to exclude the GENERATED ALWAYS column, or insert a DEFAULT into GENERATED ALWAYS column.`,
      )
    if (column.identity !== undefined && !options.keepIdentity)
      throw new SqlError(
        544,
        `Cannot insert explicit value for identity column in table '${object.name}' when IDENTITY_INSERT is set to OFF.`,
      )
  }
  const identity = columns.findIndex((column) => column.identity !== undefined)
  if (
    identity >= 0 &&
    options.statement === 'INSERT' &&
    options.keepIdentity &&
    !targets.includes(columns[identity] as Column)
  )
    throw new SqlError(
      545,
      `Explicit value must be specified for identity column in table '${object.name}' either when IDENTITY_INSERT is set to ON or when a replication user is inserting into a NOT FOR REPLICATION identity column.`,
    )
  const defaults = new Map<number, Compiled>()
  for (const constraint of database.objects.values())
    if (constraint.parentId === object.id && constraint.default !== undefined)
      defaults.set(constraint.default.columnId, compile(constraint.default.expr, createBinder(session, true)))
  const places = columns.map((column) => targets.indexOf(column))
  const unique = createUniqueCheck(session, database, object, before)
  const fill = createFiller(session, columns)
  const added: Row[] = []
  let ignored = 0

  const byDefault = (column: Column): TdsValue => {
    const compiled = defaults.get(column.id)
    return compiled === undefined
      ? null
      : castValue(compiled.eval({ row: [], outer: undefined }), compiled.type, column.type)
  }
  const nextIdentity = (column: Column): TdsValue => {
    const facts = column.identity as NonNullable<Column['identity']>
    data.lastIdentity =
      data.lastIdentity === null ? BigInt(facts.seed) : data.lastIdentity + BigInt(facts.increment)
    session.scopeIdentity = data.lastIdentity
    return castValue(data.lastIdentity, BIGINT, column.type)
  }
  const noteIdentity = (column: Column, value: TdsValue) => {
    const whole = BigInt(String(value))
    session.scopeIdentity = whole
    const up = !(column.identity as NonNullable<Column['identity']>).increment.startsWith('-')
    if (data.lastIdentity === null || (up ? whole > data.lastIdentity : whole < data.lastIdentity))
      data.lastIdentity = whole
  }

  return {
    add(values) {
      const row = columns.map((column, at): TdsValue => {
        const given = places[at] === -1 ? 'default' : (values[places[at] as number] as Given)
        if (column.type.name === 'timestamp') {
          database.rowversion += 1n
          return castValue(database.rowversion, BIGINT, { name: 'binary', length: 8 })
        }
        if (column.computed !== undefined || column.columnSet) return null
        if (column.generated === 1) return periodNow(column.type)
        if (column.generated === 2) return endOfTime(column.type)
        if (
          column.identity !== undefined &&
          (given === 'default' || (options.statement === 'INSERT' && !options.keepIdentity))
        )
          return nextIdentity(column)
        let value = given === 'default' ? byDefault(column) : castForColumn(given, column)
        if (value === null && given !== 'default' && options.nullsToDefaults) value = byDefault(column)
        if (column.identity !== undefined && value !== null) noteIdentity(column, value)
        return fitColumn(value, column, where, 'INSERT')
      })
      const full = fill(row)
      if (unique(full) === 'ignored') ignored += 1
      else added.push(full)
    },
    finish() {
      writeRows(session, data, added.length === 0 ? before : [...before, ...added])
      if (options.checks)
        for (const { test } of constraintTests(
          session,
          database,
          object,
          (constraint) => !(constraint.check ?? constraint.foreignKey)?.disabled,
        ))
          test(added, 'INSERT')
      return { count: added.length, rows: added, ignored }
    },
  }
}

/** Texts that are too long are refused, not cut: cast to the same type without a limit first. */
export function castForColumn(given: Exclude<Given, 'default'>, column: Column): TdsValue {
  const { type } = column
  const wide: TdsType = ['varchar', 'nvarchar', 'varbinary'].includes(type.name)
    ? { name: type.name, length: -1 }
    : type
  const value = castValue(given.value, given.type, wide)
  if ((type.name === 'char' || type.name === 'nchar') && typeof given.value === 'string') {
    const limit = type.name === 'nchar' ? (type.length ?? 0) / 2 : (type.length ?? 0)
    if (given.value.replace(/ +$/, '').length > limit) return given.value
  }
  if (type.name === 'binary' && given.value instanceof Uint8Array && given.value.length > (type.length ?? 0))
    return given.value
  return value
}
