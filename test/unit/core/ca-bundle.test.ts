import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readTrust } from '../../../src/core/ca-bundle.ts'
import { parseDatabaseUrl } from '../../../src/core/database-url.ts'

const PEM = '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n'
const RDS = 'mysql://u@db.x.eu-central-1.rds.amazonaws.com'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ca-test-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('a mode that verifies nothing trusts nobody in particular', async () => {
  for (const mode of ['require', 'disable']) {
    expect(await readTrust(parseDatabaseUrl(`${RDS}?tls=${mode}`), [])).toBeUndefined()
  }
})

test('the file that the URL names is the only authority', async () => {
  const path = join(folder, 'ca.pem')
  await writeFile(path, PEM)
  expect(await readTrust(parseDatabaseUrl(`postgres://u@db.example.com?tls-ca=${path}`), [])).toEqual([PEM])
  expect(await readTrust(parseDatabaseUrl(`${RDS}?tls-ca=${path}`), [])).toEqual([PEM])
})

test('the first bundle of RDS that is there is taken for its hosts, and for no other', async () => {
  const path = join(folder, 'bundle.pem')
  await writeFile(path, PEM)
  const bundles = [join(folder, 'missing.pem'), path]
  expect(await readTrust(parseDatabaseUrl(RDS), bundles)).toEqual([PEM])
  const others = await readTrust(parseDatabaseUrl('mysql://u@db.example.com?tls=verify-full'), bundles)
  expect(others?.length).toBeGreaterThan(10)
  expect(others).not.toContain(PEM)
})

test('a bundle that is missing, or none, is a matter of configuration that says what to fetch', async () => {
  await expect(readTrust(parseDatabaseUrl(RDS), [join(folder, 'a.pem')])).rejects.toMatchObject({
    code: 'config',
    hint: expect.stringContaining('global-bundle.pem'),
  })
  const path = join(folder, 'no.pem')
  await writeFile(path, 'not a certificate')
  for (const file of [path, join(folder, 'gone.pem')]) {
    await expect(readTrust(parseDatabaseUrl(`${RDS}?tls-ca=${file}`), [])).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining(file),
    })
  }
})
