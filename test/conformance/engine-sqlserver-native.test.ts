import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../../src/core/clock.ts'
import { createSqlServerEngine } from '../../src/engines/sqlserver/index.ts'
import { createMemoryStaging, type MemoryStaging } from '../testbed/memory-staging.ts'
import { type SqlServer, startSqlServer } from '../testbed/sqlserver.ts'
import { APP_LOGIN, loadSqlServerFixture } from '../testbed/sqlserver-fixture.ts'
import { listSqlServerObjects } from '../testbed/sqlserver-objects.ts'
import { describeEngine, type EngineServer } from './engine-suite.ts'

const servers = new Map<string, SqlServer>()
/** One bucket, which both regions see. */
const staging: MemoryStaging = createMemoryStaging()
/** RDS takes minutes; the stand-in moves a task on at each look. */
const clock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  async sleep(_ms, signal) {
    await setImmediate()
    signal.throwIfAborted()
  },
}

async function start(): Promise<EngineServer> {
  const server = await startSqlServer({ storage: staging.storage })
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

describeEngine('sqlserver, layout=native', {
  requires: [],
  createEngine: (url, context) => createSqlServerEngine(url, context, { clock }),
  context: { searchPath: '', staging: async () => staging },
  start,
  seed: (server) => loadSqlServerFixture(serverOf(server)),
  // A user keeps its login's key, not its name: one whose login has another name is reported, not mapped.
  snapshot: async (server) =>
    [...listSqlServerObjects(serverOf(server))]
      .map(([name, value]) => `${name}: ${value.replace(`"login":"${APP_LOGIN.user}"`, '"login":null')}`)
      .sort()
      .join('\n'),
  leftovers: async () => [...staging.sink.objects.keys(), ...staging.claimed],
  insideNames: ['shop', 'zoo', 'Customer', 'my schema', 'orphan'],
  sourceOptions: 'layout=native',
  targetOptions: 'layout=native',
})
