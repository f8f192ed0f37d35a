import { createMessage, type PublicKey, readKeys, readSignature, type Signature, verify } from 'openpgp'
import { LifeboatError, messageOf } from '../../core/errors.ts'
import type { SignatureTrust, SignedBy } from '../../core/signing.ts'
import { type KeyFile, readKeyFile } from './key-file.ts'

/** A signer's clock may go ahead of ours by so much. */
const SKEW_MS = 24 * 3_600_000

/** Trusts the keys of these files, and no other; throws `key-unusable` for a file that holds none. */
export async function createTrust(files: readonly KeyFile[]): Promise<SignatureTrust> {
  const keys: PublicKey[] = []
  for (const file of files) keys.push(...(await readPublicKeys(file)))
  const fingerprints = keys.map(fingerprintOf)
  return {
    fingerprints,
    async check(bytes, armored) {
      const signature = await parseSignature(armored)
      const ids = signature.getSigningKeyIDs().map((id) => id.toHex().toUpperCase())
      const { signatures } = await verify({
        message: await createMessage({ binary: Uint8Array.from(bytes) }),
        signature,
        verificationKeys: keys,
        date: new Date(Date.now() + SKEW_MS),
      })
      const reasons: string[] = []
      for (const each of signatures) {
        try {
          await each.verified
          return await signedBy(keys, each)
        } catch (thrown) {
          reasons.push(messageOf(thrown))
        }
      }
      throw new LifeboatError('signature', `it is signed by key ${ids.join(', ')}: ${reasons.join('; ')}`, {
        hint: 'Trust this backup only if you know that signer: give its public key with --signer FILE. Trusted now: '.concat(
          fingerprints.join(', '),
          '.',
        ),
        details: { signedByKeyIds: ids, trusted: fingerprints },
      })
    },
  }
}

async function readPublicKeys(file: KeyFile): Promise<readonly PublicKey[]> {
  try {
    const { binary } = await readKeyFile(file)
    const keys = await readKeys({ binaryKeys: binary })
    return keys.map((key) => key.toPublic())
  } catch (thrown) {
    if (thrown instanceof LifeboatError) throw thrown
    throw new LifeboatError('key-unusable', `unable to use signer '${file.name}': ${messageOf(thrown)}`, {
      hint: 'Export the public key of the signer again: gpg --export FINGERPRINT.',
      cause: thrown,
    })
  }
}

async function parseSignature(armored: Uint8Array): Promise<Signature> {
  try {
    return await readSignature({ armoredSignature: Buffer.from(armored).toString('utf8') })
  } catch (thrown) {
    throw new LifeboatError('signature', `its signature is not one: ${messageOf(thrown)}`, {
      hint: 'The signature is damaged. Use another backup, or another copy of this one.',
      cause: thrown,
    })
  }
}

async function signedBy(
  keys: readonly PublicKey[],
  { keyID, signature }: Awaited<ReturnType<typeof verify>>['signatures'][number],
): Promise<SignedBy> {
  const key = keys.find((each) => each.getKeys(keyID).length > 0)
  if (key === undefined) throw new Error('a verified signature is by a key that was given')
  const created = (await signature).packets[0]?.created
  if (created == null) throw new Error('a verified signature has a time')
  return { fingerprint: fingerprintOf(key), signedAt: created }
}

function fingerprintOf(key: PublicKey): string {
  return key.getFingerprint().toUpperCase()
}
