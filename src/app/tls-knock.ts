import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { messageOf, throwIfAborted } from '../core/errors.ts'
import { withTimeLimit } from '../core/time-limit.ts'
import type { Endpoint } from '../runbooks/ports/rds.ts'

export type TlsKnock =
  | { readonly outcome: 'ok' | 'failed'; readonly reason: string }
  /** No protocol that is known here, or no TLS at all. */
  | { readonly outcome: 'skipped'; readonly reason: string }

const KNOCK_MS = 8_000
/** MySQL speaks first, PostgreSQL waits. */
const GREETING_MS = 1_500

/**
 * Begins TLS as clients of MySQL, MariaDB and PostgreSQL do, and ends it before anybody has logged in. Whose certificate it is shows;
 * whether to trust it is for a login, which knows the authority.
 */
export async function knockTls({ host, port }: Endpoint, signal: AbortSignal): Promise<TlsKnock> {
  throwIfAborted(signal)
  const bounded = withTimeLimit(signal, KNOCK_MS)
  const socket = connect({ host, port, signal: bounded })
  try {
    const greeting = await hear(socket, GREETING_MS)
    const asked = greeting === undefined ? await askPostgres(socket) : askMysql(socket, greeting)
    if (asked !== undefined) return { outcome: 'skipped', reason: asked }
    return { outcome: 'ok', reason: await shakeHands(socket, host, bounded) }
  } catch (thrown) {
    throwIfAborted(signal)
    return { outcome: 'failed', reason: bounded.aborted ? 'no answer in time' : messageOf(thrown) }
  } finally {
    socket.destroy()
  }
}

/** What comes next, or undefined where nothing comes for so long. */
function hear(socket: Socket, timeoutMs: number): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => settle(() => resolve(undefined)), timeoutMs)
    const onData = (data: Buffer) => settle(() => resolve(data))
    const onError = (error: Error) => settle(() => reject(error))
    const onClose = () => settle(() => reject(new Error('it hung up')))
    function settle(end: () => void): void {
      clearTimeout(timer)
      socket.off('data', onData).off('error', onError).off('close', onClose)
      socket.pause()
      end()
    }
    socket.once('data', onData).once('error', onError).once('close', onClose)
    socket.resume()
  })
}

const CLIENT_PROTOCOL_41 = 0x200
const CLIENT_SSL = 0x800
const CLIENT_SECURE_CONNECTION = 0x8000
const UTF8MB4 = 45

/** Of its greeting: length (3), sequence, protocol 10, the version up to a NUL, thread (4), salt (8), a zero, capabilities (2). */
function askMysql(socket: Socket, greeting: Buffer): string | undefined {
  if (greeting[4] === 0xff) throw new Error(`it refuses: ${greeting.subarray(7).toString('latin1')}`)
  const end = greeting.indexOf(0, 5)
  if (greeting[4] !== 10 || end === -1 || greeting.length < end + 16)
    return 'it speaks neither as MySQL nor as PostgreSQL does'
  if ((greeting.readUInt16LE(end + 14) & CLIENT_SSL) === 0) return 'it offers no TLS'
  const request = Buffer.alloc(36)
  request.writeUIntLE(32, 0, 3)
  request.writeUInt8(1, 3)
  request.writeUInt32LE(CLIENT_PROTOCOL_41 | CLIENT_SSL | CLIENT_SECURE_CONNECTION, 4)
  request.writeUInt32LE(0xffffff, 8)
  request.writeUInt8(UTF8MB4, 12)
  socket.write(request)
  return undefined
}

/** SSLRequest of PostgreSQL: its length and a number of its own; the answer is one byte. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])

async function askPostgres(socket: Socket): Promise<string | undefined> {
  socket.write(SSL_REQUEST)
  const answer = await hear(socket, GREETING_MS).catch(() => undefined)
  if (answer?.length === 1 && answer[0] === 0x53) return undefined
  if (answer?.length === 1 && answer[0] === 0x4e) return 'it offers no TLS'
  return 'it speaks neither as MySQL nor as PostgreSQL does'
}

function shakeHands(socket: Socket, host: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const secured = connectTls({
      ...{ socket, rejectUnauthorized: false },
      ...(isIP(host) === 0 && { servername: host }),
    })
    const abandon = () => secured.destroy(new Error('no answer in time'))
    signal.addEventListener('abort', abandon, { once: true })
    secured.once('secureConnect', () => {
      signal.removeEventListener('abort', abandon)
      const { subject, valid_to: until } = secured.getPeerCertificate()
      const [name] = [subject?.CN].flat()
      const version = secured.getProtocol() ?? 'TLS'
      secured.destroy()
      resolve(`${version}, certificate of ${name ?? 'nobody'} until ${until}, not checked without a login`)
    })
    secured.once('error', (error) => {
      signal.removeEventListener('abort', abandon)
      reject(error)
    })
  })
}
