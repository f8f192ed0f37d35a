import type { TdsType, TdsValue } from '../backend.ts'
import { arithmetic } from './arithmetic.ts'
import { type Expr, isQuery, type Query } from './ast.ts'
import { FUNCTIONS, globalVariable } from './functions.ts'
import { resolveTypeName } from './names.ts'
import { literally } from './pattern.ts'
import { callFunction } from './scalar-functions.ts'
import { takeSequenceValue } from './sequences.ts'
import { missingColumn, notPlayed, SqlError } from './sql-error.ts'
import type { SessionState } from './state.ts'
import { BIT, FLOAT, familyOf, INT } from './types.ts'
import { castValue, commonType, compareValues, keyOf } from './values.ts'

export interface Env {
  readonly row: readonly TdsValue[]
  readonly outer: Env | undefined
  /** Rows of the group, where the query has aggregates. */
  readonly group?: readonly Env[]
  /** Values of window functions for this row. */
  readonly windows?: TdsValue[]
}

export interface ScopeColumn {
  readonly name: string
  readonly type: TdsType
  readonly nullable: boolean
  readonly collation?: string | null
  readonly identity?: boolean
  readonly computed?: boolean
  readonly hidden?: boolean
}

export interface ScopeSource {
  /** Alias, or the last part of the table's name. */
  readonly name: string
  readonly columns: readonly ScopeColumn[]
  readonly offset: number
}

export interface Scope {
  readonly sources: readonly ScopeSource[]
  readonly parent: Scope | undefined
}

export interface Compiled {
  readonly type: TdsType
  readonly nullable: boolean
  readonly collation?: string | null | undefined
  readonly isNull?: boolean
  readonly identity?: boolean
  readonly computed?: boolean
  eval(env: Env): TdsValue
}

export interface Plan {
  readonly columns: readonly ScopeColumn[]
  rows(outer: Env | undefined): Iterable<TdsValue[]>
}

export interface WindowSlot {
  readonly name: string
  readonly args: readonly Compiled[]
  readonly star: boolean
  readonly partition: readonly Compiled[]
  readonly order: readonly { readonly by: Compiled; readonly descending: boolean }[]
}

export interface Binder {
  readonly session: SessionState
  readonly scope: Scope | undefined
  /** Inside an aggregated query: aggregates are allowed. */
  readonly aggregates: boolean
  readonly windows?: WindowSlot[]
  /** Inside a view or a module: its owner's rights, not the caller's. */
  readonly trusted: boolean
  compileQuery(query: Query, binder: Binder): Plan
}

const asBoolean = (value: boolean | null): TdsValue => value

/** Predicates evaluate to true, false or null (unknown). */
export function compile(expr: Expr, binder: Binder): Compiled {
  const sub = (inner: Expr) => compile(inner, binder)
  const predicate = (evaluate: (env: Env) => boolean | null): Compiled => ({
    type: BIT,
    nullable: true,
    eval: (env) => asBoolean(evaluate(env)),
  })
  switch (expr.kind) {
    case 'literal':
      return {
        type: expr.type,
        nullable: expr.value === null,
        isNull: expr.value === null,
        eval: () => expr.value,
      }
    case 'variable': {
      if (expr.name.startsWith('@@')) return globalVariable(expr.name, binder.session)
      const variable = binder.session.variables.get(expr.name)
      if (variable === undefined) throw new SqlError(137, `Must declare the scalar variable "${expr.name}".`)
      return {
        type: variable.type,
        nullable: true,
        eval: () => binder.session.variables.get(expr.name)?.value ?? null,
      }
    }
    case 'name':
      return compileName(expr.parts, binder)
    case 'unary': {
      const operand = sub(expr.operand)
      if (expr.op === '+') return operand
      if (expr.op === '~') return { ...operand, eval: (env) => invert(operand.eval(env)) }
      return negated(operand)
    }
    case 'binary':
      return arithmetic(expr.op, sub(expr.left), sub(expr.right))
    case 'compare': {
      const left = sub(expr.left)
      const right = sub(expr.right)
      const compareTo = comparer(left, right)
      const holds = HOLDS[expr.op] as (order: number) => boolean
      return predicate((env) => {
        const order = compareTo(left.eval(env), right.eval(env))
        return order === null ? null : holds(order)
      })
    }
    case 'logic': {
      const left = sub(expr.left)
      const right = sub(expr.right)
      const decisive = expr.op === 'OR'
      return predicate((env) => {
        const a = left.eval(env)
        if (a === decisive) return decisive
        const b = right.eval(env)
        if (b === decisive) return decisive
        return a === null || b === null ? null : !decisive
      })
    }
    case 'not': {
      const operand = sub(expr.operand)
      return predicate((env) => {
        const value = operand.eval(env)
        return value === null ? null : !value
      })
    }
    case 'is-null': {
      const operand = sub(expr.operand)
      return predicate((env) => (operand.eval(env) === null) !== expr.negated)
    }
    case 'in': {
      const operand = sub(expr.operand)
      if (isQuery(expr.list))
        return compileInQuery(operand, binder.compileQuery(expr.list, binder), expr.negated)
      const items = expr.list.map(sub)
      const tests = items.map((item) => comparer(operand, item))
      return predicate((env) => {
        const value = operand.eval(env)
        let unknown = false
        for (const [index, item] of items.entries()) {
          const order = tests[index]?.(value, item.eval(env)) ?? null
          if (order === 0) return !expr.negated
          if (order === null) unknown = true
        }
        return unknown ? null : expr.negated
      })
    }
    case 'like': {
      const operand = sub(expr.operand)
      const pattern = sub(expr.pattern)
      const escapeMark = expr.escape === undefined ? undefined : sub(expr.escape)
      const text = (compiled: Compiled, env: Env) =>
        castValue(compiled.eval(env), compiled.type, { name: 'nvarchar', length: -1 })
      return predicate((env) => {
        const value = text(operand, env)
        const like = text(pattern, env)
        if (value === null || like === null) return null
        const mark = escapeMark === undefined ? null : text(escapeMark, env)
        return (
          likePattern(String(like), mark === null ? '' : String(mark)).test(String(value)) !== expr.negated
        )
      })
    }
    case 'exists': {
      const plan = binder.compileQuery(expr.query, binder)
      return predicate((env) => {
        for (const _ of plan.rows(env)) return true
        return false
      })
    }
    case 'subquery': {
      const plan = binder.compileQuery(expr.query, binder)
      const [column] = plan.columns
      if (column === undefined || plan.columns.length > 1)
        throw new SqlError(
          116,
          'Only one expression can be specified in the select list when the subquery is not introduced with EXISTS.',
          { endsBatch: true },
        )
      return {
        type: column.type,
        nullable: true,
        collation: column.collation,
        eval(env) {
          let found: TdsValue = null
          let count = 0
          for (const row of plan.rows(env)) {
            count += 1
            if (count > 1)
              throw new SqlError(
                512,
                'Subquery returned more than 1 value. This is not permitted when the subquery follows =, !=, <, <= , >, >= or when the subquery is used as an expression.',
              )
            found = row[0] ?? null
          }
          return found
        },
      }
    }
    case 'case': {
      const operand = expr.operand
      const whens = expr.whens.map(({ when, result }) => ({
        when: sub(operand === undefined ? when : { kind: 'compare', op: '=', left: operand, right: when }),
        result: sub(result),
      }))
      const arms = [
        ...whens.map(({ result }) => result),
        ...(expr.otherwise === undefined ? [] : [sub(expr.otherwise)]),
      ]
      const type = unify(arms)
      const otherwise = expr.otherwise === undefined ? undefined : (arms.at(-1) as Compiled)
      return {
        type,
        nullable: expr.otherwise === undefined || arms.some((arm) => arm.nullable),
        eval(env) {
          const arm = whens.find(({ when }) => when.eval(env) === true)?.result ?? otherwise
          return arm === undefined ? null : castValue(arm.eval(env), arm.type, type)
        },
      }
    }
    case 'convert': {
      const operand = sub(expr.operand)
      const type = resolveTypeName(binder.session, expr.type, true).base
      const style = expr.style === undefined ? undefined : sub(expr.style)
      return {
        type,
        nullable: operand.nullable || expr.attempt,
        collation: operand.collation,
        eval(env) {
          const number = style === undefined ? undefined : Number(style.eval(env))
          try {
            return castValue(operand.eval(env), operand.type, type, number)
          } catch (thrown) {
            if (expr.attempt && thrown instanceof SqlError && ![529, 50999].includes(thrown.number))
              return null
            throw thrown
          }
        },
      }
    }
    case 'collate':
      return {
        ...sub(expr.operand),
        collation: expr.collation === 'DATABASE_DEFAULT' ? null : expr.collation,
      }
    case 'next-value':
      return takeSequenceValue(binder.session, expr.name)
    case 'call': {
      if (expr.over !== undefined) return compileWindow(expr, binder)
      const name = expr.name.length === 1 ? (expr.name[0] ?? '').toUpperCase() : ''
      const factory = FUNCTIONS[name]
      if (factory !== undefined) return factory(expr, binder, sub)
      if (expr.name.length > 1) return callFunction(expr, binder)
      throw new SqlError(195, `'${expr.name[0]}' is not a recognized built-in function name.`)
    }
  }
}

const HOLDS: Readonly<Record<string, (order: number) => boolean>> = {
  '=': (order) => order === 0,
  '<>': (order) => order !== 0,
  '<': (order) => order < 0,
  '>': (order) => order > 0,
  '<=': (order) => order <= 0,
  '>=': (order) => order >= 0,
}

function negated(operand: Compiled): Compiled {
  if (!['integer', 'exact', 'float'].includes(familyOf(operand.type)))
    throw new SqlError(8117, `Operand data type ${operand.type.name} is invalid for minus operator.`, {
      endsBatch: true,
    })
  return {
    ...operand,
    eval(env) {
      const value = operand.eval(env)
      if (typeof value === 'string')
        return value.startsWith('-') ? value.slice(1) : /[1-9]/.test(value) ? `-${value}` : value
      if (typeof value === 'bigint') return -value
      // There is no negative zero among integers.
      return value === null ? null : castValue(0 - Number(value), FLOAT, operand.type)
    },
  }
}

function invert(value: TdsValue): TdsValue {
  if (typeof value === 'boolean') return !value
  return typeof value === 'bigint' ? ~value : value === null ? null : ~Number(value)
}

export function unify(arms: readonly Compiled[]): TdsType {
  const typed = arms.filter((arm) => arm.isNull !== true)
  return typed.map((arm) => arm.type).reduce((left, right) => commonType(left, right), typed[0]?.type ?? INT)
}

/** Compares two values as their expressions' types want it; null is unknown. */
export function comparer(left: Compiled, right: Compiled): (a: TdsValue, b: TdsValue) => number | null {
  const type = commonType(left.type, right.type)
  if (
    ['text', 'ntext', 'image', 'xml'].includes(left.type.name) ||
    ['text', 'ntext', 'image', 'xml'].includes(right.type.name)
  )
    if (left.isNull !== true && right.isNull !== true)
      throw new SqlError(
        402,
        `The data types ${left.type.name} and ${right.type.name} are incompatible in the equal to operator.`,
        { endsBatch: true },
      )
  const collation = left.collation ?? right.collation
  const same = (from: TdsType) => from.name === type.name
  return (a, b) => {
    if (a === null || b === null) return null
    const x = same(left.type) ? a : castValue(a, left.type, type)
    const y = same(right.type) ? b : castValue(b, right.type, type)
    return x === null || y === null ? null : compareValues(x, y, type, collation)
  }
}

function compileInQuery(operand: Compiled, plan: Plan, negated: boolean): Compiled {
  const [column] = plan.columns
  if (column === undefined || plan.columns.length > 1)
    throw new SqlError(
      116,
      'Only one expression can be specified in the select list when the subquery is not introduced with EXISTS.',
      { endsBatch: true },
    )
  const compareTo = comparer(operand, { ...column, eval: () => null })
  return {
    type: BIT,
    nullable: true,
    eval(env) {
      const value = operand.eval(env)
      let unknown = false
      for (const row of plan.rows(env)) {
        const order = compareTo(value, row[0] ?? null)
        if (order === 0) return !negated
        if (order === null) unknown = true
      }
      return unknown ? null : negated
    },
  }
}

function compileName(parts: readonly string[], binder: Binder): Compiled {
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

function compileWindow(expr: Extract<Expr, { kind: 'call' }>, binder: Binder): Compiled {
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

export function groupKey(keys: readonly Compiled[], env: Env): string {
  return keys.map((key) => keyOf(key.eval(env), key.type, key.collation)).join('\u0001')
}

export function likePattern(pattern: string, mark: string): RegExp {
  let source = ''
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern[at] as string
    if (mark !== '' && char === mark) {
      at += 1
      source += literally(pattern[at] ?? '')
    } else if (char === '%') source += '[\\s\\S]*'
    else if (char === '_') source += '[\\s\\S]'
    else if (char === '[') {
      const close = pattern.indexOf(']', at + 1)
      const body = close < 0 ? '' : pattern.slice(at + 1, close)
      if (close < 0) return /(?!)/
      source += `[${body.startsWith('^') ? '^' : ''}${body.replace(/^\^/, '').replace(/[\\[\]^]/g, '\\$&')}]`
      at = close
    } else source += literally(char)
  }
  return new RegExp(`^${source}$`, 'i')
}
