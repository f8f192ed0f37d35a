import { afterEach, expect, test } from 'vitest'
import { createResolver } from '../../../src/aws/resolver.ts'
import { type NameServer, startNameServer } from '../../testbed/name-server.ts'

const { signal } = new AbortController()
const open: NameServer[] = []
afterEach(async () => {
  for (const server of open.splice(0)) await server[Symbol.asyncDispose]()
})

async function nameServer(answer: string): Promise<string> {
  const server = await startNameServer(answer)
  open.push(server)
  return server.address
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
