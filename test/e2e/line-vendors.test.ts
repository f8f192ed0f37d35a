import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runLifeboat } from '../testbed/command-line.ts'
import { compareObjects } from '../testbed/compare-objects.ts'
import { startOracleContainer } from '../testbed/containers/oracle.ts'
import { startSqlServerContainer } from '../testbed/containers/sqlserver.ts'
import { createLine, KEY_PASSPHRASE, type Line } from '../testbed/line.ts'
import { startFilePlace } from '../testbed/line-places.ts'
import { lacks } from '../testbed/requirement.ts'
import { loadSqlServerFixture } from '../testbed/sqlserver-fixture.ts'
import { readSqlServerObjects } from '../testbed/sqlserver-real-objects.ts'

interface VendorServer extends AsyncDisposable {
  readonly url: string
  readonly password: string
  loadFixture(): Promise<void>
  objects(): Promise<ReadonlyMap<string, string>>
}

interface Pair extends AsyncDisposable {
  readonly source: VendorServer
  readonly target: VendorServer
}

async function startSqlServers(): Promise<Pair> {
  await using cleanup = new AsyncDisposableStack()
  const start = async (): Promise<VendorServer> => {
    const server = cleanup.use(await startSqlServerContainer())
    return {
      url: server.url,
      password: server.password,
      loadFixture: () => loadSqlServerFixture({ run: server.run }),
      objects: () => readSqlServerObjects(server.query),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    }
  }
  const [source, target] = [await start(), await start()]
  const started = cleanup.move()
  return { source, target, [Symbol.asyncDispose]: () => started.disposeAsync() }
}

async function startOracles(): Promise<Pair> {
  await using cleanup = new AsyncDisposableStack()
  const container = cleanup.use(await startOracleContainer())
  const [source, target] = [await container.createServer(), await container.createServer()]
  const started = cleanup.move()
  return { source, target, [Symbol.asyncDispose]: () => started.disposeAsync() }
}

/** The vendors' own servers, where their images are: LIFEBOAT_REQUIRE=sqlserver,oracle pulls them. */
describe.each([
  { name: 'SQL Server', requires: 'sqlserver', options: [''], start: startSqlServers },
  { name: 'Oracle', requires: 'oracle', options: ['', '&piece=1M'], start: startOracles },
] as const)('the command line with $name', { timeout: 600_000 }, ({ requires, options, start }) => {
  if (lacks(requires)) return test.skip(`needs ${requires}`, () => undefined)
  let line: Line
  let servers: Pair
  let before: ReadonlyMap<string, string>
  beforeAll(async () => {
    ;[line, servers] = await Promise.all([createLine(), start()])
    await servers.source.loadFixture()
    before = await servers.source.objects()
  }, 600_000)
  afterAll(async () => {
    await Promise.all([line, servers].map((each) => each?.[Symbol.asyncDispose]()))
  }, 120_000)

  test.each(options)('is dumped, listed, verified and restored into a fresh server (%s)', async (more) => {
    const { source, target } = servers
    await using place = await startFilePlace()
    const at = await (await place.newRoot()).url()
    const id = await line.dump(source, `${source.url}${more}`, at)
    const list = await runLifeboat(['list', '--at', at, '--json'], { home: line.home })
    expect(JSON.parse(list.stdout).backups).toMatchObject([{ id, usable: true, counts: 'exact' }])
    const verify = ['verify', '--at', at, '--deep', ...line.key]
    const verified = await runLifeboat(verify, { home: line.home, env: { KEY_PASSPHRASE } })
    expect(verified).toMatchObject({ exitCode: 0, stderr: '' })
    const args = more === options[0] ? [] : ['--replace']
    expect(await line.restore(target, at, target.url, { args })).toMatchObject({ id, verified: true })
    expect(before.size).toBeGreaterThan(10)
    expect(compareObjects(before, await target.objects())).toEqual([])
    expect(compareObjects(before, await source.objects())).toEqual([])
  })
})
