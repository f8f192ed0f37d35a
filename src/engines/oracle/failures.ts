import { type ErrorCode, LifeboatError, messageOf } from '../../core/errors.ts'
import { redact, type Secret } from '../../core/secret.ts'
import { titleOf } from './statement-titles.ts'

/** The number of an ORA- message that was first; undefined where the driver itself (NJS-) or the network failed. */
export function oraOf(thrown: unknown): number | undefined {
  if (thrown instanceof LifeboatError) {
    const known = thrown.details?.ora
    return typeof known === 'number' ? known : undefined
  }
  const text = /ORA-(\d{5})/.exec(messageOf(thrown))?.[1]
  return text === undefined ? undefined : Number(text)
}

interface Explanation {
  readonly code: ErrorCode
  readonly hint: string
}

const explain = (code: ErrorCode, hint: string): Explanation => ({ code, hint })

const LOST = explain(
  'engine-unreachable',
  'The connection was lost: check that the server is up and run again.',
)
/** The same messages before any session was there: a listener of TLS hangs up on whoever speaks none. */
const HUNG_UP = explain(
  'engine-unreachable',
  'Something answers there and hangs up: check that host and port are those of a listener, and that the port and tls= belong together (without TLS, tls=disable).',
)
const ROOM = explain(
  'tool-failed',
  'The disk of the directory is full: give it room (on RDS raise the storage), name another one by directory=, and run again.',
)
const EXTEND = explain(
  'tool-failed',
  'A tablespace or quota is full at the server: add room to the one that is named, then run again.',
)
const UNDO = explain(
  'tool-failed',
  'The undo that shows the data as of the start is gone: raise undo_retention and the undo tablespace above the length of a run, or dump while less is written, then run again.',
)
const DIRECTORY = explain(
  'unsupported',
  'Check that the directory object exists, that its folder is there for the server, and that the account may READ and WRITE it: lifeboat doctor looks at all three.',
)
const PRIVILEGE = explain(
  'unsupported',
  'Grant the account what the documentation of the engine lists (DATAPUMP_EXP_FULL_DATABASE or DATAPUMP_IMP_FULL_DATABASE), or connect as the master user.',
)
const LOCKED = explain(
  'locked',
  'Somebody uses what has to be changed: end that session or wait, then run again.',
)
const JOB = explain(
  'tool-failed',
  "Look at the job in DBA_DATAPUMP_JOBS and at the server's alert log, then run again.",
)
const PASSWORD = explain(
  'engine-unreachable',
  'Check the user and the password (--password env:NAME, file:PATH or prompt:).',
)
const LISTENER = explain(
  'engine-unreachable',
  'The listener does not know this service: check the path of the URL (oracle://user@host:1521/SERVICE), with lsnrctl services at the server.',
)

const BY_ORA: readonly (readonly [readonly number[], Explanation])[] = [
  [[1017, 1005], PASSWORD],
  [
    [28000, 28001, 28002],
    explain('engine-unreachable', 'Unlock the account or give it a new password at the server.'),
  ],
  [[1045], explain('engine-unreachable', 'Run GRANT CREATE SESSION for the account.')],
  [
    [28040, 28030],
    explain(
      'engine-unreachable',
      'The account has only an old password verifier: set its password anew at the server.',
    ),
  ],
  [[12504, 12505, 12514, 12516, 12520, 12521], LISTENER],
  [
    [1033, 1034, 1089, 1090, 1109, 12528],
    explain(
      'engine-unreachable',
      'The database is starting, stopping or not open: wait until it is open and run again.',
    ),
  ],
  [
    [18, 20, 12519],
    explain(
      'engine-unreachable',
      'The server has no session left: end idle ones or raise processes, then run again.',
    ),
  ],
  [[28, 31, 1012, 2396, 2399, 3113, 3114, 3135, 12537, 12547, 12571], LOST],
  [[54, 1940, 4020, 4021, 30006], LOCKED],
  [[1555, 1466, 8180, 8181, 22924], UNDO],
  [[19502, 19504, 27037, 27040, 27041, 27044, 27052, 27061, 27063, 27072], ROOM],
  [
    [39095],
    explain(
      'tool-failed',
      'Data Pump ran out of pieces: give larger ones by piece=, 8G for example, and run again.',
    ),
  ],
  [[1536, 1652, 1653, 1654, 1658, 1659, 1691, 1692, 30036], EXTEND],
  [[22285, 22286, 22288, 29280, 29283, 29284, 29285, 29289, 29291, 39087, 39070], DIRECTORY],
  [[942, 1031, 1950, 31631, 31633, 39155, 39161, 39166, 39181], PRIVILEGE],
  [
    [39142, 39143, 39358, 39368, 39124],
    explain(
      'unsupported',
      'The dump is of a newer version than this server reads: restore into a newer server, or dump again with version= of the target.',
    ),
  ],
  [[31626, 31623, 31634, 31640, 39001, 39002, 39006, 39012, 39013, 39062, 39097, 39125], JOB],
]

const BY_DRIVER: readonly (readonly [RegExp, Explanation])[] = [
  [
    /NJS-533/,
    explain(
      'unsupported',
      'The server demands native network encryption, which the thin driver does not speak: set SQLNET.ENCRYPTION_SERVER and CRYPTO_CHECKSUM_SERVER to REQUESTED (on RDS in the option NATIVE_NETWORK_ENCRYPTION), and use TLS instead.',
    ),
  ],
  [
    /NJS-138/,
    explain(
      'unsupported',
      'The thin driver needs Oracle 12.1 or later: use layout=expdp with the tools of the old server.',
    ),
  ],
  [
    /NJS-116/,
    explain(
      'engine-unreachable',
      'The account has only a 10G password verifier: set its password anew at the server, with 11G or 12C verifiers allowed.',
    ),
  ],
  [
    /NJS-50[78]|altname|hostname/i,
    explain(
      'engine-unreachable',
      'The certificate is not made for the host of the URL: give the name it is made for as the host (connect= names another address to dial), or tls=verify-ca.',
    ),
  ],
  [
    /NJS-50[56]|certificate|self.signed|issuer|wrong version number|ssl3_/i,
    explain(
      'engine-unreachable',
      'No trusted TLS there: give the port of TLS (often 2484) and its CA as tls-ca=/path, or tls=disable only if the network between is trusted.',
    ),
  ],
  [
    /NJS-(51[024]|503|504|530|517|518|519|541)|ENOTFOUND|ECONNREFUSED|ETIMEDOUT/,
    explain(
      'engine-unreachable',
      'Check host, port and service, that the listener runs, and that firewalls and security groups let this machine through.',
    ),
  ],
  [/NJS-(003|500|501|521|123)|DPI-1010|ECONNRESET|EPIPE/, LOST],
]

function explanationOf(ora: number | undefined, reason: string): Explanation | undefined {
  const known = BY_ORA.find(([numbers]) => ora !== undefined && numbers.includes(ora))?.[1]
  return known ?? BY_DRIVER.find(([pattern]) => pattern.test(reason))?.[1]
}

/**
 * Of a text with several lines the deepest number that is known says why: ORA-39002 means nothing by itself, the
 * ORA-39070 and ORA-29283 below it do.
 */
export function explainText(text: string): Explanation & { readonly ora: number | undefined } {
  const numbers = [...text.matchAll(/ORA-(\d{5})/g)].map((match) => Number(match[1]))
  for (const ora of numbers.toReversed()) {
    const found = explanationOf(ora, '')
    if (found !== undefined && found !== JOB) return { ...found, ora }
  }
  return { ...(explanationOf(numbers[0], text) ?? JOB), ora: numbers[0] }
}

export function connectionError(thrown: unknown, at: string, secrets: readonly Secret[]): LifeboatError {
  if (thrown instanceof LifeboatError) return thrown
  const reason = shorten(redact(messageOf(thrown), secrets))
  const ora = oraOf(thrown)
  const found = explanationOf(ora, reason)
  return new LifeboatError(
    found?.code === 'unsupported' ? 'unsupported' : 'engine-unreachable',
    `unable to connect to '${at}': ${reason}`,
    {
      hint:
        (found === LOST ? HUNG_UP : found)?.hint ??
        'Check host, port, service and account, and that the listener runs.',
      details: { ...(ora !== undefined && { ora }) },
    },
  )
}

/** The driver's error is no cause: it may hold the binds. */
export function statementError(
  thrown: unknown,
  text: string,
  binds: Readonly<Record<string, unknown>>,
): LifeboatError {
  if (thrown instanceof LifeboatError) return thrown
  const reason = shorten(messageOf(thrown))
  const ora = oraOf(thrown)
  const found = explanationOf(ora, reason)
  return new LifeboatError(found?.code ?? 'tool-failed', `unable to ${titleOf(text, binds)}: ${reason}`, {
    hint: found?.hint ?? 'Read the reason above, mend it at the server and run again.',
    details: { ...(ora !== undefined && { ora }) },
  })
}

/** A job that Data Pump itself refused or gave up; `text` is what it says. */
export function jobError(doing: string, text: string): LifeboatError {
  const { code, hint, ora } = explainText(text)
  return new LifeboatError(code, `unable to ${doing}: ${shorten(text)}`, {
    hint,
    details: { ...(ora !== undefined && { ora }) },
  })
}

export function isLost(thrown: unknown): boolean {
  return thrown instanceof LifeboatError && thrown.code === 'engine-unreachable'
}

/** The stack of PL/SQL lines below an error, and the links to its help, tell an operator nothing. */
function shorten(reason: string): string {
  const lines = reason
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^ORA-06512|^Help: /.test(line))
  return lines.slice(0, 12).join('\n')
}
