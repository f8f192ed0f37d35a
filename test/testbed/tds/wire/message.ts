import type { PacketQueue } from './packet-queue.ts'
import type { Packet } from './packets.ts'
import { STATUS, TdsProtocolError } from './protocol.ts'

/** The client broke its own message off: what came of it counts for nothing. */
export class MessageBrokenOff extends Error {}

const MOST_MESSAGE_BYTES = 256 * 1024 * 1024

/** The bodies of a message's packets, as they arrive. */
export async function* messagePieces(first: Packet, packets: PacketQueue): AsyncGenerator<Buffer> {
  let packet: Packet = first
  for (;;) {
    if ((packet.status & STATUS.endOfMessage) !== 0 && (packet.status & STATUS.ignore) !== 0) {
      throw new MessageBrokenOff('the client broke its message off')
    }
    if (packet.body.length > 0) yield packet.body
    if ((packet.status & STATUS.endOfMessage) !== 0) return
    const next = await packets.next()
    if (next === undefined) throw new TdsProtocolError('the connection ended inside a message')
    if (next.type !== first.type) {
      throw new TdsProtocolError(`a packet of type ${next.type} came inside a message of type ${first.type}`)
    }
    packet = next
  }
}

export async function readMessage(first: Packet, packets: PacketQueue): Promise<Buffer> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of messagePieces(first, packets)) {
    bytes += piece.length
    if (bytes > MOST_MESSAGE_BYTES)
      throw new TdsProtocolError(`a message has more than ${MOST_MESSAGE_BYTES} bytes`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}
