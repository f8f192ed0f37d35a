import pg from 'pg'
import { LifeboatError, messageOf } from '../../core/errors.ts'
import { redact, type Secret } from '../../core/secret.ts'
import type { Server } from './connection.ts'

const PASSWORD_HINT =
  'Check the user and the password (--password env:NAME, file:PATH or prompt:); an IAM token is valid for 15 minutes only.'

/** Why no session came about. */
export function connectionError(
  thrown: unknown,
  server: Server,
  database: string,
  secrets: readonly Secret[],
): LifeboatError {
  const { host, hostaddr, port } = server.address
  const at = hostaddr === undefined || hostaddr === host ? `${host}:${port}` : `${host} (${hostaddr}:${port})`
  const reason = redact(messageOf(thrown), secrets)
  return new LifeboatError(
    'engine-unreachable',
    `unable to connect to database '${database}' at ${at}: ${reason}`,
    {
      hint: connectionHint(thrown, reason, server),
      // The driver's error holds no password; its stack and fields are the server's own.
      cause: thrown,
    },
  )
}

function connectionHint(thrown: unknown, reason: string, server: Server): string {
  const code = codeOf(thrown)
  // The driver's way of saying that it was given none.
  if (/password must be a/i.test(reason)) {
    return 'No password was given: add --password env:NAME, --password file:PATH or --password prompt:'
  }
  if (/establishing an SSL connection/i.test(reason)) {
    return 'What answers there may not be PostgreSQL: check host and port, and that the scheme of the URL is meant.'
  }
  if (code === '28P01' || /password/i.test(reason)) return PASSWORD_HINT
  if (code === '28000') {
    return 'The server admits no such connection: check user, database and TLS against its pg_hba.conf, or on RDS the parameter rds.force_ssl.'
  }
  if (code === '3D000') return 'Check the name of the database in the URL.'
  if (code === '53300') {
    return 'The server has no connection left: end idle sessions or raise max_connections, then run again.'
  }
  if (code === '57P03') return 'The server is starting up or shutting down: wait a moment and run again.'
  if (/does not support SSL/i.test(reason)) {
    return 'Turn TLS on at the server; only if the network between is trusted, add tls=disable to the URL.'
  }
  if (/certificate|self.signed|altnames|CERT_|issuer/i.test(`${reason} ${code}`)) {
    return 'The certificate does not prove that this is the host in the URL: give its CA as tls-ca=/path, and the name it is made for as the host (connect= names another address to dial).'
  }
  if (server.address.hostaddr === undefined)
    return 'Check that the server runs and that socket= is its folder.'
  return 'Check host and port, that the server runs, and that firewalls and security groups let this machine through.'
}

export function queryError(thrown: unknown, database: string, sql: string): LifeboatError {
  const code = codeOf(thrown)
  const lost =
    !(thrown instanceof pg.DatabaseError) || code?.startsWith('57P') === true || code?.startsWith('08')
  const text = sql.replace(/\s+/g, ' ').trim()
  const shown = text.length > 100 ? `${text.slice(0, 100)}…` : text
  if (lost) {
    return new LifeboatError(
      'engine-unreachable',
      `unable to go on with database '${database}': ${messageOf(thrown)}`,
      { hint: 'The connection was lost: check that the server is up and run again.', cause: thrown },
    )
  }
  return new LifeboatError(
    code === '55P03' ? 'locked' : code === '42501' ? 'unsupported' : 'tool-failed',
    `unable to run '${maskPasswords(shown)}' in database '${database}': ${messageOf(thrown)}`,
    { hint: queryHint(code), cause: thrown, details: { sqlState: code } },
  )
}

function queryHint(code: string | undefined): string {
  if (code === '42501') return 'Connect as a user with the privilege that is named, or as a superuser.'
  if (code === '55P03') {
    return 'Somebody is changing a table: end that session or wait, or allow more time with lock-wait-ms=.'
  }
  if (code === '53100' || code === '53200')
    return 'The server ran out of space or memory: give it more and run again.'
  return 'Read the reason above, mend it at the server and run again.'
}

export function codeOf(thrown: unknown): string | undefined {
  if (thrown instanceof LifeboatError) return codeOf(thrown.cause)
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined
  return typeof thrown.code === 'string' ? thrown.code : undefined
}

/** Password hashes are in the globals: no message may repeat one. */
export function maskPasswords(sql: string): string {
  return sql.replace(/(PASSWORD\s+)E?'(?:[^']|'')*('|$)/gi, "$1'[redacted]'")
}
