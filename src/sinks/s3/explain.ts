import { type ErrorCode, LifeboatError, messageOf } from '../../core/errors.ts'
import type { S3Location } from './url.ts'

/** What was being done, for messages: `unable to <verb> <noun> '<name>'`. */
export interface Deed {
  readonly verb: string
  readonly noun: 'object' | 'bucket' | 'sink'
  readonly name: string
}

interface Explanation {
  readonly code: ErrorCode
  readonly hint: string
}

/** What S3 and its SDK put on an error; all of it optional, for it may come from a proxy or from the network. */
interface Failure {
  readonly name?: string
  readonly code?: string
  readonly Code?: string
  readonly Region?: string
  readonly $metadata?: { readonly httpStatusCode?: number; readonly attempts?: number }
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> }
}

const NEW_CREDENTIALS = 'Renew them (aws sso login, a new session token) and run the same command again.'

const KNOWN: Readonly<Record<string, Explanation>> = {
  AccessDenied: accessDenied(),
  AllAccessDisabled: denied('The owner of the bucket or AWS itself has closed it: use another bucket.'),
  InvalidAccessKeyId: denied(
    'The access key id is not known there: check which profile or key is used, and that it is active.',
  ),
  SignatureDoesNotMatch: denied(
    'The secret key is not the one of this access key id, or a proxy changes the request: check the credentials.',
  ),
  ExpiredToken: denied(`The session credentials have expired. ${NEW_CREDENTIALS}`),
  TokenRefreshRequired: denied(`The session credentials have expired. ${NEW_CREDENTIALS}`),
  InvalidToken: denied(`The session token is not valid. ${NEW_CREDENTIALS}`),
  CredentialsProviderError: denied(
    'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile in the sink URL (profile=NAME), or run where a role gives credentials.',
  ),
  RequestTimeTooSkewed: denied(
    "This machine's clock is wrong by more than 15 minutes: set it (timedatectl, chronyc makestep).",
  ),
  RequestExpired: denied("This machine's clock is wrong: set it (timedatectl, chronyc makestep)."),
  InvalidObjectState: denied(
    'The object was moved to an archive: bring it back with `aws s3api restore-object`, wait, then run again.',
  ),
  NoSuchBucket: noBucket(),
  NoSuchKey: { code: 'sink-not-found', hint: 'List what there is, and check the prefix in the sink URL.' },
  NotFound: { code: 'sink-not-found', hint: 'List what there is, and check the prefix in the sink URL.' },
  NoSuchUpload: {
    code: 'sink-unavailable',
    hint: 'Somebody aborted the upload: check the lifecycle rules of the bucket and other runs, then run again.',
  },
  PreconditionFailed: existsAlready(),
  ConditionalRequestConflict: {
    code: 'sink-unavailable',
    hint: 'Another run writes the same key: wait for it, then run again.',
  },
  InvalidRange: {
    code: 'integrity',
    hint: 'The stored object is shorter than it must be: use another backup.',
  },
  BadDigest: corrupted(),
  InvalidDigest: corrupted(),
  XAmzContentSHA256Mismatch: corrupted(),
  IncompleteBody: {
    code: 'sink-unavailable',
    hint: 'The connection broke off: check the network, then run again.',
  },
  QuotaExceeded: full(),
  XMinioStorageFull: full(),
  InsufficientCapacity: full(),
  'KMS.DisabledException': kms('Enable the KMS key, or name another with kms-key=.'),
  'KMS.NotFoundException': kms(
    'Check kms-key= in the sink URL: the key must be in the region of the bucket.',
  ),
  'KMS.KMSInvalidStateException': kms(
    'The KMS key is pending deletion or not usable: cancel that, or name another with kms-key=.',
  ),
  'KMS.InvalidKeyUsageException': kms('Name a symmetric key for encryption with kms-key=.'),
}

const NETWORK = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ERR_STREAM_PREMATURE_CLOSE',
])

/** Turns whatever the SDK threw into what an operator can act on. */
export function explainS3Failure(thrown: unknown, deed: Deed, location: S3Location): LifeboatError {
  if (thrown instanceof LifeboatError) return thrown
  const failure = failureOf(thrown)
  const { code, hint } = explanationOf(thrown, failure, deed, location)
  const status = failure.$metadata?.httpStatusCode
  const name = failureName(thrown)
  const text = messageOf(thrown).replace(/\.$/, '')
  const reason =
    text === '' || text === 'UnknownError' ? `${name}, HTTP status ${status}` : `${name}: ${text}`
  return new LifeboatError(code, `unable to ${deed.verb} ${deed.noun} '${deed.name}': ${reason}`, {
    hint,
    cause: thrown,
    details: { s3Error: name, status, attempts: failure.$metadata?.attempts, bucket: location.bucket },
  })
}

/** The code of S3's answer (`NoSuchKey`), or the network's (`ECONNRESET`), also through a LifeboatError of ours. */
export function failureName(thrown: unknown): string {
  const failure = failureOf(thrown)
  const name = failure.Code ?? failure.name ?? ''
  return (name === 'Error' || name === '') && failure.code !== undefined ? failure.code : name
}

export function failureStatus(thrown: unknown): number | undefined {
  return failureOf(thrown).$metadata?.httpStatusCode
}

export function failureAttempts(thrown: unknown): number {
  return failureOf(thrown).$metadata?.attempts ?? 1
}

/** The place doesn't know the call or one of its headers: an S3-compatible. */
export function isNotImplemented(thrown: unknown): boolean {
  const status = failureStatus(thrown)
  return status === 501 || status === 405 || failureName(thrown) === 'NotImplemented'
}

function failureOf(thrown: unknown): Failure {
  const inner = thrown instanceof LifeboatError ? thrown.cause : thrown
  return typeof inner === 'object' && inner !== null ? inner : {}
}

function explanationOf(thrown: unknown, failure: Failure, deed: Deed, location: S3Location): Explanation {
  const name = failureName(thrown)
  const status = failure.$metadata?.httpStatusCode
  const message = messageOf(thrown)
  const region = failure.Region ?? failure.$response?.headers?.['x-amz-bucket-region']
  if (region !== undefined && isWrongRegion(name, status)) {
    return denied(`The bucket is in region ${region}: put region=${region} into the sink URL.`)
  }
  if (isWrongRegion(name, undefined)) {
    return denied(
      'The bucket is in another region: put region=… into the sink URL (`aws s3api get-bucket-location`).',
    )
  }
  if (name === 'AccessDenied' && /kms/i.test(message)) {
    return denied(
      `Let these credentials do kms:GenerateDataKey and kms:Decrypt with ${location.kmsKey ?? "the bucket's KMS key"}, in the key's own policy too.`,
    )
  }
  if (name === 'AccessDenied' && /\bversions?\b/.test(deed.verb)) {
    return denied(
      'Let these credentials do s3:ListBucketVersions and s3:DeleteObjectVersion there; what Object Lock holds stays until its time is over.',
    )
  }
  if (deed.noun === 'bucket' && status === 404) return noBucket()
  const known = KNOWN[name]
  if (known !== undefined) {
    return name.startsWith('KMS.') && location.kmsKey !== undefined
      ? { ...known, hint: `${known.hint} The key asked for is ${location.kmsKey}.` }
      : known
  }
  if (/^region is missing/i.test(message)) {
    return { code: 'config', hint: 'Put region=… into the sink URL, or set AWS_REGION.' }
  }
  if (/^(CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|ERR_TLS)/.test(failure.code ?? '')) {
    return denied(
      'The certificate of the endpoint is not trusted: check the endpoint, or name its CA with tls-ca=FILE in the sink URL.',
    )
  }
  if (failure.code !== undefined && NETWORK.has(failure.code)) {
    return {
      code: 'sink-unavailable',
      hint: `Check the network and the name ${location.endpoint ?? 'of the region'} in the sink URL; another region may answer.`,
    }
  }
  if (status === 507) return full()
  if (status === 412) return existsAlready()
  if (status === 401 || status === 403) return accessDenied()
  if (thrown instanceof TypeError || thrown instanceof RangeError || thrown instanceof ReferenceError) {
    return {
      code: 'internal',
      hint: 'This is a defect of lifeboat: please report it with the command that was run.',
    }
  }
  if (isPassing(name, status)) {
    return {
      code: 'sink-unavailable',
      hint: 'The place is overloaded, failing or does not answer: run again later, or write to a bucket in another region.',
    }
  }
  return {
    code: 'unsupported',
    hint: 'The place refused the request: check the options in the sink URL, and whether this S3-compatible knows them.',
  }
}

function isWrongRegion(name: string, status: number | undefined): boolean {
  return (
    status === 301 ||
    status === 307 ||
    status === 400 ||
    /^(PermanentRedirect|TemporaryRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraintException)$/.test(
      name,
    )
  )
}

function isPassing(name: string, status: number | undefined): boolean {
  if (status === undefined) return /Timeout|Abort|Error$/i.test(name)
  return status >= 500 || status === 408 || status === 429 || status === 409 || status < 300
}

function denied(hint: string): Explanation {
  return { code: 'sink-denied', hint }
}

function accessDenied(): Explanation {
  return denied(
    'Let these credentials do s3:PutObject, s3:GetObject, s3:ListBucket, s3:DeleteObject and s3:AbortMultipartUpload there; look for a Deny in the policies of the bucket, the key and the organisation.',
  )
}

function noBucket(): Explanation {
  return {
    code: 'sink-not-found',
    hint: 'Check the name of the bucket in the sink URL, its region and the endpoint, or create the bucket.',
  }
}

function existsAlready(): Explanation {
  return { code: 'sink-exists', hint: 'Another run was first: list what there is before you run again.' }
}

function corrupted(): Explanation {
  return {
    code: 'integrity',
    hint: 'Bytes changed on the way: look for a proxy or failing hardware between here and the bucket, then run again.',
  }
}

function full(): Explanation {
  return {
    code: 'sink-full',
    hint: 'Make room at the sink (remove old backups, raise the quota), or use another one.',
  }
}

function kms(hint: string): Explanation {
  return denied(hint)
}
