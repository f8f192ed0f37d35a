import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { createSecureContext, TLSSocket } from 'node:tls'
import { createPacketQueue, type PacketQueue } from './packet-queue.ts'
import { createFramer, isTlsRecord, makePackets, parsePacket } from './packets.ts'
import { PACKET, TdsProtocolError } from './protocol.ts'

export interface TlsMaterial {
  readonly key: string | Buffer
  readonly cert: string | Buffer
}

const APPLICATION_DATA = 0x17

/**
 * How much of a connection is encrypted: `login` only the client's LOGIN7 message, `all` everything after PRELOGIN, and
 * `strict` (TDS 8) everything.
 */
export type Encryption = 'none' | 'login' | 'all' | 'strict'

export interface Transport {
  readonly packets: PacketQueue
  readonly encryption: Encryption
  /** Aborted once the client has gone, or the connection was ended here. */
  readonly gone: AbortSignal
  /** Resolves when more may be sent: a slow client holds up whoever sends. Rejects when the client has gone. */
  send(bytes: Buffer): Promise<void>
  /** After the answer to PRELOGIN: TLS's handshake in PRELOGIN packets; from then on, as `encryption` says. */
  startTls(encryption: 'login' | 'all'): void
  /** Waits until what was sent has left, then closes. */
  close(): Promise<void>
  destroy(error?: Error): void
}

export function createTransport(options: {
  readonly socket: Socket
  readonly tls: TlsMaterial | undefined
  readonly packetSize: () => number
  readonly onAttention: () => void
}): Transport {
  const { socket, tls } = options
  const gone = new AbortController()
  let encryption: Encryption = 'none'
  let first = true
  let secure: { readonly records: Duplex; readonly clear: TLSSocket } | undefined
  /** What answers go through. */
  let out: Socket | TLSSocket = socket

  const packets = createPacketQueue(options.onAttention, (mayRead) => {
    const source = encryption === 'all' || encryption === 'strict' ? secure?.clear : socket
    if (mayRead) source?.resume()
    else source?.pause()
  })

  function fail(error: Error): void {
    packets.end(error)
    leave()
    socket.destroy()
  }
  function leave(): void {
    packets.end()
    gone.abort(new Error('the client has gone'))
    secure?.records.destroy()
    secure?.clear.destroy()
  }

  function encrypt(kind: Encryption): void {
    if (tls === undefined) throw new TdsProtocolError('the client began TLS, which this endpoint has not')
    encryption = kind
    const records = createRecords(socket, kind === 'strict', options.packetSize)
    const clear = new TLSSocket(records, {
      isServer: true,
      secureContext: createSecureContext({
        ...tls,
        // Inside PRELOGIN packets SQL Server speaks no later one, and its clients rely on it.
        ...(kind === 'strict' ? {} : { maxVersion: 'TLSv1.2' }),
      }),
      ...(kind === 'strict' ? { ALPNProtocols: ['tds/8.0'] } : {}),
    })
    secure = { records, clear }
    // Where only the login is encrypted, already its answer is not.
    if (kind !== 'login') out = clear
    const frame = createFramer()
    clear.on('data', (piece: Buffer) => {
      try {
        for (const unit of frame(piece)) packets.push(parsePacket(unit))
      } catch (thrown) {
        fail(thrown as Error)
      }
    })
    clear.on('error', fail)
    clear.on('end', leave)
  }

  const frame = createFramer()
  socket.on('data', (piece) => {
    try {
      for (const unit of frame(piece)) {
        if (first && isTlsRecord(unit)) encrypt('strict')
        first = false
        if (isTlsRecord(unit)) {
          if (secure === undefined) throw new TdsProtocolError('a TLS record came before PRELOGIN')
          secure.records.push(unit)
        } else if (secure !== undefined && unit[0] === PACKET.prelogin) {
          secure.records.push(parsePacket(unit).body)
        } else {
          if (encryption === 'all' || encryption === 'strict') {
            throw new TdsProtocolError('a packet came in clear text after TLS was agreed on')
          }
          packets.push(parsePacket(unit))
        }
      }
    } catch (thrown) {
      fail(thrown as Error)
    }
  })
  socket.on('end', leave)
  socket.on('close', leave)
  socket.on('error', leave)
  socket.setNoDelay(true)

  return {
    packets,
    gone: gone.signal,
    get encryption() {
      return encryption
    },
    async send(bytes) {
      gone.signal.throwIfAborted()
      if (out.write(bytes)) return
      await new Promise<void>((resolve, reject) => {
        const stream = out
        const settle = () => {
          stream.off('drain', settle)
          gone.signal.removeEventListener('abort', settle)
          if (gone.signal.aborted) reject(gone.signal.reason)
          else resolve()
        }
        stream.on('drain', settle)
        gone.signal.addEventListener('abort', settle)
      })
    },
    startTls: encrypt,
    async close() {
      if (!gone.signal.aborted) {
        await new Promise<void>((resolve) => {
          gone.signal.addEventListener('abort', () => resolve())
          out.end(() => resolve())
        })
      }
      socket.end()
      leave()
    },
    destroy(error) {
      packets.end(error)
      leave()
      socket.destroy()
    },
  }
}

/** TLS's side of the connection: its handshake travels in PRELOGIN packets, everything after it bare. */
function createRecords(socket: Socket, strict: boolean, packetSize: () => number): Duplex {
  // Only the first record of data is told by its first byte: later pieces may begin in the middle of a record.
  let isBare = strict
  const records = new Duplex({
    read: () => void socket.resume(),
    write(bytes: Buffer, _encoding, done) {
      isBare ||= bytes[0] === APPLICATION_DATA
      const wire = isBare
        ? bytes
        : makePackets({ type: PACKET.prelogin, bytes, packetSize: packetSize(), firstId: 0, last: true })
            .packets
      if (socket.destroyed) done(new Error('the client has gone'))
      else socket.write(wire, (error) => done(error))
    },
    final(done) {
      socket.end(done)
    },
  })
  const push = records.push.bind(records)
  records.push = (piece: Buffer | null) => {
    const more = push(piece)
    if (!more) socket.pause()
    return more
  }
  records.on('error', () => undefined)
  return records
}
