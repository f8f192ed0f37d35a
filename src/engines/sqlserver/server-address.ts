import type { DatabaseUrl } from '../../core/database-url.ts'
import { findDialledAddress } from '../../core/dialled-address.ts'

export interface ServerAddress {
  /** The name that certificates are checked against. */
  readonly host: string
  /** What is dialled, always numeric. */
  readonly address: string
  readonly port: number
  readonly user: string
}

export const DEFAULT_PORT = 1433

/** Resolved once per run, so that every session and every tool talks to the same server. */
export async function resolveAddress(url: DatabaseUrl, signal: AbortSignal): Promise<ServerAddress> {
  if (url.host === undefined || url.user === undefined)
    throw new Error('the options have checked host and user')
  return {
    host: url.host,
    address: await findDialledAddress(url, signal),
    port: url.connect?.port ?? url.port ?? DEFAULT_PORT,
    user: url.user,
  }
}
