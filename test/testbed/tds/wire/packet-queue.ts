import type { Packet } from './packets.ts'
import { PACKET } from './protocol.ts'

/** Packets that arrived and wait to be read. */
export interface PacketQueue {
  push(packet: Packet): void
  /** No more will come; `error` is thrown to whoever reads, after what is queued. */
  end(error?: Error): void
  /** Undefined at the end. */
  next(): Promise<Packet | undefined>
}

const FULL_BYTES = 256 * 1024

/**
 * `onAttention` is told at once, before it is the packet's turn: it is meant for what runs now. `flow` says when to stop
 * reading from the network, and when to go on.
 */
export function createPacketQueue(onAttention: () => void, flow: (mayRead: boolean) => void): PacketQueue {
  const packets: Packet[] = []
  let bytes = 0
  let paused = false
  let ended: { readonly error: Error | undefined } | undefined
  let waiting: PromiseWithResolvers<Packet | undefined> | undefined

  return {
    push(packet) {
      if (packet.type === PACKET.attention) onAttention()
      if (waiting !== undefined) {
        waiting.resolve(packet)
        waiting = undefined
        return
      }
      packets.push(packet)
      bytes += packet.body.length
      if (bytes >= FULL_BYTES && !paused) {
        paused = true
        flow(false)
      }
    },
    end(error) {
      ended ??= { error }
      if (waiting === undefined) return
      if (ended.error === undefined) waiting.resolve(undefined)
      else waiting.reject(ended.error)
      waiting = undefined
    },
    async next() {
      const packet = packets.shift()
      if (packet !== undefined) {
        bytes -= packet.body.length
        if (paused && bytes < FULL_BYTES / 2) {
          paused = false
          flow(true)
        }
        return packet
      }
      if (ended?.error !== undefined) throw ended.error
      if (ended !== undefined) return undefined
      waiting = Promise.withResolvers()
      return waiting.promise
    },
  }
}
