import type { AccountList } from '../../core/accounts.ts'
import type { FencePlan, LiftPlan } from '../../core/gate.ts'
import type { Endpoint } from './rds.ts'

/** How far a connection came; each rung only where the one before held. */
export interface DatabaseLook {
  readonly addresses: readonly string[]
  readonly rungs: readonly {
    readonly rung: 'dns' | 'tcp' | 'tls' | 'login' | 'read' | 'write'
    readonly outcome: 'ok' | 'failed' | 'skipped'
    readonly reason?: string
    readonly tookMs: number
  }[]
}

export interface NotLookedAt {
  readonly unknown: string
  /** Nobody could with what was given: no account, or no means for such a database. */
  readonly never?: true
}

/**
 * The database itself, over its own protocol: no control plane is asked, and it answers where that is dead. Which account
 * logs in is the adapter's: the operator gave it. Without one, whatever needs a login is `unknown` or `skipped`.
 */
export interface DatabasePort {
  /** Writes, where asked to, into a scratch table of its own, and removes it. */
  look(endpoint: Endpoint, write: boolean, signal: AbortSignal): Promise<DatabaseLook>
  /** Could an application write there now? `unknown` where it answers but nobody could log in to ask. */
  writable(
    endpoint: Endpoint,
    signal: AbortSignal,
  ): Promise<'writable' | 'read-only' | 'unreachable' | 'unknown'>
  /** Just these statements, then sessions are ended: what of it could be done. Safe to repeat. */
  fence(
    endpoint: Endpoint,
    statements: readonly string[],
    signal: AbortSignal,
  ): Promise<{ readonly done: readonly string[]; readonly failed: readonly string[] }>
  /** Accounts to lock, read-only to set, and what lifts each. Undefined where nobody could log in. */
  planFence(endpoint: Endpoint, signal: AbortSignal): Promise<FencePlan | undefined>
  /** What of fences stands there, whoever has put it up. Undefined where nobody could log in. */
  planUnfence(endpoint: Endpoint, signal: AbortSignal): Promise<LiftPlan | undefined>
  unfence(endpoint: Endpoint, undo: readonly string[], signal: AbortSignal): Promise<void>
  /** First column of the first row of the operator's own query. */
  newest(endpoint: Endpoint, query: string, signal: AbortSignal): Promise<string | undefined>
  /** Who may do what there; or why nobody could look. Throws for nothing but a call that may be tried again. */
  accounts(endpoint: Endpoint, signal: AbortSignal): Promise<AccountList | NotLookedAt>
}
