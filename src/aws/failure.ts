/** What the SDK puts on an error; all of it optional, for it may come from a proxy or from the network. */
interface Failure {
  readonly name?: string
  readonly code?: string
  readonly Code?: string
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string }
}

export function failureOf(thrown: unknown): Failure {
  return typeof thrown === 'object' && thrown !== null ? thrown : {}
}

/** The last two are Node's, of several addresses and of sockets. */
const SAYS_NOTHING = new Set(['UnknownError', 'Unknown', 'AggregateError', 'Error'])

/** The vendor's name for it (`DBInstanceNotFoundFault`), or the network's (`ECONNRESET`). */
export function vendorCode(thrown: unknown): string {
  const { name, code, Code } = failureOf(thrown)
  if (name !== undefined && !SAYS_NOTHING.has(name)) return name
  const status = httpStatus(thrown)
  return Code ?? code ?? (status === undefined ? (name ?? 'Unknown') : `HTTP ${status}`)
}

export function httpStatus(thrown: unknown): number | undefined {
  return failureOf(thrown).$metadata?.httpStatusCode
}

const EXPIRED = new Set(['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired', 'RequestExpired'])

/** Refused for credentials that were good once: others may be there by now. */
export function hasExpired(thrown: unknown): boolean {
  return EXPIRED.has(vendorCode(thrown))
}
