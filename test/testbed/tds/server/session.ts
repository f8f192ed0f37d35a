import { setImmediate } from 'node:timers/promises'
import type { TdsEvent, TdsType, TdsValue } from '../backend.ts'
import type { Expr } from './ast.ts'
import { compile } from './compile.ts'
import { execute } from './execute.ts'
import { type Fault, faultError, faultFor } from './faults.ts'
import type { Row, TableData } from './model.ts'
import { resolveTypeName } from './names.ts'
import { asSqlError, done, errorEvent, outgoing, wireColumn } from './outgoing.ts'
import { parseBatch } from './parse-batch.ts'
import { compileQuery, createBinder } from './query.ts'
import { selectInto } from './select-into.ts'
import { SqlError } from './sql-error.ts'
import { beginImplicit, endTransaction, newTransaction, type SessionState, undoTo } from './state.ts'
import type { Statement } from './statements.ts'
import { NVARCHAR_MAX } from './types.ts'
import { castValue } from './values.ts'

export type Outcome = 'next' | 'return' | 'break' | 'continue' | 'abort'

export type Run = AsyncGenerator<TdsEvent, Outcome>

export interface Context {
  readonly signal: AbortSignal
  readonly procedure?: string
  readonly depth: number
  /** A TRY around: errors go up to it instead of to the client. */
  readonly guarded: boolean
  returnValue?: TdsValue
}

/** All of one batch. Errors become events; a syntax error anywhere means that nothing ran. */
export async function* runBatch(
  session: SessionState,
  sql: string,
  signal: AbortSignal,
): AsyncGenerator<TdsEvent> {
  session.server.log.push(sql)
  let statements: Statement[]
  try {
    statements = parseBatch(sql, session.quotedIdentifier)
  } catch (thrown) {
    yield errorEvent(session, asSqlError(thrown), undefined)
    return
  }
  const context: Context = { signal, depth: 0, guarded: false }
  yield* runStatements(session, statements, context)
  if (session.transaction?.doomed === true && session.trancount > 0) {
    endTransaction(session, false)
    yield errorEvent(
      session,
      new SqlError(
        3998,
        'Uncommittable transaction is detected at the end of the batch. The transaction is rolled back.',
      ),
      undefined,
    )
  }
}

export async function* runStatements(
  session: SessionState,
  statements: readonly Statement[],
  context: Context,
): Run {
  for (const statement of statements) {
    const outcome = yield* runStatement(session, statement, context)
    if (outcome !== 'next') return outcome
  }
  return 'next'
}

export async function* runStatement(session: SessionState, statement: Statement, context: Context): Run {
  context.signal.throwIfAborted()
  if (session.kill.signal.aborted) {
    yield { kind: 'disconnect' }
    return 'abort'
  }
  const explicit = session.trancount > 0
  const mark = session.transaction?.undo.length ?? 0
  try {
    const fault =
      context.depth === 0 && isLeaf(statement) ? faultFor(session.server.faults, statement.text) : undefined
    const outcome =
      fault === undefined
        ? yield* runKind(session, statement, context)
        : yield* runFaulted(session, statement, context, fault)
    // What ran by itself is committed by itself.
    if (session.trancount === 0 && isLeaf(statement)) endTransaction(session, true)
    if (isLeaf(statement)) session.lastError = 0
    return outcome
  } catch (thrown) {
    const error = asSqlError(thrown)
    error.line ??= statement.line
    error.procedure ??= context.procedure
    session.lastError = error.number
    if (isLeaf(statement)) {
      if (!explicit) endTransaction(session, false)
      else if (session.transaction !== null) undoTo(session.transaction, mark)
    }
    const fatal = session.xactAbort || error.number === 3960 || error.number === 1205
    if (context.guarded) {
      if (fatal && session.transaction !== null) session.transaction.doomed = true
      throw error
    }
    if (fatal && session.trancount > 0) endTransaction(session, false)
    yield errorEvent(session, error, statement.line)
    if (error.severity >= 20) yield { kind: 'disconnect' }
    return error.endsBatch || fatal ? 'abort' : 'next'
  }
}

/** Statements that hold no others: what runs as one, or not at all. */
const isLeaf = (statement: Statement) =>
  !['if', 'while', 'block', 'try', 'exec', 'exec-text', 'transaction'].includes(statement.kind) ||
  statement.kind === 'exec'

async function* runFaulted(session: SessionState, statement: Statement, context: Context, fault: Fault): Run {
  fault.onHit?.()
  if (fault.delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, fault.delayMs))
  let rows = 0
  const strike = function* (): Generator<TdsEvent> {
    const error = faultError(fault)
    if (error !== undefined) throw error
    if (fault.stall) yield { kind: 'stall' }
    if (fault.disconnect) yield { kind: 'disconnect' }
  }
  const limit = fault.afterRows ?? 0
  if (limit === 0) yield* strike()
  const run = runKind(session, statement, context)
  while (true) {
    const step = await run.next()
    if (step.done) return step.value
    if (step.value.kind === 'row') {
      if (limit > 0 && rows === limit) {
        await run.return('abort')
        yield* strike()
        return 'abort'
      }
      rows += 1
    }
    yield step.value
  }
}

async function* runKind(session: SessionState, statement: Statement, context: Context): Run {
  if (session.fmtOnly && statement.kind !== 'select' && statement.kind !== 'set-option') return 'next'
  switch (statement.kind) {
    case 'select':
      return yield* runSelect(session, statement, context)
    case 'block':
      return yield* runStatements(session, statement.body, context)
    case 'if':
      if (evaluate(session, statement.condition) === true)
        return yield* runStatement(session, statement.then, context)
      return statement.otherwise === undefined
        ? 'next'
        : yield* runStatement(session, statement.otherwise, context)
    case 'while':
      while (evaluate(session, statement.condition) === true) {
        await setImmediate()
        const outcome = yield* runStatement(session, statement.body, context)
        if (outcome === 'break') break
        if (outcome === 'return' || outcome === 'abort') return outcome
      }
      return 'next'
    case 'try':
      return yield* runTry(session, statement, context)
    case 'break':
    case 'continue':
      return statement.kind
    case 'return':
      context.returnValue = statement.value === undefined ? 0 : evaluate(session, statement.value)
      return 'return'
    default:
      return yield* execute(session, statement, context)
  }
}

async function* runTry(
  session: SessionState,
  statement: Extract<Statement, { kind: 'try' }>,
  context: Context,
): Run {
  const before = session.caught
  try {
    const inner: Context = { ...context, guarded: true }
    const outcome = yield* runStatements(session, statement.body, inner)
    if (inner.returnValue !== undefined) context.returnValue = inner.returnValue
    return outcome
  } catch (thrown) {
    const error = asSqlError(thrown)
    if (error.severity >= 20) throw error
    session.caught = error
    try {
      return yield* runStatements(session, statement.handler, context)
    } finally {
      session.caught = before
    }
  }
}

async function* runSelect(
  session: SessionState,
  statement: Extract<Statement, { kind: 'select' }>,
  context: Context,
): Run {
  beginImplicit(session)
  if (session.trancount === 0 && session.isolation === 'SNAPSHOT') {
    endTransaction(session, true)
    session.transaction = startTransaction(session, true)
  }
  const first = statement.query.first
  const assigns = 'items' in first ? first.items.filter((item) => item.assign !== undefined) : []
  const plan = compileQuery(statement.query, createBinder(session))
  if (assigns.length > 0 && 'items' in first) {
    let count = 0
    for (const row of plan.rows(undefined)) {
      count += 1
      for (const [at, item] of first.items.entries())
        assign(session, item.assign ?? '', row[at] ?? null, plan.columns[at]?.type ?? NVARCHAR_MAX)
    }
    session.rowcount = count
    return 'next'
  }
  if ('items' in first && first.into !== undefined) {
    session.rowcount = await selectInto(session, first.into, plan)
    yield done(session, session.rowcount)
    return 'next'
  }
  yield { kind: 'columns', columns: plan.columns.map((column) => wireColumn(session, column)) }
  let count = 0
  if (!session.fmtOnly) {
    for (const row of plan.rows(undefined)) {
      if (session.kill.signal.aborted) {
        yield { kind: 'disconnect' }
        return 'abort'
      }
      if (count % 256 === 0) context.signal.throwIfAborted()
      count += 1
      yield { kind: 'row', values: row.map((value, at) => outgoing(session, value, plan.columns[at]?.type)) }
    }
  }
  session.rowcount = count
  yield done(session, count)
  return 'next'
}

export function startTransaction(session: SessionState, implicit: boolean) {
  if (session.isolation !== 'SNAPSHOT') return newTransaction(implicit, null)
  const seen = new Map<TableData, readonly Row[]>()
  for (const database of session.server.databases.values())
    for (const data of database.data.values()) seen.set(data, data.rows)
  return newTransaction(implicit, seen)
}

export function evaluate(session: SessionState, expr: Expr): TdsValue {
  return compile(expr, createBinder(session)).eval({ row: [], outer: undefined })
}

export function evaluateAs(session: SessionState, expr: Expr, type: TdsType): TdsValue {
  const compiled = compile(expr, createBinder(session))
  return castValue(compiled.eval({ row: [], outer: undefined }), compiled.type, type)
}

export function assign(session: SessionState, name: string, value: TdsValue, type: TdsType): void {
  const variable = session.variables.get(name)
  if (variable === undefined) throw new SqlError(137, `Must declare the scalar variable "${name}".`)
  variable.value = castValue(value, type, variable.type)
}

export function declare(session: SessionState, statement: Extract<Statement, { kind: 'declare' }>): void {
  for (const { name, type, value } of statement.variables) {
    const resolved = resolveTypeName(session, type)
    if (resolved.tableType !== undefined)
      throw new SqlError(50999, 'The test server does not play table variables.')
    session.variables.set(name, { type: resolved.base, value: null })
    if (value !== undefined) assign(session, name, evaluateAs(session, value, resolved.base), resolved.base)
  }
}
