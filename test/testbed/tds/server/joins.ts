import type { TdsValue } from '../backend.ts'
import type { Expr, Source } from './ast.ts'
import { groupKey } from './comparison.ts'
import { compile } from './compile.ts'
import { compileQuery, type QueryBinder, renamed } from './query.ts'
import type { Compiled, Env, Plan, Scope, ScopeColumn, ScopeSource } from './scope.ts'
import { openFunction, openTable } from './sources.ts'
import { SqlError } from './sql-error.ts'
import { castValue, commonType } from './values.ts'

export interface Opened {
  readonly sources: readonly ScopeSource[]
  readonly width: number
  rows(env: Env | undefined): Iterable<readonly TdsValue[]>
}

export function openSource(
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
