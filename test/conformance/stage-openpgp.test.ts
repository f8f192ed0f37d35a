import { Secret } from '../../src/core/secret.ts'
import {
  createOpenpgp,
  type DecryptionMeans,
  generateKey,
  readRecipients,
} from '../../src/stages/openpgp/index.ts'
import { createGpgHome } from '../testbed/gpg-home.ts'
import { describeStage, type StageSubject } from './stage-suite.ts'

interface Case {
  readonly algorithm: 'ecc' | 'rsa4096'
  readonly passphrase?: string
  /** Keys of other people among the recipients. */
  readonly others?: number
  readonly gpgProgram?: boolean
}

async function subject({
  algorithm,
  passphrase,
  others = 0,
  gpgProgram = false,
}: Case): Promise<StageSubject> {
  const home = await createGpgHome()
  const secret = passphrase === undefined ? {} : { passphrase: new Secret(passphrase) }
  const ours = await generateKey({ name: 'Backup', email: 'backup@example.org', algorithm, ...secret })
  const more = Array.from({ length: others }, (_, index) =>
    generateKey({ name: `Other ${index}`, algorithm: 'ecc' }),
  )
  const keys = [...(await Promise.all(more)), ours]
  for (const key of keys) home.run(Buffer.from(key.armoredPublic), '--import')
  home.run(Buffer.from(ours.armoredSecret), '--import')
  const recipients = await readRecipients([
    { name: 'keys.asc', bytes: Buffer.from(keys.map((key) => key.armoredPublic).join('\n')) },
  ])
  const decryption: DecryptionMeans = gpgProgram
    ? { gpg: { command: ['gpg'], homedir: home.path } }
    : {
        secretKeys: [{ name: 'secret.asc', bytes: Buffer.from(ours.armoredSecret) }],
        ...(passphrase === undefined ? {} : { passphrase: async () => new Secret(passphrase) }),
      }
  const unlock = ['--pinentry-mode', 'loopback', '--passphrase', passphrase ?? '']
  const to = ['--trust-model', 'always', '-r', ours.fingerprint]
  return {
    stage: createOpenpgp({ recipients, decryption }),
    stockDecode: (stored) => home.run(stored, ...unlock, '--decrypt'),
    stockEncode: {
      gpg: (plain) => home.run(plain, ...to, '-e'),
      'gpg without compression': (plain) => home.run(plain, ...to, '--compress-algo', 'none', '-e'),
      'gpg with zip': (plain) => home.run(plain, ...to, '--compress-algo', 'zip', '-e'),
      'gpg with AES-128 and a file name': (plain) =>
        home.run(plain, ...to, '--cipher-algo', 'AES', '--set-filename', 'dump.sql', '-e'),
      'gpg to a hidden recipient': (plain) =>
        home.run(plain, '--trust-model', 'always', '-R', ours.fingerprint, '-e'),
      'gpg, signed': (plain) => home.run(plain, ...unlock, ...to, '-u', ours.fingerprint, '-s', '-e'),
    },
    [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
  }
}

describeStage('openpgp with ECC, several recipients and a passphrase', () =>
  subject({ algorithm: 'ecc', others: 2, passphrase: 'über alles 7' }),
)
describeStage('openpgp with RSA', () => subject({ algorithm: 'rsa4096' }))
describeStage('openpgp through the gpg program', () => subject({ algorithm: 'ecc', gpgProgram: true }), {
  stride: 23,
})
