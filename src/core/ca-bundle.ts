import { access, constants, readFile } from 'node:fs/promises'
import { getCACertificates } from 'node:tls'
import { type DatabaseUrl, isRdsHost } from './database-url.ts'
import { LifeboatError, messageOf } from './errors.ts'

/** Where people and packages put the CA bundle of RDS. */
const RDS_BUNDLES = [
  '/etc/lifeboat/global-bundle.pem',
  '/etc/ssl/certs/rds-global-bundle.pem',
  '/etc/ssl/certs/global-bundle.pem',
  '/etc/pki/tls/certs/global-bundle.pem',
  '/usr/local/share/ca-certificates/rds-global-bundle.pem',
  '/usr/local/share/ca-certificates/rds-global-bundle.crt',
  '/usr/local/share/ca-certificates/global-bundle.crt',
  '/opt/rds/global-bundle.pem',
] as const

/** The authorities that a connection to the database trusts, as PEM; undefined where its TLS mode verifies nothing. */
export async function readTrust(
  url: DatabaseUrl,
  bundles: readonly string[] = RDS_BUNDLES,
): Promise<readonly string[] | undefined> {
  if (url.tls === 'disable' || url.tls === 'require') return undefined
  if (url.tlsCa !== undefined) return [await readBundle(url.tlsCa)]
  if (url.host === undefined || !isRdsHost(url.host)) {
    return [...getCACertificates('default'), ...getCACertificates('system')]
  }
  for (const path of bundles) if (await isReadable(path)) return [await readBundle(path)]
  throw new LifeboatError(
    'config',
    `unable to verify host '${url.host}': the CA bundle of RDS is not on this machine`,
    {
      hint: `Fetch https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem into ${bundles[0]}, or give it as tls-ca=/path/global-bundle.pem.`,
    },
  )
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

function isReadable(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  )
}
