import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseDatabaseUrl } from '../../src/core/database-url.ts'
import { Secret } from '../../src/core/secret.ts'
import { createMysqlEngine } from '../../src/engines/mysql/index.ts'
import { type MariadbServer, startMariadb } from '../testbed/mariadb.ts'
import { loadMysqlFixture } from '../testbed/mysql-fixture.ts'
import { type MysqlServer, startMysqlServer } from '../testbed/mysql-server.ts'
import { lacks } from '../testbed/requirement.ts'
import { sourceOf, type Taken, take } from './engine-suite.ts'

const never = new AbortController().signal

function describeAccounts(
  vendor: 'mariadb' | 'mysql',
  start: () => Promise<MariadbServer | MysqlServer>,
): void {
  describe.skipIf(lacks(vendor))(`accounts that a restore into ${vendor} meets`, { timeout: 90_000 }, () => {
    let source: MariadbServer | MysqlServer
    let taken: Taken
    const engineFor = (server: MariadbServer | MysqlServer) =>
      createMysqlEngine(parseDatabaseUrl(server.url), {
        ...('commands' in source && 'commands' in server
          ? { searchPath: '/nonexistent', commands: source.commands() }
          : { searchPath: '/usr/bin:/bin' }),
        password: async () => new Secret(server.password),
      })

    beforeAll(async () => {
      source = await start()
      await loadMysqlFixture(source, vendor)
      await using engine = engineFor(source)
      taken = await take(engine)
    }, 240_000)
    afterAll(async () => {
      await source?.[Symbol.asyncDispose]()
    })

    test('are one line where they are the same, and are told apart where they are not', async () => {
      await using server = await start()
      await using engine = engineFor(server)
      const first = await engine.restore(sourceOf(taken), { replace: false }, never)
      expect(first.restored).toContain("account `o'hara`@`10.%`")
      // The fixture's routine of the mode ANSI_QUOTES has its definer in double quotes.
      expect(first.warnings).toEqual([])

      const again = await engine.restore(sourceOf(taken), { replace: true }, never)
      // Of the login itself nothing is changed; MySQL salts the password of each server's root anew.
      const others = ({ what }: { what: string }) => !/`(?:lifeboat|root)`/.test(what)
      expect(again.notRestored.filter(others)).toEqual([])
      expect(again.warnings).toEqual([])
      const lines = again.restored.filter((line) => line.startsWith('account'))
      expect(lines).toEqual([expect.stringMatching(/^accounts that were there already.*`o'hara`@`10.%`/)])

      await server.run("ALTER USER 'o''hara'@'10.%' IDENTIFIED BY 'another'")
      const third = await engine.restore(sourceOf(taken), { replace: true }, never)
      expect(third.notRestored.filter(others)).toEqual([
        { what: "account `o'hara`@`10.%`", reason: 'it exists already and was left as it is' },
      ])
    })

    test('with the same password but fewer grants are not called the same', async () => {
      await using server = await start()
      await using engine = engineFor(server)
      await engine.restore(sourceOf(taken), { replace: false }, never)
      await server.run('REVOKE ALL PRIVILEGES, GRANT OPTION FROM shop_app@`%`')
      const emptied = { ...taken, parts: new Map([...taken.parts].filter(([name]) => name === 'accounts')) }
      const { notRestored } = await engine.restore(sourceOf(emptied), { replace: false }, never)
      expect(notRestored.map(({ what }) => what)).toContain('account `shop_app`@`%`')
    })
  })
}

describeAccounts('mariadb', startMariadb)
describeAccounts('mysql', startMysqlServer)

describe.skipIf(lacks('mariadb'))('roles of MariaDB', { timeout: 60_000 }, () => {
  test('do not keep who restored them as their administrator, unless that was so before', async () => {
    await using source = await startMariadb()
    await source.run(`CREATE DATABASE d; CREATE ROLE fresh; CREATE ROLE inner_role; GRANT inner_role TO fresh;
      CREATE ROLE known; CREATE USER bob@'%' IDENTIFIED BY 'x'; GRANT fresh TO bob@'%' WITH ADMIN OPTION;
      GRANT SELECT ON d.* TO fresh`)
    const engineFor = (server: MariadbServer) =>
      createMysqlEngine(parseDatabaseUrl(server.url), {
        searchPath: '/usr/bin:/bin',
        password: async () => new Secret(server.password),
      })
    await using engine = engineFor(source)
    const taken = await take(engine)
    await using server = await startMariadb()
    await server.run("CREATE ROLE known WITH ADMIN 'lifeboat'@'%'")
    await using target = engineFor(server)
    const report = await target.restore(sourceOf(taken), { replace: false }, never)
    expect(report.warnings).toEqual([])
    const mapping = "SELECT CONCAT(User, ' ', Role, ' ', Admin_option) FROM mysql.roles_mapping ORDER BY 1"
    expect(await server.run(mapping)).toBe('bob fresh Y\nfresh inner_role N\nlifeboat known Y')
    expect(await server.run('SHOW GRANTS FOR fresh')).toContain('GRANT SELECT ON `d`')
  })
})
