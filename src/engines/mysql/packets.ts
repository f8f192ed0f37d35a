import type { Socket } from 'node:net'

export const COM_QUERY = 0x03

/** Whole packets of the MySQL protocol, header included, off a socket that is used otherwise afterwards. */
export interface PacketReader {
  /** Rejects when the socket ends or fails first. */
  next(): Promise<Buffer>
  /** Lets go of the socket; bytes that were read ahead go back to it. A waiting `next` is left waiting. */
  release(): void
}

export function createPacketReader(socket: Socket): PacketReader {
  let held: Buffer = Buffer.alloc(0)
  let waiting: { resolve(packet: Buffer): void; reject(reason: unknown): void } | undefined
  let failure: Error | undefined

  function serve(): void {
    if (waiting === undefined) return
    const length = held.length < 4 ? undefined : 4 + held.readUIntLE(0, 3)
    if (length !== undefined && held.length >= length) {
      const { resolve } = waiting
      waiting = undefined
      const whole = Buffer.from(held.subarray(0, length))
      held = held.subarray(length)
      resolve(whole)
    } else if (failure !== undefined) {
      const { reject } = waiting
      waiting = undefined
      reject(failure)
    }
  }
  const onData = (piece: Buffer) => {
    held = Buffer.concat([held, piece])
    serve()
  }
  const onError = (thrown: Error) => {
    failure = thrown
    serve()
  }
  const onClose = () => onError(failure ?? new Error('the connection was closed during the login'))
  socket.on('data', onData)
  socket.on('error', onError)
  socket.on('close', onClose)
  socket.on('end', onClose)
  return {
    next: () =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject }
        serve()
      }),
    release() {
      socket.pause()
      socket.removeListener('data', onData)
      socket.removeListener('close', onClose)
      socket.removeListener('end', onClose)
      if (held.length > 0) socket.unshift(held)
      held = Buffer.alloc(0)
    },
  }
}

export function packet(sequence: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(4)
  header.writeUIntLE(payload.length, 0, 3)
  header[3] = sequence
  return Buffer.concat([header, payload])
}

export function withSequence(whole: Buffer, sequence: number): Buffer {
  const copy = Buffer.from(whole)
  copy[3] = sequence & 0xff
  return copy
}

const CR_SSL_CONNECTION_ERROR = 2026

/** ERR_Packet of a server that gives up during the login. */
export function errorPacket(sequence: number, message: string): Buffer {
  const head = Buffer.alloc(3)
  head[0] = 0xff
  head.writeUInt16LE(CR_SSL_CONNECTION_ERROR, 1)
  // Before the client's answer no capabilities are agreed on, so there is no SQL state.
  return packet(
    sequence,
    Buffer.concat([head, Buffer.from(sequence === 0 ? message : `#08S01${message}`, 'utf8')]),
  )
}

/** What an ERR_Packet says; after the login there is an SQL state of six characters before the text. */
export function readErrorPacket(whole: Buffer): string {
  if (whole[4] !== 0xff) return 'the server gave an answer that is not understood'
  const text = whole.toString('utf8', 4 + 3).replace(/^#.{5}/, '')
  return `${text} (${whole.readUInt16LE(4 + 1)})`
}
