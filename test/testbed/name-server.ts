import { createSocket } from 'node:dgram'
import { once } from 'node:events'

export interface NameServer extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly address: string
}

/** Gives one answer to whatever is asked: a CNAME, a refusal, or silence. */
export async function startNameServer(answer: string | 'nxdomain' | 'silent'): Promise<NameServer> {
  const socket = createSocket('udp4')
  socket.on('message', (query, from) => {
    if (answer === 'silent') return
    const question = query.subarray(12, query.indexOf(0, 12) + 5)
    const header = Buffer.from(query.subarray(0, 12))
    header.writeUInt16BE(answer === 'nxdomain' ? 0x8183 : 0x8180, 2)
    header.writeUInt16BE(answer === 'nxdomain' ? 0 : 1, 6)
    header.writeUInt32BE(0, 8)
    const labels = answer.split('.').flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)])
    const data = Buffer.concat([...labels, Buffer.from([0])])
    const fixed = Buffer.from([0xc0, 0x0c, 0, 5, 0, 1, 0, 0, 0, 60, 0, data.length])
    socket.send(
      Buffer.concat(answer === 'nxdomain' ? [header, question] : [header, question, fixed, data]),
      from.port,
      from.address,
    )
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    address: `127.0.0.1:${socket.address().port}`,
    async [Symbol.asyncDispose]() {
      socket.close()
      await once(socket, 'close')
    },
  }
}
