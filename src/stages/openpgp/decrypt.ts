import { createDecipheriv, createHash, timingSafeEqual } from 'node:crypto'
import type { Bytes } from '../../core/bytes.ts'
import { LifeboatError } from '../../core/errors.ts'
import { type ByteReader, createByteReader } from '../byte-reader.ts'
import { damaged } from '../decode-through.ts'
import { decryptAead } from './aead.ts'
import { OPENPGP_WHAT, type PacketHeader, packetBody, peekPacketHeader, smallBody, TAG } from './packets.ts'
import { plaintext } from './plaintext.ts'
import type { OpenSessionKey, SessionKey } from './secret-keys.ts'

const CIPHERS: Readonly<Record<string, string>> = {
  aes128: 'aes-128-cfb',
  aes192: 'aes-192-cfb',
  aes256: 'aes-256-cfb',
}
const CFB_BLOCK_BYTES = 16
const MDC_BYTES = 22

/**
 * Decrypts what lifeboat and gpg write. Plain bytes come out before the integrity code at the end is checked, which
 * is safe only because the app has verified each chunk before it gets here; a wrong code still throws.
 */
export async function* decryptMessage(
  input: Bytes,
  openSessionKey: OpenSessionKey,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const reader = createByteReader(input, OPENPGP_WHAT, signal)
  try {
    const { sessionPackets, header } = await readEnvelope(reader)
    const sessionKey = await openSessionKey(sessionPackets, signal)
    const version = (await reader.peek(header.headerBytes + 1)).at(header.headerBytes)
    if (header.tag === TAG.integrityProtected && version === 1) {
      const decrypted = integrityProtected(packetBody(reader, header), sessionKey, signal)
      yield* plaintext(decrypted, signal)
    } else {
      yield* decryptAead(reader, sessionKey, signal)
    }
    if (!(await reader.atEnd())) throw damaged(OPENPGP_WHAT, 'there are bytes after its end')
  } finally {
    await reader.close()
  }
}

/** Everything before the encrypted data: session keys, each for one recipient. */
async function readEnvelope(
  reader: ByteReader,
): Promise<{ sessionPackets: readonly Buffer[]; header: PacketHeader }> {
  const sessionPackets: Buffer[] = []
  if (await reader.atEnd()) throw damaged(OPENPGP_WHAT, 'it is empty')
  if ((await reader.peek(10)).toString('latin1') === '-----BEGIN') {
    throw new LifeboatError('unsupported', `unable to decrypt ${OPENPGP_WHAT}: it is armored`, {
      hint: 'Turn it into binary with gpg --dearmor first.',
    })
  }
  for (;;) {
    if (await reader.atEnd()) throw damaged(OPENPGP_WHAT, 'it ends before its encrypted data')
    const header = await peekPacketHeader(reader)
    switch (header.tag) {
      case TAG.pkesk:
        sessionPackets.push(await smallBody(reader, header))
        break
      case TAG.skesk:
      case TAG.marker:
      case TAG.padding:
        await smallBody(reader, header)
        break
      case TAG.integrityProtected:
      case TAG.aead:
        return { sessionPackets, header }
      case TAG.encryptedWithoutIntegrity:
        throw damaged(OPENPGP_WHAT, 'its encryption is without integrity protection')
      default:
        throw damaged(OPENPGP_WHAT, `it is not encrypted (packet of type ${header.tag})`)
    }
  }
}

async function* integrityProtected(
  body: Bytes,
  sessionKey: SessionKey,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const cipher = CIPHERS[sessionKey.algorithm ?? '']
  if (cipher === undefined) {
    throw new LifeboatError(
      'unsupported',
      `unable to decrypt ${OPENPGP_WHAT}: its cipher is '${sessionKey.algorithm ?? 'unknown'}'`,
      { hint: 'Let the gpg program decrypt it: --gpg.' },
    )
  }
  const reader = createByteReader(body, OPENPGP_WHAT, signal)
  const decipher = createDecipheriv(cipher, sessionKey.data, Buffer.alloc(CFB_BLOCK_BYTES))
  const hash = createHash('sha1')
  try {
    await reader.read(1)
    const prefix = decipher.update(await reader.read(CFB_BLOCK_BYTES + 2))
    if (prefix.readUInt16BE(CFB_BLOCK_BYTES - 2) !== prefix.readUInt16BE(CFB_BLOCK_BYTES)) {
      throw damaged(OPENPGP_WHAT, 'its first bytes do not decrypt')
    }
    hash.update(prefix)
    // The code is in the last 22 bytes, and only the end shows which these are.
    let held: Buffer = Buffer.alloc(0)
    while (!(await reader.atEnd())) {
      const piece = decipher.update(await reader.some(Number.MAX_SAFE_INTEGER))
      const keep = piece.length >= MDC_BYTES ? piece : Buffer.concat([held, piece])
      const ready = keep === piece ? [held, piece.subarray(0, -MDC_BYTES)] : [keep.subarray(0, -MDC_BYTES)]
      held = keep.subarray(-MDC_BYTES)
      for (const plain of ready) {
        if (plain.length === 0) continue
        hash.update(plain)
        yield plain
      }
    }
    if (held.length < MDC_BYTES || held.readUInt16BE(0) !== 0xd314) {
      throw damaged(OPENPGP_WHAT, 'its integrity code is missing')
    }
    hash.update(held.subarray(0, 2))
    if (!timingSafeEqual(hash.digest(), held.subarray(2))) {
      throw damaged(OPENPGP_WHAT, 'its integrity code is wrong')
    }
  } finally {
    await reader.close()
  }
}
