import { ConnectionError } from 'tedious'
import { type ErrorCode, LifeboatError, messageOf } from '../../core/errors.ts'
import { redact, type Secret } from '../../core/secret.ts'
import type { ServerAddress } from './server-address.ts'

/** Why no session came about. */
export function connectionError(
  thrown: unknown,
  { host, address, port }: ServerAddress,
  database: string,
  secrets: readonly Secret[],
): LifeboatError {
  const at = address === host ? `${host}:${port}` : `${host} (${address}:${port})`
  const reason = redact(connectReason(thrown), secrets)
  return new LifeboatError(
    'engine-unreachable',
    `unable to connect to database '${database}' at ${at}: ${reason}`,
    { hint: connectionHint(thrown, reason), cause: thrown, details: detailsOf(thrown) },
  )
}

/** Without the driver's advice on settings of its own, which nobody has here; with what the network said. */
function connectReason(thrown: unknown): string {
  if (driverCodeOf(thrown) === 'EENCRYPT') {
    return requiresEncryption(messageOf(thrown))
      ? 'the server requires encryption'
      : 'the server offers no TLS'
  }
  const refused = thrown instanceof Error ? thrown.cause : undefined
  // "Could not connect (sequence)" of one address or several.
  if (refused instanceof AggregateError) return reasonOf(refused)
  return reasonOf(thrown)
    .replace(/^Failed to connect to \S+ - /, '')
    .replace(/; if the root CA is .*$/s, '')
}

const requiresEncryption = (reason: string) => /requires encryption/i.test(reason)

function connectionHint(thrown: unknown, reason: string): string {
  const code = driverCodeOf(thrown)
  switch (sqlNumberOf(thrown)) {
    case 18456:
    case 18452:
      return 'Check the user and the password (--password env:NAME, file:PATH or prompt:), and that the server allows SQL logins.'
    case 4060:
    case 4064:
    case 916:
      return 'Check the name of the database in the URL, that it is online, and that the login has a user in it.'
    case 18470:
    case 18486:
    case 18487:
    case 18488:
      return 'The login is disabled, locked or expired: have it enabled with ALTER LOGIN, or use another one.'
    case 17809:
      return 'The server has no connection left: end idle sessions, then run again.'
    default:
  }
  if (code === 'EENCRYPT') {
    return requiresEncryption(reason)
      ? 'The server takes no plain connection: leave out tls=disable.'
      : 'Turn TLS on at the server; only if the network between is trusted, add tls=disable to the URL.'
  }
  if (/certificate|self.signed|altnames|CERT_|issuer/i.test(reason)) {
    return 'The certificate does not prove that this is the host in the URL: give its CA as tls-ca=/path, and the name it is made for as the host (connect= names another address to dial).'
  }
  if (/unexpected end of message stream|unrecognised|unexpected packet/i.test(reason)) {
    return 'What answers there may not be SQL Server: check host and port, and that the scheme of the URL is meant.'
  }
  return 'Check host and port, that the server runs, and that firewalls and security groups let this machine through.'
}

/** What the server says of a batch, or that it says nothing any more. The batch itself is not repeated at length. */
export function queryError(thrown: unknown, database: string, sql: string): LifeboatError {
  if (isLost(thrown)) {
    return new LifeboatError(
      'engine-unreachable',
      `unable to go on with database '${database}': ${reasonOf(thrown)}`,
      { hint: 'The connection was lost: check that the server is up and run again.', cause: thrown },
    )
  }
  const number = sqlNumberOf(thrown)
  const kind = KINDS.find(({ numbers }) => number !== undefined && numbers.includes(number))
  const named = number === undefined ? '' : ` (error ${number})`
  return new LifeboatError(
    kind?.code ?? 'tool-failed',
    `unable to run '${excerpt(sql)}' in database '${database}': ${reasonOf(thrown)}${named}`,
    {
      hint: kind?.hint ?? 'Read the reason above, mend it at the server and run again.',
      cause: thrown,
      details: detailsOf(thrown),
    },
  )
}

/** Numbers of sys.messages that have more to say than "it failed". */
const KINDS: readonly {
  readonly code: ErrorCode
  readonly numbers: readonly number[]
  readonly hint: string
}[] = [
  {
    code: 'unsupported',
    numbers: [229, 230, 262, 297, 300, 371, 378, 916, 1088, 3701, 5011, 15151, 15247],
    hint: 'Connect as a login with the permission that is named; docs/engines/sqlserver.md lists the grants.',
  },
  {
    code: 'locked',
    numbers: [1205, 1222],
    hint: 'Somebody holds a lock on it: end that session or wait, or allow more time with lock-wait-ms=.',
  },
  {
    code: 'tool-failed',
    numbers: [1101, 1105, 3257, 3958, 3966, 3967, 9002],
    hint: 'The server ran out of space for data, log or tempdb: give it more and run again.',
  },
  {
    code: 'tool-failed',
    numbers: [3961],
    hint: 'Somebody changed the definition of a table while it was dumped: run again.',
  },
  {
    code: 'unsupported',
    numbers: [3952, 3957],
    hint: 'Run ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON, or leave out snapshot=require.',
  },
]

/** The number in sys.messages of the first error that the server gave: 208 is a missing object, 207 a missing column. */
export function sqlNumberOf(thrown: unknown): number | undefined {
  if (thrown instanceof LifeboatError) return sqlNumberOf(thrown.cause)
  if (thrown instanceof AggregateError) {
    return thrown.errors.map(sqlNumberOf).find((number) => number !== undefined)
  }
  if (!(thrown instanceof Error) || !('number' in thrown)) return undefined
  return typeof thrown.number === 'number' ? thrown.number : undefined
}

/** Several errors of one batch belong together: the first says why, the last often only that. */
function reasonOf(thrown: unknown): string {
  if (thrown instanceof AggregateError) return thrown.errors.map(reasonOf).join('; ')
  return messageOf(thrown).trim().replace(/\.$/, '')
}

function detailsOf(
  thrown: unknown,
): { readonly details: { readonly sqlNumber: number } }['details'] | undefined {
  const sqlNumber = sqlNumberOf(thrown)
  return sqlNumber === undefined ? undefined : { sqlNumber }
}

function isLost(thrown: unknown): boolean {
  if (sqlNumberOf(thrown) !== undefined) {
    // 596, 6005: the session was killed, the server shuts down.
    return [596, 6005].includes(sqlNumberOf(thrown) ?? 0)
  }
  const code = driverCodeOf(thrown)
  return (
    thrown instanceof ConnectionError ||
    (code !== undefined && /^(ECLOSE|ESOCKET|EINVALIDSTATE|ETIMEOUT|ECONN|EPIPE)/.test(code)) ||
    /unexpected end of (message stream|data)|socket hang up/i.test(messageOf(thrown))
  )
}

function driverCodeOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string'
    ? thrown.code
    : undefined
}

/** CREATE LOGIN and CREATE APPLICATION ROLE hold a password. */
function excerpt(sql: string): string {
  const text = sql
    .slice(0, 2_000)
    .replace(/(PASSWORD\s*=\s*)(?:N?'(?:[^']|'')*'|0x[0-9a-f]+)/gi, '$1[redacted]')
    .replace(/\s+/g, ' ')
    .trim()
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}
