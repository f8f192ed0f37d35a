import { LifeboatError } from '../../core/errors.ts'
import { nearest } from '../../core/nearest.ts'

export type S3Encryption = 'kms' | 's3'
export const CHECKSUM_CHOICES = ['auto', 'crc32', 'crc64nvme', 'sha256', 'off'] as const
export type ChecksumChoice = (typeof CHECKSUM_CHOICES)[number]

/** A bucket, a prefix in it, and how to talk to it. Holds no secrets. */
export interface S3Location {
  readonly bucket: string
  /** Without slashes at its ends; empty for the whole bucket. */
  readonly prefix: string
  readonly region?: string
  /** For S3-compatibles: `https://host:port`. */
  readonly endpoint?: string
  readonly pathStyle?: boolean
  /** PEM file with CAs to trust besides the usual ones: an S3-compatible with a private CA. */
  readonly tlsCa?: string
  /** Unsaid, the bucket's own default encryption holds. */
  readonly sse?: S3Encryption
  readonly kmsKey?: string
  /** Most parts of one upload, where the place allows fewer than S3's 10,000. */
  readonly maxParts?: number
  readonly profile?: string
  readonly storageClass?: string
  readonly checksum?: ChecksumChoice
  /** Whether the place honours If-None-Match; unsaid, AWS does, and elsewhere the first small write finds out. */
  readonly exclusiveCreate?: boolean
}

const OPTIONS = [
  'region',
  'endpoint',
  'path-style',
  'tls-ca',
  'sse',
  'kms-key',
  'max-parts',
  'profile',
  'storage-class',
  'checksum',
  'exclusive-create',
] as const
type OptionName = (typeof OPTIONS)[number]

const S3_MAX_PARTS = 10_000
const EXAMPLE = 'Write it like s3://bucket/prefix?region=eu-central-1.'

/** Throws `usage` with the reason, and the nearest name for an option that there is not. */
export function parseS3SinkUrl(text: string): S3Location {
  const match = /^s3:\/\/([^/?#]*)(\/[^?#]*)?(?:\?([^#]*))?(#.*)?$/.exec(text)
  if (match === null) throw refuse(`'${text}' does not start with s3://`)
  const [, bucket = '', path = '', query = '', fragment] = match
  if (fragment !== undefined) throw refuse("it holds a '#'", "Write a '#' in a prefix as %23.")
  if (bucket.includes('@')) {
    throw refuse(
      'it names a user before the bucket',
      'Take credentials out of the URL: they come from the environment, a profile (profile=NAME) or the machine.',
    )
  }
  if (bucket === '') throw refuse('it names no bucket')
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/.test(bucket)) throw refuse(`'${bucket}' is not a bucket's name`)
  const options = readOptions(query)
  const kmsKey = options.get('kms-key')
  const sse = oneOf(options, 'sse', ['kms', 's3'] as const) ?? (kmsKey === undefined ? undefined : 'kms')
  if (kmsKey !== undefined && sse !== 'kms') throw refuse('kms-key goes with sse=kms only')
  const endpoint = readEndpoint(options.get('endpoint'))
  const tlsCa = options.get('tls-ca')
  if (tlsCa !== undefined && endpoint?.startsWith('http:') === true) {
    throw refuse(
      'tls-ca goes with an https:// endpoint only',
      'Write endpoint=https://…, or take tls-ca out.',
    )
  }
  return {
    bucket,
    prefix: decode(path).replace(/^\/+|\/+$/g, ''),
    ...present({
      region: options.get('region'),
      endpoint,
      pathStyle: flag(options, 'path-style'),
      tlsCa,
      sse,
      kmsKey,
      maxParts: readMaxParts(options.get('max-parts')),
      profile: options.get('profile'),
      storageClass: readStorageClass(options.get('storage-class')),
      checksum: oneOf(options, 'checksum', CHECKSUM_CHOICES),
      exclusiveCreate: flag(options, 'exclusive-create'),
    }),
  }
}

/** The URL that names the place, with all that it takes to reach it: for a command that somebody is to type. */
export function toS3SinkUrl(location: S3Location): string {
  const { bucket, prefix } = location
  const values: Readonly<Record<OptionName, string | number | boolean | undefined>> = {
    region: location.region,
    endpoint: location.endpoint,
    'path-style': location.pathStyle,
    'tls-ca': location.tlsCa,
    sse: location.sse,
    'kms-key': location.kmsKey,
    'max-parts': location.maxParts,
    profile: location.profile,
    'storage-class': location.storageClass,
    checksum: location.checksum,
    'exclusive-create': location.exclusiveCreate,
  }
  const options = OPTIONS.flatMap((name) => {
    const value = values[name]
    return value === undefined ? [] : [`${name}=${encode(String(value))}`]
  })
  const path = prefix === '' ? '' : `/${encode(prefix)}`
  return `s3://${bucket}${path}${options.length === 0 ? '' : `?${options.join('&')}`}`
}

/** Readable where nothing is lost by it. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/%(2F|3A)/g, decodeURIComponent)
}

function readOptions(query: string): Map<OptionName, string> {
  const options = new Map<OptionName, string>()
  for (const [name, value] of new URLSearchParams(query)) {
    if (!isOption(name)) {
      const meant = nearest(name, OPTIONS)
      throw refuse(
        `s3:// has no option '${name}'`,
        `${meant === undefined ? '' : `Did you mean '${meant}'? `}It takes ${OPTIONS.join(', ')}.`,
      )
    }
    if (options.has(name)) throw refuse(`the option '${name}' is given twice`)
    if (value === '') throw refuse(`the option '${name}' has no value`)
    options.set(name, value)
  }
  return options
}

function isOption(name: string): name is OptionName {
  return (OPTIONS as readonly string[]).includes(name)
}

function readEndpoint(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.search !== '') {
    throw refuse(`endpoint=${text} is not an address`, 'Write it like endpoint=https://s3.example.com:9000.')
  }
  return url.href.replace(/\/$/, '')
}

function readMaxParts(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const parts = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (parts < 1 || parts > S3_MAX_PARTS)
    throw refuse(`max-parts=${text} is not between 1 and ${S3_MAX_PARTS}`)
  return parts
}

function readStorageClass(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const storageClass = text.toUpperCase()
  if (storageClass === 'GLACIER' || storageClass === 'DEEP_ARCHIVE') {
    throw refuse(
      `objects of storage-class=${text} take hours to become readable, the manifests among them`,
      'Use GLACIER_IR, or let a lifecycle rule of the bucket move old data there.',
    )
  }
  return storageClass
}

function flag(options: ReadonlyMap<OptionName, string>, name: OptionName): boolean | undefined {
  const value = oneOf(options, name, ['true', 'false'] as const)
  return value === undefined ? undefined : value === 'true'
}

function oneOf<T extends string>(
  options: ReadonlyMap<OptionName, string>,
  name: OptionName,
  choices: readonly T[],
): T | undefined {
  const value = options.get(name)
  if (value === undefined) return undefined
  const choice = choices.find((candidate) => candidate === value)
  if (choice === undefined) throw refuse(`${name}=${value} is not one of ${choices.join(', ')}`)
  return choice
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

function present<T extends object>(values: T): Present<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Present<T>
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw refuse(`'${text}' is not percent-encoded correctly`)
  }
}

function refuse(reason: string, hint: string = EXAMPLE): LifeboatError {
  return new LifeboatError('usage', `unable to read the sink URL: ${reason}`, { hint })
}
