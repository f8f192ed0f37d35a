/** What keeps applications out of a server, looked at and not done. */
export interface FencePlan {
  /** In order; what is so already is not among them. */
  readonly statements: readonly string[]
  /** Each lifts one of the statements, in the order in which they must be lifted. */
  readonly undo: readonly string[]
  /** What no statement of this account can keep out, and what does not outlast a restart: whole sentences. */
  readonly limits: readonly string[]
}

/** Whether applications may write to a server, and the means to stop them and to let them in again. */
export interface Gate {
  /** Could an application write now? The account that asks does not count. */
  writable(signal: AbortSignal): Promise<'writable' | 'read-only'>
  planFence(signal: AbortSignal): Promise<FencePlan>
  /** Carries out the plan as far as the account may, then ends the sessions of others. Safe to repeat. */
  fence(
    signal: AbortSignal,
  ): Promise<{ readonly done: readonly string[]; readonly failed: readonly string[] }>
  unfence(undo: readonly string[], signal: AbortSignal): Promise<void>
  /** Makes a scratch table, writes into it, reads it back, and removes it. */
  tryWrite(signal: AbortSignal): Promise<void>
}
