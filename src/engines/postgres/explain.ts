import type { ErrorCode } from '../../core/errors.ts'

interface Known {
  readonly pattern: RegExp
  readonly code?: ErrorCode
  readonly hint: string
}

/** Texts of the tools and of the server, and what to do about them. The first that matches wins. */
const KNOWN: readonly Known[] = [
  {
    pattern: /server version mismatch/,
    code: 'unsupported',
    hint: 'Install client tools that are at least as new as the server: apt-get install postgresql-client-NN.',
  },
  {
    pattern: /unsupported version \(.*\) in file header/,
    code: 'unsupported',
    hint: 'The dump was made by a newer pg_dump: install client tools of that version or later.',
  },
  {
    pattern: /password authentication failed|no password supplied|PAM authentication failed/,
    code: 'engine-unreachable',
    hint: 'Check the user and the password; an IAM token is valid for 15 minutes only.',
  },
  {
    pattern: /canceling statement due to lock timeout/,
    code: 'locked',
    hint: 'Somebody is changing a table: end that session or wait, or allow more time with lock-wait-ms=.',
  },
  {
    pattern:
      /server closed the connection unexpectedly|connection to server was lost|SSL connection has been closed|SSL SYSCALL error|terminating connection due to|could not receive data from server|Connection (refused|reset|timed out)|could not translate host name|no connection to the server/,
    code: 'engine-unreachable',
    hint: 'The connection to the server was lost: check that it is up and run again.',
  },
  {
    pattern: /query would be affected by row-level security policy/,
    code: 'unsupported',
    hint: 'Dump as a superuser, as the owner of the table, or as a role with BYPASSRLS.',
  },
  {
    pattern: /could not open extension control file|extension "[^"]*" is not available/,
    code: 'unsupported',
    hint: 'Install the package of that extension on the target server (on RDS: see its list of extensions), then run again with --replace.',
  },
  {
    pattern:
      /(invalid locale name|locale .* does not exist|could not create locale|incompatible with the encoding)/i,
    hint: 'Make the locale that is named on the target (locale-gen, then restart the server), then run again with --replace.',
  },
  {
    pattern:
      /permission denied|must be (superuser|owner|member)|must have privileges|must be able to SET ROLE/,
    code: 'unsupported',
    hint: 'Connect as a user with the privilege that is named, or as a superuser; on a restore no-owner and no-privileges in the URL leave owners and grants out.',
  },
  {
    pattern: /could not extend file|No space left on device/,
    hint: 'The disk of the server is full: give it more and run again.',
  },
  {
    pattern: /out of shared memory/,
    hint: 'Raise max_locks_per_transaction on the server and restart it: there are more tables than it can lock at once.',
  },
]

export function explainStderr(stderr: string): { code?: ErrorCode; hint: string } | undefined {
  const known = KNOWN.find(({ pattern }) => pattern.test(stderr))
  if (known === undefined) return undefined
  return { hint: known.hint, ...(known.code !== undefined && { code: known.code }) }
}
