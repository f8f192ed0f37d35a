import { join, normalize } from 'node:path/posix'
import { LifeboatError } from '../../core/errors.ts'
import { knownNames } from '../../core/nearest.ts'

export interface SshSinkAddress {
  /** The user of this process where it is left out. */
  readonly user: string | undefined
  readonly host: string
  readonly port: number
  /** Absolute, or relative to the remote home where the URL says `/~/…`. */
  readonly folder: string
  /** Private key files, `~` meaning the local home. The usual ones of ~/.ssh where there are none. */
  readonly identities: readonly string[]
  /** OpenSSH user certificates. `KEY-cert.pub` beside a key file is found without being named. */
  readonly certificates: readonly string[]
  /** Instead of ~/.ssh/known_hosts and /etc/ssh/ssh_known_hosts. */
  readonly knownHosts: string | undefined
  /** Socket of the agent instead of the usual one; `none` for no agent. */
  readonly agent: string | undefined
  readonly timeouts: Partial<SshTimeouts>
}

export interface SshTimeouts {
  /** From the first packet to the end of the login. */
  readonly connectMs: number
  /** Without any progress while bytes or answers are due. */
  readonly stallMs: number
  /** Until the remote disk has everything; keepalives watch over the network meanwhile. */
  readonly syncMs: number
  /** Between keepalives, of which three may go unanswered. */
  readonly keepaliveMs: number
}

export const DEFAULT_TIMEOUTS: SshTimeouts = {
  connectMs: 20_000,
  stallMs: 120_000,
  syncMs: 900_000,
  keepaliveMs: 15_000,
}

const TIMEOUTS = {
  'connect-timeout': 'connectMs',
  'stall-timeout': 'stallMs',
  'sync-timeout': 'syncMs',
  keepalive: 'keepaliveMs',
} as const satisfies Readonly<Record<string, keyof SshTimeouts>>
const REPEATABLE = ['identity', 'certificate']
const SINGLE = ['known-hosts', 'agent', ...Object.keys(TIMEOUTS)]

/** Reads `ssh://user@host:port/path?identity=FILE&…`. The message never repeats a password. */
export function parseSshSinkUrl(text: string): SshSinkAddress {
  const rest = /^ssh:\/\/(.*)$/is.exec(text)?.[1]
  if (rest === undefined) throw refuse('it does not start with ssh://')
  let url: URL
  try {
    // WHATWG URL treats hosts of unknown schemes as opaque; http checks host and port.
    url = new URL(`http://${rest}`)
  } catch {
    throw refuse('it is not a valid URL')
  }
  if (url.password !== '') {
    throw refuse(
      'it holds a password, which every user of this machine could read from the process list',
      'Take it out of the URL and give it by reference: --sink-password env:NAME, file:PATH or prompt:',
    )
  }
  if (url.hash !== '') throw refuse("it holds a '#'", "Write a '#' in a name as %23.")
  const options = readOptions(url)
  return {
    user: url.username === '' ? undefined : decode(url.username),
    host: decode(url.hostname).replace(/^\[(.*)\]$/, '$1'),
    port: url.port !== '' ? checkPort(Number(url.port)) : /^[^/?]*:0*80(?=[/?]|$)/.test(rest) ? 80 : 22,
    folder: folderOf(rest),
    identities: options.get('identity') ?? [],
    certificates: options.get('certificate') ?? [],
    knownHosts: options.get('known-hosts')?.[0],
    agent: options.get('agent')?.[0],
    timeouts: Object.fromEntries(
      Object.entries(TIMEOUTS).flatMap(([option, name]) => {
        const value = options.get(option)?.[0]
        return value === undefined ? [] : [[name, milliseconds(option, value)]]
      }),
    ),
  }
}

function refuse(reason: string, hint?: string): LifeboatError {
  return new LifeboatError('usage', `unable to read the sink URL: ${reason}`, {
    hint: hint ?? 'Write it like ssh://user@host:22/backups/mysql?identity=~/.ssh/id_ed25519.',
  })
}

function readOptions(url: URL): ReadonlyMap<string, readonly string[]> {
  const options = new Map<string, string[]>()
  for (const [name, value] of url.searchParams) {
    if (!REPEATABLE.includes(name) && !SINGLE.includes(name)) {
      throw refuse(`ssh:// has no option '${name}'`, knownNames(name, [...REPEATABLE, ...SINGLE]))
    }
    if (value === '') throw refuse(`the option '${name}' is empty`)
    const values = options.get(name)
    if (values === undefined) options.set(name, [value])
    else if (REPEATABLE.includes(name)) values.push(value)
    else throw refuse(`the option '${name}' is given twice`)
  }
  return options
}

/** From the text, since the http parser resolves dots and swaps backslashes in paths. */
function folderOf(rest: string): string {
  const path = /^[^/?]*(\/[^?]*)?/.exec(rest)?.[1] ?? ''
  const folder = decode(path)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\x00-\x1f\x7f]/.test(folder)) throw refuse('its path holds a control character')
  if (/^\/~(\/|$)/.test(folder)) {
    const below = normalize(`.${folder.slice(2)}`).replace(/(?<=.)\/+$/, '')
    if (below === '..' || below.startsWith('../')) throw refuse('its path leads out of the home folder')
    return below === '.' ? '.' : `./${join(below)}`
  }
  if (folder === '' || folder === '/') {
    throw refuse(
      'it names no folder',
      'Say which: ssh://user@host/backups/mysql, or ssh://user@host/~/backups below the home folder.',
    )
  }
  return normalize(folder).replace(/(?<=.)\/+$/, '')
}

function milliseconds(option: string, value: string): number {
  if (/^\d{1,6}(\.\d+)?$/.test(value) && Number(value) > 0) return Number(value) * 1000
  throw refuse(`${option}=${value} is not a number of seconds above 0`)
}

function checkPort(port: number): number {
  if (port > 0) return port
  throw refuse('port 0 is none')
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw refuse(`'${text}' is not percent-encoded correctly`, "Write a '%' in a name as %25.")
  }
}
