import { generateKey as openpgpKey, PrivateKey, readPrivateKey, reformatKey, revokeKey } from 'openpgp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { collect, once } from '../../../../src/core/bytes.ts'
import {
  checkRecipients,
  createOpenpgp,
  generateKey,
  type KeyFile,
  readRecipients,
} from '../../../../src/stages/openpgp/index.ts'
import { createGpgHome, type GpgHome } from '../../../testbed/gpg-home.ts'
import { lacks } from '../../../testbed/requirement.ts'
import { sampleBytes } from '../../../testbed/sample-bytes.ts'

const signal = new AbortController().signal
const userIDs = [{ name: 'Test', email: 'test@example.org' }]
const file = (bytes: string | Uint8Array, name = 'key.asc'): KeyFile => ({ name, bytes: Buffer.from(bytes) })
const refusal = (bytes: string | Uint8Array) => expect(readRecipients([file(bytes)])).rejects

describe('keys that encrypt', () => {
  it('are read from armored and binary files, several in one, each once', async () => {
    const keys = await Promise.all(['a', 'b', 'c'].map((name) => generateKey({ name, algorithm: 'ecc' })))
    const [a, b, c] = keys.map((key) => key.armoredPublic) as [string, string, string]
    const armored = await readRecipients([file(`comment before\n${a}\nand between\n${b}`), file(c), file(a)])
    expect(armored.map(({ fingerprint }) => fingerprint)).toEqual(keys.map(({ fingerprint }) => fingerprint))
    const binary = Buffer.concat(armored.map(({ key }) => key.write()))
    expect((await readRecipients([file(binary)])).map(({ userId }) => userId)).toEqual(['a', 'b', 'c'])
  })

  it('are described for doctor, with a warning before they expire', async () => {
    const lasting = await generateKey({ name: 'Ann', email: 'ann@example.org', algorithm: 'ecc' })
    const ending = await generateKey({ name: 'Bob', algorithm: 'ecc', expiresDays: 10 })
    const [ok, warning, failure] = await checkRecipients([
      file(lasting.armoredPublic),
      file(ending.armoredPublic),
      file('nonsense', 'notes.txt'),
    ])
    expect(ok).toMatchObject({
      level: 'ok',
      message: expect.stringContaining(`${lasting.fingerprint} Ann <ann@`),
    })
    expect(warning).toMatchObject({ level: 'warning', message: expect.stringMatching(/Bob \(.*expires 20/) })
    expect(failure).toMatchObject({
      level: 'failure',
      code: 'key-unusable',
      message: expect.stringContaining('notes.txt'),
    })
  })
})

describe('keys that are refused', () => {
  it('a secret key given by mistake', async () => {
    const { armoredSecret } = await generateKey({ name: 'x', algorithm: 'ecc' })
    await refusal(armoredSecret).toMatchObject({
      code: 'key-unusable',
      message: expect.stringContaining('secret key'),
      hint: expect.stringContaining('public key'),
    })
  })

  it('one that has expired', async () => {
    const date = new Date(Date.now() - 3 * 86_400_000)
    const { publicKey } = await openpgpKey({ userIDs, date, keyExpirationTime: 86_400 })
    await refusal(publicKey).toMatchObject({
      code: 'key-unusable',
      message: expect.stringMatching(/expired on .*[0-9A-F]{40}/),
      hint: expect.any(String),
    })
  })

  it('one that is revoked', async () => {
    const { privateKey } = await openpgpKey({ userIDs, format: 'object' })
    const { publicKey } = await revokeKey({ key: privateKey })
    await refusal(publicKey).toMatchObject({
      code: 'key-unusable',
      message: expect.stringContaining('revoked'),
    })
  })

  it('one that only signs', async () => {
    const { publicKey } = await openpgpKey({ userIDs, subkeys: [{ sign: true }] })
    await refusal(publicKey).toMatchObject({
      code: 'key-unusable',
      message: expect.stringContaining("can't encrypt"),
    })
  })

  it('one of version 6', async () => {
    const { publicKey } = await openpgpKey({ userIDs, type: 'curve25519', config: { v6Keys: true } })
    await refusal(publicKey).toMatchObject({
      code: 'key-unusable',
      hint: expect.stringContaining('GnuPG 2.2'),
    })
  })

  it('one of version 4 with the new algorithms', async () => {
    const { publicKey } = await openpgpKey({ userIDs, type: 'curve25519' })
    await refusal(publicKey).toMatchObject({
      code: 'key-unusable',
      hint: expect.stringContaining('GnuPG 2.2'),
    })
  })

  it('one whose encryption subkey alone is new', async () => {
    const { privateKey } = await openpgpKey({
      userIDs,
      type: 'ecc',
      curve: 'curve25519Legacy',
      format: 'object',
    })
    const mixed = await privateKey.addSubkey({ type: 'curve25519', date: new Date(Date.now() - 500) })
    const onlyNew = new PrivateKey(mixed.toPacketList())
    onlyNew.subkeys = onlyNew.subkeys.slice(-1)
    await refusal(onlyNew.toPublic().armor()).toMatchObject({
      code: 'key-unusable',
      message: expect.stringContaining('algorithm 25'),
    })
  })

  it.each([
    ['empty', ''],
    ['text', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5'],
    ['a cut armor', '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDMEZ\n'],
    ['noise', sampleBytes(500)],
  ])('what is no key: %s', async (_, bytes) => {
    await refusal(bytes).toMatchObject({ code: 'key-unusable', hint: expect.any(String) })
  })

  it('a file of which one key is cut off', async () => {
    const [{ key }] = (await readRecipients([
      file((await generateKey({ name: 'x', algorithm: 'ecc' })).armoredPublic),
    ])) as unknown as [{ key: PrivateKey }]
    await refusal(key.write().subarray(0, -7)).toMatchObject({ code: 'key-unusable' })
  })
})

describe.skipIf(lacks('gpg'))('against gpg', () => {
  let home: GpgHome
  beforeAll(async () => {
    home = await createGpgHome()
  })
  afterAll(() => home?.[Symbol.asyncDispose]())
  const plain = sampleBytes(100_000)

  it.each(['rsa2048+rsa2048', 'future-default', 'ed25519+cv25519', 'nistp256+nistp256', 'nistp521+nistp521'])(
    'encrypts to, and decrypts with, a key that gpg made: %s',
    async (algorithm) => {
      const fingerprint = home.makeKey(`gpg ${algorithm}`, algorithm)
      const recipients = await readRecipients([file(home.run(Buffer.alloc(0), '--export', fingerprint))])
      expect(recipients.map((recipient) => recipient.fingerprint)).toEqual([fingerprint])
      const secret = file(home.run(Buffer.alloc(0), '--export-secret-keys', '--armor', fingerprint))
      const stage = createOpenpgp({ recipients, decryption: { secretKeys: [secret] } })
      const stored = Buffer.from(await collect(stage.encode(once(plain), signal)))
      expect(home.run(stored, '--decrypt').equals(plain)).toBe(true)
      expect(plain.equals(await collect(stage.decode(once(stored), signal)))).toBe(true)
    },
  )

  it('refuses a Brainpool key with a reason', async () => {
    const fingerprint = home.makeKey('Brainpool', 'brainpoolP256r1+brainpoolP256r1')
    await refusal(home.run(Buffer.alloc(0), '--export', fingerprint)).toMatchObject({
      code: 'key-unusable',
      message: expect.stringContaining('brainpoolP256r1'),
      hint: expect.any(String),
    })
  })

  it('writes what gpg 2.2 reads to a key that advertises newer encryption (SEIPDv2)', async () => {
    const made = await openpgpKey({
      userIDs: [{ name: 'Modern' }],
      type: 'ecc',
      curve: 'curve25519Legacy',
      format: 'object',
      config: { aeadProtect: true },
    })
    const { user } = await made.publicKey.getPrimaryUser()
    expect(user.selfCertifications[0]?.features?.[0]).toBe(9)
    home.run(Buffer.from(made.privateKey.armor()), '--import')
    const stage = createOpenpgp({ recipients: await readRecipients([file(made.publicKey.armor())]) })
    const stored = Buffer.from(await collect(stage.encode(once(plain), signal)))
    expect(home.run(stored, '--decrypt').equals(plain)).toBe(true)
  })

  it('takes a key whose user id was made again', async () => {
    const made = await generateKey({ name: 'Old Name', algorithm: 'ecc' })
    const privateKey = await readPrivateKey({ armoredKey: made.armoredSecret })
    const { publicKey } = await reformatKey({ privateKey, userIDs: [{ name: 'New Name' }] })
    expect(await readRecipients([file(publicKey)])).toMatchObject([{ userId: 'New Name' }])
  })
})
