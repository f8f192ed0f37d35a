import { describe, expect, test } from 'vitest'
import { parseDatabaseUrl } from '../../src/core/database-url.ts'
import { Secret } from '../../src/core/secret.ts'
import { createMysqlEngine } from '../../src/engines/mysql/index.ts'
import { startMariadb } from '../testbed/mariadb.ts'
import { startMysqlServer } from '../testbed/mysql-server.ts'
import { lacks } from '../testbed/requirement.ts'
import { failureOf, sourceOf, take } from './engine-suite.ts'

const never = new AbortController().signal

describe('settings of the target that are stricter than those of the source', { timeout: 120_000 }, () => {
  test.skipIf(lacks('mariadb'))('innodb_strict_mode of MariaDB is off while data are loaded', async () => {
    const engineFor = (server: { url: string; password: string }) =>
      createMysqlEngine(parseDatabaseUrl(server.url), {
        searchPath: '/usr/bin:/bin',
        password: async () => new Secret(server.password),
      })
    await using source = await startMariadb()
    await source.run(`CREATE DATABASE d; SET SESSION innodb_strict_mode = OFF;
      CREATE TABLE d.odd (id INT) ENGINE=InnoDB ROW_FORMAT=FIXED; INSERT INTO d.odd VALUES (1)`)
    await using engine = engineFor(source)
    const taken = await take(engine)
    await using server = await startMariadb()
    await using target = engineFor(server)
    const { warnings } = await target.restore(sourceOf(taken), { replace: false }, never)
    expect(warnings).toEqual([])
    expect(await server.run('SHOW CREATE TABLE d.odd')).toBe(await source.run('SHOW CREATE TABLE d.odd'))
    expect(await server.run('SELECT @@GLOBAL.innodb_strict_mode')).toBe('1')
  })

  test.skipIf(lacks('mysql'))('primary keys that MySQL demands or makes are none of a restore', async () => {
    await using source = await startMysqlServer()
    const engineFor = (url: string, password: string) =>
      createMysqlEngine(parseDatabaseUrl(url), {
        searchPath: '/nonexistent',
        commands: source.commands(),
        password: async () => new Secret(password),
      })
    await source.run(
      'CREATE DATABASE d; CREATE TABLE d.keyless (v INT); INSERT INTO d.keyless VALUES (1), (2)',
    )
    await using engine = engineFor(`${source.url}&accounts=no`, source.password)
    const taken = await take(engine)
    await using server = await startMysqlServer()
    await server.run(`SET GLOBAL sql_require_primary_key = ON; SET GLOBAL sql_generate_invisible_primary_key = ON;
      CREATE USER plain@'%' IDENTIFIED BY 'pl4in-pw'; GRANT ALL ON d.* TO plain@'%'; GRANT SELECT ON *.* TO plain@'%'`)
    await using target = engineFor(server.url, server.password)
    expect((await target.restore(sourceOf(taken), { replace: false }, never)).warnings).toEqual([])
    expect(await server.run('SHOW CREATE TABLE d.keyless')).toBe(
      await source.run('SHOW CREATE TABLE d.keyless'),
    )

    await server.run('SET GLOBAL sql_generate_invisible_primary_key = OFF')
    await using plain = engineFor(server.url.replace('root@', 'plain@'), 'pl4in-pw')
    const failure = await failureOf(plain.restore(sourceOf(taken), { replace: true }, never))
    expect(failure.message).toContain('ERROR 3750')
    expect(failure.hint).toContain('sql_require_primary_key')

    await server.run(
      `SET GLOBAL sql_require_primary_key = OFF; SET GLOBAL sql_generate_invisible_primary_key = ON`,
    )
    const { warnings } = await plain.restore(sourceOf(taken), { replace: true }, never)
    expect(warnings.join('\n')).toContain('tables without a primary key get an invisible one')
    expect(await plain.count(taken.result.contents.tables, never)).toEqual(taken.result.contents.tables)
  })
})
