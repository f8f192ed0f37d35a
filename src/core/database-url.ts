import { isIP } from 'node:net'
import { LifeboatError } from './errors.ts'
import { knownNames } from './nearest.ts'

export type TlsMode = 'verify-full' | 'verify-ca' | 'require' | 'disable'

/** A database address, parsed but not yet understood: `options` hold what only the engine knows. */
export interface DatabaseUrl {
  readonly scheme: string
  readonly user: string | undefined
  /** The name that is verified: in certificates, in IAM tokens. Undefined with a Unix socket. */
  readonly host: string | undefined
  readonly port: number | undefined
  /** The address that is dialled, where it differs: a tunnel's end, or an address that dead DNS can't give. */
  readonly connect: { readonly host: string; readonly port: number | undefined } | undefined
  readonly socket: string | undefined
  /** Limits the run to this database. */
  readonly database: string | undefined
  readonly tls: TlsMode
  readonly tlsCa: string | undefined
  readonly options: ReadonlyMap<string, string>
}

const TLS_MODES: readonly TlsMode[] = ['verify-full', 'verify-ca', 'require', 'disable']

/** True for the endpoints of RDS, in all partitions: their certificates are signed by the RDS CA bundle. */
export function isRdsHost(host: string): boolean {
  return /\.rds\.amazonaws\.com(\.cn)?$/i.test(host)
}

/** Throws `usage` with the reason and an example. The message never repeats a password. */
export function parseDatabaseUrl(text: string): DatabaseUrl {
  const refuse = (reason: string, hint?: string) =>
    new LifeboatError('usage', `unable to read the database URL: ${reason}`, {
      hint: hint ?? 'Write it like mysql://user@host:3306/database or postgres://user@host?tls=verify-full.',
    })
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined) throw refuse('it does not start with a scheme such as mysql:// or postgres://')
  let url: URL
  try {
    // WHATWG URL treats unknown schemes as opaque hosts; http gives host, port and percent-decoding rules.
    url = new URL(
      `http://${text.slice(scheme.length + 3).replace(/^([^/?#]*@)?(?=[/?]|$)/, '$1socket.invalid')}`,
    )
  } catch {
    throw refuse('it is not a valid URL')
  }
  if (url.password !== '') {
    throw refuse(
      'it holds a password, which every user of this machine could read from the process list',
      'Take it out of the URL and give it by reference: --password env:NAME, file:PATH or prompt:',
    )
  }
  if (url.hash !== '') throw refuse("it holds a '#'", "Write a '#' in a name as %23.")
  const options = new Map<string, string>()
  for (const [name, value] of url.searchParams) {
    if (options.has(name)) throw refuse(`the option '${name}' is given twice`)
    options.set(name, value)
  }
  const take = (name: string): string | undefined => {
    const value = options.get(name)
    options.delete(name)
    return value
  }
  const socket = take('socket')
  const named = url.hostname !== 'socket.invalid'
  if (named === (socket !== undefined)) {
    throw refuse(named ? 'it names both a host and a socket' : 'it names neither a host nor a socket')
  }
  const host = named ? decode(url.hostname, refuse).replace(/^\[(.*)\]$/, '$1') : undefined
  const connectText = take('connect')
  const tlsText = take('tls')
  const tlsCa = take('tls-ca')
  if (tlsText !== undefined && !(TLS_MODES as readonly string[]).includes(tlsText)) {
    throw refuse(`tls=${tlsText} is not one of ${TLS_MODES.join(', ')}`)
  }
  if (socket !== undefined && (connectText !== undefined || tlsText !== undefined || tlsCa !== undefined)) {
    throw refuse('a Unix socket goes without connect, tls and tls-ca')
  }
  const path = url.pathname.replace(/^\//, '')
  if (path.includes('/'))
    throw refuse('its path has more than one step: only a database name may follow the host')
  return {
    scheme,
    user: url.username === '' ? undefined : decode(url.username, refuse),
    host,
    port: url.port === '' ? defaultHttpPort(text) : Number(url.port),
    connect: connectText === undefined ? undefined : parseAddress(connectText, refuse),
    socket,
    database: path === '' ? undefined : decode(path, refuse),
    tls: (tlsText as TlsMode | undefined) ?? defaultTls(host, tlsCa, socket),
    tlsCa,
    options,
  }
}

/** Names the first option that the engine did not take: a typo must never be ignored. */
export function refuseUnknownOptions(url: DatabaseUrl, known: readonly string[]): void {
  for (const name of url.options.keys()) {
    if (known.includes(name)) continue
    throw new LifeboatError(
      'usage',
      `unable to read the database URL: ${url.scheme}:// has no option '${name}'`,
      {
        hint: knownNames(name, [...known, 'socket', 'connect', 'tls', 'tls-ca']),
      },
    )
  }
}

function defaultTls(
  host: string | undefined,
  tlsCa: string | undefined,
  socket: string | undefined,
): TlsMode {
  if (socket !== undefined) return 'disable'
  return (host !== undefined && isRdsHost(host)) || tlsCa !== undefined ? 'verify-full' : 'require'
}

/** The http parser drops port 80 as its default; a database may well listen there. */
function defaultHttpPort(text: string): number | undefined {
  return /^[^/?#]*\/\/[^/?#]*:0*80(?=[/?#]|$)/.test(text) ? 80 : undefined
}

function parseAddress(
  text: string,
  refuse: (reason: string) => LifeboatError,
): { host: string; port: number | undefined } {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text)
  const host = match?.[1] ?? match?.[2] ?? (isIP(text) === 6 ? text : undefined)
  const port = match?.[3] === undefined ? undefined : Number(match[3])
  if (host === undefined || (port !== undefined && (port < 1 || port > 65535))) {
    throw refuse(`connect=${text} is not an address like 10.0.0.7:3306 or [fd00::7]:3306`)
  }
  return { host, port }
}

function decode(text: string, refuse: (reason: string) => LifeboatError): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw refuse(`'${text}' is not percent-encoded correctly`)
  }
}
