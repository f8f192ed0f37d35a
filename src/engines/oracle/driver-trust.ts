import { generateKeyPairSync } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readTrust } from '../../core/ca-bundle.ts'
import type { DatabaseUrl } from '../../core/database-url.ts'
import { LifeboatError, messageOf } from '../../core/errors.ts'

/** What the driver is told about TLS. It verifies the chain always: `require` trusts the authorities of Node. */
export interface DriverTrust {
  readonly protocol: 'tcp' | 'tcps'
  readonly walletContent?: string
  readonly sslServerDNMatch: boolean
}

export async function readDriverTrust(url: DatabaseUrl, wallet: string | undefined): Promise<DriverTrust> {
  const sslServerDNMatch = url.tls === 'verify-full'
  if (url.tls === 'disable') {
    if (wallet === undefined) return { protocol: 'tcp', sslServerDNMatch }
    throw new LifeboatError('usage', 'unable to use a wallet: tls=disable turns off what it is for', {
      hint: 'Leave out wallet= or tls=disable.',
    })
  }
  const trust = await readTrust(url)
  const own = wallet === undefined ? undefined : await readWallet(wallet)
  if (trust === undefined && own === undefined) return { protocol: 'tcps', sslServerDNMatch }
  return {
    protocol: 'tcps',
    // The driver takes a wallet's text as certificate, key and authorities at once, and refuses one without a key. A key
    // of a kind that no authority has belongs to none of the certificates, so it is never used.
    walletContent: [own ?? throwawayKey(), ...(trust ?? [])].join('\n'),
    sslServerDNMatch,
  }
}

function throwawayKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

async function readWallet(folder: string): Promise<string> {
  const path = join(folder, 'ewallet.pem')
  let reason = 'it holds no private key, or an encrypted one'
  try {
    const text = await readFile(path, 'utf8')
    if (/-----BEGIN (?:RSA |EC )?PRIVATE KEY-----/.test(text)) return text
  } catch (thrown) {
    reason = messageOf(thrown)
  }
  throw new LifeboatError('config', `unable to read wallet '${path}': ${reason}`, {
    hint: 'The thin driver reads PEM: orapki wallet pkcs12_to_pem, or openssl pkcs12 -in ewallet.p12 -nodes -out ewallet.pem.',
  })
}
