import type { TdsValue } from '../backend.ts'
import { hasAggregate } from './aggregates.ts'
import {
  type Expr,
  isQuery,
  type Order,
  type Query,
  type Select,
  type SelectItem,
  type Source,
} from './ast.ts'
import {
  type Binder,
  type Compiled,
  compile,
  type Env,
  groupKey,
  type Plan,
  type Scope,
  type ScopeColumn,
  type ScopeSource,
} from './compile.ts'
import { openFunction, openTable } from './sources.ts'
import { SqlError } from './sql-error.ts'
import type { SessionState } from './state.ts'
import { castValue, commonType, compareValues, keyOf } from './values.ts'
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

function renamed(plan: Plan, names: readonly string[] | undefined): Plan {
  if (names === undefined) return plan
  return {
    ...plan,
    columns: plan.columns.map((column, at) => ({ ...column, name: names[at] ?? column.name })),
  }
}

interface Opened {
  readonly sources: readonly ScopeSource[]
  readonly width: number
  rows(env: Env | undefined): Iterable<readonly TdsValue[]>
}

function openSource(
  source: Source,
  binder: QueryBinder,
  offset: number,
  left: readonly ScopeSource[],
): Opened {
  const named = (name: string, plan: Plan): Opened => ({
    sources: [{ name, columns: plan.columns, offset }],
    width: plan.columns.length,
    rows: (env) => plan.rows(env),
  })
  switch (source.kind) {
    case 'table': {
      const last = source.name.at(-1) ?? ''
      const cte = source.name.length === 1 ? binder.ctes.get(last.toLowerCase()) : undefined
      return named(
        source.alias ?? last,
        cte?.plan ?? openTable(binder, source.name, source.hints, source.systemTime === true),
      )
    }
    case 'function':
      return named(source.alias ?? source.name.at(-1) ?? '', openFunction(binder, source.name, source.args))
    case 'query':
      return named(source.alias, renamed(compileQuery(source.query, binder), source.columns))
    case 'values': {
      const rows = source.rows.map((row) => row.map((expr) => compile(expr, binder)))
      const columns = source.columns.map((name, at): ScopeColumn => {
        const arms = rows.map((row) => row[at] as Compiled)
        return {
          name,
          type: arms.map((arm) => arm.type).reduce(commonType),
          nullable: arms.some((arm) => arm.nullable),
        }
      })
      return named(source.alias, {
        columns,
        *rows(outer) {
          for (const row of rows)
            yield row.map((cell, at) =>
              castValue(cell.eval({ row: [], outer }), cell.type, (columns[at] as ScopeColumn).type),
            )
        },
      })
    }
    case 'join':
      return openJoin(source, binder, offset, left)
  }
}

function openJoin(
  source: Extract<Source, { kind: 'join' }>,
  binder: QueryBinder,
  offset: number,
  before: readonly ScopeSource[],
): Opened {
  const left = openSource(source.left, binder, offset, before)
  const apply = source.type.endsWith('APPLY')
  // The right side of an APPLY sees the left side's row, as an outer scope.
  const scope: Scope = {
    sources: left.sources.map((each) => ({ ...each, offset: each.offset - offset })),
    parent: binder.scope,
  }
  const right = openSource(source.right, apply ? { ...binder, scope } : binder, offset + left.width, [
    ...before,
    ...left.sources,
  ])
  const sources = [...left.sources, ...right.sources]
  const width = left.width + right.width
  const own: Scope = {
    sources: sources.map((each) => ({ ...each, offset: each.offset - offset })),
    parent: binder.scope,
  }
  const on = source.on === undefined ? undefined : compile(source.on, { ...binder, scope: own })
  const hash = source.on === undefined ? undefined : hashKeys(source.on, binder, left, right, offset)
  const keepLeft = ['LEFT', 'FULL', 'OUTER APPLY'].includes(source.type)
  const keepRight = ['RIGHT', 'FULL'].includes(source.type)
  return {
    sources,
    width,
    *rows(env) {
      const rightRows = apply ? [] : [...right.rows(env)]
      const seen = new Set<number>()
      const buckets = hash === undefined ? undefined : hash.build(rightRows, env)
      for (const row of left.rows(env)) {
        const applied = apply ? [...right.rows({ row, outer: env })] : rightRows
        const candidates = buckets?.(row) ?? applied.keys()
        let matched = false
        for (const at of candidates) {
          const joined = [...row, ...(applied[at] as readonly TdsValue[])]
          if (on !== undefined && on.eval({ row: joined, outer: env }) !== true) continue
          matched = true
          if (keepRight) seen.add(at)
          yield joined
        }
        if (!matched && keepLeft) yield [...row, ...new Array<null>(right.width).fill(null)]
      }
      if (keepRight)
        for (const [at, row] of rightRows.entries())
          if (!seen.has(at)) yield [...new Array<null>(left.width).fill(null), ...row]
    },
  }
}

/** Of `l.a = r.b AND …`: rows that can match, found by key; the whole condition is still tested afterwards. */
function hashKeys(on: Expr, binder: QueryBinder, left: Opened, right: Opened, offset: number) {
  const shift = (opened: Opened, by: number): Scope => ({
    sources: opened.sources.map((each) => ({ ...each, offset: each.offset - by })),
    parent: undefined,
  })
  const leftBinder: QueryBinder = { ...binder, scope: shift(left, offset) }
  const rightBinder: QueryBinder = { ...binder, scope: shift(right, offset + left.width) }
  const keys: { left: Compiled; right: Compiled }[] = []
  const bind = (expr: Expr, inner: QueryBinder): Compiled | undefined => {
    if (expr.kind !== 'name') return undefined
    try {
      return compile(expr, inner)
    } catch (thrown) {
      if (thrown instanceof SqlError) return undefined
      throw thrown
    }
  }
  const visit = (expr: Expr) => {
    if (expr.kind === 'logic' && expr.op === 'AND') {
      visit(expr.left)
      visit(expr.right)
    } else if (expr.kind === 'compare' && expr.op === '=') {
      const a = { left: bind(expr.left, leftBinder), right: bind(expr.right, rightBinder) }
      const b = { left: bind(expr.right, leftBinder), right: bind(expr.left, rightBinder) }
      for (const pair of [a, b])
        if (
          pair.left !== undefined &&
          pair.right !== undefined &&
          pair.left.type.name === pair.right.type.name &&
          pair.left.collation === pair.right.collation
        ) {
          keys.push({ left: pair.left, right: pair.right })
          return
        }
    }
  }
  visit(on)
  if (keys.length === 0) return undefined
  const rights = keys.map((key) => key.right)
  const lefts = keys.map((key) => key.left)
  return {
    build(rows: readonly (readonly TdsValue[])[], outer: Env | undefined) {
      const buckets = new Map<string, number[]>()
      for (const [at, row] of rows.entries()) {
        const key = groupKey(rights, { row, outer })
        const bucket = buckets.get(key)
        if (bucket === undefined) buckets.set(key, [at])
        else bucket.push(at)
      }
      return (row: readonly TdsValue[]) => buckets.get(groupKey(lefts, { row, outer })) ?? []
    },
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

function compileOrder(
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
function compareKeys(
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

function combine(op: 'UNION' | 'UNION ALL' | 'EXCEPT' | 'INTERSECT', left: Plan, right: Plan): Plan {
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

function sortedByOutput(plan: Plan, orderBy: readonly Order[], binder: QueryBinder): Plan {
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

function sliced(plan: Plan, offset: Expr, fetch: Expr | undefined, binder: QueryBinder): Plan {
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
