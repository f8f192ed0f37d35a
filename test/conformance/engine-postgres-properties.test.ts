import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseDatabaseUrl } from '../../src/core/database-url.ts'
import { Secret } from '../../src/core/secret.ts'
import { createPostgresEngine } from '../../src/engines/postgres/index.ts'
import {
  findPostgresBinFolder,
  makeServerFolder,
  type PostgresServer,
  startPostgres,
} from '../testbed/postgres.ts'
import { lacks } from '../testbed/requirement.ts'
import { sourceOf, type Taken, take } from './engine-suite.ts'

const never = new AbortController().signal
const binFolder = (await findPostgresBinFolder()) ?? '/usr/bin'

const engineFor = (server: PostgresServer, query: Record<string, string> = {}) =>
  createPostgresEngine(parseDatabaseUrl(server.url({ query })), {
    searchPath: binFolder,
    password: async () => new Secret(server.password),
  })

/** What pg_restore sets only where it creates a database itself. */
const propertiesOf = (server: PostgresServer) =>
  server.query(
    `SELECT datname, pg_get_userbyid(datdba) AS owner, datlocprovider, daticulocale, datcollate, datistemplate,
       datconnlimit, shobj_description(oid, 'pg_database') AS comment, (SELECT array_agg(each::text ORDER BY each::text) FROM unnest(datacl) each) AS acl
     FROM pg_database WHERE datname IN ('there', 'postgres') ORDER BY 1`,
  )

describe.skipIf(lacks('postgres'))(
  'properties of a database that pg_restore does not create',
  { timeout: 60_000 },
  () => {
    let source: PostgresServer
    let taken: Taken
    beforeAll(async () => {
      source = await startPostgres()
      const folder = await makeServerFolder(source, 'fast')
      await source.query(`CREATE ROLE app LOGIN; CREATE ROLE "odd 'one" NOLOGIN`)
      await source.query(`CREATE TABLESPACE fast OWNER app LOCATION '${folder}'`)
      await source.query(
        `CREATE DATABASE there OWNER app TEMPLATE template0 TABLESPACE fast
           LOCALE_PROVIDER icu ICU_LOCALE 'sv-SE' CONNECTION LIMIT 7 IS_TEMPLATE true`,
      )
      await source.query(`COMMENT ON DATABASE there IS 'it''s \\ there'`)
      await source.query(`REVOKE ALL ON DATABASE there FROM PUBLIC;
        GRANT CONNECT ON DATABASE there TO "odd 'one" WITH GRANT OPTION;
        SET ROLE "odd 'one"; GRANT CONNECT ON DATABASE there TO PUBLIC; RESET ROLE`)
      await source.query(
        'CREATE TABLE t (id integer); INSERT INTO t VALUES (1); ALTER TABLE t OWNER TO app',
        'there',
      )
      // Something is in it, so it is taken; it is at every target.
      await source.query(`CREATE TABLE kept (id integer); ALTER TABLE kept OWNER TO app;
         REVOKE TEMPORARY ON DATABASE postgres FROM PUBLIC;
        GRANT CREATE ON DATABASE postgres TO app; ALTER DATABASE postgres CONNECTION LIMIT 9;
        COMMENT ON DATABASE postgres IS 'ours'; ALTER DATABASE postgres OWNER TO app`)
      await using engine = engineFor(source)
      taken = await take(engine)
    }, 60_000)
    afterAll(() => source?.[Symbol.asyncDispose]())

    test('are all there afterwards, and nothing is said to be missing but the tablespace', async () => {
      await using server = await startPostgres()
      await using engine = engineFor(server)
      const { notRestored, warnings } = await engine.restore(sourceOf(taken), { replace: false }, never)
      expect(notRestored.map(({ what }) => what)).toEqual(["tablespace 'fast'"])
      expect(warnings).toEqual([])
      expect(await propertiesOf(server)).toEqual(await propertiesOf(source))
      expect(await engine.count(taken.result.contents.tables, never)).toEqual(taken.result.contents.tables)
      // A repetition ends the same, though the limits and grants of the first are in force.
      await engine.restore(sourceOf(taken), { replace: true }, never)
      expect(await propertiesOf(server)).toEqual(await propertiesOf(source))
    })

    test('are left out where the URL says so', async () => {
      await using server = await startPostgres()
      const before = await propertiesOf(server)
      await using engine = engineFor(server, { 'no-owner': '', 'no-privileges': '', 'no-comments': '' })
      await engine.restore(sourceOf(taken), { replace: false }, never)
      const [postgres] = await propertiesOf(server)
      expect(postgres).toEqual({ ...before[0], datconnlimit: 9 })
    })

    test('what a target does not let be granted is reported, privilege by privilege', async () => {
      await using server = await startPostgres()
      await server.query(
        `CREATE ROLE master LOGIN CREATEDB CREATEROLE PASSWORD 'm4ster'; CREATE ROLE app LOGIN`,
      )
      const engine = createPostgresEngine(parseDatabaseUrl(server.url({ user: 'master' })), {
        searchPath: binFolder,
        password: async () => new Secret('m4ster'),
      })
      await using _closing = engine
      await server.query('GRANT ALL ON SCHEMA public TO app, master')
      const { notRestored } = await engine.restore(sourceOf(taken), { replace: false }, never)
      expect(notRestored.map(({ what }) => what)).toEqual(
        expect.arrayContaining([
          "owner 'app' of database 'postgres'",
          "connection limit of database 'postgres'",
          "comment of database 'postgres'",
          "privilege on database 'postgres' itself: CREATE to 'app'",
        ]),
      )
    })
  },
)
