import { createInflate, createInflateRaw } from 'node:zlib'
import type { Bytes } from '../../core/bytes.ts'
import { LifeboatError } from '../../core/errors.ts'
import { type ByteReader, createByteReader } from '../byte-reader.ts'
import { damaged, decodeThrough } from '../decode-through.ts'
import { OPENPGP_WHAT, packetBody, peekPacketHeader, TAG } from './packets.ts'

/** gpg compresses at most once; more is a bomb. */
const MOST_LAYERS = 3
const ZIP = 1
const ZLIB = 2
const ZLIB_CHUNK_BYTES = 256 * 1024

/** What lies inside of the encryption: one literal packet, perhaps compressed, perhaps between signatures. */
export async function* plaintext(
  decrypted: Bytes,
  signal: AbortSignal,
  layer = 0,
): AsyncGenerator<Uint8Array> {
  if (layer > MOST_LAYERS) throw damaged(OPENPGP_WHAT, 'it is compressed over and over')
  const reader = createByteReader(decrypted, OPENPGP_WHAT, signal)
  let found = false
  try {
    while (!(await reader.atEnd())) {
      const header = await peekPacketHeader(reader)
      const body = packetBody(reader, header)
      switch (header.tag) {
        case TAG.literal:
        case TAG.compressed:
          if (found) throw damaged(OPENPGP_WHAT, 'it holds more than one piece of data')
          found = true
          yield* header.tag === TAG.literal ? literal(body, signal) : compressed(body, signal, layer)
          break
        case TAG.onePassSignature:
        case TAG.signature:
        case TAG.marker:
        case TAG.padding:
          // The manifest's signature is what lifeboat goes by; one in here says nothing about the rest.
          for await (const _ of body);
          break
        default:
          throw damaged(OPENPGP_WHAT, `it holds an unexpected packet of type ${header.tag}`)
      }
    }
    if (!found) throw damaged(OPENPGP_WHAT, 'it holds no data')
  } finally {
    await reader.close()
  }
}

async function* literal(body: Bytes, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = createByteReader(body, OPENPGP_WHAT, signal)
  try {
    const start = await reader.read(2)
    await reader.read(start.readUInt8(1) + 4)
    while (!(await reader.atEnd())) yield await reader.some(Number.MAX_SAFE_INTEGER)
  } finally {
    await reader.close()
  }
}

async function* compressed(body: Bytes, signal: AbortSignal, layer: number): AsyncGenerator<Uint8Array> {
  const reader = createByteReader(body, OPENPGP_WHAT, signal)
  try {
    const algorithm = (await reader.read(1)).readUInt8(0)
    if (algorithm !== ZIP && algorithm !== ZLIB) {
      throw new LifeboatError(
        'unsupported',
        `unable to decrypt ${OPENPGP_WHAT}: it is compressed by bzip2 or by an unknown algorithm (${algorithm})`,
        { hint: 'Let the gpg program decrypt it: --gpg.' },
      )
    }
    const options = { chunkSize: ZLIB_CHUNK_BYTES }
    const decoder = algorithm === ZIP ? createInflateRaw(options) : createInflate(options)
    yield* plaintext(decodeThrough(rest(reader), decoder, OPENPGP_WHAT, signal), signal, layer + 1)
  } finally {
    await reader.close()
  }
}

async function* rest(reader: ByteReader): AsyncGenerator<Uint8Array> {
  while (!(await reader.atEnd())) yield await reader.some(Number.MAX_SAFE_INTEGER)
}
