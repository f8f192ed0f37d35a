import { connect as connectPlain, createServer, isIP, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { checkServerIdentity, connect as connectTls, type TLSSocket } from 'node:tls'
import { messageOf } from '../../core/errors.ts'
import { createPacketReader, errorPacket, packet, withSequence } from './packets.ts'

export interface RelayTarget {
  /** The name that is verified. */
  readonly host: string
  /** What is dialled. */
  readonly address: { readonly host: string; readonly port: number }
  readonly verify: 'full' | 'ca' | 'none'
  /** PEM of the trusted authorities. */
  readonly trust: readonly string[] | undefined
}

export interface TlsRelay extends AsyncDisposable {
  /** A Unix socket in a folder that only we may enter: plain on this side, TLS on the server's. */
  readonly socketPath: string
  /** Why the last connection could not be made, in words; the tools see no more than an error packet. */
  failure(): string | undefined
}

const CLIENT_SSL = 0x0800
const CONNECT_TIMEOUT_MS = 15_000
const KEEPALIVE_MS = 30_000

/**
 * Speaks TLS for the tools and the driver, all in one way: no vendor's client can dial one address and verify another
 * name, MariaDB's before 11.4 carry on in plain text when the server offers no TLS and no verification was asked, and
 * each names its options differently. A client takes a Unix socket for as safe as TLS, so every kind of login works.
 *
 * The handshake (dev.mysql.com/doc/dev/mysql-server, "Connection Phase"): the greeting reaches the client without its
 * CLIENT_SSL bit; the client's answer is sent as SSLRequest and then again inside of TLS. The server thus counts one
 * packet more, which the sequence numbers make up for until its first OK; from there on bytes just pass.
 */
export async function createTlsRelay(target: RelayTarget, folder: string): Promise<TlsRelay> {
  const sockets = new Set<Socket>()
  let failure: string | undefined
  const keep = <T extends Socket>(socket: T): T => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    return socket
  }
  const server = createServer((client) => {
    keep(client)
    const dialled = keep(connectPlain({ ...target.address, timeout: CONNECT_TIMEOUT_MS }))
    const login = { expected: 0 }
    relay(client, dialled, target, keep, login).catch((thrown: unknown) => {
      failure = messageOf(thrown)
      dialled.destroy()
      // The tool waits for a greeting, or for what follows its login: the reason stands in its place.
      if (!client.destroyed) client.end(errorPacket(login.expected, failure))
    })
  })
  const socketPath = join(folder, 'tls.sock')
  await listen(server, socketPath)
  return {
    socketPath,
    failure: () => failure,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

async function relay(
  client: Socket,
  dialled: Socket,
  target: RelayTarget,
  keep: (socket: TLSSocket) => TLSSocket,
  login: { expected: number },
): Promise<void> {
  dialled.setNoDelay(true)
  dialled.setKeepAlive(true, KEEPALIVE_MS)
  dialled.on('timeout', () => dialled.destroy(new Error('the server did not answer in time')))
  client.on('error', () => dialled.destroy())

  const fromServer = createPacketReader(dialled)
  const greeting = await fromServer.next()
  if (greeting[4] === 0xff) {
    // "Too many connections", "Host is blocked": the server's own words.
    client.end(greeting)
    return
  }
  const bits = greeting.indexOf(0, 5) + 1 + 4 + 8 + 1
  if ((greeting.readUInt16LE(bits) & CLIENT_SSL) === 0) throw new Error('the server offers no TLS')
  greeting.writeUInt16LE(greeting.readUInt16LE(bits) & ~CLIENT_SSL, bits)
  client.write(greeting)

  const fromClient = createPacketReader(client)
  const response = await fromClient.next()
  login.expected = 2
  response.writeUInt32LE((response.readUInt32LE(4) | CLIENT_SSL) >>> 0, 4)
  fromServer.release()
  dialled.write(packet(1, response.subarray(4, 4 + 32)))

  const secure = keep(await startTls(dialled, target))
  dialled.setTimeout(0)
  secure.write(withSequence(response, 2))
  let done = false
  const answers = createPacketReader(secure)
  const replies = (async () => {
    while (!done) {
      const reply = await fromClient.next()
      if (done) {
        client.unshift(reply)
        break
      }
      secure.write(withSequence(reply, (reply[3] as number) + 1))
    }
  })()
  // Its failure shows as the end of the client's socket, which is looked at anyway.
  replies.catch(() => secure.destroy())
  for (;;) {
    const answer = await answers.next()
    const kind = answer[4]
    const last = kind === 0x00 || kind === 0xff
    if (last) {
      done = true
      fromClient.release()
    }
    client.write(withSequence(answer, (answer[3] as number) - 1))
    if (last) break
  }
  answers.release()
  secure.on('error', () => client.destroy())
  secure.on('close', () => client.destroySoon())
  client.on('close', () => secure.destroySoon())
  secure.pipe(client)
  client.pipe(secure)
}

function startTls(socket: Socket, target: RelayTarget): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secure = connectTls({
      socket,
      ...(isIP(target.host) === 0 ? { servername: target.host } : {}),
      rejectUnauthorized: target.verify !== 'none',
      ...(target.trust === undefined ? {} : { ca: [...target.trust] }),
      checkServerIdentity: (_name, certificate) =>
        target.verify === 'full' ? checkServerIdentity(target.host, certificate) : undefined,
    })
    secure.once('secureConnect', () => {
      secure.removeListener('error', reject)
      resolve(secure)
    })
    secure.once('error', reject)
    secure.once('close', () => reject(new Error('the server closed the connection during the TLS handshake')))
  })
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => resolve())
  })
}
