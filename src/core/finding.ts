/** One line of `doctor`, and of the checks before a dump or a restore. A failure stops the run before it starts. */
export interface Finding {
  readonly level: 'ok' | 'warning' | 'failure'
  /** What was looked at, in one or two words: `mysqldump`, `TLS`, `privileges`. */
  readonly topic: string
  /** What was found. May hold names from inside the database: shown to the operator, kept out of the manifest. */
  readonly message: string
  /** What to do about it, in one sentence. */
  readonly hint?: string
  /** The `what` of the manifest's `notCaptured` that says the same without names: a person is told only once. */
  readonly notCaptured?: string
  /** Error code that a failure stands for; `unsupported` where it is left out. */
  readonly code?: import('./errors.ts').ErrorCode
}
