import { HEADER_BYTES, PACKET, STATUS, TdsProtocolError } from './protocol.ts'

export interface Packet {
  readonly type: number
  readonly status: number
  readonly body: Buffer
}

const TYPES = new Set<number>(Object.values(PACKET))
const TLS_RECORD_HEADER_BYTES = 5

/** TLS records begin with 0x14 to 0x17, which no packet of TDS does: so the two can be told apart on one connection. */
export const isTlsRecord = (unit: Buffer): boolean =>
  unit[0] !== undefined && unit[0] >= 0x14 && unit[0] <= 0x17

/** Cuts a byte stream into packets and TLS records. The returned function takes what arrived, gives what is whole. */
export function createFramer(): (piece: Buffer) => readonly Buffer[] {
  let pending: Buffer = Buffer.alloc(0)
  return (piece) => {
    pending = pending.length === 0 ? piece : Buffer.concat([pending, piece])
    const units: Buffer[] = []
    for (;;) {
      const bytes = unitBytes(pending)
      if (bytes === undefined || pending.length < bytes) return units
      units.push(pending.subarray(0, bytes))
      pending = pending.subarray(bytes)
    }
  }
}

function unitBytes(pending: Buffer): number | undefined {
  if (isTlsRecord(pending)) {
    return pending.length < TLS_RECORD_HEADER_BYTES
      ? undefined
      : TLS_RECORD_HEADER_BYTES + pending.readUInt16BE(3)
  }
  if (pending.length < HEADER_BYTES) return undefined
  const bytes = pending.readUInt16BE(2)
  if (bytes < HEADER_BYTES)
    throw new TdsProtocolError(`a packet of ${bytes} bytes is shorter than its header`)
  if (!TYPES.has(pending.readUInt8(0))) {
    throw new TdsProtocolError(`there is no packet type 0x${pending.readUInt8(0).toString(16)}`)
  }
  return bytes
}

export function parsePacket(unit: Buffer): Packet {
  return { type: unit.readUInt8(0), status: unit.readUInt8(1), body: unit.subarray(HEADER_BYTES) }
}

/** Packets that hold `bytes`, one after the other; only the last may be less than full, and may end the message. */
export function makePackets(options: {
  readonly type: number
  readonly bytes: Buffer
  readonly packetSize: number
  readonly firstId: number
  readonly last: boolean
}): { readonly packets: Buffer; readonly nextId: number } {
  const { bytes, packetSize, last } = options
  const room = packetSize - HEADER_BYTES
  const count = Math.max(1, Math.ceil(bytes.length / room))
  const packets = Buffer.allocUnsafe(bytes.length + count * HEADER_BYTES)
  let id = options.firstId
  for (let index = 0, offset = 0; index < count; index += 1) {
    const body = bytes.subarray(index * room, (index + 1) * room)
    packets.writeUInt8(options.type, offset)
    packets.writeUInt8(last && index === count - 1 ? STATUS.endOfMessage : 0, offset + 1)
    packets.writeUInt16BE(body.length + HEADER_BYTES, offset + 2)
    packets.writeUInt16BE(0, offset + 4)
    packets.writeUInt8(id, offset + 6)
    packets.writeUInt8(0, offset + 7)
    packets.set(body, offset + HEADER_BYTES)
    offset += body.length + HEADER_BYTES
    id = (id + 1) & 0xff
  }
  return { packets, nextId: id }
}
