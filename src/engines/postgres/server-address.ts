import { userInfo } from 'node:os'
import { basename, dirname } from 'node:path'
import type { DatabaseUrl } from '../../core/database-url.ts'
import { findDialledAddress } from '../../core/dialled-address.ts'

/** Where a server is, in the terms of libpq: `host` is verified, `hostaddr` is dialled. */
export interface ServerAddress {
  /** A name, an address, or the folder of a Unix socket. */
  readonly host: string
  /** Always numeric: libpq takes nothing else. Undefined with a Unix socket. */
  readonly hostaddr: string | undefined
  readonly port: number
  readonly user: string
}

export const DEFAULT_PORT = 5432

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
  const hostaddr = await findDialledAddress(url, signal)
  return { host: url.host, hostaddr, port: url.connect?.port ?? url.port ?? DEFAULT_PORT, user }
}
