import { type ConnectionOptions, checkServerIdentity } from 'node:tls'
import type { DatabaseUrl } from '../../core/database-url.ts'

/** What the driver is told: the name is checked by us, as the address that is dialled may be another. */
export function driverTls(url: DatabaseUrl, trust: string | undefined): ConnectionOptions | false {
  if (url.tls === 'disable') return false
  if (trust === undefined) return { rejectUnauthorized: false }
  return {
    ca: trust,
    rejectUnauthorized: true,
    checkServerIdentity: (_dialled, certificate) =>
      url.tls === 'verify-ca' ? undefined : checkServerIdentity(url.host ?? '', certificate),
  }
}
