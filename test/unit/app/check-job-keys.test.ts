import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { jobKeyChecks } from '../../../src/app/check-job-keys.ts'
import { generateKey } from '../../../src/stages/openpgp/index.ts'

let folder: string
const path = (name: string) => join(folder, name)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'check-job-keys-'))
  for (const name of ['ours', 'other']) {
    const key = await generateKey({ name, algorithm: 'ecc' })
    await writeFile(path(`${name}.pub`), key.armoredPublic)
    await writeFile(path(`${name}.sec`), key.armoredSecret)
  }
})
afterAll(() => rm(folder, { recursive: true }))

/** Topic and code of what is wrong. */
async function wrong(signing: string | undefined, signers: readonly string[], drill?: string) {
  const checks = jobKeyChecks({
    signing: signing === undefined ? {} : { file: path(signing) },
    signers: signers.map(path),
    drill: { key: drill === undefined ? undefined : { file: path(drill), passphrase: undefined, name: 'k' } },
  })
  const found = await Promise.all(
    checks.map(([topic, check]) =>
      check().then(
        () => [],
        ({ code, hint }) => [[topic, code, typeof hint]],
      ),
    ),
  )
  return found.flat()
}

test('keys that are there, and fit one another, are well', async () => {
  expect(await wrong(undefined, [])).toEqual([])
  expect(await wrong('ours.sec', ['other.pub', 'ours.pub'], 'other.sec')).toEqual([])
  expect(await wrong('ours.sec', [])).toEqual([])
})

test.for([
  ['a signing key that is not there', 'gone.sec', ['ours.pub'], undefined, ['signing key', 'key-unusable']],
  ['a public key that is to sign', 'ours.pub', [], undefined, ['signing key', 'key-unusable']],
  ['a signer that is not there', undefined, ['gone.pub'], undefined, ['signer', 'key-unusable']],
  ['a drill key that is not there', undefined, [], 'gone.sec', ['drill key', 'key-unusable']],
  ['a signing key that no signer is', 'ours.sec', ['other.pub'], undefined, ['signers', 'signature']],
] as const)('%s is told', async ([, signing, signers, drill, expected]) => {
  expect(await wrong(signing, signers, drill)).toEqual([[...expected, 'string']])
})
