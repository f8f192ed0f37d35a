import { createServer, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createUnloggedDatabase } from '../../src/app/unlogged-database.ts'
import { startMariadb } from '../testbed/mariadb.ts'
import { freePort, startPostgres } from '../testbed/postgres.ts'
import { lacks, type Requirement } from '../testbed/requirement.ts'

const { signal } = new AbortController()

async function rungsAt(port: number) {
  const { rungs } = await createUnloggedDatabase().look({ host: '127.0.0.1', port }, true, signal)
  return rungs.map(({ rung, outcome, reason }) => ({ rung, outcome, reason }))
}

const SERVERS: readonly {
  name: string
  needs: Requirement
  start(): Promise<AsyncDisposable & { readonly port: number }>
}[] = [
  { name: 'MariaDB', needs: 'mariadb', start: () => startMariadb() },
  { name: 'PostgreSQL', needs: 'postgres', start: () => startPostgres() },
]

describe.each(SERVERS)('without an account, at $name', ({ needs, start }) => {
  describe.skipIf(lacks(needs))('of a real server', () => {
    let server: AsyncDisposable & { readonly port: number }
    beforeAll(async () => {
      server = await start()
    }, 60_000)
    afterAll(() => server?.[Symbol.asyncDispose]())

    test('name, port and TLS are seen, and nothing beyond', async () => {
      expect(await rungsAt(server.port)).toEqual([
        { rung: 'dns', outcome: 'ok', reason: undefined },
        { rung: 'tcp', outcome: 'ok', reason: undefined },
        {
          ...{ rung: 'tls', outcome: 'ok' },
          reason: expect.stringMatching(
            /^TLSv1\.\d, certificate of \S.* until \S.*, not checked without a login$/,
          ),
        },
        ...['login', 'read', 'write'].map((rung) => ({
          ...{ rung, outcome: 'skipped', reason: 'no account was given' },
        })),
      ])
    })
  })
})

/** A server that is none of the databases. */
async function listen(answer: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    answer(socket)
  })
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const port = await freePort()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return port
}

const GREETING = Buffer.concat([
  Buffer.from([74, 0, 0, 0, 10]),
  Buffer.from('8.0.40\0'),
  Buffer.alloc(13),
  Buffer.from([0, 0]),
  Buffer.alloc(40),
])

test.each<[string, (socket: Socket) => void, string, RegExp]>([
  ['speaks otherwise', (socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n'), 'skipped', /speaks neither/],
  ['says nothing at all', () => undefined, 'skipped', /speaks neither/],
  ['is a MySQL without TLS', (socket) => socket.write(GREETING), 'skipped', /offers no TLS/],
  [
    'is a PostgreSQL without TLS',
    (socket) => socket.on('data', () => socket.write('N')),
    'skipped',
    /no TLS/,
  ],
  ['breaks off', (socket) => socket.on('data', () => socket.end('S')), 'failed', /./],
  ['hangs up', (socket) => socket.end(), 'failed', /hung up/],
  [
    'refuses this host',
    (socket) => socket.write(Buffer.concat([Buffer.from([9, 0, 0, 0, 255, 105, 4]), Buffer.from('blocked')])),
    ...(['failed', /it refuses: blocked/] as const),
  ],
])('a server that %s is told as it is', async (_, answer, outcome, reason) => {
  const tls = (await rungsAt(await listen(answer))).find(({ rung }) => rung === 'tls')
  expect(tls).toMatchObject({ outcome, reason: expect.stringMatching(reason) })
})

test('a port where nothing listens is not knocked at twice', async () => {
  expect(await rungsAt(await freePort())).toMatchObject([
    { rung: 'dns', outcome: 'ok' },
    { rung: 'tcp', outcome: 'failed' },
    { rung: 'tls', outcome: 'skipped', reason: 'not reached' },
    ...[{ outcome: 'skipped' }, { outcome: 'skipped' }, { outcome: 'skipped' }],
  ])
})
