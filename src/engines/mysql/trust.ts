import { access, constants, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates } from 'node:tls'
import { type DatabaseUrl, isRdsHost } from '../../core/database-url.ts'
import { LifeboatError, messageOf } from '../../core/errors.ts'

/** Where people and packages put the RDS CA bundle. */
const RDS_BUNDLES = [
  '/etc/lifeboat/global-bundle.pem',
  '/etc/ssl/certs/global-bundle.pem',
  '/etc/ssl/certs/rds-global-bundle.pem',
  '/etc/pki/tls/certs/global-bundle.pem',
  '/usr/local/share/ca-certificates/rds-global-bundle.pem',
  '/usr/local/share/ca-certificates/global-bundle.crt',
  '/opt/rds/global-bundle.pem',
  join(homedir(), 'global-bundle.pem'),
]

/** The authorities that are trusted, as PEM; undefined where the mode verifies nothing. */
export async function readTrust(url: DatabaseUrl): Promise<readonly string[] | undefined> {
  if (url.tls === 'disable' || url.tls === 'require') return undefined
  if (url.tlsCa !== undefined) return [await readBundle(url.tlsCa)]
  if (url.host === undefined || !isRdsHost(url.host)) {
    return [...getCACertificates('default'), ...getCACertificates('system')]
  }
  for (const path of RDS_BUNDLES) if (await isReadable(path)) return [await readBundle(path)]
  throw new LifeboatError(
    'unsupported',
    `unable to verify host '${url.host}': the CA bundle of RDS is not on this machine`,
    {
      hint: 'Fetch https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem and give it as tls-ca=/path/global-bundle.pem.',
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
