import type { TdsValue } from '../backend.ts'
import type { Expr, Order } from './ast.ts'
import { compile } from './compile.ts'
import type { QueryBinder } from './query.ts'
import type { Compiled, Env, Plan, Scope, ScopeColumn } from './scope.ts'
import { SqlError } from './sql-error.ts'
import { castValue, commonType, compareValues, keyOf } from './values.ts'

export function compileOrder(
  order: Order,
  columns: readonly ScopeColumn[],
  outputs: readonly Compiled[],
  binder: QueryBinder,
): { by: Compiled; output: number | undefined } {
  const { by } = order
  if (by.kind === 'literal' && typeof by.value === 'number') {
    const output = outputs[by.value - 1]
    if (output === undefined)
      throw new SqlError(
        108,
        `The ORDER BY position number ${by.value} is out of range of the number of items in the select list.`,
        { endsBatch: true },
      )
    return { by: output, output: by.value - 1 }
  }
  if (by.kind === 'name' && by.parts.length === 1) {
    const at = columns.findIndex((column) => column.name.toLowerCase() === by.parts[0]?.toLowerCase())
    if (at >= 0) return { by: outputs[at] as Compiled, output: at }
  }
  return { by: compile(by, binder), output: undefined }
}

/** NULLs come first. */
export function compareKeys(
  orders: readonly { by: Pick<Compiled, 'type' | 'collation'>; descending: boolean }[],
  a: readonly TdsValue[],
  b: readonly TdsValue[],
): number {
  for (const [at, { by, descending }] of orders.entries()) {
    const x = a[at] ?? null
    const y = b[at] ?? null
    const order =
      x === null ? (y === null ? 0 : -1) : y === null ? 1 : compareValues(x, y, by.type, by.collation)
    if (order !== 0) return descending ? -order : order
  }
  return 0
}

export function combine(op: 'UNION' | 'UNION ALL' | 'EXCEPT' | 'INTERSECT', left: Plan, right: Plan): Plan {
  if (left.columns.length !== right.columns.length)
    throw new SqlError(
      205,
      'All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal number of expressions in their target lists.',
      { endsBatch: true },
    )
  const columns = left.columns.map((column, at): ScopeColumn => {
    const other = right.columns[at] as ScopeColumn
    return {
      ...column,
      type: commonType(column.type, other.type),
      nullable: column.nullable || other.nullable,
    }
  })
  const cast = (plan: Plan, row: readonly TdsValue[]) =>
    row.map((value, at) =>
      castValue(value, (plan.columns[at] as ScopeColumn).type, (columns[at] as ScopeColumn).type),
    )
  const key = (row: readonly TdsValue[]) =>
    row.map((value, at) => keyOf(value, (columns[at] as ScopeColumn).type)).join('\u0001')
  return {
    columns,
    *rows(outer) {
      const seen = new Set<string>()
      const others =
        op === 'EXCEPT' || op === 'INTERSECT'
          ? new Set([...right.rows(outer)].map((row) => key(cast(right, row))))
          : undefined
      for (const row of left.rows(outer)) {
        const own = cast(left, row)
        if (op !== 'UNION ALL') {
          const id = key(own)
          if (seen.has(id)) continue
          seen.add(id)
          if (others !== undefined && others.has(id) !== (op === 'INTERSECT')) continue
        }
        yield own
      }
      if (others !== undefined) return
      for (const row of right.rows(outer)) {
        const own = cast(right, row)
        if (op === 'UNION') {
          const id = key(own)
          if (seen.has(id)) continue
          seen.add(id)
        }
        yield own
      }
    },
  }
}

export function sortedByOutput(plan: Plan, orderBy: readonly Order[], binder: QueryBinder): Plan {
  const scope: Scope = { sources: [{ name: '', columns: plan.columns, offset: 0 }], parent: undefined }
  const outputs = plan.columns.map(
    (column, at): Compiled => ({ ...column, eval: (env) => env.row[at] ?? null }),
  )
  const orders = orderBy.map((order) => ({
    ...compileOrder(order, plan.columns, outputs, { ...binder, scope }),
    descending: order.descending,
  }))
  return {
    columns: plan.columns,
    *rows(outer) {
      const rows = [...plan.rows(outer)].map((row) => ({
        row,
        keys: orders.map((order) => order.by.eval({ row, outer })),
      }))
      rows.sort((a, b) => compareKeys(orders, a.keys, b.keys))
      for (const { row } of rows) yield row
    },
  }
}

export function sliced(plan: Plan, offset: Expr, fetch: Expr | undefined, binder: QueryBinder): Plan {
  const skip = compile(offset, binder)
  const take = fetch === undefined ? undefined : compile(fetch, binder)
  return {
    columns: plan.columns,
    *rows(outer) {
      const env: Env = { row: [], outer }
      const from = Number(skip.eval(env))
      const count = take === undefined ? Number.POSITIVE_INFINITY : Number(take.eval(env))
      let at = 0
      for (const row of plan.rows(outer)) {
        if (at >= from + count) return
        if (at >= from) yield row
        at += 1
      }
    },
  }
}
