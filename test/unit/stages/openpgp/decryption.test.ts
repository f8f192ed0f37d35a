import { randomBytes } from 'node:crypto'
import {
  createMessage,
  encrypt,
  generateKey as openpgpKey,
  readKey,
  readPrivateKey,
  revokeKey,
} from 'openpgp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { collect, once } from '../../../../src/core/bytes.ts'
import { Secret } from '../../../../src/core/secret.ts'
import {
  checkSecretKey,
  createOpenpgp,
  type DecryptionMeans,
  generateKey,
  type KeyFile,
  type NewKey,
  readRecipients,
} from '../../../../src/stages/openpgp/index.ts'
import { createGpgHome, type GpgHome } from '../../../testbed/gpg-home.ts'
import { lacks } from '../../../testbed/requirement.ts'
import { inPieces, sampleBytes } from '../../../testbed/sample-bytes.ts'

const signal = new AbortController().signal
const plain = sampleBytes(300_000)
const file = (bytes: string | Uint8Array, name = 'secret.asc'): KeyFile => ({
  name,
  bytes: Buffer.from(bytes),
})

let open: NewKey
let locked: NewKey
let stored: Buffer
beforeAll(async () => {
  open = await generateKey({ name: 'Open', algorithm: 'ecc' })
  locked = await generateKey({ name: 'Locked', algorithm: 'ecc', passphrase: new Secret('correct horse') })
  stored = await encryptTo(open.armoredPublic, locked.armoredPublic)
})

async function encryptTo(...keys: readonly string[]): Promise<Buffer> {
  const recipients = await readRecipients(keys.map((key) => file(key)))
  return Buffer.from(await collect(createOpenpgp({ recipients }).encode(inPieces(plain), signal)))
}

async function decrypt(message: Uint8Array, decryption?: DecryptionMeans): Promise<boolean> {
  const stage = createOpenpgp(decryption === undefined ? {} : { decryption })
  return plain.equals(await collect(stage.decode(inPieces(message), signal)))
}

describe('secret keys from files', () => {
  it('open what is encrypted to one of several recipients', async () => {
    const never = async () => {
      throw new Error('the passphrase was asked for')
    }
    expect(await decrypt(stored, { secretKeys: [file(open.armoredSecret)], passphrase: never })).toBe(true)
  })

  it('are unlocked once, however many streams there are', async () => {
    let asked = 0
    const passphrase = async () => {
      asked += 1
      return new Secret('correct horse')
    }
    const stage = createOpenpgp({ decryption: { secretKeys: [file(locked.armoredSecret)], passphrase } })
    for (let turn = 0; turn < 3; turn += 1) {
      expect(plain.equals(await collect(stage.decode(once(stored), signal)))).toBe(true)
    }
    const together = [1, 2, 3].map(() => collect(stage.decode(once(stored), signal)))
    expect((await Promise.all(together)).every((each) => plain.equals(each))).toBe(true)
    expect(asked).toBe(1)
  })

  it('say that a passphrase is missing or wrong, without showing it', async () => {
    const secretKeys = [file(locked.armoredSecret)]
    await expect(decrypt(stored, { secretKeys })).rejects.toMatchObject({
      code: 'key-unusable',
      message: expect.stringMatching(/[0-9A-F]{40}.*no passphrase/),
      hint: expect.stringContaining('--passphrase'),
    })
    const wrong = decrypt(stored, { secretKeys, passphrase: async () => new Secret('incorrect horse') })
    await expect(wrong).rejects.toMatchObject({
      code: 'key-unusable',
      hint: expect.stringContaining('passphrase'),
    })
    await expect(wrong).rejects.not.toThrow('incorrect horse')
  })

  it('name the keys that would do when none is among the recipients', async () => {
    const stranger = await generateKey({ name: 'Stranger', algorithm: 'ecc' })
    const [recipient] = await readRecipients([file(open.armoredPublic)])
    const id = recipient?.key.subkeys[0]?.getKeyID().toHex().toUpperCase()
    await expect(decrypt(stored, { secretKeys: [file(stranger.armoredSecret)] })).rejects.toMatchObject({
      code: 'key-unusable',
      message: expect.stringContaining(id as string),
      hint: expect.stringContaining('--key'),
    })
  })

  it('find their packet among hidden recipients', async () => {
    const encryptionKeys = await Promise.all(
      [locked, open].map(({ armoredPublic }) => readKey({ armoredKey: armoredPublic })),
    )
    const message = await createMessage({ binary: plain })
    const sessionKey = { data: randomBytes(32), algorithm: 'aes256' as const }
    const hidden = await encrypt({ message, encryptionKeys, sessionKey, wildcard: true, format: 'binary' })
    const stranger = await generateKey({ name: 'Stranger', algorithm: 'ecc' })
    const secretKeys = [file(stranger.armoredSecret), file(open.armoredSecret)]
    expect(await decrypt(hidden, { secretKeys })).toBe(true)
    await expect(decrypt(hidden, { secretKeys: secretKeys.slice(0, 1) })).rejects.toMatchObject({
      code: 'key-unusable',
    })
  })

  it('open old backups though they are revoked or expired by now', async () => {
    const date = new Date(Date.now() - 100_000)
    const made = await openpgpKey({
      userIDs: [{ name: 'Old' }],
      type: 'ecc',
      curve: 'curve25519Legacy',
      date,
      keyExpirationTime: 50,
      format: 'object',
    })
    const message = await createMessage({ binary: plain })
    const sessionKey = { data: randomBytes(32), algorithm: 'aes256' as const }
    const old = await encrypt({ message, encryptionKeys: made.publicKey, sessionKey, date, format: 'binary' })
    expect(await decrypt(old, { secretKeys: [file(made.privateKey.write())] })).toBe(true)
    const { privateKey } = await revokeKey({ key: made.privateKey, date, format: 'object' })
    expect(await decrypt(old, { secretKeys: [file(privateKey.write())] })).toBe(true)
  })

  it('refuse a public key in their place', async () => {
    await expect(decrypt(stored, { secretKeys: [file(open.armoredPublic)] })).rejects.toMatchObject({
      code: 'key-unusable',
      message: expect.stringContaining('public key'),
    })
  })

  it('read newer messages (SEIPDv2) too, and notice their damage', async () => {
    const encryptionKeys = await readKey({ armoredKey: open.armoredPublic })
    const message = await createMessage({ binary: plain })
    const aead = await encrypt({
      message,
      encryptionKeys,
      sessionKey: { data: randomBytes(32), algorithm: 'aes256', aeadAlgorithm: 'ocb' },
      format: 'binary',
    })
    const secretKeys = [file(open.armoredSecret)]
    expect(await decrypt(aead, { secretKeys })).toBe(true)
    const flipped = Buffer.from(aead)
    flipped[200_000] = (flipped[200_000] as number) ^ 1
    await expect(decrypt(flipped, { secretKeys })).rejects.toMatchObject({ code: 'integrity' })
    await expect(decrypt(aead.subarray(0, -20), { secretKeys })).rejects.toMatchObject({ code: 'integrity' })
    await expect(decrypt(aead.subarray(0, 150_000), { secretKeys })).rejects.toMatchObject({
      code: 'integrity',
    })
  })

  it('refuse armor and plain text with a hint', async () => {
    const secretKeys = [file(open.armoredSecret)]
    await expect(decrypt(Buffer.from(open.armoredPublic), { secretKeys })).rejects.toMatchObject({
      code: 'unsupported',
      hint: expect.stringContaining('--dearmor'),
    })
  })
})

describe('without the means', () => {
  it('decryption asks for a key, encryption for a recipient', async () => {
    await expect(decrypt(stored)).rejects.toMatchObject({
      code: 'key-unusable',
      hint: expect.stringMatching(/--key FILE.*--gpg/),
    })
    await expect(collect(createOpenpgp({}).encode(once(plain), signal))).rejects.toMatchObject({
      code: 'key-unusable',
      hint: expect.stringContaining('--recipient'),
    })
  })
})

describe('the check for doctor', () => {
  it('opens something in truth', async () => {
    const recipients = await readRecipients([file(open.armoredPublic)])
    const check = (key: NewKey) =>
      checkSecretKey({ secretKeys: [file(key.armoredSecret)] }, recipients, signal)
    expect(await check(open)).toMatchObject({
      level: 'ok',
      message: expect.stringContaining(open.fingerprint),
    })
    expect(await check(locked)).toMatchObject({
      level: 'failure',
      code: 'key-unusable',
      hint: expect.any(String),
    })
  })
})

describe('a key made here', () => {
  it('prefers only hashes that GnuPG 2.2 knows, for it would warn on import', async () => {
    for (const { armoredPublic } of [open, locked]) {
      const key = await readKey({ armoredKey: armoredPublic })
      const { selfCertification } = await key.getPrimaryUser()
      expect(selfCertification.preferredHashAlgorithms).toEqual([10, 8])
    }
  })

  it.each([{ expiresDays: 0 }, { expiresDays: 1.5 }, { passphrase: new Secret('') }])(
    'is refused with %o',
    async (part) => {
      await expect(generateKey({ name: 'x', algorithm: 'ecc', ...part })).rejects.toMatchObject({
        code: 'usage',
        hint: expect.any(String),
      })
    },
  )
})

describe.skipIf(lacks('gpg'))('with gpg', () => {
  let home: GpgHome
  beforeAll(async () => {
    home = await createGpgHome()
  })
  afterAll(() => home?.[Symbol.asyncDispose]())
  const nothing = Buffer.alloc(0)
  const loopback = (passphrase: string) => ['--pinentry-mode', 'loopback', '--passphrase', passphrase]

  it('a protected key that gpg exports opens here', async () => {
    const fingerprint = home.makeKey('Protected', 'future-default', 'pass phrase')
    const secret = home.run(nothing, ...loopback('pass phrase'), '--export-secret-keys', fingerprint)
    const message = await encryptTo(home.run(nothing, '--armor', '--export', fingerprint).toString())
    const passphrase = async () => new Secret('pass phrase')
    expect(await decrypt(message, { secretKeys: [file(secret)], passphrase })).toBe(true)
    const subkeys = home.run(nothing, ...loopback('pass phrase'), '--export-secret-subkeys', fingerprint)
    expect(await decrypt(message, { secretKeys: [file(subkeys)], passphrase })).toBe(true)
  })

  it('keys made here are imported and used, RSA and ECC, with a passphrase', async () => {
    for (const algorithm of ['ecc', 'rsa4096'] as const) {
      const made = await generateKey({
        name: algorithm,
        algorithm,
        passphrase: new Secret('über 9'),
        expiresDays: 30,
      })
      home.run(Buffer.from(made.armoredSecret), '--import')
      home.run(Buffer.from(made.armoredPublic), '--import')
      const listing = home.run(nothing, '--with-colons', '--list-secret-keys', made.fingerprint).toString()
      expect(listing).toContain(made.fingerprint)
      const expiry = Number(/^sec:[^:]*:[^:]*:[^:]*:[^:]*:\d+:(\d+)/m.exec(listing)?.[1]) * 1000
      expect(Math.abs(expiry - Date.now() - 30 * 86_400_000)).toBeLessThan(120_000)
      expect(
        home.run(await encryptTo(made.armoredPublic), ...loopback('über 9'), '--decrypt').equals(plain),
      ).toBe(true)
      const trust = ['--trust-model', 'always', '-r', made.fingerprint]
      const theirs = home.run(plain, ...trust, '--encrypt')
      const passphrase = async () => new Secret('über 9')
      expect(await decrypt(theirs, { secretKeys: [file(made.armoredSecret)], passphrase })).toBe(true)
      const signature = home.run(plain, ...loopback('über 9'), '-u', made.fingerprint, '--sign')
      expect(home.run(signature, '--decrypt').equals(plain)).toBe(true)
      home.run(Buffer.from(made.revocationCertificate), '--import')
      const after = home.run(nothing, '--with-colons', '--list-keys', made.fingerprint).toString()
      expect(/^pub:r:/m.test(after)).toBe(true)
      expect((await readPrivateKey({ armoredKey: made.armoredSecret })).isDecrypted()).toBe(false)
    }
  })

  it('through the program: a missing key, a missing program and a missing home have hints', async () => {
    await expect(decrypt(stored, { gpg: { command: ['gpg'], homedir: home.path } })).rejects.toMatchObject({
      code: 'key-unusable',
      message: expect.not.stringContaining('[GNUPG:]'),
      hint: expect.stringContaining('Import the secret key'),
    })
    await expect(decrypt(stored, { gpg: { command: ['gpg-that-is-not'] } })).rejects.toMatchObject({
      code: 'tool-missing',
    })
    const nowhere = { command: ['gpg'] as const, homedir: `${home.path}/nowhere` }
    await expect(decrypt(stored, { gpg: nowhere })).rejects.toMatchObject({
      code: 'key-unusable',
      hint: expect.stringContaining('home folder'),
    })
  })

  it('through the program: a locked key without a terminal has a hint', async () => {
    home.run(Buffer.from(locked.armoredSecret), '--import')
    await expect(decrypt(stored, { gpg: { command: ['gpg'], homedir: home.path } })).rejects.toMatchObject({
      code: 'key-unusable',
      hint: expect.stringMatching(/agent/),
    })
  })

  it('through the program: a cut that gpg itself passes over in silence is damage', async () => {
    home.run(Buffer.from(open.armoredSecret), '--import')
    const gpg = { command: ['gpg'] as const, homedir: home.path }
    for (const bytes of [0, 1, 3, 50, 100, 188, 200]) {
      await expect(decrypt(stored.subarray(0, bytes), { gpg }), `${bytes}`).rejects.toMatchObject({
        code: 'integrity',
      })
    }
  })
})
