import {
  type Config,
  config,
  encryptKey,
  enums,
  generateKey as generate,
  type PartialConfig,
  type PrivateKey,
} from 'openpgp'
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

/** Iterated and salted, in CFB with SHA-1: the S2K that GnuPG 2.2 reads; no feature flags that it lacks. */
const OLD_ENOUGH: PartialConfig = { v6Keys: false, aeadProtect: false, s2kType: enums.s2k.iterated }

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
    ...(expiresDays === undefined ? {} : { keyExpirationTime: expiresDays * 86_400 }),
    format: 'object',
    config: OLD_ENOUGH,
  })
  await preferKnownHashes(made.privateKey)
  const secret =
    passphrase === undefined
      ? made.privateKey
      : await encryptKey({ privateKey: made.privateKey, passphrase: passphrase.reveal(), config: OLD_ENOUGH })
  return {
    armoredPublic: secret.toPublic().armor(),
    armoredSecret: secret.armor(),
    revocationCertificate: made.revocationCertificate,
    fingerprint: secret.getFingerprint().toUpperCase(),
  }
}

/** openpgp.js declares less of it than there is. */
interface SelfCertification {
  preferredHashAlgorithms: number[] | null
  rawNotations: unknown[]
  created: Date
  sign(key: unknown, data: unknown, date: Date, detached: boolean, config: Config): Promise<void>
}

/**
 * openpgp.js prefers SHA-3 among others, whatever it is configured to; GnuPG 2.2 knows no SHA-3 and warns on every
 * import that the key should be changed.
 */
async function preferKnownHashes(key: PrivateKey): Promise<void> {
  for (const user of key.users) {
    for (const certification of user.selfCertifications as unknown as SelfCertification[]) {
      certification.preferredHashAlgorithms = [enums.hash.sha512, enums.hash.sha256]
      // Signing adds a fresh salt and refuses an old one.
      certification.rawNotations = []
      const signed = { userID: user.userID, key: key.keyPacket }
      await certification.sign(key.keyPacket, signed, certification.created, false, config)
    }
  }
}
