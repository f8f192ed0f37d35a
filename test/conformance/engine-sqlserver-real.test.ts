import { createSqlServerEngine } from '../../src/engines/sqlserver/index.ts'
import { type SqlServerContainer, startSqlServerContainer } from '../testbed/containers/sqlserver.ts'
import { loadSqlServerFixture } from '../testbed/sqlserver-fixture.ts'
import { readSqlServerObjects } from '../testbed/sqlserver-real-objects.ts'
import { describeEngine, type EngineServer } from './engine-suite.ts'

/** Microsoft's own SQL Server, where its image is: LIFEBOAT_REQUIRE=sqlserver pulls it. */
const servers = new Map<EngineServer, SqlServerContainer>()

function serverOf(of: EngineServer): SqlServerContainer {
  const found = servers.get(of)
  if (found === undefined) throw new Error('the server was not started by this harness')
  return found
}

/** Sessions of lifeboat that stay. One that was just closed is still seen for a moment. */
async function sessionsOf(server: SqlServerContainer): Promise<readonly string[]> {
  let names: string[] = []
  for (let looks = 0; looks < 20; looks++) {
    const rows = await server.query(
      "SELECT login_name FROM sys.dm_exec_sessions WHERE program_name = N'lifeboat'",
    )
    names = rows.map(({ login_name }) => String(login_name))
    if (names.length === 0) break
  }
  return names
}

for (const jobs of [1, 3]) {
  describeEngine(`sqlserver: Microsoft SQL Server, ${jobs} parts at once`, {
    requires: ['sqlserver'],
    createEngine: (url, context) => createSqlServerEngine(url, context),
    context: { searchPath: '' },
    async start() {
      const server = await startSqlServerContainer()
      servers.set(server, server)
      return server
    },
    seed: (of) => loadSqlServerFixture({ run: serverOf(of).run }),
    snapshot: async (of) =>
      [...(await readSqlServerObjects(serverOf(of).query))]
        .map(([name, text]) => `${name}\n${text}`)
        .join('\n\n'),
    // With several parts at once, a script is read while no session is open.
    ...(jobs === 1 && { leftovers: (of: EngineServer) => sessionsOf(serverOf(of)) }),
    insideNames: ['shop', 'zoo', 'orphan', 'app_login'],
    jobs,
    timeoutMs: 180_000,
  })
}
