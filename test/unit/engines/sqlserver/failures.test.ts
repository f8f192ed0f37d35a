import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { parseDatabaseUrl } from '../../../../src/core/database-url.ts'
import { LifeboatError } from '../../../../src/core/errors.ts'
import { Secret } from '../../../../src/core/secret.ts'
import { queryError } from '../../../../src/engines/sqlserver/failures.ts'
import { createSqlServerEngine } from '../../../../src/engines/sqlserver/index.ts'
import { startSqlServer } from '../../../testbed/sqlserver.ts'

const never = new AbortController().signal

async function failureOf(url: string, password = 'x'): Promise<LifeboatError> {
  const context = { searchPath: '', password: async () => new Secret(password) }
  await using engine = createSqlServerEngine(parseDatabaseUrl(url), context)
  const thrown: unknown = await engine.probe('source', never).catch((error: unknown) => error)
  if (thrown instanceof LifeboatError) return thrown
  throw new Error('it did not fail as it should', { cause: thrown })
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' ? (address?.port ?? 0) : 0
}

test('a port at which nobody listens is told as the network tells it', async () => {
  const port = await freePort()
  expect(await failureOf(`sqlserver://sa@127.0.0.1:${port}`)).toMatchObject({
    code: 'engine-unreachable',
    message: `unable to connect to database 'master' at 127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port}`,
    hint: expect.stringContaining('Check host and port'),
  })
})

test("neither the driver's settings nor Node's are anybody's here", async () => {
  await using plain = await startSqlServer({ tls: 'off' })
  await using secure = await startSqlServer({ tls: 'required' })
  const refusals = [
    await failureOf(`sqlserver://sa@127.0.0.1:${plain.port}`),
    await failureOf(`sqlserver://sa@127.0.0.1:${secure.port}?tls=disable`),
    await failureOf(`sqlserver://sa@127.0.0.1:${secure.port}?tls=verify-full`),
  ]
  expect(refusals.map(({ message }) => message.replace(/^.*?:\d+: /, ''))).toEqual([
    'the server offers no TLS',
    'the server requires encryption',
    'unable to verify the first certificate',
  ])
  expect(refusals.map(({ hint }) => hint)).toEqual([
    expect.stringContaining('add tls=disable'),
    expect.stringContaining('leave out tls=disable'),
    expect.stringContaining('tls-ca='),
  ])
})

test('a database that may not be dropped is a matter of permissions', () => {
  const refused = Object.assign(new Error("Cannot drop the database 'x'"), { number: 3701 })
  expect(queryError(refused, 'master', 'DROP DATABASE [x]')).toMatchObject({
    code: 'unsupported',
    hint: expect.stringContaining('permission'),
  })
})
