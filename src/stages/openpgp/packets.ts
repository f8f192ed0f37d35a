import type { ByteReader } from '../byte-reader.ts'
import { damaged } from '../decode-through.ts'

export const OPENPGP_WHAT = 'the OpenPGP message'

/** Packet types of RFC 4880, 4.3, and RFC 9580, 5. */
export const TAG = {
  pkesk: 1,
  signature: 2,
  skesk: 3,
  onePassSignature: 4,
  secretKey: 5,
  publicKey: 6,
  secretSubkey: 7,
  compressed: 8,
  encryptedWithoutIntegrity: 9,
  marker: 10,
  literal: 11,
  publicSubkey: 14,
  integrityProtected: 18,
  aead: 20,
  padding: 21,
} as const

export interface PacketHeader {
  readonly tag: number
  /** Bytes of the header itself. */
  readonly headerBytes: number
  /** Bytes of the body, or of its first piece where `partial`; undefined: to the end of the stream. */
  readonly bodyBytes: number | undefined
  readonly partial: boolean
}

/** The longest header: one byte of tag, five of length. */
const HEADER_BYTES = 6
const SMALL_PACKET_BYTES = 64 * 1024

export async function peekPacketHeader(reader: ByteReader): Promise<PacketHeader> {
  return parsePacketHeader(await reader.peek(HEADER_BYTES))
}

/** Reads old and new format (RFC 4880, 4.2). */
export function parsePacketHeader(bytes: Buffer): PacketHeader {
  const first = byteAt(bytes, 0)
  if ((first & 0x80) === 0) throw damaged(OPENPGP_WHAT, 'there are bytes that are no packet')
  if ((first & 0x40) !== 0) return { tag: first & 0x3f, ...newLength(bytes, 1) }
  const tag = (first >> 2) & 0x0f
  const kind = first & 0x03
  if (kind === 3) return { tag, headerBytes: 1, bodyBytes: undefined, partial: false }
  const width = 1 << kind
  if (bytes.length < 1 + width) throw damaged(OPENPGP_WHAT, 'it ends too early')
  return { tag, headerBytes: 1 + width, bodyBytes: bytes.readUIntBE(1, width), partial: false }
}

/** The body of a packet whose header was peeked; joins partial lengths (RFC 4880, 4.2.2.4). */
export async function* packetBody(reader: ByteReader, header: PacketHeader): AsyncGenerator<Uint8Array> {
  await reader.read(header.headerBytes)
  if (header.bodyBytes === undefined) {
    while (!(await reader.atEnd())) yield await reader.some(Number.MAX_SAFE_INTEGER)
    return
  }
  let bytes = header.bodyBytes
  for (let more = header.partial; ; ) {
    for (let left = bytes; left > 0; ) {
      const piece = await reader.some(left)
      left -= piece.length
      yield piece
    }
    if (!more) return
    const length = newLength(await reader.peek(HEADER_BYTES - 1), 0)
    await reader.read(length.headerBytes)
    bytes = length.bodyBytes
    more = length.partial
  }
}

/** The whole body of a packet that is known to be small. */
export async function smallBody(reader: ByteReader, header: PacketHeader): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of packetBody(reader, header)) {
    pieces.push(Uint8Array.from(piece))
    bytes += piece.length
    if (bytes > SMALL_PACKET_BYTES)
      throw damaged(OPENPGP_WHAT, `its packet of type ${header.tag} is too long`)
  }
  return Buffer.concat(pieces)
}

function newLength(
  bytes: Buffer,
  offset: number,
): { headerBytes: number; bodyBytes: number; partial: boolean } {
  const first = byteAt(bytes, offset)
  if (first < 192) return { headerBytes: offset + 1, bodyBytes: first, partial: false }
  if (first < 224) {
    const bodyBytes = ((first - 192) << 8) + byteAt(bytes, offset + 1) + 192
    return { headerBytes: offset + 2, bodyBytes, partial: false }
  }
  if (first < 255) return { headerBytes: offset + 1, bodyBytes: 2 ** (first & 0x1f), partial: true }
  if (bytes.length < offset + 5) throw damaged(OPENPGP_WHAT, 'it ends too early')
  return { headerBytes: offset + 5, bodyBytes: bytes.readUInt32BE(offset + 1), partial: false }
}

function byteAt(bytes: Buffer, offset: number): number {
  const byte = bytes[offset]
  if (byte === undefined) throw damaged(OPENPGP_WHAT, 'it ends too early')
  return byte
}
