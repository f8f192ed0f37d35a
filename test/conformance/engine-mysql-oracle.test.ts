import { createMysqlEngine } from '../../src/engines/mysql/index.ts'
import { loadMysqlFixture } from '../testbed/mysql-fixture.ts'
import { type MysqlServer, startMysqlServer } from '../testbed/mysql-server.ts'
import { snapshotMysql } from '../testbed/mysql-snapshot.ts'
import { describeEngine, type EngineServer } from './engine-suite.ts'

const servers = new Map<EngineServer, MysqlServer>()
/** The first server, the source, lends its clients to all. */
let first: MysqlServer | undefined

function server(of: EngineServer): MysqlServer {
  const found = servers.get(of)
  if (found === undefined) throw new Error('the server was not started by this harness')
  return found
}

function tool(name: 'mysql' | 'mysqldump') {
  return { name, path: `${name} --defaults-file=`, command: first?.commands()[name] ?? [name] }
}

describeEngine('mysql: MySQL 9 with the clients of Oracle, over verified TLS', {
  requires: ['mysql'],
  createEngine: createMysqlEngine,
  get context() {
    return { searchPath: '/nonexistent', commands: first?.commands() ?? {} }
  },
  async start() {
    const started = await startMysqlServer()
    servers.set(started, started)
    first ??= started
    return started
  },
  seed: (of) => loadMysqlFixture(server(of), 'mysql'),
  snapshot: (of) => snapshotMysql(server(of)),
  get dumpTool() {
    return tool('mysqldump')
  },
  get restoreTool() {
    return tool('mysql')
  },
  insideNames: ['shop', 'legacy', 'customer', 'nothing_inside', 'definer_only'],
})
