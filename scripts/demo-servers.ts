import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startMariadb } from '../test/testbed/mariadb.ts'
import { loadMysqlFixture } from '../test/testbed/mysql-fixture.ts'
import { listMysqlObjects } from '../test/testbed/mysql-objects.ts'
import { startPostgres } from '../test/testbed/postgres.ts'
import { loadPostgresFixture } from '../test/testbed/postgres-fixture.ts'
import { listPostgresObjects } from '../test/testbed/postgres-objects.ts'

/** A throwaway server of the demo. */
export interface DemoServer extends AsyncDisposable {
  readonly url: string
  readonly password: string
  /** The realistic schema, and enough rows for a rate to mean something. */
  fill(): Promise<void>
  objects(): Promise<Map<string, string>>
}

export interface DemoEngine {
  readonly name: string
  readonly label: string
  start(): Promise<DemoServer>
}

const bulk = (name: string) => join(import.meta.dirname, '../test/fixtures/bulk', name)

export const demoEngines: readonly DemoEngine[] = [
  {
    name: 'mariadb',
    label: 'MariaDB',
    async start() {
      const server = await startMariadb()
      return {
        url: server.url,
        password: server.password,
        async fill() {
          await loadMysqlFixture(server, 'mariadb')
          await server.run(await readFile(bulk('mysql.sql'), 'utf8'))
        },
        objects: () =>
          listMysqlObjects({ socketPath: server.socket, user: server.user, password: server.password }),
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      }
    },
  },
  {
    name: 'postgres',
    label: 'PostgreSQL',
    async start() {
      const server = await startPostgres()
      return {
        url: server.url(),
        password: server.password,
        async fill() {
          await loadPostgresFixture(server)
          await server.load(bulk('postgres.sql'))
        },
        objects: () =>
          listPostgresObjects({
            host: server.folder,
            port: server.port,
            user: 'postgres',
            binFolder: server.binFolder,
          }),
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      }
    },
  },
]
