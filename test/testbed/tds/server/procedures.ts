import type { TdsType, TdsValue } from '../backend.ts'
import type { Expr } from './ast.ts'
import { compile } from './compile.ts'
import { createCursor } from './cursor.ts'
import { alterRole } from './execute-security.ts'
import { addProperty, dropProperty, setTriggerOrder } from './extended-properties.ts'
import { findObject, resolveTypeName } from './names.ts'
import { wireColumn } from './outgoing.ts'
import { parseBatch } from './parse-batch.ts'
import { parseTypeName } from './parse-type-name.ts'
import { requirePermission } from './permissions.ts'
import { createBinder } from './query.ts'
import { runRds } from './rds-procedures.ts'
import { takeSequenceRange } from './sequences.ts'
import { assign, type Context, evaluate, type Run, runStatements } from './session.ts'
import { moduleOf } from './sources.ts'
import { SqlError } from './sql-error.ts'
import { beginImplicit, type SessionState, type Variable } from './state.ts'
import type { Statement } from './statements.ts'
import { INT, NVARCHAR_MAX } from './types.ts'
import { castValue } from './values.ts'
import { visibleDefinition } from './visible-definition.ts'

export interface Passed {
  readonly name: string | undefined
  readonly value: TdsValue
  readonly type: TdsType
  /** Where an OUTPUT argument goes. */
  readonly give?: (value: TdsValue, type: TdsType) => void
}

export const missingProcedure = (name: string) =>
  new SqlError(2812, `Could not find stored procedure '${name}'.`)

export async function* runProcedure(
  session: SessionState,
  statement: Extract<Statement, { kind: 'exec' }>,
  context: Context,
): Run {
  const passed = statement.args.map((arg): Passed => {
    const compiled = compile(arg.value, createBinder(session))
    const variable = arg.value.kind === 'variable' ? arg.value.name : undefined
    const give =
      arg.output && variable !== undefined
        ? { give: (value: TdsValue, type: TdsType) => assign(session, variable, value, type) }
        : {}
    return {
      name: arg.name,
      value: compiled.eval({ row: [], outer: undefined }),
      type: compiled.type,
      ...give,
    }
  })
  const status = { value: 0 as TdsValue }
  const outcome = yield* call(session, statement.procedure, passed, context, status)
  if (statement.result !== undefined) assign(session, statement.result, status.value, INT)
  return outcome
}

export async function* call(
  session: SessionState,
  name: readonly string[],
  passed: readonly Passed[],
  context: Context,
  status: { value: TdsValue },
): Run {
  if (context.depth > 32)
    throw new SqlError(
      217,
      'Maximum stored procedure, function, trigger, or view nesting level exceeded (limit 32).',
      { endsBatch: true },
    )
  const last = (name.at(-1) ?? '').toLowerCase()
  const get = (wanted: string, at: number): TdsValue => {
    const found =
      passed.find((each) => each.name?.toLowerCase() === `@${wanted}`) ??
      (passed[at]?.name === undefined || passed[at]?.name === '' ? passed[at] : undefined)
    return found === undefined ? null : castValue(found.value, found.type, NVARCHAR_MAX)
  }
  const found = findObject(session, name)
  if (found?.object.type === 'P' && found.object.module === undefined) {
    requirePermission(session, found.database, 'EXECUTE', found.object)
    return yield* runRds(session, name, passed)
  }
  if (found?.object.type === 'P') return yield* callOwn(session, found, passed, context, status)
  switch (last) {
    case 'sp_executesql': {
      const [statement, declarations, ...rest] = passed
      const variables = declaredVariables(
        session,
        declarations === undefined ? '' : String(declarations.value ?? ''),
      )
      for (const [at, [variable, cell]] of [...variables].entries()) {
        const arg =
          rest.find((each) => each.name?.toLowerCase() === variable) ??
          (rest[at]?.name ? undefined : rest[at])
        if (arg !== undefined) cell.value = castValue(arg.value, arg.type, cell.type)
      }
      const outcome = yield* runWith(session, String(statement?.value ?? ''), variables, context)
      for (const arg of rest) {
        const cell = variables.get(arg.name?.toLowerCase() ?? '')
        if (cell !== undefined) arg.give?.(cell.value, cell.type)
      }
      return outcome
    }
    case 'sp_addextendedproperty':
    case 'sp_updateextendedproperty': {
      beginImplicit(session)
      const levels = [0, 1, 2].map((level) => ({
        type: get(`level${level}type`, 2 + level * 2),
        name: get(`level${level}name`, 3 + level * 2),
      }))
      const value = passed.find((each) => each.name?.toLowerCase() === '@value') ?? passed[1]
      addProperty(
        session,
        String(get('name', 0)),
        value?.value ?? null,
        value?.type ?? INT,
        levels,
        last === 'sp_updateextendedproperty',
      )
      break
    }
    case 'sp_dropextendedproperty': {
      beginImplicit(session)
      const levels = [0, 1, 2].map((level) => ({
        type: get(`level${level}type`, 1 + level * 2),
        name: get(`level${level}name`, 2 + level * 2),
      }))
      dropProperty(session, String(get('name', 0)), levels)
      break
    }
    case 'sp_settriggerorder':
      beginImplicit(session)
      setTriggerOrder(
        session,
        String(get('triggername', 0)),
        String(get('order', 1)),
        String(get('stmttype', 2)),
        get('namespace', 3),
      )
      break
    case 'sp_sequence_get_range': {
      const first = takeSequenceRange(
        session,
        createCursor(String(get('sequence_name', 0))).names(),
        BigInt(String(get('range_size', 1))),
      )
      passed
        .find((each) => each.name?.toLowerCase() === '@range_first_value')
        ?.give?.(first.value, first.type)
      break
    }
    case 'sp_addrolemember':
      beginImplicit(session)
      alterRole(session, String(get('rolename', 0)), true, String(get('membername', 1)))
      break
    case 'sp_droprolemember':
      beginImplicit(session)
      alterRole(session, String(get('rolename', 0)), false, String(get('membername', 1)))
      break
    case 'sp_helptext': {
      const target = findObject(session, createCursor(String(get('objname', 0))).names())
      const text = target === undefined ? null : visibleDefinition(session, target.database, target.object.id)
      if (text === null) throw new SqlError(15197, `There is no text for object '${get('objname', 0)}'.`)
      yield {
        kind: 'columns',
        columns: [
          wireColumn(session, { name: 'Text', type: { name: 'nvarchar', length: 510 }, nullable: true }),
        ],
      }
      for (const line of text.split(/(?<=\n)/)) yield { kind: 'row', values: [line] }
      break
    }
    case 'sp_reset_connection':
      break
    default:
      throw missingProcedure(name.join('.'))
  }
  yield { kind: 'done' }
  return 'next'
}

async function* callOwn(
  session: SessionState,
  found: NonNullable<ReturnType<typeof findObject>>,
  passed: readonly Passed[],
  context: Context,
  status: { value: TdsValue },
): Run {
  const { database, object } = found
  requirePermission(session, database, 'EXECUTE', object)
  const module = moduleOf(object)
  const variables = new Map<string, Variable>()
  for (const [at, parameter] of module.parameters.entries()) {
    const { base } = resolveTypeName(session, parameter.type, false, database)
    const arg =
      passed.find((each) => each.name?.toLowerCase() === parameter.name) ??
      (passed[at]?.name ? undefined : passed[at])
    if (arg === undefined && parameter.default === undefined)
      throw new SqlError(
        201,
        `Procedure or function '${object.name}' expects parameter '${parameter.name}', which was not supplied.`,
      )
    variables.set(parameter.name, {
      type: base,
      value:
        arg === undefined
          ? evaluateDefault(session, parameter.default as Expr, base)
          : castValue(arg.value, arg.type, base),
    })
  }
  for (const arg of passed)
    if (arg.name !== undefined && arg.name !== '' && !variables.has(arg.name.toLowerCase()))
      throw new SqlError(8145, `${arg.name} is not a parameter for procedure ${object.name}.`)
  if (passed.length > module.parameters.length)
    throw new SqlError(8144, `Procedure or function ${object.name} has too many arguments specified.`)
  const { variables: outer, database: before } = session
  session.variables = variables
  session.database = database
  const inner: Context = {
    signal: context.signal,
    depth: context.depth + 1,
    guarded: context.guarded,
    procedure: object.name,
  }
  try {
    const outcome = yield* runStatements(session, module.body ?? [], inner)
    status.value = inner.returnValue ?? 0
    if (outcome === 'abort') return 'abort'
  } finally {
    session.variables = outer
    session.database = before
  }
  for (const arg of passed) {
    const parameter =
      module.parameters.find((each) => each.name === arg.name?.toLowerCase()) ??
      module.parameters[passed.indexOf(arg)]
    const cell = parameter?.output ? variables.get(parameter.name) : undefined
    if (cell !== undefined) arg.give?.(cell.value, cell.type)
  }
  return 'next'
}

function evaluateDefault(session: SessionState, expr: Expr, type: TdsType): TdsValue {
  return castValue(evaluate(session, expr), compile(expr, createBinder(session)).type, type)
}

export function declaredVariables(session: SessionState, declarations: string): Map<string, Variable> {
  const variables = new Map<string, Variable>()
  if (declarations.trim() === '') return variables
  const c = createCursor(declarations)
  c.list(() => {
    const name = c.next().value.toLowerCase()
    c.accept('AS')
    variables.set(name, { type: resolveTypeName(session, parseTypeName(c)).base, value: null })
    if (!c.accept('OUTPUT')) c.accept('OUT')
  })
  return variables
}

async function* runWith(
  session: SessionState,
  sql: string,
  variables: Map<string, Variable>,
  context: Context,
): Run {
  const { variables: before, database } = session
  session.variables = variables
  try {
    const outcome = yield* runStatements(session, parseBatch(sql, session.quotedIdentifier), {
      signal: context.signal,
      depth: context.depth,
      guarded: context.guarded,
    })
    return outcome === 'abort' ? 'abort' : 'next'
  } finally {
    session.variables = before
    session.database = database
  }
}
