import { access, constants, readFile } from 'node:fs/promises'
import { type ConnectionOptions, checkServerIdentity, getCACertificates } from 'node:tls'
import { type DatabaseUrl, isRdsHost } from '../../core/database-url.ts'
import { LifeboatError, messageOf } from '../../core/errors.ts'

/** Where people and packages put the RDS CA bundle. */
const RDS_BUNDLES = [
  '/etc/ssl/certs/rds-global-bundle.pem',
  '/etc/ssl/certs/global-bundle.pem',
  '/etc/pki/tls/certs/global-bundle.pem',
  '/usr/local/share/ca-certificates/rds-global-bundle.pem',
  '/etc/lifeboat/global-bundle.pem',
  '/opt/rds/global-bundle.pem',
]
const BUNDLE_HINT =
  'Fetch https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem and give it as tls-ca=/path/global-bundle.pem.'

/** The certificates of the authorities that are trusted, as PEM; undefined where the mode verifies nothing. */
export async function readTrust(url: DatabaseUrl): Promise<string | undefined> {
  if (url.tls === 'disable' || url.tls === 'require') return undefined
  if (url.tlsCa !== undefined) return await readBundle(url.tlsCa)
  if (url.host !== undefined && isRdsHost(url.host)) {
    for (const path of RDS_BUNDLES) if (await isReadable(path)) return await readBundle(path)
    throw new LifeboatError(
      'config',
      `unable to verify host '${url.host}': the CA bundle of RDS is not on this machine`,
      { hint: BUNDLE_HINT },
    )
  }
  return [...getCACertificates('default'), ...getCACertificates('system')].join('\n')
}

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

async function readBundle(path: string): Promise<string> {
  try {
    const text = await readFile(path, 'utf8')
    if (text.includes('-----BEGIN CERTIFICATE-----')) return text
    throw new Error('it holds no PEM certificate')
  } catch (thrown) {
    throw new LifeboatError('config', `unable to read CA file '${path}': ${messageOf(thrown)}`, {
      hint: 'Give a file of PEM certificates as tls-ca=/path.',
      cause: thrown,
    })
  }
}

async function isReadable(path: string): Promise<boolean> {
  try {
    await access(path, constants.R_OK)
    return true
  } catch {
    // Not there, or not ours to read: the next one.
    return false
  }
}
