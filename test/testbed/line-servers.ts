import { join } from 'node:path'
import { findTool } from '../../src/core/tool.ts'
import { startMariadb } from './mariadb.ts'
import { loadMysqlFixture } from './mysql-fixture.ts'
import { listMysqlObjects } from './mysql-objects.ts'
import { findPostgresBinFolder, startPostgres } from './postgres.ts'
import { loadPostgresFixture } from './postgres-fixture.ts'
import { listPostgresObjects } from './postgres-objects.ts'

/** A database server as the tests of the whole line see it, whichever vendor's it is. */
export interface LineServer extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly password: string
  /** The client that makes the largest part, and the one that loads it: its name, and the full path of the real one. */
  readonly dumpTool: { readonly name: string; readonly path: string }
  readonly restoreTool: { readonly name: string; readonly path: string }
  /** The stored names of the parts that a restore of `shop` feeds: the accounts, then the data. */
  readonly fedFirst: RegExp
  readonly fedLast: RegExp
  /** Makes database `shop` with table `item` of so many rows of some 260 bytes. */
  seed(rows: number): Promise<void>
  /** Takes away what `seed` made. */
  clear(): Promise<void>
  /** Exact rows of `shop.item`. */
  rows(): Promise<number>
  /** Databases and accounts of the user: what a refused restore must not have touched. */
  holds(): Promise<readonly string[]>
  /** Fills a fresh server with the realistic fixture. */
  loadFixture(): Promise<void>
  /** Everything of the user's, by name. */
  objects(): Promise<ReadonlyMap<string, string>>
}

/** The same server, dialled at another address. */
export function dialled(
  server: LineServer,
  address: { readonly host: string; readonly port: number },
): string {
  return `${server.url}&connect=${address.host}:${address.port}`
}

export async function startLineMariadb(): Promise<LineServer> {
  const server = await startMariadb()
  const { url, port, password } = server
  const [dump, load] = await Promise.all([onPath('mariadb-dump'), onPath('mariadb')])
  return {
    url,
    port,
    password,
    dumpTool: { name: 'mariadb-dump', path: dump },
    restoreTool: { name: 'mariadb', path: load },
    fedFirst: /\/0002\./,
    fedLast: /\/0001\./,
    async seed(rows) {
      await server.run(`CREATE DATABASE shop CHARACTER SET utf8mb4; USE shop;
        CREATE TABLE item (id INT PRIMARY KEY, name TEXT) ENGINE=InnoDB;
        INSERT INTO item SELECT seq, CONCAT(SHA2(seq, 512), SHA2(-seq, 512)) FROM seq_1_to_${rows};
        CREATE USER clerk@'%' IDENTIFIED BY 'clerk-pw'; GRANT SELECT ON shop.* TO clerk@'%';`)
    },
    async clear() {
      await server.run("DROP DATABASE IF EXISTS shop; DROP USER IF EXISTS clerk@'%'")
    },
    rows: async () => Number(await server.run('SELECT COUNT(*) FROM shop.item')),
    async holds() {
      const text = await server.run(
        `SELECT SCHEMA_NAME FROM information_schema.SCHEMATA
           WHERE SCHEMA_NAME NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')
         UNION SELECT User FROM mysql.user WHERE User NOT IN ('root', 'lifeboat', 'mysql', 'mariadb.sys', 'PUBLIC')`,
      )
      return text.split('\n').filter((line) => line !== '')
    },
    loadFixture: () => loadMysqlFixture(server, 'mariadb'),
    objects: () => listMysqlObjects({ socketPath: server.socket, user: server.user, password }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

export async function startLinePostgres(): Promise<LineServer> {
  const server = await startPostgres()
  const { port, password, folder } = server
  const binFolder = (await findPostgresBinFolder()) ?? '/usr/bin'
  return {
    url: server.url(),
    port,
    password,
    dumpTool: { name: 'pg_dump', path: join(binFolder, 'pg_dump') },
    restoreTool: { name: 'pg_restore', path: join(binFolder, 'pg_restore') },
    fedFirst: /\/0001\./,
    fedLast: /\/0002\./,
    async seed(rows) {
      await server.query('CREATE DATABASE shop')
      await server.query(
        `CREATE TABLE item (id int PRIMARY KEY, name text);
         INSERT INTO item SELECT n, sha512(n::text::bytea)::text || sha512((-n)::text::bytea)::text
           FROM generate_series(1, ${rows}) n;
         CREATE ROLE clerk LOGIN PASSWORD 'clerk-pw'; GRANT SELECT ON item TO clerk`,
        'shop',
      )
    },
    async clear() {
      await server.query('DROP DATABASE IF EXISTS shop WITH (FORCE)')
      await server.query('DROP ROLE IF EXISTS clerk')
    },
    rows: async () => Number((await server.query('SELECT count(*)::int AS rows FROM item', 'shop'))[0]?.rows),
    async holds() {
      const found = await server.query(
        `SELECT datname AS name FROM pg_database WHERE datname NOT IN ('postgres', 'template0', 'template1')
         UNION ALL SELECT rolname FROM pg_roles WHERE rolname <> 'postgres' AND rolname NOT LIKE 'pg\\_%'`,
      )
      return found.map(({ name }) => String(name))
    },
    loadFixture: () => loadPostgresFixture(server),
    objects: () => listPostgresObjects({ host: folder, port, user: 'postgres', binFolder }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

async function onPath(name: string): Promise<string> {
  const found = await findTool([name], process.env.PATH ?? '')
  if (found === undefined) throw new Error(`${name} is not on PATH`)
  return found
}

/** What the tests of the whole line run against, by the requirement that each needs. */
export const LINE_ENGINES = [
  { engine: 'MariaDB', requires: 'mariadb', start: startLineMariadb },
  { engine: 'PostgreSQL', requires: 'postgres', start: startLinePostgres },
] as const
