import { cloudFault, type Fault } from '../core/cloud-fault.ts'
import { type LifeboatError, messageOf } from '../core/errors.ts'
import { classify } from './classify.ts'
import { failureOf, hasExpired, httpStatus, vendorCode } from './failure.ts'

/** What a call is for. */
export interface Deed {
  /** As IAM names it: `rds:CopyDBSnapshot`. */
  readonly operation: string
  /** `copy snapshot 'x' to eu-central-1`. */
  readonly to: string
}

/** Where, and with whose credentials. */
export interface Asked {
  readonly region: string
  readonly profile?: string | undefined
}

const HINTS: Readonly<Record<Fault, string>> = {
  throttled:
    'AWS takes fewer calls of this account than come: wait a minute, then run the same command again.',
  unavailable:
    'This control plane gives no usable answer: try again in a minute, and take a way out that does not need it if it stays so.',
  busy: 'Something else is under way there: wait for it to end, then run the same command again.',
  denied: 'Let the caller do this: --print-policy prints the least policy, and the key policy must agree.',
  'not-found': 'Check name, account and region: there is none such here.',
  exists:
    'Look whose it is: an earlier run of yours is continued, a stranger of the same name must be renamed.',
  capacity: 'AWS has no room for this class in this zone now: name other classes or zones.',
  quota:
    'Delete what is not needed, or have the quota raised (Service Quotas), then run the same command again.',
  key: 'Look at the key: it must be enabled, symmetric, customer-managed, of this region, and its policy must let RDS and the caller use it.',
  invalid: 'What was asked for can not be had there as it is: mend what the reason names, then run again.',
}

const CREDENTIALS_HINT =
  'Renew the credentials (aws sso login, a new session token), or name a profile that has some, then run again.'
const CLOCK_HINT =
  "Set this machine's clock (timedatectl, chronyc makestep): AWS refuses requests that are off by minutes."

/** Turns whatever the SDK threw into a fault of the control plane; a defect of ours stays what it is. */
export function explain(thrown: unknown, deed: Deed, { region, profile }: Asked): unknown {
  const fault = classify(thrown)
  if (fault === undefined) return thrown
  const code = vendorCode(thrown)
  const { requestId } = failureOf(thrown).$metadata ?? {}
  // No cause: the SDK's error holds the request, and with it the credentials' signature and token.
  return cloudFault(
    fault,
    `unable to ${deed.to}: ${reasonOf(thrown, code, profile)}`,
    {
      operation: deed.operation,
      region,
      vendorCode: code,
      ...(requestId === undefined ? {} : { requestId }),
    },
    { hint: hintOf(thrown, code, fault) },
  )
}

export function noAnswer(deed: Deed, region: string, what: string, timeoutMs: number): LifeboatError {
  return cloudFault(
    'unavailable',
    `unable to ${deed.to}: no ${what} within ${timeoutMs / 1000} s`,
    { operation: deed.operation, region, vendorCode: 'TimeoutError' },
    { hint: HINTS.unavailable },
  )
}

function hintOf(thrown: unknown, code: string, fault: Fault): string {
  if (hasExpired(thrown) || isAboutCredentials(code)) return CREDENTIALS_HINT
  if (/Skewed/.test(code)) return CLOCK_HINT
  return HINTS[fault]
}

function isAboutCredentials(code: string): boolean {
  return /^(\w*ProviderError|InvalidClientTokenId|UnrecognizedClient\w*|InvalidAccessKeyId|AuthFailure)$/.test(
    code,
  )
}

const MOST_CHARACTERS = 400

/** AWS's own words, without what echoes the request: a canonical string has the session token in it. */
function reasonOf(thrown: unknown, code: string, profile: string | undefined): string {
  if (/^\w*ProviderError$/.test(code)) return `no usable credentials${whichNot(messageOf(thrown), profile)}`
  const text = messageOf(thrown)
    .split(/The Canonical String|Encoded authorization failure message|\n {2}Deserialization error/)[0]
    ?.replace(/(X-Amz-(?:Signature|Security-Token|Credential))([=:])[^&\s]+/gi, '$1$2[redacted]')
    .replace(/\S{200,}/g, '[cut]')
    .replace(/^@[\w/-]+ - (\[ERROR\] )?/, '')
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/\.$/, '')
    .slice(0, MOST_CHARACTERS)
  const status = httpStatus(thrown)
  if (text === undefined || text === '' || text === 'UnknownError' || text === code) {
    return status === undefined || code.startsWith('HTTP') ? code : `${code}, HTTP status ${status}`
  }
  return text.includes(code) ? text : `${code}: ${text}`
}

/** A helper's whole output may be in the message: nothing of it is passed on. */
function whichNot(message: string, profile: string | undefined): string {
  const of = profile === undefined ? '' : ` in profile '${profile}'`
  return /expired|sso login/i.test(message) ? `${of}: the session has expired` : of
}
