import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { DatabaseUrl } from '../../core/database-url.ts'
import { LifeboatError, messageOf } from '../../core/errors.ts'
import { orAborted } from '../../core/until-aborted.ts'

export interface ServerAddress {
  /** The name that certificates are checked against. */
  readonly host: string
  /** What is dialled, always numeric. */
  readonly address: string
  readonly port: number
  readonly user: string
}

const DEFAULT_PORT = 1433

/** Resolved once per run, so that every session and every tool talks to the same server. */
export async function resolveAddress(url: DatabaseUrl, signal: AbortSignal): Promise<ServerAddress> {
  if (url.host === undefined || url.user === undefined)
    throw new Error('the options have checked host and user')
  const dialled = url.connect?.host ?? url.host
  return {
    host: url.host,
    address: isIP(dialled) === 0 ? await resolveName(dialled, url, signal) : dialled,
    port: url.connect?.port ?? url.port ?? DEFAULT_PORT,
    user: url.user,
  }
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

/** As a person knows it: `sqlserver://user@host:1433`, and through a tunnel where that is dialled. */
export function describeTarget(url: DatabaseUrl): string {
  const user = url.user === undefined ? '' : `${url.user}@`
  const at = `${bracketed(url.host ?? '')}:${url.port ?? DEFAULT_PORT}`
  const whole = `${url.scheme}://${user}${at}${url.database === undefined ? '' : `/${url.database}`}`
  if (url.connect === undefined) return whole
  const { host, port = url.port ?? DEFAULT_PORT } = url.connect
  return `${whole} by way of ${bracketed(host)}:${port}`
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
