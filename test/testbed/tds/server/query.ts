import { hasAggregate } from './aggregates.ts'
import { type Expr, isQuery, type Order, type Query, type Select, type SelectItem } from './ast.ts'
import { groupKey } from './comparison.ts'
import { compile } from './compile.ts'
import { type Opened, openSource } from './joins.ts'
import { combine, compareKeys, compileOrder, sliced, sortedByOutput } from './query-output.ts'
import type { Binder, Compiled, Env, Plan, Scope, ScopeColumn } from './scope.ts'
import { SqlError } from './sql-error.ts'
import type { SessionState } from './state.ts'
import { keyOf } from './values.ts'
import { windowValues } from './windows.ts'

type CteMap = ReadonlyMap<string, { readonly plan: Plan }>

export interface QueryBinder extends Binder {
  readonly ctes: CteMap
}

export function createBinder(session: SessionState, trusted = false, scope?: Scope): QueryBinder {
  return { session, scope, aggregates: false, trusted, ctes: new Map(), compileQuery }
}

export function compileQuery(query: Query, outer: Binder): Plan {
  const binder = outer as QueryBinder
  const ctes = new Map(binder.ctes)
  for (const cte of query.ctes) {
    const plan = compileQuery(cte.query, { ...binder, ctes } as QueryBinder)
    ctes.set(cte.name.toLowerCase(), { plan: renamed(plan, cte.columns) })
  }
  const inner: QueryBinder = { ...binder, ctes }
  const single = query.rest.length === 0
  let plan = compileOperand(query.first, inner, single ? query.orderBy : [])
  for (const { op, select } of query.rest) plan = combine(op, plan, compileOperand(select, inner, []))
  if ((!single || isQuery(query.first)) && query.orderBy.length > 0)
    plan = sortedByOutput(plan, query.orderBy, inner)
  if (query.offset !== undefined) plan = sliced(plan, query.offset, query.fetch, inner)
  return plan
}

function compileOperand(operand: Select | Query, binder: QueryBinder, orderBy: readonly Order[]): Plan {
  return isQuery(operand) ? compileQuery(operand, binder) : compileSelect(operand, binder, orderBy)
}

export function renamed(plan: Plan, names: readonly string[] | undefined): Plan {
  if (names === undefined) return plan
  return {
    ...plan,
    columns: plan.columns.map((column, at) => ({ ...column, name: names[at] ?? column.name })),
  }
}

function compileSelect(select: Select, binder: QueryBinder, orderBy: readonly Order[]): Plan {
  const opened = select.from === undefined ? undefined : openSource(select.from, binder, 0, [])
  checkNames(opened)
  const scope: Scope = { sources: opened?.sources ?? [], parent: binder.scope }
  const items = select.items.flatMap((item) => expandStar(item, scope))
  const aggregated =
    select.groupBy.length > 0 ||
    select.having !== undefined ||
    items.some((item) => hasAggregate(item.expr)) ||
    orderBy.some((order) => hasAggregate(order.by))
  const windows: NonNullable<Binder['windows']> = []
  const inner: QueryBinder = { ...binder, scope, aggregates: false }
  const outputBinder: QueryBinder = { ...inner, aggregates: aggregated, windows }
  const where = select.where === undefined ? undefined : compile(select.where, inner)
  const groupBy = select.groupBy.map((expr) => compile(expr, inner))
  const having = select.having === undefined ? undefined : compile(select.having, outputBinder)
  const outputs = items.map((item) => compile(item.expr as Expr, outputBinder))
  const columns = outputs.map((output, at): ScopeColumn => {
    const item = items[at] as SelectItem
    return {
      ...describe(output),
      name: item.alias ?? (item.expr?.kind === 'name' ? (item.expr.parts.at(-1) ?? '') : ''),
    }
  })
  const orders = orderBy.map((order) => ({
    ...compileOrder(order, columns, outputs, outputBinder),
    descending: order.descending,
  }))
  const top = select.top === undefined ? undefined : compile(select.top, { ...binder, scope: undefined })
  const simple = orders.length === 0 && !aggregated && windows.length === 0 && !select.distinct

  function* matching(outer: Env | undefined): Iterable<Env> {
    if (opened === undefined) {
      const env: Env = { row: [], outer }
      if (where === undefined || where.eval(env) === true) yield env
      return
    }
    for (const row of opened.rows(outer)) {
      const env: Env = { row, outer }
      if (where === undefined || where.eval(env) === true) yield env
    }
  }
  const project = (env: Env) => outputs.map((output) => output.eval(env))

  return {
    columns,
    *rows(outer) {
      const limit = top === undefined ? Number.POSITIVE_INFINITY : Number(top.eval({ row: [], outer }))
      let given = 0
      if (simple) {
        if (limit <= 0) return
        for (const env of matching(outer)) {
          yield project(env)
          given += 1
          if (given >= limit) return
        }
        return
      }
      let envs: Env[] = [...matching(outer)]
      if (aggregated) {
        const groups = new Map<string, Env[]>()
        if (groupBy.length === 0) groups.set('', envs)
        else
          for (const env of envs) {
            const key = groupKey(groupBy, env)
            const group = groups.get(key)
            if (group === undefined) groups.set(key, [env])
            else group.push(env)
          }
        const width = opened?.width ?? 0
        envs = [...groups.values()].map((group) => ({
          row: group[0]?.row ?? new Array<null>(width).fill(null),
          outer,
          group,
        }))
        if (having !== undefined) envs = envs.filter((env) => having.eval(env) === true)
      }
      if (windows.length > 0) {
        const values = windows.map((slot) => windowValues(slot, envs))
        envs = envs.map((env, at) => ({ ...env, windows: values.map((column) => column[at] ?? null) }))
      }
      let results = envs.map((env) => ({ env, row: project(env) }))
      if (select.distinct) {
        const seen = new Set<string>()
        results = results.filter(({ row }) => {
          const key = row
            .map((value, at) => keyOf(value, (outputs[at] as Compiled).type, outputs[at]?.collation))
            .join('\u0001')
          return !seen.has(key) && seen.add(key)
        })
      }
      if (orders.length > 0) {
        const keyed = results.map((result) => ({
          ...result,
          keys: orders.map((order) =>
            order.output === undefined ? order.by.eval(result.env) : (result.row[order.output] ?? null),
          ),
        }))
        keyed.sort((a, b) => compareKeys(orders, a.keys, b.keys))
        results = keyed
      }
      for (const { row } of results) {
        if (given >= limit) return
        yield row
        given += 1
      }
    },
  }
}

function describe(output: Compiled): Omit<ScopeColumn, 'name'> {
  const { type, nullable, collation, identity, computed } = output
  return {
    type,
    nullable,
    ...(collation === undefined ? {} : { collation }),
    ...(identity ? { identity } : {}),
    ...(computed ? { computed } : {}),
  }
}

function checkNames(opened: Opened | undefined): void {
  const names = (opened?.sources ?? []).map((source) => source.name.toLowerCase())
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined)
    throw new SqlError(
      1013,
      `The objects "${twice}" and "${twice}" in the FROM clause have the same exposed names. Use correlation names to distinguish them.`,
      { endsBatch: true },
    )
}

function expandStar(item: SelectItem, scope: Scope): SelectItem[] {
  if (item.star === undefined) return [item]
  const qualifier = item.star.at(-1)
  const sources = scope.sources.filter(
    (source) => qualifier === undefined || source.name.toLowerCase() === qualifier.toLowerCase(),
  )
  if (sources.length === 0)
    throw qualifier === undefined
      ? new SqlError(263, 'Must specify table to select from.', { endsBatch: true })
      : new SqlError(
          107,
          `The column prefix '${qualifier}' does not match with a table name or alias name used in the query.`,
          { endsBatch: true },
        )
  return sources.flatMap((source) =>
    source.columns
      .filter((column) => column.hidden !== true)
      .map(
        (column): SelectItem => ({
          expr: { kind: 'name', parts: [source.name, column.name] },
          alias: column.name,
        }),
      ),
  )
}
