import { randomBytes } from 'node:crypto'
import { compile } from './compile.ts'
import type { Column, Database, SqlObject } from './model.ts'
import { resolveTypeName, sameName } from './names.ts'
import { nowText, takeObjectId } from './new-database.ts'
import { printDefinition } from './print-expression.ts'
import { createBinder } from './query.ts'
import { tableScope } from './scope-columns.ts'
import { missingColumn, SqlError } from './sql-error.ts'
import type { SessionState } from './state.ts'
import type { ColumnDef, KeyColumn } from './table-statements.ts'
import { familyOf } from './types.ts'

/** A column of CREATE TABLE or ADD; `others` are those that a computed one may use. */
export function defineColumn(
  session: SessionState,
  database: Database,
  def: ColumnDef,
  id: number,
  others: readonly Column[],
): Column {
  const base = {
    id,
    name: def.name,
    rowguid: def.rowguid,
    sparse: def.sparse,
    columnSet: def.columnSet,
    masked: def.masked ?? null,
    generated: def.generated,
    hidden: def.hidden,
  }
  if (def.computed !== undefined) {
    const scope = tableScope(others)
    const compiled = compile(def.computed.expr, createBinder(session, true, scope))
    const nullable = def.nullable ?? compiled.nullable
    const { type } = compiled
    return {
      ...base,
      type,
      nullable: def.computed.persisted ? nullable : compiled.nullable,
      collation: familyOf(type) === 'text' ? collationOf(database) : null,
      userTypeId: resolveTypeName(session, { parts: [type.name], args: [] }).userTypeId,
      computed: {
        text: printDefinition(def.computed.expr),
        expr: def.computed.expr,
        persisted: def.computed.persisted,
      },
    }
  }
  if (def.type === undefined)
    throw new SqlError(173, `The definition for column '${def.name}' must include a data type.`)
  const { base: type, userTypeId, nullable, tableType } = resolveTypeName(session, def.type, false, database)
  if (tableType !== undefined)
    throw new SqlError(
      350,
      `The column "${def.name}" does not have a valid data type. A column cannot be of a user-defined table type.`,
    )
  const inKey = def.constraints.some((constraint) => constraint.kind === 'primary')
  const isText = familyOf(type) === 'text' && type.name !== 'xml'
  if (def.collation !== undefined && !isText)
    throw new SqlError(451, `COLLATE clause cannot be used on a column of type ${type.name}.`)
  if (
    def.identity !== undefined &&
    !(familyOf(type) === 'integer' && type.name !== 'bit') &&
    !(familyOf(type) === 'exact' && type.scale === 0)
  )
    throw new SqlError(
      2749,
      `Identity column '${def.name}' must be of data type int, bigint, smallint, tinyint, or decimal or numeric with a scale of 0, unencrypted, and constrained to be nonnullable.`,
    )
  if (def.sparse && (def.nullable === false || def.identity !== undefined))
    throw new SqlError(
      1731,
      `Cannot create the sparse column '${def.name}': it can't be NOT NULL, IDENTITY or computed.`,
    )
  const must = inKey || def.identity !== undefined || def.generated !== 0
  if (def.generated !== 0 && type.name !== 'datetime2')
    throw new SqlError(13501, `Temporal generated always column '${def.name}' has invalid data type.`)
  return {
    ...base,
    type,
    userTypeId,
    nullable: must ? false : (def.nullable ?? nullable ?? type.name !== 'timestamp'),
    collation: isText ? realCollation(def.collation, database) : null,
    ...(def.identity === undefined ? {} : { identity: def.identity }),
  }
}

function realCollation(name: string | undefined, database: Database): string {
  if (name === undefined || sameName(name, 'DATABASE_DEFAULT')) return collationOf(database)
  if (!/^[A-Za-z0-9]+_[A-Za-z0-9_]+$/.test(name)) throw new SqlError(448, `Invalid collation '${name}'.`)
  return name
}

export const collationOf = (database: Database) =>
  database.options.get('options')?.collation ?? 'SQL_Latin1_General_CP1_CI_AS'

export function columnByName(columns: readonly Column[], name: string): Column {
  const found = columns.find((column) => sameName(column.name, name))
  if (found === undefined) throw missingColumn(name)
  return found
}

export const systemName = (prefix: string, table: string, column = '') =>
  `${prefix}__${table.slice(0, 9)}__${column === '' ? '' : `${column.slice(0, 5)}__`}${randomBytes(
    prefix === 'PK' || prefix === 'UQ' ? 8 : 4,
  )
    .toString('hex')
    .toUpperCase()}`

export function newObject(database: Database, facts: Omit<SqlObject, 'id' | 'created'>): SqlObject {
  return { ...facts, id: takeObjectId(database), created: nowText() }
}

export const keyNames = (columns: readonly KeyColumn[]) => columns.map((column) => column.name).join(', ')
