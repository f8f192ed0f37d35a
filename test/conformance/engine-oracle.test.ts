import { createOracleEngine } from '../../src/engines/oracle/index.ts'
import { seedOracle } from '../testbed/oracle/fixture.ts'
import { ScriptedOracle } from '../testbed/oracle/server.ts'
import { describeEngine, type EngineHarness, type EngineServer } from './engine-suite.ts'

/** Plays the server at the driver's interface: no Oracle can be had here. test/e2e has the real one. */
const servers = new Map<string, ScriptedOracle>()

async function start(): Promise<EngineServer> {
  const password = 's3cret-0racle'
  const oracle = new ScriptedOracle('SYSTEM', password)
  const host = `oracle-${servers.size}.test`
  servers.set(host, oracle)
  return {
    url: `oracle://SYSTEM@${host}:1521/PDB1?tls=disable`,
    password,
    restart: async () => oracle.restart(),
    [Symbol.asyncDispose]: async () => void servers.delete(host),
  }
}

function serverOf({ url }: EngineServer): ScriptedOracle {
  const found = servers.get(new URL(url.replace('oracle:', 'http:')).hostname)
  if (found === undefined) throw new Error(`no server is scripted for ${url}`)
  return found
}

const harness: EngineHarness = {
  requires: [],
  createEngine(url, context) {
    // Where nothing is scripted the real driver goes to the network.
    const oracle = servers.get(url.host ?? '')
    if (oracle === undefined) return createOracleEngine(url, context)
    return createOracleEngine(url, context, {
      source: oracle.source({ user: url.user, password: context.password }),
    })
  },
  context: { searchPath: '' },
  start,
  seed: async (server) => seedOracle(serverOf(server)),
  snapshot: async (server) => serverOf(server).database.snapshot(),
  leftovers: async (server) => serverOf(server).leftovers(),
  insideNames: ['SHOP', 'ORDERS', "O'Hara", 'Café', '🦊', 'SYSTEM'],
  sourceOptions: 'piece=1M',
}

describeEngine('oracle, scripted', harness)
