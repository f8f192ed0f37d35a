import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { TdsBackend } from './backend.ts'
import { createAttention, serveConnection } from './wire/connection.ts'
import type { Login7 } from './wire/login7.ts'
import { createTransport, type Encryption, type TlsMaterial } from './wire/transport.ts'

export interface TdsEndpointOptions {
  readonly backend: TdsBackend
  /** PEM. With `required`, clients that can't encrypt are turned away, as with SQL Server's ForceEncryption. */
  readonly tls?: 'off' | (TlsMaterial & { readonly required?: boolean })
}

/** A connection that is open, as far as it has told who it is. */
export interface TdsConnection {
  readonly encryption: Encryption
  readonly user: string | undefined
  readonly application: string | undefined
  readonly packetSize: number
  readonly tdsVersion: number | undefined
  /** Bytes that went to this client so far. */
  readonly sentBytes: number
  /** Cuts it. */
  destroy(): void
}

export interface TdsEndpoint extends AsyncDisposable {
  readonly host: string
  readonly port: number
  /** What is open now. */
  readonly connections: readonly TdsConnection[]
  /** Connections accepted so far. */
  readonly accepted: number
  /** What clients did against the protocol, and what a backend threw: a test that expects none looks here. */
  readonly failures: readonly Error[]
}

/** Speaks TDS 7.1 to 7.4, and 8 (strict), on a free port of loopback. */
export async function startTdsEndpoint(options: TdsEndpointOptions): Promise<TdsEndpoint> {
  const { backend, tls = 'off' } = options
  const connections = new Set<TdsConnection>()
  const failures: Error[] = []
  const running = new Set<Promise<void>>()
  let accepted = 0
  const encryption = tls === 'off' ? 'off' : tls.required === true ? 'required' : 'offered'

  async function serve(socket: Socket): Promise<void> {
    let login: Login7 | undefined
    const attention = createAttention()
    const transport = createTransport({
      socket,
      tls: tls === 'off' ? undefined : { key: tls.key, cert: tls.cert },
      packetSize: () => login?.packetSize ?? 4096,
      onAttention: attention.raise,
    })
    const connection: TdsConnection = {
      get encryption() {
        return transport.encryption
      },
      get user() {
        return login?.user
      },
      get application() {
        return login?.application
      },
      get packetSize() {
        return login?.packetSize ?? 4096
      },
      get tdsVersion() {
        return login?.version
      },
      get sentBytes() {
        return socket.bytesWritten
      },
      destroy: () => transport.destroy(),
    }
    connections.add(connection)
    try {
      await serveConnection({
        transport,
        backend,
        encryption,
        attention,
        onLogin: (loggedIn) => {
          login = loggedIn.login
        },
        onFailure: (error) => failures.push(error),
      })
    } catch (thrown) {
      // That the client went in the middle of an answer is no failure.
      if (!transport.gone.aborted || thrown !== transport.gone.reason) failures.push(thrown as Error)
    } finally {
      transport.destroy()
      connections.delete(connection)
    }
  }

  const server = createServer((socket) => {
    accepted += 1
    const served = serve(socket)
    running.add(served)
    void served.finally(() => running.delete(served))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      server.off('error', reject)
      resolve()
    })
  })
  const { port } = server.address() as AddressInfo

  return {
    host: '127.0.0.1',
    port,
    get connections() {
      return [...connections]
    },
    get accepted() {
      return accepted
    },
    failures,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const connection of connections) connection.destroy()
      await Promise.all(running)
      await closed
    },
  }
}
