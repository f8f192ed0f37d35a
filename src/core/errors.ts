/**
 * Every failure that a person can cause or mend has a code; the code decides the exit status and whether the
 * same call may be tried again. docs/errors.md lists them for operators.
 */
export const ERROR_CODES = {
  internal: { exit: 1, retryable: false },
  usage: { exit: 2, retryable: false },
  config: { exit: 3, retryable: false },
  'tool-missing': { exit: 10, retryable: false },
  'tool-failed': { exit: 11, retryable: false },
  'engine-unreachable': { exit: 12, retryable: true },
  unsupported: { exit: 13, retryable: false },
  'source-protected': { exit: 14, retryable: false },
  'sink-denied': { exit: 20, retryable: false },
  'sink-not-found': { exit: 21, retryable: false },
  'sink-unavailable': { exit: 22, retryable: true },
  'sink-full': { exit: 22, retryable: false },
  'sink-exists': { exit: 23, retryable: false },
  'key-unusable': { exit: 30, retryable: false },
  integrity: { exit: 31, retryable: false },
  'too-old': { exit: 31, retryable: false },
  signature: { exit: 32, retryable: false },
  locked: { exit: 40, retryable: true },
  'confirmation-required': { exit: 41, retryable: false },
  'step-failed': { exit: 42, retryable: false },
  'timed-out': { exit: 43, retryable: true },
  policy: { exit: 44, retryable: false },
  interrupted: { exit: 130, retryable: false },
  terminated: { exit: 143, retryable: false },
} as const satisfies Record<string, { readonly exit: number; readonly retryable: boolean }>

export type ErrorCode = keyof typeof ERROR_CODES

export interface LifeboatErrorOptions {
  /** One sentence that says what to do now. Always shown to the operator. */
  readonly hint?: string | undefined
  readonly cause?: unknown
  /** Facts for machines (`--json`): names and numbers, never secrets. */
  readonly details?: Readonly<Record<string, unknown>> | undefined
}

/** Message form: `unable to <verb> <noun> '<name>': <reason>`, lower case, no full stop. */
export class LifeboatError extends Error {
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly details: Readonly<Record<string, unknown>> | undefined

  constructor(code: ErrorCode, message: string, options: LifeboatErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'LifeboatError'
    this.code = code
    this.hint = options.hint
    this.details = options.details
  }

  get exitCode(): number {
    return ERROR_CODES[this.code].exit
  }

  get retryable(): boolean {
    return ERROR_CODES[this.code].retryable
  }
}

/** What was thrown, as a LifeboatError: anything unknown is a defect of ours and says so. */
export function toLifeboatError(thrown: unknown): LifeboatError {
  if (thrown instanceof LifeboatError) return thrown
  if (thrown instanceof Error && thrown.name === 'AbortError') {
    if (thrown.cause instanceof LifeboatError) return thrown.cause
    return new LifeboatError('interrupted', 'the run was interrupted', { cause: thrown })
  }
  return new LifeboatError('internal', `unexpected error: ${messageOf(thrown)}`, {
    hint: 'This is a defect of lifeboat: please report it with the command that was run.',
    cause: thrown,
  })
}

export function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  if (thrown.message !== '') return thrown.message
  // Node's AggregateError of several refused addresses has no message of its own.
  if (thrown instanceof AggregateError) return thrown.errors.map(messageOf).join('; ')
  return 'code' in thrown ? String(thrown.code) : thrown.name
}

/** Why a signal was aborted, as the error to throw: abort reasons of ours are LifeboatErrors already. */
export function abortReason(signal: AbortSignal): LifeboatError {
  if (signal.reason instanceof LifeboatError) return signal.reason
  // AbortSignal.timeout() has a reason of its own.
  if (signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError') {
    return new LifeboatError('timed-out', 'the time for it is up', { cause: signal.reason })
  }
  return new LifeboatError('interrupted', 'the run was interrupted', { cause: signal.reason })
}

export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw abortReason(signal)
}
