import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createPostgresEngine } from '../../src/engines/postgres/index.ts'
import { findPostgresBinFolder, startPostgres } from '../testbed/postgres.ts'
import { loadPostgresFixture } from '../testbed/postgres-fixture.ts'
import { describeEngine, type EngineHarness, type EngineServer } from './engine-suite.ts'

const run = promisify(execFile)
const binFolder = (await findPostgresBinFolder()) ?? '/usr/bin'
const tool = (name: string) => join(binFolder, name)

type Server = EngineServer & {
  readonly folder: string
  readonly port: number
  query(sql: string, database?: string): Promise<unknown>
}

async function start(): Promise<Server> {
  const server = await startPostgres()
  return { ...server, url: server.url() }
}

/** pg_dumpall's own text: everything but the hash of the bootstrap superuser's password. */
async function snapshot(server: EngineServer): Promise<string> {
  const { folder, port } = server as Server
  const args = ['-h', folder, '-p', String(port), '-U', 'postgres', '--no-role-passwords']
  const { stdout } = await run(tool('pg_dumpall'), args, { maxBuffer: 256 * 1024 * 1024 })
  return stdout.replaceAll(/^\\(?:un)?restrict .*$/gm, '')
}

const harness: EngineHarness = {
  requires: ['postgres'],
  createEngine: createPostgresEngine,
  context: { searchPath: binFolder },
  start,
  seed: (server) => loadPostgresFixture(server as Server),
  snapshot,
  dumpTool: { name: 'pg_dump', path: tool('pg_dump') },
  restoreTool: { name: 'pg_restore', path: tool('pg_restore') },
  insideNames: ['shop', 'Odd', 'customer', 'readers', '🦊'],
}

describeEngine('postgres', harness)

describeEngine('postgres, layout=dumpall', {
  ...harness,
  sourceOptions: 'layout=dumpall',
  targetOptions: 'layout=dumpall',
  dumpTool: { name: 'pg_dumpall', path: tool('pg_dumpall') },
  restoreTool: { name: 'psql', path: tool('psql') },
})
