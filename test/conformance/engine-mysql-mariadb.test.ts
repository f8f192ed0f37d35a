import { createMysqlEngine } from '../../src/engines/mysql/index.ts'
import { startMariadb } from '../testbed/mariadb.ts'
import { loadMysqlFixture } from '../testbed/mysql-fixture.ts'
import { snapshotMysql } from '../testbed/mysql-snapshot.ts'
import { describeEngine, type EngineServer } from './engine-suite.ts'

const servers = new WeakMap<EngineServer, Awaited<ReturnType<typeof startMariadb>>>()

function server(of: EngineServer): Awaited<ReturnType<typeof startMariadb>> {
  const found = servers.get(of)
  if (found === undefined) throw new Error('the server was not started by this harness')
  return found
}

async function start(): Promise<EngineServer> {
  const started = await startMariadb()
  servers.set(started, started)
  return started
}

describeEngine('mysql: MariaDB of the distribution, over verified TLS', {
  requires: ['mariadb'],
  createEngine: createMysqlEngine,
  context: { searchPath: '/usr/bin:/bin' },
  start,
  seed: (of) => loadMysqlFixture(server(of), 'mariadb'),
  snapshot: (of) => snapshotMysql(server(of)),
  dumpTool: { name: 'mariadb-dump', path: '/usr/bin/mariadb-dump' },
  restoreTool: { name: 'mariadb', path: '/usr/bin/mariadb' },
  insideNames: ['shop', 'legacy', 'customer', 'nothing_inside', 'definer_only'],
})
