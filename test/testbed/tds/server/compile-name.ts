import type { Expr } from './ast.ts'
import { compile } from './compile.ts'
import type { Binder, Compiled, Env, ScopeColumn, WindowSlot } from './scope.ts'
import { missingColumn, notPlayed, SqlError } from './sql-error.ts'
import { INT } from './types.ts'

export function compileName(parts: readonly string[], binder: Binder): Compiled {
  const column = parts.at(-1) ?? ''
  const qualifier = parts.length > 1 ? parts.at(-2) : undefined
  let depth = 0
  for (let scope = binder.scope; scope !== undefined; scope = scope.parent) {
    const found = scope.sources
      .filter((source) => qualifier === undefined || source.name.toLowerCase() === qualifier.toLowerCase())
      .flatMap((source) => {
        const index = source.columns.findIndex(
          (candidate) => candidate.name.toLowerCase() === column.toLowerCase(),
        )
        return index < 0 ? [] : [{ column: source.columns[index] as ScopeColumn, at: source.offset + index }]
      })
    if (found.length > 1) throw new SqlError(209, `Ambiguous column name '${column}'.`)
    const [hit] = found
    if (hit !== undefined) {
      const { at } = hit
      const hops = depth
      return {
        ...hit.column,
        eval(env) {
          let from: Env | undefined = env
          for (let hop = 0; hop < hops; hop += 1) from = from?.outer
          return from?.row[at] ?? null
        },
      }
    }
    depth += 1
  }
  if (parts.length > 1)
    throw new SqlError(4104, `The multi-part identifier "${parts.join('.')}" could not be bound.`)
  throw missingColumn(column)
}

export function compileWindow(expr: Extract<Expr, { kind: 'call' }>, binder: Binder): Compiled {
  const { windows } = binder
  const name = (expr.name[0] ?? '').toUpperCase()
  if (windows === undefined || expr.over === undefined)
    throw new SqlError(4108, 'Windowed functions can only appear in the SELECT or ORDER BY clauses.', {
      endsBatch: true,
    })
  const sub = (inner: Expr) => compile(inner, binder)
  const args = expr.args.map(sub)
  const slot: WindowSlot = {
    name,
    args,
    star: expr.star,
    partition: expr.over.partition.map(sub),
    order: expr.over.order.map((order) => ({ by: sub(order.by), descending: order.descending })),
  }
  if (!['ROW_NUMBER', 'RANK', 'COUNT', 'COUNT_BIG', 'MIN', 'MAX', 'SUM'].includes(name))
    throw notPlayed(`${name} OVER`)
  const at = windows.push(slot) - 1
  const type =
    name === 'ROW_NUMBER' || name === 'RANK' || name === 'COUNT_BIG'
      ? { name: 'bigint', length: 8, precision: 19, scale: 0 }
      : name === 'COUNT'
        ? INT
        : (args[0]?.type ?? INT)
  return { type, nullable: true, eval: (env) => env.windows?.[at] ?? null }
}
