import type { Expr } from './ast.ts'
import type { Reference, SqlObject } from './model.ts'

export interface Mention {
  readonly reference: Reference
  /** The column whose expression it is, or 0. */
  readonly columnId: number
  readonly schemaBound: boolean
}

/** What an object's text or expressions name: modules, computed columns, checks and defaults. */
export function mentionsOf(object: SqlObject): Mention[] {
  const inModule = (object.module?.references ?? []).map((reference) => ({
    reference,
    columnId: 0,
    schemaBound: object.module?.schemaBound ?? false,
  }))
  const expressions = [
    ...(object.table?.columns ?? []).map((column) => ({ expr: column.computed?.expr, columnId: column.id })),
    { expr: object.check?.expr, columnId: 0 },
    { expr: object.default?.expr, columnId: 0 },
  ]
  const inExpressions = expressions.flatMap(({ expr, columnId }) =>
    expr === undefined
      ? []
      : referencesIn(expr).map((reference) => ({ reference, columnId, schemaBound: true })),
  )
  return [...inModule, ...inExpressions]
}

/** Functions that are called by two names, and sequences. */
function referencesIn(expr: Expr): Reference[] {
  const own =
    expr.kind === 'call' && expr.name.length > 1
      ? expr.name
      : expr.kind === 'next-value'
        ? expr.name
        : undefined
  const found: Reference[] =
    own === undefined ? [] : [{ database: null, schema: own.at(-2) ?? null, name: own.at(-1) ?? '' }]
  for (const value of Object.values(expr))
    for (const inner of Array.isArray(value) ? value : [value])
      if (inner !== null && typeof inner === 'object' && 'kind' in inner)
        found.push(...referencesIn(inner as Expr))
  return found
}
