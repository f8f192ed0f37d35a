/** What keeps applications out of a server, looked at and not done. */
export interface FencePlan {
  /** Stock program that takes the statements by hand. */
  readonly client: GateClient
  /** In order; what is so already is not among them. */
  readonly statements: readonly string[]
  /** Each lifts one of the statements, in the order in which they must be lifted. */
  readonly undo: readonly string[]
  /** By hand: ends the sessions of others, or prints a statement for each that does. */
  readonly sessions: string
  /** What no statement of this account can keep out, and what does not outlast a restart: whole sentences. */
  readonly limits: readonly string[]
}

export type GateClient = 'mysql' | 'psql' | 'sqlcmd' | 'sqlplus'

/** Of all that a fence could have done to a server, what stands and what does not, each in the words of `undo`. */
export interface LiftPlan {
  /** Statements that would lift something now, whoever has put it there. */
  readonly standing: readonly string[]
  /** Statements that would change nothing: what they are about is there, and not fenced. */
  readonly lifted: readonly string[]
}

/** Whether applications may write to a server, and the means to stop them and to let them in again. */
export interface Gate {
  /** Could an application write now? The account that asks does not count. */
  writable(signal: AbortSignal): Promise<'writable' | 'read-only'>
  planFence(signal: AbortSignal): Promise<FencePlan>
  /** Carries out just these as far as the account may, then ends the sessions of others. Safe to repeat. */
  fence(
    statements: readonly string[],
    signal: AbortSignal,
  ): Promise<{ readonly done: readonly string[]; readonly failed: readonly string[] }>
  planUnfence(signal: AbortSignal): Promise<LiftPlan>
  unfence(undo: readonly string[], signal: AbortSignal): Promise<void>
  /** Makes a scratch table, writes into it, reads it back, and removes it. */
  tryWrite(signal: AbortSignal): Promise<void>
}
