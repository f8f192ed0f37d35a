import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import type { Bytes } from '../../core/bytes.ts'
import { TAG } from './packets.ts'

/** A power of two, as partial lengths must be; 2^20 is written as 0xE0 + 20. */
const PARTIAL_BITS = 20
const PARTIAL_BYTES = 1 << PARTIAL_BITS
const CFB_BLOCK_BYTES = 16
const MDC_HEADER = Buffer.of(0xc0 | 19, 20)

/**
 * Symmetrically Encrypted Integrity Protected Data, version 1 (RFC 4880, 5.13 and 5.14), holding one literal packet.
 * Written here because it is what every OpenPGP program reads, and by node:crypto because openpgp.js's own stream
 * hashes and encrypts in JavaScript-sized steps.
 */
export function encryptData(input: Bytes, sessionKey: Uint8Array): AsyncGenerator<Uint8Array> {
  return packet(TAG.integrityProtected, protectedBody(packet(TAG.literal, literalBody(input)), sessionKey))
}

async function* literalBody(input: Bytes): AsyncGenerator<Uint8Array> {
  // Binary, without a file name, without a date: nothing to give away.
  yield Buffer.from([0x62, 0, 0, 0, 0, 0])
  yield* input
}

async function* protectedBody(plain: Bytes, sessionKey: Uint8Array): AsyncGenerator<Uint8Array> {
  const cipher = createCipheriv('aes-256-cfb', sessionKey, Buffer.alloc(CFB_BLOCK_BYTES))
  const hash = createHash('sha1')
  const random = randomBytes(CFB_BLOCK_BYTES)
  const prefix = Buffer.concat([random, random.subarray(-2)])
  hash.update(prefix)
  yield Buffer.of(1)
  yield cipher.update(prefix)
  for await (const piece of plain) {
    hash.update(piece)
    yield cipher.update(piece)
  }
  hash.update(MDC_HEADER)
  yield cipher.update(Buffer.concat([MDC_HEADER, hash.digest()]))
}

/** One packet in new format: partial lengths of 1 MiB, then a definite one. Nothing is copied. */
async function* packet(tag: number, body: Bytes): AsyncGenerator<Uint8Array> {
  let start: readonly number[] = [0xc0 | tag]
  let gathered: Uint8Array[] = []
  let bytes = 0
  for await (const piece of body) {
    for (let rest = piece; rest.length > 0; ) {
      // Written only when more is there: the last length must not be partial, but may be of any size.
      if (bytes === PARTIAL_BYTES) {
        yield Buffer.from([...start, 0xe0 | PARTIAL_BITS])
        yield* gathered
        start = []
        gathered = []
        bytes = 0
      }
      const taken = rest.subarray(0, PARTIAL_BYTES - bytes)
      gathered.push(taken)
      bytes += taken.length
      rest = rest.subarray(taken.length)
    }
  }
  const length = Buffer.alloc(5, 0xff)
  length.writeUInt32BE(bytes, 1)
  yield Buffer.concat([Buffer.from(start), length])
  yield* gathered
}
