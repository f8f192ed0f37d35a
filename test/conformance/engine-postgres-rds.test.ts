import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseDatabaseUrl } from '../../src/core/database-url.ts'
import { Secret } from '../../src/core/secret.ts'
import { createPostgresEngine } from '../../src/engines/postgres/index.ts'
import { findPostgresBinFolder, type PostgresServer, startPostgres } from '../testbed/postgres.ts'
import { lacks } from '../testbed/requirement.ts'
import { sourceOf, take } from './engine-suite.ts'

const never = new AbortController().signal
const MASTER_PASSWORD = 'master-passw0rd'
const binFolder = (await findPostgresBinFolder()) ?? '/usr/bin'

/** What RDS is like for its master user: no superuser, roles and a database that are nobody's business. */
const rdsLike = (master: string) => [
  'CREATE ROLE rdsadmin SUPERUSER LOGIN',
  'CREATE ROLE rds_superuser NOLOGIN',
  'CREATE ROLE rds_iam NOLOGIN',
  'CREATE ROLE rdsrepladmin REPLICATION NOLOGIN',
  'GRANT pg_monitor TO rds_superuser WITH ADMIN OPTION',
  `CREATE ROLE ${master} LOGIN CREATEDB CREATEROLE PASSWORD '${MASTER_PASSWORD}'`,
  `GRANT rds_superuser TO ${master}`,
  'CREATE DATABASE rdsadmin OWNER rdsadmin',
]

async function startRdsLike(master = 'master'): Promise<PostgresServer> {
  // The rule of pg_hba.conf that keeps everybody out of rdsadmin.
  const server = await startPostgres({
    hba: ['host rdsadmin all all reject', 'local rdsadmin master reject'],
  })
  for (const statement of rdsLike(master)) await server.query(statement)
  return server
}

const engineFor = (server: PostgresServer, query: Record<string, string> = {}, user = 'master') =>
  createPostgresEngine(parseDatabaseUrl(server.url({ user, query })), {
    searchPath: binFolder,
    password: async () => new Secret(MASTER_PASSWORD),
  })

const superuserEngine = (server: PostgresServer) =>
  createPostgresEngine(parseDatabaseUrl(server.url()), {
    searchPath: binFolder,
    password: async () => new Secret(server.password),
  })

async function asMaster(server: PostgresServer, sql: string, database?: string): Promise<void> {
  await server.query(`SET SESSION AUTHORIZATION master; ${sql}`, database)
}

describe.skipIf(lacks('postgres'))('engine postgres as the master user of RDS', { timeout: 60_000 }, () => {
  let source: PostgresServer
  beforeAll(async () => {
    source = await startRdsLike()
    await asMaster(source, `CREATE ROLE app LOGIN PASSWORD 'x'; CREATE ROLE owner; GRANT owner TO master`)
    await source.query('GRANT rds_iam TO app')
    await source.query('CREATE DATABASE orders OWNER owner')
    await asMaster(
      source,
      `CREATE EXTENSION hstore; CREATE TABLE item (id serial PRIMARY KEY, what hstore);
       INSERT INTO item (what) SELECT hstore('n', n::text) FROM generate_series(1, 100) n;
       GRANT SELECT ON item TO rds_superuser; CREATE TABLE owned (id integer); ALTER TABLE owned OWNER TO owner;
       ALTER TABLE owned ENABLE ROW LEVEL SECURITY; INSERT INTO owned VALUES (1), (2)`,
      'orders',
    )
  }, 60_000)
  afterAll(() => source?.[Symbol.asyncDispose]())

  test('says what it can not take, and leaves the database of RDS alone', async () => {
    await using engine = engineFor(source)
    const probe = await engine.probe('source', never)
    expect(probe.findings.filter(({ level }) => level === 'failure')).toEqual([])
    expect(probe.databases.map(({ name }) => name)).toEqual(['orders'])
    const { result } = await take(engine)
    expect(result.notCaptured).toContainEqual({
      what: 'role passwords',
      reason: 'denied by the server: pg_authid may not be read on RDS',
    })
  })

  test.each([{}, { layout: 'dumpall' }])(
    'restores into another RDS as its master user (%o)',
    async (query) => {
      await using server = await startRdsLike('boss')
      await using engine = engineFor(source, query as Record<string, string>)
      const taken = await take(engine)
      await using target = engineFor(server, {}, 'boss')
      expect(
        (await target.probe('target', never)).findings.filter(({ level }) => level === 'failure'),
      ).toEqual([])
      const restored = await target.restore(sourceOf(taken), { replace: false }, never)
      expect(await target.count(taken.result.contents.tables, never)).toEqual(taken.result.contents.tables)
      const left = restored.notRestored.map(({ what }) => what)
      expect(left).toContain("role 'rdsadmin'")
      expect(left).toContain("membership of 'app' in role 'rds_iam'")
      expect(restored.warnings.join('\n')).toContain('REVOKE')
      const [owner] = await server.query(
        `SELECT pg_get_userbyid(relowner) AS owner FROM pg_class WHERE relname = 'owned'`,
        'orders',
      )
      expect(owner).toEqual({ owner: 'owner' })
    },
  )

  test('restores into a server that is no RDS, with empty roles where objects need them', async () => {
    await using server = await startPostgres()
    await using engine = engineFor(source)
    const taken = await take(engine)
    await using target = superuserEngine(server)
    const restored = await target.restore(sourceOf(taken), { replace: false }, never)
    expect(restored.warnings.join('\n')).toContain("role 'rds_superuser' of RDS was made empty")
    const roles = await server.query(`SELECT rolname FROM pg_roles WHERE rolname ~ '^rds' ORDER BY 1`)
    expect(roles).toEqual([{ rolname: 'rds_superuser' }])
    expect(await target.count(taken.result.contents.tables, never)).toEqual(taken.result.contents.tables)
  })

  test('finds tables that it may not read, and policies that hide rows, before anything starts', async () => {
    await using server = await startRdsLike()
    await server.query('CREATE DATABASE closed')
    await server.query(
      `CREATE TABLE private (id integer); CREATE SEQUENCE counter; CREATE TABLE hidden (id integer);
       GRANT SELECT ON hidden TO master; ALTER TABLE hidden ENABLE ROW LEVEL SECURITY; SELECT lo_create(77);
       CREATE SCHEMA shut; CREATE TABLE shut.inside (id integer); GRANT SELECT ON shut.inside TO master`,
      'closed',
    )
    await using engine = engineFor(server)
    const { findings } = await engine.probe('source', never)
    const failures = findings.filter(({ level }) => level === 'failure')
    expect(failures.map(({ topic }) => topic)).toEqual(['privileges', 'row security', 'privileges'])
    expect(failures[0]?.message).toContain("'public.counter'")
    expect(failures[0]?.message).toContain("'public.private'")
    expect(failures[0]?.message).toContain("'shut.inside'")
    expect(failures[1]?.message).toContain("'public.hidden'")
    expect(failures[2]?.message).toContain('1 large objects')
    expect(failures.every(({ hint }) => hint !== undefined)).toBe(true)
  })
})
