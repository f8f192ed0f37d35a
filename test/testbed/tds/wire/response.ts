import { type ByteWriter, createByteWriter } from './byte-writer.ts'
import { makePackets } from './packets.ts'
import { HEADER_BYTES, PACKET } from './protocol.ts'
import type { Transport } from './transport.ts'

/** One message to the client. It leaves in full packets as it is written, so that no result is held whole. */
export interface Response {
  readonly writer: ByteWriter
  /** Sends what fills packets, once enough has gathered. To be called after each token. */
  flow(): Promise<void>
  /** Sends everything, without an end. */
  flush(): Promise<void>
  end(): Promise<void>
}

const GATHERED_BYTES = 32 * 1024

export function createResponse(transport: Transport, packetSize: number): Response {
  const writer = createByteWriter()
  let firstId = 1
  async function send(bytes: Buffer, last: boolean): Promise<void> {
    const { packets, nextId } = makePackets({ type: PACKET.result, bytes, packetSize, firstId, last })
    firstId = nextId
    await transport.send(packets)
  }
  return {
    writer,
    async flow() {
      if (writer.length < GATHERED_BYTES) return
      const bytes = writer.take()
      const full = bytes.length - (bytes.length % (packetSize - HEADER_BYTES))
      writer.bytes(bytes.subarray(full))
      await send(bytes.subarray(0, full), false)
    },
    async flush() {
      if (writer.length > 0) await send(writer.take(), false)
    },
    end: () => send(writer.take(), true),
  }
}
