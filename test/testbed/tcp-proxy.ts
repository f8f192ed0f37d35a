import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Which way bytes travel: `up` from the client to the server, `down` back. */
export type Direction = 'up' | 'down'

/** What happens to a connection, and when: at once, or when that many bytes have gone that way. */
export interface Fault {
  /**
   * - `cut`: both ends see a reset.
   * - `close`: both ends see an orderly end.
   * - `stall`: not a byte more either way, and no end: the network fell silent.
   * - `half-open`: the server goes away, and the client is never told.
   */
  readonly kind: 'cut' | 'close' | 'stall' | 'half-open'
  readonly after?: { readonly bytes: number; readonly direction: Direction }
}

export interface TcpProxy extends AsyncDisposable {
  readonly host: string
  readonly port: number
  /** Bytes that were passed on so far, over all connections. */
  readonly passed: Readonly<Record<Direction, number>>
  /** Connections accepted so far. */
  readonly connections: number
  /** Breaks the connections there are, and those to come until `heal()`; counted bytes start at 0 in each of them. */
  inject(fault: Fault): void
  /** Refuses to connect at all: the port closes. `heal()` opens it again. */
  refuse(): Promise<void>
  /** New connections work again. What is broken stays broken. */
  heal(): Promise<void>
  /** Resolves once the next fault has struck. */
  struck(): Promise<void>
}

interface Link {
  readonly client: Socket
  readonly server: Socket
  readonly passed: Record<Direction, number>
  struck: Fault['kind'] | undefined
}

/** A TCP proxy on loopback that breaks on command. */
export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const links = new Set<Link>()
  const passed = { up: 0, down: 0 }
  const waiting: (() => void)[] = []
  let fault: Fault | undefined
  let connections = 0

  function strike(link: Link, kind: Fault['kind']): void {
    const { client, server } = link
    if (link.struck !== undefined && kind !== 'cut') return
    link.struck = kind
    if (kind === 'cut') {
      client.resetAndDestroy()
      server.resetAndDestroy()
    } else if (kind === 'close') {
      client.end()
      server.end()
    } else {
      client.pause()
      server.pause()
      client.removeAllListeners('data')
      server.removeAllListeners('data')
      if (kind === 'half-open') server.resetAndDestroy()
    }
    for (const resolve of waiting.splice(0)) resolve()
  }

  const listener = createServer({ allowHalfOpen: true }, (client) => {
    connections += 1
    const server = connect({ ...target, allowHalfOpen: true })
    const link: Link = { client, server, passed: { up: 0, down: 0 }, struck: undefined }
    links.add(link)
    const forget = () => {
      if (client.destroyed && server.destroyed) links.delete(link)
    }
    const relay = (from: Socket, to: Socket, direction: Direction) => {
      from.on('data', (piece) => {
        const current = fault
        const limit = current?.after?.direction === direction ? current.after.bytes : Number.POSITIVE_INFINITY
        const part = piece.subarray(0, Math.max(0, limit - link.passed[direction]))
        link.passed[direction] += part.length
        passed[direction] += part.length
        if (part.length > 0 && !to.write(part)) {
          from.pause()
          to.once('drain', () => from.resume())
        }
        if (current !== undefined && link.passed[direction] >= limit) strike(link, current.kind)
      })
      from.on('end', () => {
        if (!to.destroyed) to.end()
      })
      // Resets are this proxy's trade: the other end learns of them by `close`.
      from.on('error', () => undefined)
      from.on('close', () => {
        // Who was struck silent learns nothing of the other end.
        if (link.struck !== 'stall' && link.struck !== 'half-open') to.destroy()
        forget()
      })
    }
    relay(client, server, 'up')
    relay(server, client, 'down')
    if (fault !== undefined && fault.after === undefined) strike(link, fault.kind)
  })

  const listen = (port: number) =>
    new Promise<void>((resolve, reject) => {
      listener.once('error', reject)
      listener.listen(port, '127.0.0.1', () => {
        listener.off('error', reject)
        resolve()
      })
    })
  await listen(0)
  const { port } = listener.address() as AddressInfo

  return {
    host: '127.0.0.1',
    port,
    passed,
    get connections() {
      return connections
    },
    inject(next) {
      fault = next
      for (const link of links) {
        link.passed.up = 0
        link.passed.down = 0
        if (next.after === undefined) strike(link, next.kind)
      }
    },
    async refuse() {
      await new Promise<void>((resolve) => {
        listener.close(() => resolve())
        for (const link of links) strike(link, 'cut')
      })
    },
    async heal() {
      fault = undefined
      if (!listener.listening) await listen(port)
    },
    struck: () => new Promise((resolve) => waiting.push(resolve)),
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) =>
        listener.listening ? listener.close(() => resolve()) : resolve(),
      )
      for (const { client, server } of links) {
        client.destroy()
        server.destroy()
      }
      await closed
    },
  }
}
