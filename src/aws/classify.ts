import type { Fault } from '../core/cloud-fault.ts'
import { IncompleteAnswer } from './answer.ts'
import { failureOf, httpStatus, vendorCode } from './failure.ts'

/** The first that matches the vendor's name counts: 503 SlowDown is throttled, EC2's lack of capacity comes as a 500. */
const BY_NAME: readonly (readonly [RegExp, Fault])[] = [
  [
    /^(Throttl|RequestThrottled|RequestLimitExceeded|SlowDown|TooManyRequests|BandwidthLimitExceeded|ProvisionedThroughputExceeded|EC2Throttled)/,
    'throttled',
  ],
  [/^(KMSKeyNotAccessible|KMSInvalidState|KmsKey|KmsAccessDenied|KeyUnavailable|InvalidKeyUsage)/, 'key'],
  [/^DisabledException$/, 'key'],
  [
    /^(AccessDenied|Unauthorized|NotAuthorized|AuthFailure|InvalidClientTokenId|UnrecognizedClient|ExpiredToken|TokenRefreshRequired|RequestExpired|SignatureDoesNotMatch|InvalidSignature|IncompleteSignature|MissingAuthenticationToken|InvalidAccessKeyId|RequestTimeTooSkewed|OptInRequired|SubscriptionRequired|RegionDisabled|PendingVerification|Blocked|Forbidden|CredentialsProviderError|TokenProviderError|ProviderError)/,
    'denied',
  ],
  [
    /^(Insufficient.*Capacity|InsufficientAvailableIPs|InsufficientFreeAddresses|StorageTypeNotAvailable)/,
    'capacity',
  ],
  [/^ProvisionedIopsNotAvailableInAZ/, 'capacity'],
  [/QuotaExceeded|Limits?Exceeded|LimitReached|^TooMany/, 'quota'],
  [/AlreadyExist|AlreadyInUse|\.Duplicate$|NameInUse/, 'exists'],
  [/^(NoSuch|InvalidChangeId)|NotFound(Fault|Exception)?$|^HostedZoneNotFound/, 'not-found'],
  [
    /^(PriorRequestNotComplete|ConcurrentModification|ConflictException|DBInstanceNotReady|IncorrectState|OperationNotPermittedNow|EntityTemporarilyUnmodifiable|ResourceInUse)/,
    'busy',
  ],
  [
    /^(InternalFailure|InternalError|InternalServerError|ServiceFailure|ServiceUnavailable|Unavailable$|RequestTimeout|KMSInternal|DependencyTimeout|InternalServiceFault)/,
    'unavailable',
  ],
]

/** `InvalidDBInstanceStateFault` says by its words only whether the state ends by itself. */
const STATE = /^Invalid\w*State(Fault|Exception)?$/
const LASTING_STATE =
  /not a read replica|isn't a read replica|deletion protection|\b(stopped|failed|incompatible-[a-z-]+|inaccessible-encryption-credentials(-recoverable)?|storage-full|restore-error|insufficient-capacity|disabled)\b|not supported|must be an?\b|is not an?\b|already (a|the) (primary|writer)|has (read replicas|members|instances)|still (has|contains)|cannot be deleted/i

const NETWORK = /^(E[A-Z_]{3,}|ERR_[A-Z_]+|[A-Z_]*CERT[A-Z_]*|UNABLE_TO_[A-Z_]+|TimeoutError|HPE_[A-Z_]+)$/

/** Undefined for what is no failed call at all: a defect of ours. */
export function classify(thrown: unknown): Fault | undefined {
  const name = vendorCode(thrown)
  const status = httpStatus(thrown)
  const message = thrown instanceof Error ? thrown.message : ''
  if (thrown instanceof IncompleteAnswer) return 'unavailable'
  if (name === 'InvalidChangeBatch') return onlySaysExisting(thrown) ? 'exists' : 'invalid'
  // RDS has no name of its own for `Invalid KMS key`.
  if (/^InvalidParameter/.test(name) && /kms/i.test(message)) return 'key'
  // A subnet group that lost its zones doesn't get them back by waiting.
  if (/^InvalidVPCNetworkState/.test(name)) return 'invalid'
  if (STATE.test(name)) return LASTING_STATE.test(message) ? 'invalid' : 'busy'
  const named = BY_NAME.find(([pattern]) => pattern.test(name))
  if (named !== undefined) return named[1]
  if (NETWORK.test(name) || NETWORK.test(failureOf(thrown).code ?? '')) return 'unavailable'
  if (status === undefined) return undefined
  if (status === 429) return 'throttled'
  if (status === 401 || status === 403) return 'denied'
  // Of what came as a success but can't be read nobody knows whether it was carried out.
  if (status >= 500 || status < 400 || status === 408) return 'unavailable'
  return 'invalid'
}

/** Route 53 answers with one sentence for each change that it refuses. */
function onlySaysExisting(thrown: unknown): boolean {
  const { messages } = thrown as { messages?: readonly string[] }
  const said = messages ?? (thrown instanceof Error ? thrown.message.split(/(?<=\]),\s*|\],\s*\[/) : [])
  return said.length > 0 && said.every((text) => /already exists/.test(text) && !/not found/.test(text))
}
