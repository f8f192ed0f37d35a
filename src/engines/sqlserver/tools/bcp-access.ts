import { LifeboatError } from '../../../core/errors.ts'
import { createPrivateFolder } from '../../../core/private-folder.ts'
import type { Secret } from '../../../core/secret.ts'
import type { Server } from '../server-access.ts'
import type { BulkTool } from './bulk-tool.ts'

/** How one run of Microsoft's bcp reaches the server: nothing secret on its command line or in its environment. */
export interface BcpAccess extends AsyncDisposable {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly secrets: readonly Secret[]
  /** Writes a file that only this user reads, and returns its path. */
  file(name: string, text: string): Promise<string>
}

const SOURCE_NAME = 'lifeboat'
const LOGIN_TIMEOUT_S = '30'

/**
 * Credentials go by a data source in a private file, which Microsoft documents for this: "-D … help protect sensitive
 * credentials from being discoverable as command-line arguments" (bcp utility). unixODBC finds it by ODBCINI.
 */
export async function openBcpAccess(tool: BulkTool, server: Server): Promise<BcpAccess> {
  const { url, address, trust } = server
  const usesName = url.tls === 'verify-full' && url.connect !== undefined
  if (url.tls === 'verify-ca' || (usesName && tool.major < 18)) throw unverifiable(tool, url.tls)
  const secret = await server.password?.()
  const encrypts = url.tls !== 'disable'
  const verifies = url.tls === 'verify-full'
  const entries = {
    Driver: `ODBC Driver ${tool.major} for SQL Server`,
    Server: `tcp:${verifies && !usesName ? address.host : address.address},${address.port}`,
    UID: address.user,
    PWD: secret?.reveal() ?? '',
    Encrypt: encrypts ? 'yes' : 'no',
    TrustServerCertificate: verifies ? 'no' : 'yes',
    ...(usesName && { HostnameInCertificate: address.host }),
    APP: 'lifeboat',
  }
  for (const [name, value] of Object.entries(entries)) refuseUnwritable(name, value)
  const folder = await createPrivateFolder()
  try {
    const lines = Object.entries(entries).map(([name, value]) => `${name}=${value}\n`)
    const odbcini = await folder.file('odbc.ini', `[${SOURCE_NAME}]\n${lines.join('')}`)
    const bundle = trust === undefined ? undefined : await folder.file('ca.pem', trust.join('\n'))
    return {
      args: [
        ...['-S', SOURCE_NAME, '-D', '-l', LOGIN_TIMEOUT_S],
        // Version 18 has a say of its own, which would override the data source.
        ...(tool.major >= 18 ? [encrypts ? '-Ym' : '-Yo', ...(verifies ? [] : ['-u'])] : []),
      ],
      env: {
        ODBCINI: odbcini,
        // Read by OpenSSL in place of the system's authorities; where it is not, the certificate is refused.
        ...(bundle !== undefined && { SSL_CERT_FILE: bundle }),
        LC_ALL: 'C.UTF-8',
      },
      secrets: secret === undefined ? [] : [secret],
      file: (name, text) => folder.file(name, text),
      [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
    }
  } catch (thrown) {
    await folder[Symbol.asyncDispose]()
    throw thrown
  }
}

/** unixODBC reads a file line by line and trims values; a line has at most 1000 bytes. */
function refuseUnwritable(name: string, value: string): void {
  const reason = /[\r\n\0]/.test(value)
    ? 'it holds a line break'
    : value !== value.trim()
      ? 'it begins or ends with a space'
      : Buffer.byteLength(value) > 900
        ? 'it is too long'
        : undefined
  if (reason === undefined) return
  const what = name === 'PWD' ? 'the password' : name === 'UID' ? 'the user' : name
  throw new LifeboatError('unsupported', `unable to hand ${what} to bcp: ${reason}`, {
    hint: 'Leave out tool=bcp, so that lifeboat reads and writes the rows itself.',
  })
}

function unverifiable(tool: BulkTool, mode: string): LifeboatError {
  return new LifeboatError(
    'unsupported',
    mode === 'verify-ca'
      ? 'unable to run bcp with tls=verify-ca: it can check a certificate only together with the host name'
      : `unable to run bcp ${tool.version} with tls=verify-full by way of another address: it can't be told the name in the certificate`,
    { hint: 'Leave out tool=bcp, or use bcp 18 with tls=verify-full.' },
  )
}
