import { randomBytes } from 'node:crypto'
import { encryptSessionKey } from 'openpgp'
import type { Bytes } from '../../core/bytes.ts'
import { LifeboatError } from '../../core/errors.ts'
import { createFeed } from '../../core/feed.ts'
import type { SecretSource } from '../../core/secret.ts'
import type { Stage } from '../../core/stage.ts'
import { decryptMessage } from './decrypt.ts'
import { encryptData } from './encrypt.ts'
import { decryptWithGpg, type GpgProgram } from './gpg.ts'
import type { KeyFile } from './key-file.ts'
import type { Recipient } from './recipients.ts'
import { createSecretKeys } from './secret-keys.ts'

/** Secret keys from files, with one passphrase asked for only where a key is protected; or the gpg program. */
export type DecryptionMeans =
  | { readonly secretKeys: readonly KeyFile[]; readonly passphrase?: SecretSource }
  | { readonly gpg: GpgProgram }

export interface OpenpgpOptions {
  readonly recipients?: readonly Recipient[]
  readonly decryption?: DecryptionMeans
}

/** OpenPGP to one or several recipients, as GnuPG 2.2 and everything since reads it. */
export function createOpenpgp({ recipients = [], decryption }: OpenpgpOptions): Stage {
  const decrypt = decryption === undefined ? withoutMeans : decrypter(decryption)
  return {
    name: 'openpgp',
    suffix: '.pgp',
    byHand: 'gpg -d',
    facts: { recipients: recipients.map(({ fingerprint }) => fingerprint) },
    encode: (input, signal) => encrypt(input, recipients, signal),
    decode: decrypt,
  }
}

async function* encrypt(
  input: Bytes,
  recipients: readonly Recipient[],
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const feed = createFeed(input, signal)
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let piece = await feed.next(); piece !== undefined; piece = await feed.next()) yield piece
  }
  try {
    if (recipients.length === 0) {
      throw new LifeboatError('key-unusable', "unable to encrypt with 'openpgp': there are no recipients", {
        hint: 'Name the public key of at least one recipient: --recipient FILE.',
      })
    }
    // A session key of our own: left to itself, openpgp.js answers a key that advertises SEIPDv2 with what GnuPG 2.2
    // can't read.
    const sessionKey = randomBytes(32)
    yield await encryptSessionKey({
      data: sessionKey,
      algorithm: 'aes256',
      encryptionKeys: recipients.map(({ key }) => key),
      format: 'binary',
    })
    yield* encryptData(pieces(), sessionKey)
  } finally {
    await feed.close()
  }
}

function decrypter(means: DecryptionMeans): Stage['decode'] {
  if ('gpg' in means) return (input, signal) => decryptWithGpg(means.gpg, input, signal)
  if (means.secretKeys.length === 0) return withoutMeans
  const openSessionKey = createSecretKeys(means.secretKeys, means.passphrase)
  return (input, signal) => decryptMessage(input, openSessionKey, signal)
}

// biome-ignore lint/correctness/useYield: a stage is lazy, so the refusal belongs to the first read
async function* withoutMeans(input: Bytes, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  await createFeed(input, signal).close()
  throw new LifeboatError('key-unusable', 'unable to decrypt the OpenPGP message: no secret key was given', {
    hint: 'Give the secret key of one of the recipients with --key FILE, or --gpg if it lives in gpg-agent or on a card.',
  })
}
