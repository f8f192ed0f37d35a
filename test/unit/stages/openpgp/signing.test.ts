import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '../../../../src/core/secret.ts'
import type { SignatureTrust } from '../../../../src/core/signing.ts'
import {
  createGpgSigner,
  createSigner,
  createTrust,
  generateKey,
} from '../../../../src/stages/openpgp/index.ts'
import { createGpgHome, type GpgHome } from '../../../testbed/gpg-home.ts'
import { lacks } from '../../../testbed/requirement.ts'

const { signal } = new AbortController()
const bytes = Buffer.from('{"format": 1}\n')
const file = (name: string, text: string | Uint8Array) => ({ name, bytes: Buffer.from(text) })
const passphrase = async () => new Secret('open sesame')

describe.each(['ecc', 'rsa4096'] as const)('a key of lifeboat keygen, %s', (algorithm) => {
  let made: Awaited<ReturnType<typeof generateKey>>
  let trust: SignatureTrust
  let signature: Uint8Array
  beforeAll(async () => {
    made = await generateKey({ name: 'ops', algorithm, passphrase: new Secret('open sesame') })
    trust = await createTrust([file('ops.pub.asc', made.armoredPublic)])
    const signer = await createSigner(file('ops.sec.asc', made.armoredSecret), passphrase)
    expect(signer.fingerprint).toBe(made.fingerprint)
    signature = await signer.sign(bytes, signal)
  })

  test('signs, and the trusted signature is known again', async () => {
    const by = await trust.check(bytes, signature)
    expect(by.fingerprint).toBe(made.fingerprint)
    expect(Math.abs(by.signedAt.getTime() - Date.now())).toBeLessThan(60_000)
  })

  test.skipIf(lacks('gpg'))('gpg --verify accepts it', async () => {
    await using home = await createGpgHome()
    home.run(Buffer.from(made.armoredPublic), '--import')
    await writeFile(join(home.path, 'm.sig'), signature)
    const status = home.run(bytes, '--status-fd', '1', '--verify', join(home.path, 'm.sig'), '-').toString()
    expect(status).toContain(`VALIDSIG ${made.fingerprint}`)
  })

  test('no other bytes, no other key, nothing cut passes', async () => {
    for (let at = 0; at < bytes.length; at++) {
      const altered = Buffer.from(bytes)
      altered.writeUInt8(bytes.readUInt8(at) ^ 1, at)
      await expect(trust.check(altered, signature)).rejects.toMatchObject({ code: 'signature' })
    }
    const other = await generateKey({ name: 'ops', algorithm: 'ecc' })
    const stranger = await createTrust([file('other.pub.asc', other.armoredPublic)])
    await expect(stranger.check(bytes, signature)).rejects.toMatchObject({
      code: 'signature',
      hint: expect.stringContaining(other.fingerprint),
    })
    for (const text of ['', 'x', Buffer.from(signature).subarray(0, 100)]) {
      await expect(trust.check(bytes, Buffer.from(text))).rejects.toMatchObject({ code: 'signature' })
    }
  })
})

describe('a signing key that can not be used', () => {
  test.for([
    ['a public key', (key: { armoredPublic: string }) => key.armoredPublic],
    ['no key', () => 'hello'],
  ] as const)('%s', async ([, pick]) => {
    const key = await generateKey({ name: 'x', algorithm: 'ecc' })
    await expect(createSigner(file('x', pick(key)), undefined)).rejects.toMatchObject({
      code: 'key-unusable',
    })
  })

  test('a wrong passphrase, and none', async () => {
    const key = await generateKey({ name: 'x', algorithm: 'ecc', passphrase: new Secret('right') })
    const secret = file('x', key.armoredSecret)
    await expect(createSigner(secret, undefined)).rejects.toMatchObject({
      hint: expect.stringContaining('--signing-passphrase'),
    })
    const failure = await createSigner(secret, async () => new Secret('wr0ng')).catch(
      (thrown: Error) => thrown,
    )
    expect(failure).toMatchObject({ code: 'key-unusable' })
    expect(JSON.stringify(failure) + String((failure as Error).stack)).not.toContain('wr0ng')
  })
})

describe.skipIf(lacks('gpg'))('a key that gpg holds', () => {
  let home: GpgHome
  beforeAll(async () => {
    home = await createGpgHome()
  })
  afterAll(() => home[Symbol.asyncDispose]())
  const gpg = () => ({ command: ['gpg'] as const, homedir: home.path })

  test.for(['ed25519', 'rsa2048'])('signs, %s', async (algorithm) => {
    const fingerprint = home.makeKey(`signer ${algorithm}`, algorithm)
    const signer = await createGpgSigner(gpg(), fingerprint, signal)
    expect(signer.fingerprint).toBe(fingerprint)
    const exported = home.run(Buffer.alloc(0), '--export', fingerprint)
    const trust = await createTrust([file('exported', exported)])
    expect((await trust.check(bytes, await signer.sign(bytes, signal))).fingerprint).toBe(fingerprint)
  })

  test('is named by one key only, and by one that is there', async () => {
    home.makeKey('twin one', 'ed25519')
    home.makeKey('twin two', 'ed25519')
    for (const name of ['twin', 'nobody']) {
      await expect(createGpgSigner(gpg(), name, signal)).rejects.toMatchObject({ code: 'key-unusable' })
    }
  })
})

test.skipIf(lacks('gpg'))('what a key signed before it expired stays trusted', async () => {
  await using home = await createGpgHome()
  const common = ['--pinentry-mode', 'loopback', '--passphrase', '']
  // Made and used long ago, by a clock that is set back.
  const then = ['--faked-system-time', '20200101T000000!']
  home.run(Buffer.alloc(0), ...common, ...then, '--quick-generate-key', 'old', 'ed25519', 'sign', '1y')
  const signature = home.run(bytes, ...common, ...then, '--armor', '--detach-sign')
  const trust = await createTrust([file('old', home.run(Buffer.alloc(0), '--export', 'old'))])
  expect((await trust.check(bytes, signature)).signedAt.getUTCFullYear()).toBe(2020)
})
