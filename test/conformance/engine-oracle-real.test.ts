import { afterAll, beforeAll } from 'vitest'
import { createOracleEngine } from '../../src/engines/oracle/index.ts'
import {
  type OracleContainer,
  type OracleServer,
  startOracleContainer,
} from '../testbed/containers/oracle.ts'
import { lacks } from '../testbed/requirement.ts'
import { describeEngine, type EngineServer } from './engine-suite.ts'

/** Real Oracle Database Free, where its image is: LIFEBOAT_REQUIRE=oracle pulls it. */
let container: OracleContainer | undefined
const servers = new Map<EngineServer, OracleServer>()

function serverOf(of: EngineServer): OracleServer {
  const found = servers.get(of)
  if (found === undefined) throw new Error('the server was not started by this harness')
  return found
}

if (!lacks('oracle')) {
  beforeAll(async () => {
    container = await startOracleContainer()
  }, 360_000)
  afterAll(async () => {
    await container?.[Symbol.asyncDispose]()
  }, 120_000)
}

describeEngine('oracle: Oracle Database Free', {
  requires: ['oracle'],
  createEngine: (url, context) => createOracleEngine(url, context),
  context: { searchPath: '' },
  async start() {
    if (container === undefined) throw new Error('the container is started before the suite')
    const server = await container.createServer()
    servers.set(server, server)
    return server
  },
  seed: (of) => serverOf(of).loadFixture(),
  snapshot: async (of) =>
    [...(await serverOf(of).objects())].map(([name, text]) => `${name}\n${text}`).join('\n\n'),
  leftovers: (of) => serverOf(of).leftovers(),
  insideNames: ['SHOP', 'ORDERS', "O'Hara", 'Café', 'SYSTEM'],
  sourceOptions: 'piece=1M',
  timeoutMs: 300_000,
})
