import type { Expr } from './ast.ts'
import { compile } from './compile.ts'
import { parameterVariables, withVariables } from './execute-module.ts'
import { findObject, resolveTypeName } from './names.ts'
import { createBinder } from './query.ts'
import type { Binder, Compiled } from './scope.ts'
import { moduleOf } from './sources.ts'
import { notPlayed, SqlError } from './sql-error.ts'
import type { Statement } from './statements.ts'
import { castValue } from './values.ts'

/** A user's scalar function in an expression: its body may only be a RETURN here. */
export function callFunction(call: Extract<Expr, { kind: 'call' }>, binder: Binder): Compiled {
  const { session } = binder
  const found = findObject(session, call.name)
  if (found === undefined || found.object.type !== 'FN')
    throw new SqlError(
      4121,
      `Cannot find either column "${call.name[0]}" or the user-defined function or aggregate "${call.name.join('.')}", or the name is ambiguous.`,
    )
  const statement = moduleOf(found.object)
  const result = returned(statement.body ?? [])
  if (result === undefined || statement.returns === undefined)
    throw notPlayed('functions with more than a RETURN')
  if (call.args.length !== statement.parameters.length)
    throw new SqlError(
      313,
      `An insufficient number of arguments were supplied for the procedure or function ${call.name.join('.')}.`,
      { endsBatch: true },
    )
  const variables = parameterVariables(session, statement)
  const args = call.args.map((arg) => compile(arg, binder))
  const type = resolveTypeName(session, statement.returns).base
  const body = compile(result, createBinder(withVariables(session, variables), true))
  return {
    type,
    nullable: true,
    eval(env) {
      for (const [at, parameter] of statement.parameters.entries()) {
        const variable = variables.get(parameter.name)
        const arg = args[at]
        if (variable !== undefined && arg !== undefined)
          variable.value = castValue(arg.eval(env), arg.type, variable.type)
      }
      return castValue(body.eval({ row: [], outer: undefined }), body.type, type)
    },
  }
}

function returned(body: readonly Statement[]): Expr | undefined {
  const [only, ...more] = body
  if (only === undefined || more.length > 0) return undefined
  if (only.kind === 'block') return returned(only.body)
  return only.kind === 'return' ? only.value : undefined
}
