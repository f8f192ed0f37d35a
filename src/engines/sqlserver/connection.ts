import type { TLSSocket } from 'node:tls'
import { Connection, type ConnectionConfiguration } from 'tedious'
import { abortReason, throwIfAborted } from '../../core/errors.ts'
import type { Secret } from '../../core/secret.ts'
import { createDriverSession } from './driver-session.ts'
import { connectionError } from './failures.ts'
import type { Server } from './server-access.ts'
import type { Session, SessionSource } from './session.ts'

const CONNECT_TIMEOUT_MS = 20_000
/** How long a server has to answer that it cancelled; then the socket is closed. */
const CANCEL_TIMEOUT_MS = 2_000
/** Fewer packets for rows; the server may say less. */
const PACKET_BYTES = 16_384

export function createSessionSource(server: Server): SessionSource {
  const open = new Set<Session>()
  return {
    async open(database, signal) {
      const session = await connect(server, database, signal, (closed) => open.delete(closed))
      open.add(session)
      return session
    },
    async [Symbol.asyncDispose]() {
      for (const session of [...open]) await session[Symbol.asyncDispose]()
    },
  }
}

async function connect(
  server: Server,
  database: string,
  signal: AbortSignal,
  onClose: (session: Session) => void,
): Promise<Session> {
  throwIfAborted(signal)
  const secret = await server.password?.()
  throwIfAborted(signal)
  const secrets: readonly Secret[] = secret === undefined ? [] : [secret]
  const connection = new Connection(configurationFor(server, database, secret))
  // An 'error' that nobody hears would end the process; whatever breaks, the request under way fails with it.
  connection.on('error', () => undefined)
  const refused = server.url.tls === 'verify-ca' ? checkChain(connection) : () => undefined
  const refusals = collectRefusals(connection)
  const drop = () => connection.close()
  signal.addEventListener('abort', drop, { once: true })
  try {
    await new Promise<void>((resolve, reject) => {
      connection.on('connect', (failure) => (failure === undefined ? resolve() : reject(failure)))
      connection.connect()
    })
  } catch (thrown) {
    if (signal.aborted) throw abortReason(signal)
    throw connectionError(refused() ?? refusals() ?? thrown, server.address, database, secrets)
  } finally {
    signal.removeEventListener('abort', drop)
  }
  connection.removeAllListeners('errorMessage')
  const session = createDriverSession(connection, database, () => onClose(session))
  return session
}

function configurationFor(
  { address, url, trust }: Server,
  database: string,
  secret: Secret | undefined,
): ConnectionConfiguration {
  return {
    server: address.address,
    authentication: {
      type: 'default',
      options: { userName: address.user, password: secret?.reveal() ?? '' },
    },
    options: {
      port: address.port,
      database,
      // The name that is verified: what is dialled may be another.
      serverName: address.host,
      encrypt: url.tls !== 'disable',
      // For verify-ca the chain is checked by `checkChain`, since the driver can't check it without the name.
      trustServerCertificate: url.tls !== 'verify-full',
      ...(trust !== undefined && { cryptoCredentialsDetails: { ca: [...trust] } }),
      appName: 'lifeboat',
      connectTimeout: CONNECT_TIMEOUT_MS,
      // A dump of a table may take days: whoever waits has the signal to give up by.
      requestTimeout: 0,
      cancelTimeout: CANCEL_TIMEOUT_MS,
      packetSize: PACKET_BYTES,
      // The driver would take "no such database" for something that passes, and try again.
      maxRetriesOnTransientErrors: 0,
      useUTC: true,
    },
  }
}

/**
 * Ends the handshake where the certificate is not of the given authorities, before the login with its password is sent:
 * the event comes while the driver still waits for the handshake. Gives what was wrong.
 */
function checkChain(connection: Connection): () => Error | undefined {
  let refused: Error | undefined
  connection.on('secure', (cleartext: TLSSocket) => {
    // Node gives one reason only, and looks at the name last: this one means that the chain is right.
    const reason: unknown = cleartext.authorizationError
    if (cleartext.authorized || String(reason) === 'ERR_TLS_CERT_ALTNAME_INVALID') return
    refused = new Error(`its certificate is not trusted: ${String(reason)}`)
    cleartext.destroy(refused)
  })
  return () => refused
}

/** Of a login, the driver tells the last error only, without its number: 18456 hides the 4060 that came before it. */
function collectRefusals(connection: Connection): () => Error | undefined {
  const refusals: Error[] = []
  connection.on('errorMessage', ({ message, number }) => {
    refusals.push(Object.assign(new Error(message), { number }))
  })
  return () => (refusals.length > 1 ? new AggregateError(refusals) : refusals[0])
}
