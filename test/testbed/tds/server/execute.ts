import { alterTable } from './alter-table.ts'
import { dbcc } from './dbcc.ts'
import { prepareBulk } from './execute-bulk.ts'
import { alterDatabase, createDatabase, dropDatabase } from './execute-database.ts'
import { type Change, insert, remove, truncate, update } from './execute-dml.ts'
import { drop } from './execute-drop.ts'
import { alterIndex, createIndex, dropIndex } from './execute-index.ts'
import { databaseTrigger, putModule } from './execute-module.ts'
import { changeOwner, changePermission } from './execute-permission.ts'
import {
  createPartitionFunction,
  createPartitionScheme,
  createSchema,
  createSynonym,
  createType,
  putSequence,
} from './execute-schema.ts'
import {
  alterLogin,
  alterRole,
  alterServerRole,
  alterUser,
  createLogin,
  createRole,
  createUser,
  dropPrincipal,
} from './execute-security.ts'
import { createTable } from './execute-table.ts'
import type { SqlObject } from './model.ts'
import { findDatabase, requireObject, sameName } from './names.ts'
import { done } from './outgoing.ts'
import { parseBatch } from './parse-batch.ts'
import { runProcedure } from './procedures.ts'
import { runTransaction } from './run-transaction.ts'
import { assign, type Context, declare, evaluate, evaluateAs, type Run, runStatements } from './session.ts'
import { setOption } from './set-option.ts'
import { SqlError } from './sql-error.ts'
import { beginImplicit, change, type SessionState } from './state.ts'
import type { Statement } from './statements.ts'
import { runTriggers } from './triggers.ts'
import { INT, NVARCHAR_MAX } from './types.ts'

/** Every statement but SELECT and the flow of control. */
export async function* execute(session: SessionState, statement: Statement, context: Context): Run {
  const { signal } = context
  switch (statement.kind) {
    case 'insert':
    case 'update':
    case 'delete': {
      startStatement(session)
      const changed: Change = await (statement.kind === 'insert'
        ? insert(session, statement, signal)
        : statement.kind === 'update'
          ? update(session, statement, signal)
          : remove(session, statement, signal))
      yield* runTriggers(session, changed, context)
      session.rowcount = changed.count
      yield done(session, changed.count)
      return 'next'
    }
    case 'insert-bulk':
      prepareBulk(session, statement)
      break
    case 'declare':
      declare(session, statement)
      return 'next'
    case 'set-variable':
      assign(
        session,
        statement.name,
        evaluateAs(session, statement.value, session.variables.get(statement.name)?.type ?? NVARCHAR_MAX),
        session.variables.get(statement.name)?.type ?? NVARCHAR_MAX,
      )
      return 'next'
    case 'set-option':
      setOption(session, statement)
      break
    case 'use': {
      session.database = findDatabase(session, statement.name)
      yield { kind: 'database', name: session.database.name }
      break
    }
    case 'transaction':
      runTransaction(session, statement)
      break
    case 'exec':
      return yield* runProcedure(session, statement, context)
    case 'exec-text': {
      const text = String(evaluateAs(session, statement.sql, NVARCHAR_MAX) ?? '')
      return yield* runText(session, text, context)
    }
    case 'print':
      yield {
        kind: 'info',
        number: 0,
        message: String(evaluateAs(session, statement.value, NVARCHAR_MAX) ?? ' '),
      }
      return 'next'
    case 'throw':
      return throwError(session, statement)
    case 'raiserror': {
      const [message, severity] = statement.args
      const text = message === undefined ? '' : String(evaluateAs(session, message, NVARCHAR_MAX))
      const rest = statement.args.slice(3).map((arg) => evaluate(session, arg))
      const filled = text.replace(/%(s|d|i)/g, () => String(rest.shift() ?? '(null)'))
      const level = severity === undefined ? 16 : Number(evaluateAs(session, severity, INT))
      if (level <= 10) yield { kind: 'info', number: 50000, message: filled }
      else throw new SqlError(50000, filled, { severity: level, endsBatch: false })
      return 'next'
    }
    case 'dbcc':
      yield* dbcc(session, statement)
      return 'next'
    case 'kill': {
      if (!session.login.sysadmin)
        throw new SqlError(6102, 'User does not have permission to use the KILL statement.')
      const other = [...session.server.sessions].find((each) => each.spid === statement.spid)
      if (other === undefined)
        throw new SqlError(6106, `Process ID ${statement.spid} is not an active process ID.`)
      other.kill.abort()
      break
    }
    default:
      startStatement(session)
      await define(session, statement, signal)
  }
  yield done(session)
  return 'next'
}

function startStatement(session: SessionState): void {
  if (session.transaction?.doomed === true)
    throw new SqlError(
      3930,
      'The current transaction cannot be committed and cannot support operations that write to the log file. Roll back the transaction.',
    )
  beginImplicit(session)
}

async function define(session: SessionState, statement: Statement, signal: AbortSignal): Promise<void> {
  switch (statement.kind) {
    case 'create-database':
      return createDatabase(session, statement)
    case 'alter-database':
      return alterDatabase(session, statement)
    case 'drop-database':
      return dropDatabase(session, statement)
    case 'create-table':
      return createTable(session, statement, signal)
    case 'alter-table':
      return alterTable(session, statement, signal)
    case 'truncate':
      return truncate(session, statement, signal)
    case 'drop':
      return drop(session, statement)
    case 'create-index':
      return createIndex(session, statement)
    case 'alter-index':
      return alterIndex(session, statement)
    case 'drop-index':
      return dropIndex(session, statement)
    case 'create-schema':
      return createSchema(session, statement)
    case 'create-type':
      return createType(session, statement)
    case 'sequence':
      return putSequence(session, statement)
    case 'partition-function':
      return createPartitionFunction(session, statement)
    case 'partition-scheme':
      return createPartitionScheme(session, statement)
    case 'module':
      return putModule(session, statement)
    case 'synonym':
      return createSynonym(session, statement)
    case 'create-user':
      return createUser(session, statement)
    case 'alter-user':
      return alterUser(session, statement)
    case 'create-role':
      return createRole(session, statement.name, 'R', statement.owner, undefined)
    case 'create-application-role':
      return createRole(session, statement.name, 'A', undefined, statement.schema)
    case 'alter-role':
      return alterRole(session, statement.name, statement.add, statement.member)
    case 'alter-server-role':
      return alterServerRole(session, statement)
    case 'create-login':
      return createLogin(session, statement)
    case 'alter-login':
      return alterLogin(session, statement)
    case 'drop-principal':
      return dropPrincipal(session, statement)
    case 'permission':
      return changePermission(session, statement)
    case 'authorization':
      return changeOwner(session, statement)
    case 'trigger-state':
      return switchTriggers(session, statement)
    default:
      throw new SqlError(50999, `The test server does not play ${statement.kind}.`)
  }
}

function switchTriggers(
  session: SessionState,
  statement: Extract<Statement, { kind: 'trigger-state' }>,
): void {
  const own = statement.on === 'DATABASE' ? undefined : requireObject(session, statement.on)
  const database = own?.database ?? session.database
  const all = [...database.objects.values()].filter((object) =>
    own === undefined
      ? object.module?.trigger?.database
      : object.type === 'TR' && object.parentId === own.object.id,
  )
  const chosen =
    statement.names === 'ALL'
      ? all
      : statement.names.map((name) => {
          const found =
            own === undefined
              ? databaseTrigger(database, name.at(-1) ?? '')?.object
              : all.find((object) => sameName(object.name, name.at(-1) ?? ''))
          if (found === undefined)
            throw new SqlError(
              4920,
              `ALTER TABLE failed because trigger '${name.join('.')}' on table '${own?.object.name}' does not exist.`,
            )
          return found
        })
  for (const object of chosen) {
    const module = object.module as NonNullable<SqlObject['module']>
    const trigger = module.trigger as NonNullable<typeof module.trigger>
    change(session, database.objects, object.id, {
      ...object,
      module: { ...module, trigger: { ...trigger, disabled: !statement.enable } },
    })
  }
}

export async function* runText(session: SessionState, text: string, context: Context): Run {
  const { variables } = session
  const { database } = session
  session.variables = new Map()
  try {
    const outcome = yield* runStatements(session, parseBatch(text, session.quotedIdentifier), {
      signal: context.signal,
      depth: context.depth,
      guarded: context.guarded,
    })
    return outcome === 'abort' ? 'abort' : 'next'
  } finally {
    session.variables = variables
    session.database = database
  }
}

function throwError(session: SessionState, statement: Extract<Statement, { kind: 'throw' }>): never {
  if (statement.args.length === 0) {
    if (session.caught === null)
      throw new SqlError(10704, 'To rethrow an error, a THROW statement must be used inside a CATCH block.')
    throw session.caught
  }
  const [number, message] = statement.args
  const code = number === undefined ? 50000 : Number(evaluateAs(session, number, INT))
  throw new SqlError(code, message === undefined ? '' : String(evaluateAs(session, message, NVARCHAR_MAX)), {
    endsBatch: true,
  })
}
