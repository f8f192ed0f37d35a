import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createLoggedDatabase, loginUrl } from '../../src/app/logged-database.ts'
import { Secret } from '../../src/core/secret.ts'
import type { DatabasePort } from '../../src/runbooks/ports/database.ts'
import { startMariadb } from '../testbed/mariadb.ts'
import { freePort, POSTGRES_PASSWORD, startPostgres } from '../testbed/postgres.ts'
import { lacks, type Requirement } from '../testbed/requirement.ts'
import { startSqlServer } from '../testbed/sqlserver.ts'

const { signal } = new AbortController()

interface Server extends AsyncDisposable {
  readonly url: string
  readonly password: string
  readonly port: number
}

const SERVERS: readonly { name: string; needs?: Requirement; start(): Promise<Server> }[] = [
  { name: 'MariaDB', needs: 'mariadb', start: () => startMariadb() },
  {
    name: 'PostgreSQL',
    needs: 'postgres',
    async start() {
      const server = await startPostgres()
      const close = () => server[Symbol.asyncDispose]()
      return {
        url: server.url(),
        password: POSTGRES_PASSWORD,
        port: server.port,
        [Symbol.asyncDispose]: close,
      }
    },
  },
  { name: 'SQL Server (stand-in)', start: startSqlServerWithDatabase },
]

async function startSqlServerWithDatabase(): Promise<Server> {
  const server = await startSqlServer()
  await server.run('CREATE DATABASE shop')
  return { ...server, url: server.url({ query: { tls: 'require' } }) }
}

describe.each(SERVERS.map((server) => [server.name, server] as const))(
  'a login at %s',
  (_, { needs, start }) => {
    describe.skipIf(needs !== undefined && lacks(needs))('of a server', () => {
      let server: Server
      beforeAll(async () => {
        server = await start()
      }, 60_000)
      afterAll(() => server?.[Symbol.asyncDispose]())

      const loggedIn = (password = server.password): DatabasePort => {
        const secret = new Secret(password)
        return createLoggedDatabase({ url: server.url, password: async () => secret, searchPath: '' })
      }
      const here = () => ({ host: '127.0.0.1', port: server.port })
      const outcomes = async (port: DatabasePort, write: boolean) =>
        (await port.look(here(), write, signal)).rungs.map(({ rung, outcome }) => `${rung} ${outcome}`)

      test('climbs every rung, and writes only where it is asked to', async () => {
        const rungs = ['dns ok', 'tcp ok', 'tls ok', 'login ok', 'read ok']
        expect(await outcomes(loggedIn(), true)).toEqual([...rungs, 'write ok'])
        expect(await outcomes(loggedIn(), false)).toEqual([...rungs, 'write skipped'])
      })

      test('a wrong password is a rung that fails, and what it can not see is unknown', async () => {
        expect(await outcomes(loggedIn('wrong'), true)).toEqual([
          ...['dns ok', 'tcp ok', 'tls ok', 'login failed', 'read skipped', 'write skipped'],
        ])
        expect(await loggedIn('wrong').writable(here(), signal)).toBe('unknown')
        expect(await loggedIn('wrong').planFence(here(), signal)).toBeUndefined()
        await expect(loggedIn('wrong').fence(here(), [], signal)).rejects.toMatchObject({
          code: 'step-failed',
          details: { operation: 'database:fence' },
        })
      })

      test('a port where nothing listens is unreachable', async () => {
        const nowhere = { host: '127.0.0.1', port: await freePort() }
        expect(await loggedIn().writable(nowhere, signal)).toBe('unreachable')
      })

      test('accounts are read, or it is said why not', async () => {
        const found = await loggedIn().accounts(here(), signal)
        if ('unknown' in found) throw new Error(found.unknown)
        expect(found.accounts.length).toBeGreaterThan(0)
        expect(await loggedIn('wrong').accounts(here(), signal)).toEqual({
          unknown: expect.stringMatching(/password|denied|Login failed/i),
        })
        const nowhere = { host: '127.0.0.1', port: await freePort() }
        expect(await loggedIn().accounts(nowhere, signal)).toEqual({
          unknown: expect.stringMatching(/^127\.0\.0\.1 is not reached: .*ECONNREFUSED/),
        })
      })

      test('the newest is the first column of the first row', async () => {
        expect(await loggedIn().newest(here(), 'SELECT 7, 8', signal)).toBe('7')
        expect(await loggedIn().newest(here(), 'SELECT NULL', signal)).toBeUndefined()
      })

      test('fenced and lifted', async () => {
        const port = loggedIn()
        const plan = await port.planFence(here(), signal)
        expect((await port.fence(here(), plan?.statements ?? [], signal)).failed).toEqual([])
        expect(await port.writable(here(), signal)).toBe('read-only')
        expect((await outcomes(port, true)).at(-1)).toMatch(/write/)
        await port.unfence(here(), plan?.undo ?? [], signal)
        expect(await port.writable(here(), signal)).toBe('writable')
      })
    })
  },
)

test.each([
  ['mysql://admin@any/shop?tls=verify-full', 'mysql://admin@db.example:3307/shop?tls=verify-full'],
  ['postgres://any', 'postgres://db.example:3307'],
  ['mysql://u%40x@h:1?connect=10.0.0.1:2&tls=require', 'mysql://u%40x@db.example:3307?tls=require'],
  ['mysql://u@h?socket=%2Fx', 'mysql://u@db.example:3307'],
])('%s at an endpoint is %s', (url, expected) => {
  expect(loginUrl(url, { host: 'db.example', port: 3307 })).toBe(expected)
})
