import { createServer, connect as dial, type Socket } from 'node:net'

/** A way around the driver's own look-up of names: it asks a proxy on this machine, which dials what it was told. */
export interface DialProxy extends AsyncDisposable {
  readonly port: number
}

/** Answers every CONNECT with a connection to one address: the driver goes on to verify the host of the URL. */
export async function startDialProxy(address: { host: string; port: number }): Promise<DialProxy> {
  const sockets = new Set<Socket>()
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    return socket
  }
  const server = createServer((inner) => {
    keep(inner)
    inner.on('error', () => inner.destroy())
    let head = ''
    const onData = (piece: Buffer) => {
      head += piece.toString('latin1')
      if (!head.includes('\r\n\r\n')) return
      inner.off('data', onData)
      inner.pause()
      const outer = keep(dial(address.port, address.host))
      outer.once('connect', () => {
        inner.write('HTTP/1.1 200 OK\r\n\r\n')
        inner.pipe(outer)
        outer.pipe(inner)
        inner.resume()
      })
      outer.on('error', () => inner.destroy())
      outer.on('close', () => inner.destroy())
      inner.on('close', () => outer.destroy())
    }
    inner.on('data', onData)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('a TCP server has a port')
  server.unref()
  return {
    port: bound.port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
