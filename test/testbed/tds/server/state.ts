import type { TdsType, TdsValue } from '../backend.ts'
import type { Faults } from './faults.ts'
import type { Database, Login, Row, TableData } from './model.ts'
import type { RdsState } from './rds-tasks.ts'
import type { ScopeColumn } from './scope.ts'
import { SqlError } from './sql-error.ts'

export interface ServerFacts {
  readonly name: string
  readonly version: string
  readonly edition: string
  readonly engineEdition: number
  readonly collation: string
}

export interface ServerState {
  readonly facts: ServerFacts
  readonly databases: Map<string, Database>
  readonly logins: Map<string, Login>
  readonly sessions: Set<SessionState>
  readonly faults: Faults
  readonly rds: RdsState | null
  readonly started: string
  nextDatabaseId: number
  nextSpid: number
  /** Every statement that was run, for tests that look for one. */
  readonly log: string[]
  /** Woken when a lock is given back. */
  readonly waiting: Set<() => void>
}

export interface Transaction {
  readonly undo: (() => void)[]
  readonly locked: Set<TableData>
  /** What a SNAPSHOT transaction sees. */
  readonly snapshot: Map<TableData, readonly Row[]> | null
  readonly savepoints: Map<string, number>
  /** Of one statement, outside BEGIN TRANSACTION. */
  readonly implicit: boolean
  doomed: boolean
}

export interface Variable {
  readonly type: TdsType
  value: TdsValue
}

export interface SessionState {
  readonly server: ServerState
  readonly spid: number
  readonly login: Login
  readonly application: string
  readonly host: string
  database: Database
  trancount: number
  transaction: Transaction | null
  isolation: string
  xactAbort: boolean
  noCount: boolean
  quotedIdentifier: boolean
  ansiNulls: boolean
  fmtOnly: boolean
  textSize: number
  identityInsert: number | null
  rowcount: number
  lastError: number
  scopeIdentity: bigint | null
  caught: SqlError | null
  variables: Map<string, Variable>
  /** inserted and deleted of the trigger that runs. */
  pseudo: Map<string, { columns: readonly ScopeColumn[]; rows: readonly Row[] }>
  /** Ends what the wire still shows of this session. */
  readonly kill: AbortController
}

export interface ModuleScope {
  readonly variables: Map<string, Variable>
}

export function beginImplicit(session: SessionState): Transaction {
  if (session.transaction !== null) return session.transaction
  session.transaction = newTransaction(true, null)
  return session.transaction
}

export function newTransaction(implicit: boolean, snapshot: Transaction['snapshot']): Transaction {
  return { undo: [], locked: new Set(), snapshot, savepoints: new Map(), implicit, doomed: false }
}

/** Puts `value` (or nothing) at `key`, so that a rollback takes it back. */
export function change<K, V>(session: SessionState, map: Map<K, V>, key: K, value: V | undefined): void {
  const before = map.get(key)
  const had = map.has(key)
  if (value === undefined) map.delete(key)
  else map.set(key, value)
  session.transaction?.undo.push(() => {
    if (had) map.set(key, before as V)
    else map.delete(key)
  })
}

export function undoTo(transaction: Transaction, mark: number): void {
  while (transaction.undo.length > mark) transaction.undo.pop()?.()
}

export function endTransaction(session: SessionState, commit: boolean): void {
  const transaction = session.transaction
  if (transaction === null) return
  if (!commit) undoTo(transaction, 0)
  for (const data of transaction.locked) {
    if (commit && data.pending !== null) data.rows = data.pending.rows
    data.pending = null
  }
  session.transaction = null
  session.trancount = 0
  for (const wake of [...session.server.waiting]) wake()
}

/** The rows that this session may see now: its own, those of its snapshot, or the committed ones. */
export function visibleRows(session: SessionState, data: TableData, dirty = false): readonly Row[] {
  const { transaction } = session
  if (data.pending !== null && (dirty || data.pending.owner === transaction)) return data.pending.rows
  return transaction?.snapshot?.get(data) ?? data.rows
}

/** datetime keeps 1/300 s: two writes never show the same time. */
const TICK_MS = 10

export function writeRows(session: SessionState, data: TableData, rows: readonly Row[]): void {
  const transaction = beginImplicit(session)
  const before = data.pending
  const visibleBefore = before?.rows ?? data.rows
  if (before !== null && before.owner !== transaction) throw new Error('rows written without their lock')
  data.pending = { owner: transaction, rows }
  if (rows !== visibleBefore) data.lastWrite = Math.max(Date.now(), (data.lastWrite ?? 0) + TICK_MS)
  transaction.locked.add(data)
  transaction.undo.push(() => {
    data.pending = before
  })
}

const LOCK_TIMEOUT_MS = 15_000

/** Waits until no other transaction is writing the table. */
export async function lockTable(session: SessionState, data: TableData, signal: AbortSignal): Promise<void> {
  const transaction = beginImplicit(session)
  const end = Date.now() + LOCK_TIMEOUT_MS
  while (data.pending !== null && data.pending.owner !== transaction) {
    signal.throwIfAborted()
    if (Date.now() > end) throw new SqlError(1222, 'Lock request time out period exceeded.')
    await new Promise<void>((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        session.server.waiting.delete(wake)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      const timer = setTimeout(wake, 500)
      session.server.waiting.add(wake)
      signal.addEventListener('abort', wake)
    })
  }
  if (data.pending === null) writeRows(session, data, visibleRows(session, data))
}
