import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseDatabaseUrl } from '../../src/core/database-url.ts'
import { Secret } from '../../src/core/secret.ts'
import { createMysqlEngine } from '../../src/engines/mysql/index.ts'
import { type MariadbServer, startMariadb } from '../testbed/mariadb.ts'
import { type MysqlServer, startMysqlServer } from '../testbed/mysql-server.ts'
import { lacks } from '../testbed/requirement.ts'
import { sourceOf, take } from './engine-suite.ts'

const never = new AbortController().signal

async function seed(server: { run(sql: string): Promise<string> }): Promise<void> {
  const read = (name: string) => readFile(new URL(`../fixtures/mysql/${name}.sql`, import.meta.url), 'utf8')
  await server.run(
    "CREATE USER definer_only@localhost IDENTIFIED BY 'z'; GRANT ALL ON shop.* TO definer_only@localhost; CREATE USER shop_app@'%' IDENTIFIED BY 'x';",
  )
  await server.run(await read('data'))
}

/** The clients of each vendor are used against servers of both, since many machines have only one. */
describe.skipIf(lacks('mariadb', 'mysql'))(
  'engine mysql, from one vendor to the other',
  { timeout: 120_000 },
  () => {
    let mariadb: MariadbServer
    let mysql: MysqlServer
    const engineFor = (server: { url: string; password: string }, clients: 'MariaDB' | 'Oracle') =>
      createMysqlEngine(parseDatabaseUrl(server.url), {
        searchPath: clients === 'MariaDB' ? '/usr/bin:/bin' : '/nonexistent',
        ...(clients === 'MariaDB' ? {} : { commands: mysql.commands() }),
        password: async () => new Secret(server.password),
      })

    beforeAll(async () => {
      mariadb = await startMariadb()
      mysql = await startMysqlServer()
      await seed(mariadb)
      await seed(mysql)
    }, 240_000)
    afterAll(async () => {
      await mariadb?.[Symbol.asyncDispose]()
      await mysql?.[Symbol.asyncDispose]()
    })

    test.each(['MariaDB', 'Oracle'] as const)(
      'the clients of %s dump both servers, every row',
      async (clients) => {
        for (const server of [mariadb, mysql]) {
          await using engine = engineFor(server, clients)
          const { result } = await take(engine)
          expect(await engine.count(result.contents.tables, never)).toEqual(result.contents.tables)
          expect(result.contents.tables.length).toBeGreaterThan(15)
        }
      },
    )

    test('MySQL into MariaDB: every row, collations mapped and said', async () => {
      await using source = engineFor(mysql, 'Oracle')
      const taken = await take(source)
      await using fresh = await startMariadb()
      await using target = engineFor({ ...fresh, url: `${fresh.url}&definer=strip` }, 'MariaDB')
      const report = await target.restore(sourceOf(taken), { replace: false }, never)
      expect(await target.count(taken.result.contents.tables, never)).toEqual(taken.result.contents.tables)
      expect(report.warnings.join('\n')).toMatch(/collation utf8mb4_0900_ai_ci.*became utf8mb4_/)
      // MariaDB 10.11 has no caching_sha2_password, and says so account by account.
      expect(report.notRestored.map((each) => each.what)).toContain('account `shop_app`@`%`')
    })

    test('MariaDB into MySQL: every row, what MySQL lacks left out and said', async () => {
      // MariaDB's own tool writes values of generated columns, which MySQL refuses: ERROR 3105.
      await using source = engineFor(mariadb, 'Oracle')
      const taken = await take(source)
      await using fresh = await startMysqlServer()
      await using target = engineFor(
        { url: `${fresh.url}&definer=strip`, password: fresh.password },
        'Oracle',
      )
      const report = await target.restore(sourceOf(taken), { replace: false }, never)
      expect(await target.count(taken.result.contents.tables, never)).toEqual(taken.result.contents.tables)
      expect(report.restored).toContain('database `shop`')
    })
  },
)
