import { type TdsBackend, type TdsEvent, TdsLoginError, type TdsSession } from '../backend.ts'
import { bulkInsert } from './execute-bulk.ts'
import { createFaults, type Faults, faultError, faultFor } from './faults.ts'
import { newDatabase, nowText, OPTIONS } from './new-database.ts'
import { asSqlError, errorEvent } from './outgoing.ts'
import { parseBatch } from './parse-batch.ts'
import { canEnter } from './permissions.ts'
import { installRds } from './rds-procedures.ts'
import { type BackupStorage, newRdsState } from './rds-tasks.ts'
import { runRpc } from './run-rpc.ts'
import { runTransaction } from './run-transaction.ts'
import { runBatch } from './session.ts'
import { SqlError } from './sql-error.ts'
import { endTransaction, type ServerFacts, type ServerState, type SessionState } from './state.ts'

export interface BackendOptions {
  readonly password: string
  readonly facts?: Partial<ServerFacts>
  /** With it, msdb has the procedures of the option group SQLSERVER_BACKUP_RESTORE. */
  readonly storage?: BackupStorage
}

export interface SqlServerBackend extends TdsBackend {
  readonly state: ServerState
  readonly faults: Faults
  /** Ends every session, as a restart does. */
  killSessions(): void
}

const FACTS: ServerFacts = {
  name: 'lifeboat-test',
  version: '16.0.4105.2',
  edition: 'Developer Edition (64-bit)',
  engineEdition: 3,
  collation: 'SQL_Latin1_General_CP1_CI_AS',
}

/** A small, strict SQL Server in memory: what it doesn't know it refuses with the server's own error. */
export function createSqlServerBackend(options: BackendOptions): SqlServerBackend {
  const faults = createFaults()
  const facts = { ...FACTS, ...options.facts }
  const state: ServerState = {
    facts,
    databases: new Map(
      ['master', 'tempdb', 'model', 'msdb'].map((name, at) => [
        name,
        newDatabase(at + 1, name, 'sa', { ...OPTIONS, collation: facts.collation, recovery: 'SIMPLE' }),
      ]),
    ),
    logins: new Map([
      [
        'sa',
        {
          name: 'sa',
          password: options.password,
          sid: '01',
          id: 1,
          sysadmin: true,
          serverRoles: ['sysadmin'],
        },
      ],
    ]),
    sessions: new Set(),
    faults,
    started: nowText(),
    nextDatabaseId: 4,
    nextSpid: 50,
    log: [],
    waiting: new Set(),
    rds: options.storage === undefined ? null : newRdsState(options.storage),
  }
  if (state.rds !== null) installRds(state.databases.get('msdb') as SessionState['database'])
  return {
    state,
    faults,
    killSessions() {
      for (const session of state.sessions) session.kill.abort()
    },
    async login(login) {
      if (faults.refuseLogins !== null)
        throw new TdsLoginError(faults.refuseLogins.number, faults.refuseLogins.message)
      const known = state.logins.get(login.user.toLowerCase())
      if (known === undefined || known.password !== login.password)
        throw new TdsLoginError(18456, `Login failed for user '${login.user}'.`)
      if (known.disabled === true)
        throw new TdsLoginError(
          18470,
          `Login failed for user '${login.user}'. Reason: The account is disabled.`,
        )
      const database = state.databases.get((login.database === '' ? 'master' : login.database).toLowerCase())
      state.nextSpid += 1
      const session: SessionState = {
        server: state,
        spid: state.nextSpid,
        login: known,
        application: login.application,
        host: login.host,
        database: state.databases.get('master') as SessionState['database'],
        trancount: 0,
        transaction: null,
        isolation: 'READ COMMITTED',
        xactAbort: false,
        noCount: false,
        quotedIdentifier: true,
        ansiNulls: true,
        fmtOnly: false,
        textSize: 2147483647,
        identityInsert: null,
        rowcount: 0,
        lastError: 0,
        scopeIdentity: null,
        caught: null,
        variables: new Map(),
        pseudo: new Map(),
        kill: new AbortController(),
      }
      if (
        database === undefined ||
        !canEnter(session, database) ||
        database.options.get('options')?.state !== 'ONLINE'
      )
        throw new TdsLoginError(
          4060,
          `Cannot open database "${login.database}" requested by the login. The login failed.`,
        )
      session.database = database
      state.sessions.add(session)
      return openSession(session)
    },
  }
}

function openSession(session: SessionState): TdsSession {
  const prepared = new Map<number, { sql: string; declarations: string }>()
  return {
    get database() {
      return session.database.name
    },
    async *batch(sql, signal) {
      const either = AbortSignal.any([signal, session.kill.signal])
      session.variables = new Map()
      yield* cut(session, runBatch(session, sql, either))
    },
    async *rpc(name, parameters, signal) {
      const either = AbortSignal.any([signal, session.kill.signal])
      yield* cut(session, runRpc(session, name, parameters, either, prepared))
    },
    async *bulk(sql, columns, rows, signal) {
      const either = AbortSignal.any([signal, session.kill.signal])
      yield* cut(session, runBulk(session, sql, columns, rows, either))
    },
    async transaction(request, details) {
      if (request === 'begin' && details.isolation !== undefined)
        session.isolation = details.isolation.toUpperCase().replaceAll('_', ' ')
      runTransaction(session, {
        action: request,
        name: request === 'save' || request === 'rollback' ? details.name : undefined,
      })
    },
    close() {
      endTransaction(session, false)
      session.server.sessions.delete(session)
      const tempdb = session.server.databases.get('tempdb')
      for (const object of [...(tempdb?.objects.values() ?? [])])
        if (object.name.endsWith(`___${session.spid}`)) tempdb?.objects.delete(object.id)
    },
  }
}

/** A killed session's connection ends; so does one whose client went away. */
async function* cut(session: SessionState, events: AsyncIterable<TdsEvent>): AsyncGenerator<TdsEvent> {
  if (session.kill.signal.aborted) {
    yield { kind: 'disconnect' }
    return
  }
  try {
    yield* events
  } catch (thrown) {
    if (!session.kill.signal.aborted) throw thrown
    yield { kind: 'disconnect' }
  }
}

async function* runBulk(
  session: SessionState,
  sql: string,
  columns: Parameters<TdsSession['bulk']>[1],
  rows: Parameters<TdsSession['bulk']>[2],
  signal: AbortSignal,
): AsyncGenerator<TdsEvent> {
  const fault = faultFor(session.server.faults, `rows of ${sql}`)
  try {
    const [statement] = parseBatch(sql, session.quotedIdentifier)
    if (statement?.kind !== 'insert-bulk') throw new SqlError(50999, 'A bulk load without its INSERT BULK.')
    const explicit = session.trancount > 0
    const mark = session.transaction?.undo.length ?? 0
    let taken = 0
    const watched = async function* () {
      for await (const row of rows) {
        signal.throwIfAborted()
        if (fault !== undefined && taken === (fault.afterRows ?? 0)) {
          fault.onHit?.()
          const error = faultError(fault)
          if (error !== undefined) throw error
          throw new BulkCut(fault.stall === true ? 'stall' : 'disconnect')
        }
        taken += 1
        yield row
      }
    }
    try {
      const count = await bulkInsert(session, statement, columns, watched(), signal)
      if (!explicit) endTransaction(session, true)
      session.rowcount = count
      yield { kind: 'done', rows: count }
    } catch (thrown) {
      if (!explicit) endTransaction(session, false)
      else if (session.transaction !== null) {
        while (session.transaction.undo.length > mark) session.transaction.undo.pop()?.()
        if (session.xactAbort) endTransaction(session, false)
      }
      throw thrown
    }
  } catch (thrown) {
    if (thrown instanceof BulkCut) {
      yield { kind: thrown.how }
      return
    }
    yield errorEvent(session, asSqlError(thrown), undefined)
  }
}

class BulkCut extends Error {
  readonly how: 'stall' | 'disconnect'
  constructor(how: 'stall' | 'disconnect') {
    super(how)
    this.how = how
  }
}
