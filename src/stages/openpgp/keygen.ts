import { enums, generateKey as generate } from 'openpgp'
import { LifeboatError } from '../../core/errors.ts'
import type { Secret } from '../../core/secret.ts'

export interface KeyRequest {
  readonly name: string
  readonly email?: string
  readonly algorithm: 'ecc' | 'rsa4096'
  readonly passphrase?: Secret
  /** Never expires where left out: a backup key must open old backups, and expiry stops new ones. */
  readonly expiresDays?: number
}

export interface NewKey {
  readonly armoredPublic: string
  readonly armoredSecret: string
  /** Armored; gpg --import of it withdraws the public key. */
  readonly revocationCertificate: string
  /** Upper case, as gpg shows it. */
  readonly fingerprint: string
}

/** A key pair that GnuPG 2.2 imports and uses, with a passphrase or without. */
export async function generateKey(request: KeyRequest): Promise<NewKey> {
  const { name, email, passphrase, expiresDays } = request
  if (expiresDays !== undefined && !(Number.isInteger(expiresDays) && expiresDays > 0)) {
    throw new LifeboatError('usage', `unable to make key '${name}': it can't expire in ${expiresDays} days`, {
      hint: 'Give a whole number of days above 0, or leave the expiry out.',
    })
  }
  if (passphrase !== undefined && passphrase.reveal() === '') {
    throw new LifeboatError('usage', `unable to make key '${name}': its passphrase is empty`, {
      hint: 'Leave the passphrase out on purpose, or give one that is not empty.',
    })
  }
  const made = await generate({
    userIDs: [{ name, ...(email === undefined ? {} : { email }) }],
    // Version 4 keys of the algorithms that GnuPG 2.2 knows: EdDSA and ECDH with the old identifiers of Curve25519.
    ...(request.algorithm === 'ecc'
      ? { type: 'ecc' as const, curve: 'curve25519Legacy' as const }
      : { type: 'rsa' as const, rsaBits: 4096 }),
    ...(passphrase === undefined ? {} : { passphrase: passphrase.reveal() }),
    ...(expiresDays === undefined ? {} : { keyExpirationTime: expiresDays * 86_400 }),
    format: 'object',
    // Iterated and salted, in CFB with SHA-1: the S2K that GnuPG 2.2 reads; no feature flags that it lacks.
    config: { v6Keys: false, aeadProtect: false, s2kType: enums.s2k.iterated },
  })
  return {
    armoredPublic: made.publicKey.armor(),
    armoredSecret: made.privateKey.armor(),
    revocationCertificate: made.revocationCertificate,
    fingerprint: made.publicKey.getFingerprint().toUpperCase(),
  }
}
