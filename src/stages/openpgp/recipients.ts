import { type PublicKey, readKeys } from 'openpgp'
import { LifeboatError, messageOf, toLifeboatError } from '../../core/errors.ts'
import type { Finding } from '../../core/finding.ts'
import { type KeyFile, type RawPacket, readKeyFile } from './key-file.ts'
import { TAG } from './packets.ts'

/** A public key that was found able to encrypt, in a way that GnuPG 2.2 can read. */
export interface Recipient {
  readonly name: string
  /** Of the primary key, upper case, as gpg shows it. */
  readonly fingerprint: string
  readonly userId: string
  /** Of the key that encrypts: `rsa4096`, `curve25519Legacy`. */
  readonly algorithm: string
  readonly expires: Date | undefined
  readonly key: PublicKey
}

/** X25519, X448, Ed25519 and Ed448 of RFC 9580, which GnuPG 2.2 does not know. */
const NEW_ALGORITHMS = [25, 26, 27, 28]
const NEW_KIND_HINT =
  'Make a key that GnuPG 2.2 can read too: lifeboat keygen, or gpg --quick-generate-key without --pqc or v6 options.'

/** Reads the public keys of all files; a key that is in several is one recipient. Throws `key-unusable`. */
export async function readRecipients(files: readonly KeyFile[]): Promise<readonly Recipient[]> {
  const recipients = new Map<string, Recipient>()
  for (const file of files) {
    for (const recipient of await readFile(file)) recipients.set(recipient.fingerprint, recipient)
  }
  return [...recipients.values()]
}

/** A line for `doctor` for each key. */
export async function checkRecipients(
  files: readonly KeyFile[],
  now: Date = new Date(),
): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for (const file of files) {
    try {
      for (const recipient of await readFile(file)) findings.push(describe(recipient, now))
    } catch (thrown) {
      const { code, message, hint } = toLifeboatError(thrown)
      findings.push({
        level: 'failure',
        topic: 'recipient',
        message,
        code,
        ...(hint === undefined ? {} : { hint }),
      })
    }
  }
  return findings
}

const EXPIRES_SOON_DAYS = 30

function describe(recipient: Recipient, now: Date): Finding {
  const expiry = recipient.expires === undefined ? 'no expiry' : `expires ${day(recipient.expires)}`
  const message = `${recipient.fingerprint} ${recipient.userId} (${recipient.algorithm}, ${expiry})`
  const days = (Number(recipient.expires ?? Number.POSITIVE_INFINITY) - Number(now)) / 86_400_000
  if (days > EXPIRES_SOON_DAYS) return { level: 'ok', topic: 'recipient', message }
  return {
    level: 'warning',
    topic: 'recipient',
    message,
    hint: 'Extend the key (gpg --quick-set-expire) and export it again before dumps start to fail.',
  }
}

async function readFile(file: KeyFile): Promise<readonly Recipient[]> {
  const { binary, packets } = await readKeyFile(file)
  for (const packet of packets) refusePacket(file, packet)
  let keys: PublicKey[]
  try {
    keys = await readKeys({ binaryKeys: binary })
  } catch (thrown) {
    throw unusable(file, messageOf(thrown), 'Export the public key again: gpg --export FINGERPRINT.', thrown)
  }
  // openpgp.js passes over a key that it can't parse: one recipient less is no small thing.
  if (keys.length !== packets.filter((packet) => packet.tag === TAG.publicKey).length) {
    throw unusable(file, 'one of its keys is of an unknown kind', NEW_KIND_HINT)
  }
  return Promise.all(keys.map((key) => toRecipient(file, key)))
}

function refusePacket(file: KeyFile, { tag, body }: RawPacket): void {
  if (tag === TAG.secretKey || tag === TAG.secretSubkey) {
    throw unusable(
      file,
      'it holds a secret key, which must not lie where dumps are made',
      'Give the public key instead: gpg --export FINGERPRINT; keep the secret one for restores.',
    )
  }
  if (tag !== TAG.publicKey) return
  const version = body[0]
  if (version !== 4) throw unusable(file, `its key is of version ${version}, not 4`, NEW_KIND_HINT)
  if (NEW_ALGORITHMS.includes(body[5] ?? 0)) {
    throw unusable(
      file,
      `its primary key has algorithm ${body[5]}, which GnuPG 2.2 does not know`,
      NEW_KIND_HINT,
    )
  }
}

async function toRecipient(file: KeyFile, key: PublicKey): Promise<Recipient> {
  const fingerprint = key.getFingerprint().toUpperCase()
  const userId = key.getUserIDs()[0] ?? 'no user id'
  const refuse = (reason: string, hint: string, cause?: unknown) =>
    unusable(file, `${reason} (${fingerprint}, ${userId})`, hint, cause)
  // openpgp.js needs a package that it doesn't bring to check signatures on these curves under Node.
  const curve = key.getAlgorithmInfo().curve
  if (curve?.startsWith('brainpool') === true) {
    const hint = 'Give a key of RSA, Curve25519 or a NIST curve: lifeboat keygen makes one.'
    throw refuse(`its signatures on ${curve} can't be checked here`, hint)
  }
  if (await key.isRevoked()) {
    throw refuse('it is revoked', 'Give another key: the owner of this one has withdrawn it.')
  }
  const expiry = await key.getExpirationTime()
  if (expiry instanceof Date && expiry <= new Date()) {
    const hint =
      'Extend it with gpg --quick-set-expire FINGERPRINT 1y, export it again, and give the new file.'
    throw refuse(`it expired on ${day(expiry)}`, hint)
  }
  let encryption: Awaited<ReturnType<PublicKey['getEncryptionKey']>>
  try {
    encryption = await key.getEncryptionKey()
  } catch (thrown) {
    const hint =
      'Give a key with a valid encryption subkey of RSA 2048 or more or ECC: lifeboat keygen makes one.'
    throw refuse(`it can't encrypt: ${messageOf(thrown)}`, hint, thrown)
  }
  if (NEW_ALGORITHMS.includes(encryption.keyPacket.algorithm)) {
    const reason = `its encryption subkey has algorithm ${encryption.keyPacket.algorithm}, which GnuPG 2.2 does not know`
    throw refuse(reason, NEW_KIND_HINT)
  }
  const { algorithm, bits, curve: encryptionCurve } = encryption.getAlgorithmInfo()
  const subkeyExpiry = await encryption.getExpirationTime()
  const ends = [expiry, subkeyExpiry]
    .filter((end) => end instanceof Date)
    .sort((a, b) => Number(a) - Number(b))
  return {
    name: file.name,
    fingerprint,
    userId,
    algorithm: encryptionCurve ?? (bits === undefined ? algorithm : `rsa${bits}`),
    expires: ends[0],
    key,
  }
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10)
}

function unusable(file: KeyFile, reason: string, hint: string, cause?: unknown): LifeboatError {
  return new LifeboatError('key-unusable', `unable to use recipient key '${file.name}': ${reason}`, {
    hint,
    cause,
  })
}
