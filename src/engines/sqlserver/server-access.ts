import { readTrust } from '../../core/ca-bundle.ts'
import type { DatabaseUrl } from '../../core/database-url.ts'
import type { SecretSource } from '../../core/secret.ts'
import { resolveAddress, type ServerAddress } from './server-address.ts'

/** What all connections to one server have in common: of the driver and of the tools. */
export interface Server {
  readonly url: DatabaseUrl
  readonly address: ServerAddress
  /** PEM. Undefined where nothing is verified. */
  readonly trust: readonly string[] | undefined
  /** Asked anew for each connection; undefined where there is no password. */
  readonly password: SecretSource | undefined
}

export async function findServer(
  url: DatabaseUrl,
  password: SecretSource | undefined,
  signal: AbortSignal,
): Promise<Server> {
  return { url, address: await resolveAddress(url, signal), trust: await readTrust(url), password }
}
