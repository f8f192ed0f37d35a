import {
  enums,
  PublicKeyEncryptedSessionKeyPacket,
  readPrivateKeys,
  type SecretKeyPacket,
  type SecretSubkeyPacket,
} from 'openpgp'
import { LifeboatError, messageOf } from '../../core/errors.ts'
import type { Secret, SecretSource } from '../../core/secret.ts'
import { damaged } from '../decode-through.ts'
import { type KeyFile, readKeyFile } from './key-file.ts'
import { OPENPGP_WHAT, TAG } from './packets.ts'

export interface SessionKey {
  readonly data: Uint8Array
  /** Null where the data packet itself says it. */
  readonly algorithm: enums.symmetricNames | null
}

/** Finds the session key with one of the recipients' packets; throws `key-unusable`. */
export type OpenSessionKey = (sessionPackets: readonly Buffer[], signal: AbortSignal) => Promise<SessionKey>

type KeyPacket = SecretKeyPacket | SecretSubkeyPacket

/** openpgp.js declares these as private, and yet nothing public decrypts with a key that is revoked or expired. */
interface OpenablePacket {
  readonly publicKeyID: { toHex(): string; isWildcard(): boolean }
  readonly sessionKey: Uint8Array | null
  readonly sessionKeyAlgorithm: number | null
  decrypt(key: KeyPacket): Promise<void>
}

const KEY_HINT =
  'Give the secret key of one of the recipients with --key FILE, or --gpg if it lives in gpg-agent or on a card.'

/**
 * Opens session keys with secret keys from files. The key packets are used directly rather than through openpgp.js's
 * rules for valid keys: an expired or revoked key must still restore what was once encrypted to it.
 */
export function createSecretKeys(
  files: readonly KeyFile[],
  passphrase: SecretSource | undefined,
): OpenSessionKey {
  let packets: Promise<readonly KeyPacket[]> | undefined
  let asked: Promise<Secret> | undefined

  async function unlock(packet: KeyPacket): Promise<void> {
    if (packet.isDecrypted()) return
    const name = packet.getFingerprint().toUpperCase()
    if (passphrase === undefined) {
      throw new LifeboatError(
        'key-unusable',
        `unable to unlock secret key '${name}': no passphrase was given`,
        {
          hint: 'Give its passphrase by reference: --passphrase env:NAME, file:PATH or prompt:',
        },
      )
    }
    asked ??= passphrase()
    try {
      await packet.decrypt((await asked).reveal())
    } catch (thrown) {
      asked = undefined
      if (thrown instanceof LifeboatError) throw thrown
      throw new LifeboatError('key-unusable', `unable to unlock secret key '${name}': ${messageOf(thrown)}`, {
        hint: 'Check the passphrase that --passphrase refers to; try it with gpg --import of the key file.',
      })
    }
  }

  return async (sessionPackets) => {
    packets ??= readAll(files)
    const keys = await packets
    const wanted = sessionPackets.flatMap((body) => parse(body) ?? [])
    let failure: unknown
    // Those that name one of our keys come first; a hidden recipient costs a try with each.
    for (const named of [true, false]) {
      for (const { body, publicKeyID } of wanted) {
        if (publicKeyID.isWildcard() === named) continue
        for (const key of keys) {
          if (named && !key.getKeyID().toHex().endsWith(publicKeyID.toHex())) continue
          try {
            await unlock(key)
            return await open(body, key)
          } catch (thrown) {
            if (named || !(failure instanceof LifeboatError)) failure = thrown
          }
        }
      }
    }
    if (failure instanceof LifeboatError) throw failure
    const ids = wanted.map(({ publicKeyID }) =>
      publicKeyID.isWildcard() ? 'hidden' : publicKeyID.toHex().toUpperCase(),
    )
    if (failure !== undefined && !ids.includes('hidden')) {
      throw damaged(OPENPGP_WHAT, `its session key does not decrypt (${messageOf(failure)})`)
    }
    throw new LifeboatError(
      'key-unusable',
      `unable to decrypt ${OPENPGP_WHAT}: it is encrypted to ${ids.length === 0 ? 'no public key' : `key ids ${ids.join(', ')}`}, ` +
        `the secret keys given are ${keys.map((key) => key.getKeyID().toHex().toUpperCase()).join(', ')}`,
      { hint: KEY_HINT, details: { recipientKeyIds: ids } },
    )
  }
}

/** Undefined for versions and algorithms that nothing here can open: that recipient is somebody else. */
function parse(body: Buffer): (OpenablePacket & { readonly body: Buffer }) | undefined {
  const packet = new PublicKeyEncryptedSessionKeyPacket()
  try {
    packet.read(Uint8Array.from(body))
  } catch {
    return undefined
  }
  return Object.assign(packet as unknown as OpenablePacket, { body })
}

async function open(body: Buffer, key: KeyPacket): Promise<SessionKey> {
  // Anew for each key: decrypting leaves traces in the packet.
  const packet = parse(body)
  await packet?.decrypt(key)
  if (packet?.sessionKey == null) throw new Error('it holds no session key')
  const { sessionKey: data, sessionKeyAlgorithm: number } = packet
  const name = number == null ? null : enums.read(enums.symmetric, number)
  return { data, algorithm: name as enums.symmetricNames | null }
}

/** The secret keys and subkeys of all files that really hold their secret part. */
async function readAll(files: readonly KeyFile[]): Promise<readonly KeyPacket[]> {
  const found: KeyPacket[] = []
  for (const file of files) {
    const refuse = (reason: string, hint: string) =>
      new LifeboatError('key-unusable', `unable to use secret key '${file.name}': ${reason}`, { hint })
    const { binary, packets } = await readKeyFile(file)
    if (!packets.some(({ tag }) => tag === TAG.secretKey || tag === TAG.secretSubkey)) {
      throw refuse('it is a public key', 'Give the secret half: gpg --export-secret-keys FINGERPRINT.')
    }
    let keys: Awaited<ReturnType<typeof readPrivateKeys>>
    try {
      keys = await readPrivateKeys({ binaryKeys: binary })
    } catch (thrown) {
      throw refuse(
        messageOf(thrown),
        'Export it again with gpg --export-secret-keys FINGERPRINT, or use --gpg.',
      )
    }
    const here = keys.flatMap((key) => key.getKeys().map((each) => each.keyPacket as KeyPacket))
    const whole = here.filter((packet) => !packet.isMissingSecretKeyMaterial())
    if (whole.length === 0) {
      throw refuse('its secret part is elsewhere, on a card or in another file', 'Let gpg decrypt: --gpg.')
    }
    found.push(...whole)
  }
  return found
}
