import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compareObjects } from '../../testbed/compare-objects.ts'
import { type MariadbServer, startMariadb } from '../../testbed/mariadb.ts'
import { loadMysqlFixture } from '../../testbed/mysql-fixture.ts'
import { listMysqlObjects } from '../../testbed/mysql-objects.ts'
import { type PostgresServer, startPostgres } from '../../testbed/postgres.ts'
import { listPostgresObjects } from '../../testbed/postgres-objects.ts'
import { lacks } from '../../testbed/requirement.ts'

/** The comparison that demo and end-to-end tests rest on must itself see what differs. */
describe.skipIf(lacks('mariadb'))('listMysqlObjects', () => {
  let server: MariadbServer
  beforeAll(async () => {
    server = await startMariadb()
    await loadMysqlFixture(server, 'mariadb')
  })
  afterAll(() => server[Symbol.asyncDispose]())
  const list = () =>
    listMysqlObjects({ socketPath: server.socket, user: server.user, password: server.password })

  test.each([
    [
      'one changed row',
      "CREATE DATABASE cmp; CREATE TABLE cmp.t (a INT PRIMARY KEY, b TEXT); INSERT INTO cmp.t VALUES (1, NULL), (2, '')",
      "UPDATE cmp.t SET b = '' WHERE a = 1",
      'rows of `cmp`.`t`',
    ],
    [
      'a missing view',
      'CREATE DATABASE cmp; CREATE VIEW cmp.v AS SELECT 1 AS one',
      'DROP VIEW cmp.v',
      'view `cmp`.`v`',
    ],
    [
      'another trigger body',
      'CREATE DATABASE cmp; CREATE TABLE cmp.t (a INT); CREATE TRIGGER cmp.g BEFORE INSERT ON cmp.t FOR EACH ROW SET NEW.a = 1',
      'DROP TRIGGER cmp.g; CREATE TRIGGER cmp.g BEFORE INSERT ON cmp.t FOR EACH ROW SET NEW.a = 2',
      'trigger `cmp`.`g`',
    ],
    [
      'a lost grant',
      "CREATE DATABASE cmp; CREATE USER cmp@'%'; GRANT SELECT ON cmp.* TO cmp@'%'",
      "REVOKE SELECT ON cmp.* FROM cmp@'%'",
      "account 'cmp'@'%'",
    ],
  ])('sees %s, and nothing else', async (_, prepare, change, object) => {
    try {
      await server.run(prepare)
      const before = await list()
      expect(compareObjects(before, await list())).toEqual([])
      await server.run(change)
      expect(compareObjects(before, await list()).map((difference) => difference.object)).toEqual([object])
    } finally {
      await server.run("DROP DATABASE cmp; DROP USER IF EXISTS cmp@'%'")
    }
  })
})

describe.skipIf(lacks('postgres'))('listPostgresObjects', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server[Symbol.asyncDispose]())
  const list = () =>
    listPostgresObjects({
      host: server.folder,
      port: server.port,
      user: 'postgres',
      binFolder: server.binFolder,
    })

  test.each([
    [
      'one changed row',
      "CREATE TABLE t (a int, b text); INSERT INTO t VALUES (1, NULL), (2, '')",
      "UPDATE t SET b = '' WHERE a = 1",
      ['postgres: rows of public.t'],
    ],
    ['a sequence that moved', 'CREATE SEQUENCE t', "SELECT nextval('t')", ['postgres: rows of public.t']],
    [
      'a large object',
      "SELECT lo_from_bytea(4711, 'a')",
      "SELECT lo_put(4711, 0, 'b')",
      ['postgres: large objects'],
    ],
    ['a role attribute', 'CREATE ROLE t', 'ALTER ROLE t CREATEDB', ['globals']],
    [
      'another index',
      'CREATE TABLE t (a int); CREATE INDEX i ON t (a)',
      'DROP INDEX i; CREATE INDEX i ON t (a DESC)',
      ['postgres: Name: i; Type: INDEX; Schema: public; Owner: postgres'],
    ],
  ])('sees %s, and nothing else', async (_, prepare, change, objects) => {
    try {
      await server.query(prepare)
      const before = await list()
      expect(compareObjects(before, await list())).toEqual([])
      await server.query(change)
      expect(compareObjects(before, await list()).map((difference) => difference.object)).toEqual(objects)
    } finally {
      await server.query('DROP TABLE IF EXISTS t').catch(() => undefined)
      await server.query('DROP SEQUENCE IF EXISTS t').catch(() => undefined)
      await server.query('DROP ROLE IF EXISTS t')
      await server.query('SELECT lo_unlink(oid) FROM pg_largeobject_metadata')
    }
  })
})
