import { afterAll, beforeAll } from 'vitest'
import { createOracleEngine } from '../../src/engines/oracle/index.ts'
import { type ClientRelay, startClientRelay } from '../testbed/oracle/client-relay.ts'
import { seedOracle } from '../testbed/oracle/fixture.ts'
import { ScriptedOracle } from '../testbed/oracle/server.ts'
import { describeEngine, type EngineServer } from './engine-suite.ts'

/** layout=expdp against played servers: the tools are stand-ins that run the job by their parameter files alone. */
const servers = new Map<string, ScriptedOracle>()
let relay: ClientRelay | undefined

beforeAll(async () => {
  relay = await startClientRelay((host) => servers.get(host))
})
afterAll(async () => {
  await relay?.[Symbol.asyncDispose]()
})

function serverOf({ url }: EngineServer): ScriptedOracle {
  const found = servers.get(new URL(url.replace('oracle:', 'http:')).hostname)
  if (found === undefined) throw new Error(`no server is scripted for ${url}`)
  return found
}

describeEngine('oracle, scripted, by expdp and impdp', {
  requires: [],
  createEngine(url, context) {
    const oracle = servers.get(url.host ?? '')
    if (oracle === undefined) return createOracleEngine(url, context)
    return createOracleEngine(url, context, {
      source: oracle.source({ user: url.user, password: context.password }),
    })
  },
  get context() {
    return { searchPath: '', commands: relay?.commands ?? {} }
  },
  async start() {
    const password = 's3cret-0racle'
    const oracle = new ScriptedOracle('SYSTEM', password)
    const host = `oracle-${servers.size}.test`
    servers.set(host, oracle)
    return {
      url: `oracle://SYSTEM@${host}:1521/PDB1?tls=disable&layout=expdp`,
      password,
      restart: async () => oracle.restart(),
      [Symbol.asyncDispose]: async () => void servers.delete(host),
    }
  },
  async seed(of) {
    const { database } = serverOf(of)
    seedOracle(serverOf(of))
    // A name that the tools can't be told: refused, as test/unit/engines/oracle/expdp has it.
    database.schemas.delete("O'Hara")
  },
  snapshot: async (of) => serverOf(of).database.snapshot(),
  leftovers: async (of) => serverOf(of).leftovers(),
  insideNames: ['SHOP', 'ORDERS', 'Café', '🦊', 'SYSTEM'],
  sourceOptions: 'piece=1M',
})
