import { type ErrorCode, LifeboatError, messageOf } from '../../core/errors.ts'
import { redact, type Secret } from '../../core/secret.ts'

interface Advice {
  readonly code: ErrorCode
  readonly hint: string
}

/** A login that failed, as the operator needs to hear it. */
export function connectionFailure(
  target: string,
  relayFailure: string | undefined,
  thrown: unknown,
  secrets: readonly Secret[],
): LifeboatError {
  if (thrown instanceof LifeboatError) return thrown
  const number = (thrown as { errno?: unknown }).errno
  const refused = typeof number === 'number' && number >= 1000 && number !== 2026
  const reason = redact(refused ? messageOf(thrown) : (relayFailure ?? messageOf(thrown)), secrets)
  const { code, hint } = adviceFor(reason, refused ? Number(number) : undefined)
  return new LifeboatError(code, `unable to connect to '${target}': ${reason}`, { hint, cause: thrown })
}

function adviceFor(reason: string, number: number | undefined): Advice {
  const unreachable = (hint: string): Advice => ({ code: 'engine-unreachable', hint })
  switch (number) {
    case 1045:
    case 1698:
      if (/using password: NO/.test(reason)) {
        return unreachable(
          'No password was given: add --password env:NAME, --password file:PATH or --password prompt:',
        )
      }
      return unreachable(
        'Check the user in the URL and what --password refers to; the server refused this pair.',
      )
    case 1040:
    case 1203:
      return unreachable(
        'The server has no connection free: end idle ones, or raise max_connections, and run again.',
      )
    case 1129:
    case 1130:
      return unreachable(
        'The server does not let this host in: allow its address for the account, or use a tunnel.',
      )
    case 1820:
    case 1862:
      return unreachable('The password has expired: set a new one with the mysql client, then run again.')
  }
  if (/ECONNREFUSED/.test(reason)) {
    return unreachable(
      'Nobody listens there: check host and port, or the tunnel, and whether the server runs.',
    )
  }
  if (/ENOTFOUND|EAI_AGAIN/.test(reason)) {
    return unreachable(
      'The name is not known here: check it; where DNS is dead, add connect=IP:PORT and keep the host name for TLS.',
    )
  }
  if (/ENOENT|EACCES/.test(reason))
    return unreachable('Check the path in socket= and that this user may use it.')
  if (/offers no TLS/.test(reason)) {
    return {
      code: 'unsupported',
      hint: 'Turn TLS on at the server, or say tls=disable if the way to it is safe.',
    }
  }
  if (/certificate|altnames|self.signed|issuer/i.test(reason)) {
    return {
      code: 'engine-unreachable',
      hint: 'The certificate is not the one expected: give the right CA as tls-ca=/path, and the host name as the certificate has it (dial another address with connect=IP:PORT).',
    }
  }
  return unreachable('Check host, port, security groups and the tunnel, then run again.')
}

/** A statement of ours that failed. The statement is shown short: it may hold a hash. */
export function queryFailure(target: string, sql: string, thrown: unknown): LifeboatError {
  if (thrown instanceof LifeboatError) return thrown
  const number = (thrown as { errno?: unknown }).errno
  const lost = typeof number !== 'number' || number < 1000
  const verb = sql.trim().split(/\s+/).slice(0, 3).join(' ')
  return new LifeboatError(
    lost
      ? 'engine-unreachable'
      : number === 1044 || number === 1142 || number === 1227
        ? 'unsupported'
        : 'tool-failed',
    `unable to run '${verb} …' on '${target}': ${messageOf(thrown)}`,
    {
      hint: lost
        ? 'The connection was lost: check the network and the server, then run again.'
        : 'The server refused it: see its message, and lifeboat doctor for the privileges that are needed.',
      cause: thrown,
    },
  )
}

const DUMP_ADVICE: readonly (readonly [RegExp, string, ErrorCode?])[] = [
  [
    /error: (?:1040|1203|1226)\b|\((?:1040|1203|1226)\)/,
    'The server has no connection free, or the account may have no more: give fewer --jobs (each needs about two), or raise max_connections or max_user_connections.',
    'engine-unreachable',
  ],
  [
    /RELOAD or FLUSH_TABLES|FLUSH TABLES WITH READ LOCK/,
    'This mysqldump asks for a global lock that managed servers refuse (8.0.32 and 5.7.41 do): install a later one.',
    'unsupported',
  ],
  [
    /references invalid table|\(1356\)/,
    'The view named above is broken: repair or drop it, or leave such views out with broken-views=skip in the URL.',
  ],
  [
    /specified as a definer.*does not exist|\(1449\)/,
    'Create the account that is named as definer, or leave the view out with broken-views=skip in the URL.',
  ],
  [
    /Table definition has changed|\(1412\)/,
    'A table was altered, truncated or renamed during the dump: hold back schema changes and run again.',
  ],
  [
    /insufficient privileges? to/i,
    'Grant SHOW_ROUTINE (MySQL) or SELECT on mysql.proc (MariaDB), EVENT and TRIGGER to the account, and run again.',
    'unsupported',
  ],
  [
    /Access denied.*\((?:1044|1142|1227)\)|Got error: (?:1044|1142|1227)/,
    'The account lacks the privilege named above: lifeboat doctor lists what a dump needs.',
    'unsupported',
  ],
  [
    /Lost connection|server has gone away|\(2013\)|\(2006\)|error: 2013|error: 2006/,
    'The server or the network went away in the middle: check both, raise net_write_timeout if it recurs, run again.',
    'engine-unreachable',
  ],
  [
    /max_allowed_packet/,
    'A row is larger than max_allowed_packet: raise it at the server to 1G and run again.',
  ],
  [
    /unknown (?:option|variable)/i,
    'The tool does not know an option that its version should: report its --version.',
  ],
]

const RESTORE_ADVICE: readonly (readonly [RegExp, string, ErrorCode?])[] = [
  [
    /log_bin_trust_function_creators|ERROR 1418|ERROR 1419/,
    'Set log_bin_trust_function_creators=1 (on RDS in the parameter group), then restore again with --replace.',
    'unsupported',
  ],
  [
    /ERROR 1227.*(?:SUPER|SET USER|SET_USER_ID|SET_ANY_DEFINER|ALLOW_NONEXISTENT_DEFINER)/,
    'This account may not create objects for another definer: restore with --replace and definer=strip (or definer=map:OLD=NEW) in the URL.',
    'unsupported',
  ],
  [
    /ERROR 3105/,
    "MariaDB's dump tool writes values of generated columns, which MySQL refuses: dump again with Oracle's, by client=oracle in the URL.",
    'unsupported',
  ],
  [
    /ERROR 1449/,
    'Create the account that is named as definer at the target, or restore with --replace and definer=strip in the URL.',
    'unsupported',
  ],
  [
    /ERROR 3750/,
    'The target demands a primary key of every table: turn sql_require_primary_key off there (on RDS in the parameter group) or grant SESSION_VARIABLES_ADMIN to the account, then restore again with --replace.',
    'unsupported',
  ],
  [
    /ERROR (?:1118|1478|1031)\b/,
    'If innodb_strict_mode is on at the target, turn it off there (on RDS in the parameter group) for the restore, then restore again with --replace.',
  ],
  [
    /ERROR 1273/,
    'The target does not know this collation and no near one was found: use a newer server, or change it at the source.',
    'unsupported',
  ],
  [
    /ERROR (?:1153|2020)|max_allowed_packet/,
    'Raise max_allowed_packet at the target to 1G, then restore again with --replace.',
  ],
  [
    /ERROR (?:2006|2013)/,
    'The server or the network went away: check both, then restore again with --replace.',
    'engine-unreachable',
  ],
  [/ERROR (?:1114|1021|3)\b/, 'The target is out of disk: give it more, then restore again with --replace.'],
]

export function explainDump(stderr: string): { code?: ErrorCode; hint?: string } | undefined {
  return explain(DUMP_ADVICE, stderr)
}

export function explainRestore(stderr: string): { code?: ErrorCode; hint?: string } | undefined {
  return (
    explain(RESTORE_ADVICE, stderr) ?? {
      hint: 'Mend what the message names, then restore again with --replace.',
    }
  )
}

function explain(
  advice: typeof DUMP_ADVICE,
  stderr: string,
): { code?: ErrorCode; hint?: string } | undefined {
  const found = advice.find(([pattern]) => pattern.test(stderr))
  if (found === undefined) return undefined
  const [, hint, code] = found
  return code === undefined ? { hint } : { hint, code }
}
