import type { SqlColumn, SqlRow } from '../session.ts'
import type { AliasType, Bound, Named } from './model.ts'
import type { Names } from './names.ts'
import type { CatalogRows } from './read-rows.ts'
import { flag, maybeNumber, number, text } from './row.ts'

export interface TypeIndex {
  /** The base type behind whatever sys.types calls a column's type. */
  base(userTypeId: number): string
  /** Alias types, written by name where they are used. */
  alias(userTypeId: number): Named | undefined
  /** A type of a CLR assembly that a user loaded. */
  isUserClr(userTypeId: number): boolean
}

export function createTypeIndex(rows: CatalogRows, names: Names): TypeIndex {
  const byId = new Map(rows.types.map((row) => [number(row, 'user_type_id'), row]))
  const baseOf = (row: SqlRow): string => {
    const name = text(row, 'name')
    // The server's own alias, which sys.types does not count as a user's.
    if (name === 'sysname') return 'nvarchar'
    if (!flag(row, 'is_user_defined') || flag(row, 'is_assembly_type')) return name
    const base = byId.get(number(row, 'system_type_id'))
    return base === undefined || base === row ? name : baseOf(base)
  }
  return {
    base: (id) => {
      const row = byId.get(id)
      return row === undefined ? `type ${id}` : baseOf(row)
    },
    alias: (id) => {
      const row = byId.get(id)
      if (row === undefined || !flag(row, 'is_user_defined') || flag(row, 'is_assembly_type'))
        return undefined
      return names.type(id)
    },
    isUserClr: (id) => {
      const row = byId.get(id)
      return row !== undefined && flag(row, 'is_user_defined') && flag(row, 'is_assembly_type')
    },
  }
}

export function buildAliasTypes(rows: CatalogRows, names: Names, types: TypeIndex): readonly AliasType[] {
  return rows.types
    .filter(
      (row) => flag(row, 'is_user_defined') && !flag(row, 'is_table_type') && !flag(row, 'is_assembly_type'),
    )
    .map((row) => ({
      schema: names.schema(number(row, 'schema_id')),
      name: text(row, 'name'),
      base: declaredAs(row, types),
      ...boundTo(row, names),
    }))
}

/** Type, length, digits and whether NULL is allowed, as sys.types and sys.columns both have them. */
export function declaredAs(row: SqlRow, types: TypeIndex): Omit<SqlColumn, 'name'> & { nullable: boolean } {
  return {
    type: types.base(number(row, 'user_type_id')),
    maxLength: number(row, 'max_length'),
    precision: number(row, 'precision'),
    scale: number(row, 'scale'),
    nullable: flag(row, 'is_nullable'),
  }
}

/** Defaults and rules that are objects of their own, not constraints of a table. */
export function boundTo(row: SqlRow, names: Names): { readonly bound?: Bound } {
  const find = (column: string, type: string) => {
    const found = names.object(maybeNumber(row, column) ?? 0)
    return found?.type === type && found.parentId === 0
      ? { schema: found.schema, name: found.name }
      : undefined
  }
  const byDefault = find('default_object_id', 'D')
  const rule = find('rule_object_id', 'R')
  if (byDefault === undefined && rule === undefined) return {}
  return {
    bound: {
      ...(byDefault === undefined ? {} : { default: byDefault }),
      ...(rule === undefined ? {} : { rule }),
    },
  }
}
