import type { TdsValue } from '../backend.ts'
import { arithmetic } from './arithmetic.ts'
import { type Expr, isQuery } from './ast.ts'
import { comparer, HOLDS, likePattern, unify } from './comparison.ts'
import { compileName, compileWindow } from './compile-name.ts'
import { FUNCTIONS, globalVariable } from './functions.ts'
import { resolveTypeName } from './names.ts'
import { callFunction } from './scalar-functions.ts'
import type { Binder, Compiled, Env, Plan } from './scope.ts'
import { takeSequenceValue } from './sequences.ts'
import { SqlError } from './sql-error.ts'
import { BIT, FLOAT, familyOf } from './types.ts'
import { castValue } from './values.ts'

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
