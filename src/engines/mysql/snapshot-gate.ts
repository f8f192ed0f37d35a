import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type ListenOptions, type Socket } from 'node:net'
import { LifeboatError } from '../../core/errors.ts'
import { COM_QUERY, createPacketReader, type PacketReader, packet, readErrorPacket } from './packets.ts'
import { IN_UTF8, inUtf8 } from './utf8-session.ts'

export type Route = { readonly socket: string } | { readonly host: string; readonly port: number }

export interface GateTerms {
  /** Several tools are to see one moment: each waits for its snapshot. Otherwise it opens it when it likes. */
  readonly shared: boolean
  /** The tool was told a character set of single bytes (see tool-charset.ts): its session is kept in UTF-8. */
  readonly singleBytes: boolean
}

/** Stands between a dump tool and the server, and decides when the tool's snapshot is opened. */
export interface SnapshotGate extends AsyncDisposable {
  /** Where the tool is to connect. */
  readonly route: Route
  /** Resolves when the tool has logged in and asks for its snapshot. Where it is shared, the server has not heard of it yet. */
  readonly reached: Promise<void>
  /** Passes the request for a shared one on; resolves when the server has said that it is open. The tool still waits. */
  openSnapshot(): Promise<void>
  /** Tells the tool, which goes on. */
  proceed(): void
  /** Why the connection was cut: the tool itself does not know. */
  refusal(): LifeboatError | undefined
}

const OK = 0x00
const CLOSED = 'the connection of a dump tool was closed'
const READ_BYTES = 256 * 1024
/**
 * A session may wait long for its turn, and for its reader: 60 s (net_write_timeout) are the servers' default, and
 * MariaDB's dump tool leaves it at that. Oracle's own sets both network timeouts to a day. Versioned comments, since
 * only MariaDB ends idle transactions.
 */
const PATIENCE =
  'SESSION wait_timeout = 31536000, SESSION net_write_timeout = 86400, SESSION net_read_timeout = 86400' +
  '/*M!100300 , SESSION idle_transaction_timeout = 0, SESSION idle_readonly_transaction_timeout = 0 */'

/**
 * A relay for exactly one connection of one tool. Until the snapshot it reads the packets of the protocol; from there on
 * bytes just pass, through one buffer that is used again and again (a fifth of what Node's own pipe costs).
 *
 * Both vendors' tools send `START TRANSACTION /*!40100 WITH CONSISTENT SNAPSHOT *\/` once, before anything is read.
 */
export async function createSnapshotGate(
  server: Route,
  socketPath: string,
  terms: GateTerms,
): Promise<SnapshotGate> {
  const reached = Promise.withResolvers<void>()
  // Whoever waits for it hears of it; nobody may be waiting yet.
  reached.promise.catch(() => undefined)
  const sockets: Socket[] = []
  let request: Request | undefined
  let refusal: LifeboatError | undefined
  let used = false

  const listener = createServer((client) => {
    if (used) {
      // What a second connection reads would be of another moment.
      client.destroy()
      return
    }
    used = true
    const upstream = openUpstream(server, client)
    sockets.push(client, upstream.socket)
    const refuse = (reason: LifeboatError) => {
      refusal = reason
      client.destroy()
    }
    hold(client, upstream, terms, refuse).then(
      (held) => {
        request = held
        reached.resolve()
      },
      (thrown) => {
        // Where the connection broke, the tool says it better when it ends.
        if (thrown instanceof LifeboatError) {
          refusal = thrown
          reached.reject(thrown)
        }
        client.destroySoon()
      },
    )
  })
  // Over plain TCP the client must not take its way for a safe one: on a Unix socket it would send its password bare.
  const inPlain = 'host' in server
  await listen(listener, inPlain ? { host: '127.0.0.1', port: 0 } : { path: socketPath })
  const route: Route = inPlain
    ? { host: '127.0.0.1', port: (listener.address() as AddressInfo).port }
    : { socket: socketPath }
  return {
    route,
    reached: reached.promise,
    async openSnapshot() {
      if (request === undefined) throw new Error('the snapshot is asked for before the tool has asked')
      await request.pass()
    },
    proceed() {
      request?.proceed()
    },
    refusal: () => refusal,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => listener.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

interface Request {
  pass(): Promise<void>
  proceed(): void
}

/** Lets the login and the first settings through, and stops at the request for a snapshot. */
async function hold(
  client: Socket,
  upstream: Upstream,
  { shared, singleBytes }: GateTerms,
  refuse: (reason: LifeboatError) => void,
): Promise<Request> {
  const fromClient = createPacketReader(client)
  let asked: Buffer
  for (;;) {
    asked = await fromClient.next()
    if (isSnapshotRequest(asked)) break
    if (shared && isCommand(asked, /\bWITH READ LOCK\b/)) throw ownLock()
    upstream.socket.write(asked)
  }
  upstream.hold()
  const text = asked.indexOf('START TRANSACTION')
  // What precedes the text is the command and, with query attributes (MySQL 8), their number.
  const before = asked.subarray(4, text)
  if (singleBytes && before.length > 1) throw notInUtf8()
  const settings = [...(singleBytes ? [IN_UTF8] : []), ...(shared ? [PATIENCE] : [])].join(', ')
  await upstream.ask(packet(0, Buffer.concat([before, Buffer.from(`SET ${settings}`)])))
  const goOn = () => {
    pass(fromClient, upstream.socket, singleBytes, refuse).catch(() => upstream.socket.end())
    upstream.release()
  }
  let answer: Buffer | undefined
  const request: Request = {
    async pass() {
      answer = await upstream.ask(asked)
    },
    proceed() {
      if (answer === undefined) throw new Error('the tool may not go on before its snapshot is open')
      client.write(answer)
      goOn()
    },
  }
  if (!shared) {
    goOn()
    upstream.socket.write(asked)
  }
  return request
}

/** What the tool still asks is little: it is read packet by packet to its end, which rejects. */
async function pass(
  fromClient: PacketReader,
  upstream: Socket,
  singleBytes: boolean,
  refuse: (reason: LifeboatError) => void,
): Promise<never> {
  for (;;) {
    const asked = await fromClient.next()
    const passed = singleBytes ? inUtf8(asked) : asked
    if (passed === undefined) refuse(notInUtf8())
    else if (!upstream.write(passed)) await once(upstream, 'drain')
  }
}

function isSnapshotRequest(whole: Buffer): boolean {
  return isCommand(whole, /START TRANSACTION\b.*\bCONSISTENT SNAPSHOT\b/)
}

function isCommand(whole: Buffer, pattern: RegExp): boolean {
  // A command is the first packet of its sequence; what is sent during the login is not.
  if (whole[3] !== 0 || whole[4] !== COM_QUERY || whole.length > 512) return false
  return pattern.test(whole.toString('latin1', 5))
}

/** As mysqldump 8.0.32 and 5.7.41 do: it would be held for as long as the tool waits here. */
function ownLock(): LifeboatError {
  return new LifeboatError(
    'unsupported',
    'unable to open a common snapshot: this dump tool takes a global lock of its own',
    { hint: 'Install a later mysqldump, or run with --jobs 1.' },
  )
}

function notInUtf8(): LifeboatError {
  return new LifeboatError(
    'unsupported',
    'unable to dump: this dump tool changes the character set of its session in a way that is not known',
    { hint: 'Install a dump tool of the same release as the server, and report the version of this one.' },
  )
}

interface Upstream {
  readonly socket: Socket
  /** From now on nothing passes to the client. */
  hold(): void
  /** Sends a command and gives the one packet of its answer; throws where that is an error. */
  ask(command: Buffer): Promise<Buffer>
  release(): void
}

function openUpstream(server: Route, client: Socket): Upstream {
  let held: Buffer | undefined
  let waiting: { resolve(answer: Buffer): void; reject(reason: unknown): void } | undefined

  function take(bytes: Buffer): boolean {
    if (held !== undefined) {
      held = Buffer.concat([held, bytes])
      answer()
      return true
    }
    client.write(bytes, () => socket.resume())
    // The buffer is read into again only when the kernel has taken all of it.
    return client.writableLength === 0
  }
  function answer(): void {
    if (waiting === undefined || held === undefined || held.length < 4) return
    const whole = held.subarray(0, 4 + held.readUIntLE(0, 3))
    if (held.length < 4 + held.readUIntLE(0, 3)) return
    const { resolve, reject } = waiting
    waiting = undefined
    held = Buffer.from(held.subarray(whole.length))
    if (whole[4] === OK) resolve(Buffer.from(whole))
    else reject(gone(readErrorPacket(whole)))
  }
  const socket = connect({
    ...('socket' in server ? { path: server.socket } : { host: server.host, port: server.port }),
    noDelay: true,
    keepAlive: true,
    onread: {
      buffer: Buffer.allocUnsafeSlow(READ_BYTES),
      callback: (length, buffer) => take(Buffer.from(buffer.buffer, buffer.byteOffset, length)),
    },
  })
  socket.on('error', (thrown) => {
    waiting?.reject(gone(thrown.message))
    client.destroy()
  })
  socket.on('close', () => {
    waiting?.reject(gone(CLOSED))
    client.destroySoon()
  })
  client.on('error', () => socket.destroy())
  client.on('close', () => socket.destroySoon())
  return {
    socket,
    hold() {
      held = Buffer.alloc(0)
    },
    ask(command) {
      return new Promise((resolve, reject) => {
        if (socket.destroyed) return reject(gone(CLOSED))
        waiting = { resolve, reject }
        socket.write(command)
      })
    },
    release() {
      held = undefined
    },
  }
}

function gone(reason: string): LifeboatError {
  return new LifeboatError('engine-unreachable', `unable to open the snapshot of a dump tool: ${reason}`, {
    hint: 'Check the server and the network, then run again.',
  })
}

function listen(server: ReturnType<typeof createServer>, where: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(where, () => resolve())
  })
}
