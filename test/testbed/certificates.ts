import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface Certificates {
  readonly caFile: string
  readonly certificateFile: string
  readonly keyFile: string
}

/** A CA of our own, and what it signed for localhost, 127.0.0.1, ::1 and db.example.test: PEM files in `folder`. */
export async function makeCertificates(folder: string): Promise<Certificates> {
  const at = (name: string) => join(folder, name)
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  await run('openssl', [
    ...['req', '-x509', ...key, '-keyout', at('ca.key'), '-out', at('ca.crt'), '-days', '30'],
    ...['-subj', '/CN=lifeboat test CA'],
  ])
  await run('openssl', [
    ...['req', ...key, '-keyout', at('server.key'), '-out', at('server.csr'), '-subj', '/CN=localhost'],
  ])
  await writeFile(at('extensions'), 'subjectAltName=DNS:localhost,DNS:db.example.test,IP:127.0.0.1,IP:::1\n')
  await run('openssl', [
    ...['x509', '-req', '-in', at('server.csr'), '-CA', at('ca.crt'), '-CAkey', at('ca.key')],
    ...['-CAcreateserial', '-days', '30', '-extfile', at('extensions'), '-out', at('server.crt')],
  ])
  for (const name of ['ca.key', 'ca.srl', 'server.csr', 'extensions']) await rm(at(name), { force: true })
  return { caFile: at('ca.crt'), certificateFile: at('server.crt'), keyFile: at('server.key') }
}
