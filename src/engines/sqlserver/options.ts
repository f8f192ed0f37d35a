import { type DatabaseUrl, refuseUnknownOptions } from '../../core/database-url.ts'
import { LifeboatError } from '../../core/errors.ts'
import { NATIVE_OPTION_NAMES, type NativeOptions, parseNativeOptions } from './native/options.ts'

export interface SqlServerOptions {
  /** `bcp`: schema as T-SQL and one part per table. `native`: .bak files, written by the server itself. */
  readonly layout: 'bcp' | 'native'
  /** What reads and writes the rows; `auto` is the driver, or bcp where no snapshot is to be had anyway. */
  readonly tool: 'auto' | 'driver' | 'bcp' | 'freebcp'
  /** Whether all tables of a database are read in one SNAPSHOT transaction; `auto`: where the database allows it. */
  readonly snapshot: 'auto' | 'require' | 'off'
  /** Foreign keys and checks that the loaded rows violate: the restore fails at its end, or leaves them untrusted. */
  readonly violations: 'fail' | 'keep'
  /** How long a reading session waits behind somebody's lock before giving up. */
  readonly lockWaitMs: number
  /** Of layout=native. */
  readonly native: NativeOptions
}

const CHOICES = {
  layout: ['bcp', 'native'],
  tool: ['auto', 'driver', 'bcp', 'freebcp'],
  snapshot: ['auto', 'require', 'off'],
  violations: ['fail', 'keep'],
} as const

const DEFAULT_LOCK_WAIT_MS = 60_000

export function readUrlOptions(url: DatabaseUrl): SqlServerOptions {
  refuseUnknownOptions(url, [...Object.keys(CHOICES), 'lock-wait-ms', ...NATIVE_OPTION_NAMES])
  if (url.socket !== undefined) {
    throw refuse(
      'SQL Server listens on no Unix socket',
      'Name its host: sqlserver://user@host:1433/database.',
    )
  }
  if (url.user === undefined) {
    throw refuse('it names no user', 'Write it like sqlserver://user@host:1433/database.')
  }
  const tool = choose(url, 'tool')
  const snapshot = choose(url, 'snapshot')
  if (snapshot === 'require' && (tool === 'bcp' || tool === 'freebcp')) {
    throw refuse(
      `snapshot=require with tool=${tool}: no program can join a transaction of ours`,
      'Leave out one of the two.',
    )
  }
  return {
    layout: choose(url, 'layout'),
    tool,
    snapshot,
    violations: choose(url, 'violations'),
    lockWaitMs: readLockWait(url),
    native: parseNativeOptions(url.options),
  }
}

/** The first choice is the default. */
function choose<Name extends keyof typeof CHOICES>(
  url: DatabaseUrl,
  name: Name,
): (typeof CHOICES)[Name][number] {
  const choices: readonly (typeof CHOICES)[Name][number][] = CHOICES[name]
  const text = url.options.get(name)
  const chosen = text === undefined ? choices[0] : choices.find((choice) => choice === text)
  if (chosen === undefined) {
    throw refuse(`${name}=${text} is not known`, `Write ${name}=${choices.join(` or ${name}=`)}.`)
  }
  return chosen
}

function readLockWait(url: DatabaseUrl): number {
  const text = url.options.get('lock-wait-ms')
  if (text === undefined) return DEFAULT_LOCK_WAIT_MS
  if (/^\d{1,9}$/.test(text) && Number(text) > 0) return Number(text)
  throw refuse(
    `lock-wait-ms=${text} is not a number of milliseconds`,
    'Write lock-wait-ms=60000 for a minute.',
  )
}

function refuse(reason: string, hint: string): LifeboatError {
  return new LifeboatError('usage', `unable to read the database URL: ${reason}`, { hint })
}
