import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { createResolver } from '../../../src/aws/resolver.ts'

const { signal } = new AbortController()
const open: Socket[] = []
afterEach(async () => {
  for (const socket of open.splice(0)) {
    socket.close()
    await once(socket, 'close')
  }
})

/** A name server of one answer: a CNAME, a refusal, or silence. */
async function nameServer(answer: string | 'nxdomain' | 'silent'): Promise<string> {
  const socket = createSocket('udp4')
  open.push(socket)
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
  return `127.0.0.1:${socket.address().port}`
}

test('each server is asked by itself, and what one does not know hides no other', async () => {
  const servers = [await nameServer('New.Example.com'), await nameServer('nxdomain')]
  expect(await createResolver().answers('shop.example.internal', 'CNAME', servers, signal)).toEqual([
    { server: servers[0], values: ['new.example.com'] },
    { server: servers[1], values: [], fault: 'ENOTFOUND' },
  ])
})

test('one that is silent is waited for no longer than its caller waits', async () => {
  const server = await nameServer('silent')
  const stop = new AbortController()
  const asked = createResolver().answers('shop.example.internal', 'CNAME', [server], stop.signal)
  stop.abort()
  await expect(asked).rejects.toThrow('interrupted')
})

test('a server that is no address is a fault of its own', async () => {
  const [answer] = await createResolver().answers('x.example', 'CNAME', ['not an address'], signal)
  expect(answer).toMatchObject({ values: [], fault: expect.stringMatching(/INVALID|IP/) })
})
