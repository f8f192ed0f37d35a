import { createMessage, decryptKey, enums, type PrivateKey, readPrivateKeys, sign } from 'openpgp'
import { LifeboatError, messageOf } from '../../core/errors.ts'
import type { SecretSource } from '../../core/secret.ts'
import type { Signer } from '../../core/signing.ts'
import { type KeyFile, readKeyFile } from './key-file.ts'

/** Signs with the first key of the file that can; throws `key-unusable` before anything is signed. */
export async function createSigner(file: KeyFile, passphrase: SecretSource | undefined): Promise<Signer> {
  const key = await unlock(await readSigningKey(file), file, passphrase)
  return {
    fingerprint: key.getFingerprint().toUpperCase(),
    async sign(bytes) {
      const armored = await sign({
        message: await createMessage({ binary: Uint8Array.from(bytes) }),
        signingKeys: key,
        detached: true,
        // SHA-512, whatever the key prefers: GnuPG 2.2 knows no SHA-3.
        config: { preferredHashAlgorithm: enums.hash.sha512, nonDeterministicSignaturesViaNotation: false },
      })
      return Buffer.from(armored as string)
    },
  }
}

/** Of the key of the file that would sign; no passphrase is needed. Throws `key-unusable` where there is none. */
export async function readSigningFingerprint(file: KeyFile): Promise<string> {
  return (await readSigningKey(file)).getFingerprint().toUpperCase()
}

async function readSigningKey(file: KeyFile): Promise<PrivateKey> {
  const { binary } = await readKeyFile(file)
  let keys: PrivateKey[]
  try {
    keys = await readPrivateKeys({ binaryKeys: binary })
  } catch (thrown) {
    throw refuse(file, messageOf(thrown), 'Give a secret key: gpg --export-secret-keys FINGERPRINT.', thrown)
  }
  let failure: unknown = 'it is a public key'
  for (const key of keys) {
    try {
      if (key.keyPacket.version !== 4) throw new Error('it is a key of a version that GnuPG 2.2 can not read')
      await key.getSigningKey()
      return key
    } catch (thrown) {
      failure = thrown
    }
  }
  throw refuse(
    file,
    typeof failure === 'string' ? failure : messageOf(failure),
    'Give a secret key that is made for signing and not expired: lifeboat keygen makes one.',
    failure,
  )
}

async function unlock(
  key: PrivateKey,
  file: KeyFile,
  passphrase: SecretSource | undefined,
): Promise<PrivateKey> {
  if (key.isDecrypted()) return key
  if (passphrase === undefined) {
    throw refuse(
      file,
      'it has a passphrase, and none was given',
      'Give it by reference: --signing-passphrase env:NAME, file:PATH or prompt:',
    )
  }
  const secret = await passphrase()
  try {
    return await decryptKey({ privateKey: key, passphrase: secret.reveal() })
  } catch (thrown) {
    throw refuse(file, messageOf(thrown), 'Check the passphrase that --signing-passphrase refers to.', thrown)
  }
}

function refuse(file: KeyFile, reason: string, hint: string, cause?: unknown): LifeboatError {
  return new LifeboatError('key-unusable', `unable to sign with key '${file.name}': ${reason}`, {
    hint,
    ...(cause !== undefined && { cause }),
  })
}
