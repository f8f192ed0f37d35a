import { setTimeout as delay } from 'node:timers/promises'
import { createSqlServerEngine } from '../../src/engines/sqlserver/index.ts'
import { type SqlServer, startSqlServer } from '../testbed/sqlserver.ts'
import { APP_LOGIN, loadSqlServerFixture } from '../testbed/sqlserver-fixture.ts'
import { listSqlServerObjects } from '../testbed/sqlserver-objects.ts'
import { describeEngine, type EngineHarness, type EngineServer } from './engine-suite.ts'

const servers = new Map<string, SqlServer>()

/** The stand-in of test/testbed/tds, over TCP and TLS; test/conformance/engine-sqlserver-real.test.ts has the real one. */
async function start(): Promise<EngineServer> {
  const server = await startSqlServer()
  const url = server.url()
  servers.set(url, server)
  return {
    url,
    password: server.password,
    restart: async () => server.restart(),
    async [Symbol.asyncDispose]() {
      servers.delete(url)
      await server[Symbol.asyncDispose]()
    },
  }
}

function serverOf({ url }: EngineServer): SqlServer {
  const found = servers.get(url)
  if (found === undefined) throw new Error(`no server was started for ${url}`)
  return found
}

/** What no T-SQL can read, and no dump has: its manifest says so. */
const NOT_CAPTURED = /"encrypted":true|"type":"A"/

/**
 * All objects, past lifeboat. A name that the server made up is kept by a restore, as a name like others: so neither the
 * name counts there nor that it was made up.
 */
function snapshotOf(server: SqlServer): string {
  const lines = [...listSqlServerObjects(server)].flatMap(([name, value]) => {
    if (NOT_CAPTURED.test(value)) return []
    const object = name.replace(/ (?:\([A-Z]+ .*\)|(?:PK|UQ|DF|CK|FK)__\w+)$/s, ' (made up)')
    return [`${object}: ${JSON.stringify(inOrder(JSON.parse(value)))}`]
  })
  return lines.sort().join('\n')
}

function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, inOrder(inner)]),
  )
}

/** Connections that stay. One that was just closed is still seen for a moment. */
async function connectionsOf(server: EngineServer): Promise<readonly string[]> {
  const { endpoint } = serverOf(server)
  for (let looks = 0; looks < 20 && endpoint.connections.length > 0; looks++) await delay(10)
  return endpoint.connections.map(({ application }) => application ?? 'a connection')
}

const harness: EngineHarness = {
  requires: [],
  createEngine: createSqlServerEngine,
  context: { searchPath: '' },
  start,
  seed: (server) => loadSqlServerFixture(serverOf(server)),
  snapshot: async (server) => snapshotOf(serverOf(server)),
  leftovers: connectionsOf,
  async startTarget() {
    const server = await start()
    // Users are mapped to the logins that the target has.
    await serverOf(server).run(`CREATE LOGIN ${APP_LOGIN.user} WITH PASSWORD = '${APP_LOGIN.password}'`)
    return server
  },
  insideNames: ['shop', 'zoo', 'Customer', 'my schema', 'orphan'],
}

describeEngine('sqlserver', harness)

const { leftovers: _leftovers, ...several } = harness
describeEngine('sqlserver, several tables at once', { ...several, jobs: 3 })
