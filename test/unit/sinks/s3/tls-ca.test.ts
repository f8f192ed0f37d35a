import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createS3Sink, parseS3SinkUrl } from '../../../../src/sinks/s3/index.ts'
import { trustedWith } from '../../../../src/sinks/s3/tls-ca.ts'
import { makeCertificates } from '../../../testbed/certificates.ts'

describe('tls-ca', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-tls-ca-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  test('adds the certificates of a file to those that are trusted anyway', async () => {
    const { caFile } = await makeCertificates(folder)
    const trusted = trustedWith(caFile)
    expect(trusted).toHaveLength(getCACertificates('default').length + 1)
    expect(trusted.at(-1)).toMatch(/^-----BEGIN CERTIFICATE-----/)
  })

  test.for<[string, string | undefined, RegExp]>([
    ['a file that is not there', undefined, /ENOENT/],
    ['a file without a certificate', 'hello', /no certificate/],
    ['a damaged certificate', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', /./],
  ])('%s is refused before anything is sent', async ([name, text, reason]) => {
    const file = join(folder, name)
    if (text !== undefined) await writeFile(file, text)
    const location = parseS3SinkUrl(
      `s3://bucket?endpoint=https://127.0.0.1:1&tls-ca=${encodeURIComponent(file)}`,
    )
    expect(() => createS3Sink(location)).toThrow(
      expect.objectContaining({
        code: 'config',
        message: expect.stringMatching(reason),
        hint: expect.stringContaining('tls-ca='),
      }),
    )
  })
})
