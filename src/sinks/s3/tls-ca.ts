import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { getCACertificates } from 'node:tls'
import { LifeboatError, messageOf } from '../../core/errors.ts'

/**
 * The CAs to trust: those of the file, and those trusted anyway, since the same client may have to ask AWS itself for
 * credentials. Read once, before anything is sent.
 */
export function trustedWith(file: string): string[] {
  let pem: string
  try {
    pem = readFileSync(file, 'utf8')
  } catch (thrown) {
    throw unusable(file, messageOf(thrown), thrown)
  }
  const found = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []
  if (found.length === 0) throw unusable(file, 'it holds no certificate')
  for (const certificate of found) {
    try {
      new X509Certificate(certificate)
    } catch (thrown) {
      throw unusable(file, messageOf(thrown), thrown)
    }
  }
  return [...getCACertificates('default'), ...found]
}

function unusable(file: string, reason: string, cause?: unknown): LifeboatError {
  return new LifeboatError('config', `unable to read CA file '${file}': ${reason}`, {
    hint: 'Name with tls-ca= in the sink URL a PEM file that holds the CA of the endpoint.',
    cause,
  })
}
