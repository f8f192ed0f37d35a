import type { Column } from './model.ts'
import type { Scope, ScopeColumn } from './scope.ts'

/** What a query sees of a table's columns: sparse ones only by name where a column set stands for them. */
export function scopeColumns(columns: readonly Column[]): ScopeColumn[] {
  const hasSet = columns.some((column) => column.columnSet)
  return columns.map((column) => ({
    name: column.name,
    type: column.type,
    nullable: column.nullable,
    collation: column.collation,
    hidden: column.hidden || (hasSet && column.sparse),
    ...(column.identity === undefined ? {} : { identity: true }),
    ...(column.computed === undefined ? {} : { computed: true }),
  }))
}

export const tableScope = (columns: readonly Column[], name = ''): Scope => ({
  sources: [{ name, columns: scopeColumns(columns), offset: 0 }],
  parent: undefined,
})
