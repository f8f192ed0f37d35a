import type { TdsLogin } from '../backend.ts'
import { createByteCursor } from './byte-cursor.ts'
import { TdsProtocolError, type TdsVersion } from './protocol.ts'

export interface Login7 extends TdsLogin {
  readonly version: TdsVersion
  /** As the client wrote it, to be said back where it is the one spoken. */
  readonly clientVersion: number
  readonly packetSize: number
  /** The client asks for the UTF-8 feature, and waits for an answer. */
  readonly wantsUtf8: boolean
}

const FIRST_TEXT_AT = 36
const EXTENSION_IN_USE = 0x10
const OPTION_FLAGS_3_AT = 27
const UTF8_FEATURE = 0x0a
const LAST_FEATURE = 0xff
const LEAST_PACKET_SIZE = 512
const MOST_PACKET_SIZE = 32_767
const DEFAULT_PACKET_SIZE = 4096

export function readLogin7(body: Buffer): Login7 {
  const cursor = createByteCursor(body)
  const length = cursor.u32()
  if (length !== body.length) throw new TdsProtocolError(`LOGIN7 says ${length} bytes and has ${body.length}`)
  const clientVersion = cursor.u32()
  const packetSize = cursor.u32()
  const place = (index: number) => {
    const at = createByteCursor(body)
    at.offset = FIRST_TEXT_AT + index * 4
    return { offset: at.u16(), units: at.u16() }
  }
  const bytes = (index: number) => {
    const { offset, units } = place(index)
    const from = createByteCursor(body)
    from.offset = offset
    return from.bytes(units * 2)
  }
  const text = (index: number) => bytes(index).toString('utf16le')
  const extension = place(5)
  return {
    host: text(0),
    user: text(1),
    password: clearPassword(bytes(2)),
    application: text(3),
    database: text(8),
    clientVersion,
    version: versionOf(clientVersion),
    packetSize:
      packetSize === 0
        ? DEFAULT_PACKET_SIZE
        : Math.min(MOST_PACKET_SIZE, Math.max(LEAST_PACKET_SIZE, packetSize)),
    // Older clients may set the flag, and have nothing there.
    wantsUtf8:
      versionOf(clientVersion) === 74 &&
      (body.readUInt8(OPTION_FLAGS_3_AT) & EXTENSION_IN_USE) !== 0 &&
      hasFeature(body, body.readUInt32LE(extension.offset), UTF8_FEATURE),
  }
}

/** Each byte has its halves swapped, then is XORed with 0xA5. */
function clearPassword(bytes: Buffer): string {
  const clear = bytes.map((byte) => {
    const plain = byte ^ 0xa5
    return ((plain << 4) | (plain >> 4)) & 0xff
  })
  return Buffer.from(clear).toString('utf16le')
}

function versionOf(clientVersion: number): TdsVersion {
  // TDS 8 is 7.4 inside of TLS.
  if (clientVersion === 0x0800_0000) return 74
  const minor = clientVersion >>> 24
  if (minor >= 0x74) return 74
  if (minor === 0x73 || minor === 0x72 || minor === 0x71) return (minor - 0x70 + 70) as TdsVersion
  throw new TdsProtocolError(`TDS version 0x${clientVersion.toString(16)} is older than 7.1`)
}

function hasFeature(body: Buffer, offset: number, feature: number): boolean {
  const cursor = createByteCursor(body)
  cursor.offset = offset
  for (;;) {
    const id = cursor.u8()
    if (id === LAST_FEATURE) return false
    if (id === feature) return true
    cursor.bytes(cursor.u32())
  }
}
