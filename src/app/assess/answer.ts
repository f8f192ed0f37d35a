import { type Fault, faultOf } from '../../core/cloud-fault.ts'
import { LifeboatError } from '../../core/errors.ts'

/**
 * What stood in the way: `dead` is no usable answer at all, from here; `refused` an answer that is none to the question;
 * `not-asked` that something else has to be known first; `no-credentials` that this machine has none to ask with.
 */
export type Obstacle = 'throttled' | 'denied' | 'dead' | 'refused' | 'not-asked' | 'no-credentials'

/** In which way something is dead. */
export type Silence = 'refused' | 'no-answer' | 'name-not-found' | 'cut' | 'server-error' | 'other'

export interface Known<T> {
  readonly known: true
  readonly value: T
  /** Of when it is, where an inventory says it; null for what was just asked. */
  readonly asOf: string | null
}

export interface Unknown {
  readonly known: false
  readonly obstacle: Obstacle
  readonly silence: Silence | null
  /** In a phrase. */
  readonly reason: string
}

export type Answer<T> = Known<T> | Unknown

export function known<T>(value: T, asOf: string | null = null): Known<T> {
  return { known: true, value, asOf }
}

export function unknown(
  obstacle: Obstacle,
  reason: string,
  silence: Silence | null = obstacle === 'dead' ? 'other' : null,
): Unknown {
  return { known: false, obstacle, silence, reason }
}

/** The same of what the answer holds; what is unknown stays so. */
export function mapAnswer<T, U>(answer: Answer<T>, change: (value: T) => U): Answer<U> {
  return answer.known ? known(change(answer.value), answer.asOf) : answer
}

/** What a failed question tells. Throws what is no failure of that kind: a defect. */
export function whyUnknown(thrown: unknown): Unknown {
  if (!(thrown instanceof LifeboatError)) throw thrown
  const fault = faultOf(thrown)
  if (fault === undefined && thrown.code === 'internal') throw thrown
  const reason = thrown.message.replace(/^unable to .*?: /, '')
  const obstacle = fault === undefined ? byCode(thrown) : byFault(fault, thrown)
  return unknown(obstacle, reason, obstacle === 'dead' ? silenceOf(thrown) : null)
}

const BY_FAULT: Readonly<Record<Fault, Obstacle>> = {
  throttled: 'throttled',
  unavailable: 'dead',
  denied: 'denied',
  busy: 'refused',
  'not-found': 'refused',
  exists: 'refused',
  capacity: 'refused',
  quota: 'refused',
  key: 'refused',
  invalid: 'refused',
}

/** Who has no credentials has asked nobody: whether a control plane lives is not known. */
function byFault(fault: Fault, { details }: LifeboatError): Obstacle {
  const code = typeof details?.vendorCode === 'string' ? details.vendorCode : ''
  return fault === 'denied' && code.endsWith('ProviderError') ? 'no-credentials' : BY_FAULT[fault]
}

/** Of what is no control plane: sinks and databases. */
function byCode({ code }: LifeboatError): Obstacle {
  if (code === 'sink-denied') return 'denied'
  return ['sink-unavailable', 'engine-unreachable', 'timed-out'].includes(code) ? 'dead' : 'refused'
}

/** The SDK calls a connection that was cut a `TimeoutError`: only its message says which it was. */
const CUT = /ECONNRESET|EPIPE|socket hang up|IncompleteAnswer|connection was closed/

/** The first that matches what the vendor or the network calls it, or else the message. */
const SILENCES: readonly (readonly [RegExp, Silence])[] = [
  [/ECONNREFUSED/, 'refused'],
  [/ENOTFOUND|EAI_AGAIN|EAI_NODATA/, 'name-not-found'],
  [
    /TimeoutError|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|RequestTimeout|no answer|no credentials within/,
    'no-answer',
  ],
  [/HTTP 5\d\d|HTTP status 5\d\d|Internal|ServiceUnavailable|ServiceFailure|Unavailable/, 'server-error'],
  // A page of a proxy: the SDK looks for what KMS would say in it, and forgets the status.
  [/SyntaxError|parse error|is not valid JSON/, 'server-error'],
]

function silenceOf({ details, message, code }: LifeboatError): Silence {
  if (code === 'timed-out') return 'no-answer'
  if (message.includes('somebody else gave it')) return 'server-error'
  if (CUT.test(message)) return 'cut'
  const vendor = typeof details?.vendorCode === 'string' ? details.vendorCode : ''
  const found =
    SILENCES.find(([pattern]) => pattern.test(vendor)) ?? SILENCES.find(([pattern]) => pattern.test(message))
  return found?.[1] ?? 'other'
}

/** All of them in one list; unknown as soon as one of them is. */
export function together<T>(answers: readonly Answer<readonly T[]>[]): Answer<readonly T[]> {
  const missing = answers.find((answer) => !answer.known)
  if (missing !== undefined && !missing.known) return missing
  return known(answers.flatMap((answer) => (answer.known ? answer.value : [])))
}
