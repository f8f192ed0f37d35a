import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { userInfo } from 'node:os'
import { basename, dirname } from 'node:path'
import type { DatabaseUrl } from '../../core/database-url.ts'
import { LifeboatError, messageOf } from '../../core/errors.ts'
import { orAborted } from '../../core/until-aborted.ts'

/** Where a server is, in the terms of libpq: `host` is verified, `hostaddr` is dialled. */
export interface ServerAddress {
  /** A name, an address, or the folder of a Unix socket. */
  readonly host: string
  /** Always numeric: libpq takes nothing else. Undefined with a Unix socket. */
  readonly hostaddr: string | undefined
  readonly port: number
  readonly user: string
}

const DEFAULT_PORT = 5432

/** Resolved once per run, so that the driver and every tool talk to the same server. */
export async function resolveAddress(url: DatabaseUrl, signal: AbortSignal): Promise<ServerAddress> {
  // libpq's own default.
  const user = url.user ?? userInfo().username
  if (url.socket !== undefined) {
    const port = /^\.s\.PGSQL\.(\d+)$/.exec(basename(url.socket))?.[1]
    return port === undefined
      ? { host: url.socket, hostaddr: undefined, port: DEFAULT_PORT, user }
      : { host: dirname(url.socket), hostaddr: undefined, port: Number(port), user }
  }
  if (url.host === undefined) throw new Error('a database URL has a host or a socket')
  const dialled = url.connect?.host ?? url.host
  const hostaddr = isIP(dialled) === 0 ? await resolveName(dialled, url, signal) : dialled
  return { host: url.host, hostaddr, port: url.connect?.port ?? url.port ?? DEFAULT_PORT, user }
}

async function resolveName(name: string, url: DatabaseUrl, signal: AbortSignal): Promise<string> {
  try {
    const { address } = await orAborted(lookup(name), signal)
    return address
  } catch (thrown) {
    if (thrown instanceof LifeboatError) throw thrown
    throw new LifeboatError('engine-unreachable', `unable to find host '${name}': ${messageOf(thrown)}`, {
      hint:
        url.connect === undefined
          ? 'Check the name; where DNS is dead, give the address that is dialled as connect=IP:PORT and keep the host name for TLS.'
          : 'Give connect= as an IP address.',
      cause: thrown,
    })
  }
}

/** As a person knows it: `postgres://user@host:5432`, and through a tunnel where that is dialled. */
export function describeTarget(url: DatabaseUrl): string {
  const user = url.user === undefined ? '' : `${url.user}@`
  const at =
    url.socket ?? `${url.host?.includes(':') ? `[${url.host}]` : url.host}:${url.port ?? DEFAULT_PORT}`
  const whole = `${url.scheme}://${user}${at}${url.database === undefined ? '' : `/${url.database}`}`
  if (url.connect === undefined) return whole
  const { host, port = url.port ?? DEFAULT_PORT } = url.connect
  return `${whole} by way of ${host.includes(':') ? `[${host}]` : host}:${port}`
}
