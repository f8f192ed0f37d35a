import pg from 'pg'
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

const engineFor = (server: PostgresServer, query: Record<string, string> = {}, database?: string) =>
  createPostgresEngine(parseDatabaseUrl(server.url({ query, ...(database !== undefined && { database }) })), {
    searchPath: binFolder,
    password: async () => new Secret(server.password),
  })

describe.skipIf(lacks('postgres'))('options of the postgres engine', { timeout: 60_000 }, () => {
  let source: PostgresServer
  let taken: Taken
  beforeAll(async () => {
    source = await startPostgres()
    const folder = await makeServerFolder(source, 'fast')
    await source.query(`CREATE ROLE app LOGIN PASSWORD 'app-s3cret'`)
    await source.query(`CREATE TABLESPACE "Fast one" OWNER app LOCATION '${folder}'`)
    await source.query('GRANT CREATE ON TABLESPACE "Fast one" TO PUBLIC')
    await source.query('CREATE DATABASE here')
    await source.query('CREATE DATABASE there TABLESPACE "Fast one"')
    await source.query('CREATE TABLE t (id integer) TABLESPACE "Fast one"; INSERT INTO t VALUES (1)', 'here')
    await using engine = engineFor(source)
    taken = await take(engine)
  }, 60_000)
  afterAll(() => source?.[Symbol.asyncDispose]())

  const tablespaceOf = (server: PostgresServer) =>
    server.query(
      `SELECT spcname AS name FROM pg_class JOIN pg_tablespace t ON t.oid = reltablespace WHERE relname = 't'`,
      'here',
    )

  test('a tablespace that the target lacks is dropped and reported; roles log in with their passwords', async () => {
    await using server = await startPostgres()
    await using engine = engineFor(server)
    const { notRestored } = await engine.restore(sourceOf(taken), { replace: false }, never)
    expect(notRestored.map(({ what }) => what)).toEqual(["tablespace 'Fast one'"])
    expect(await tablespaceOf(server)).toEqual([])
    const client = new pg.Client({
      host: '127.0.0.1',
      port: server.port,
      user: 'app',
      password: 'app-s3cret',
      database: 'here',
      ssl: { rejectUnauthorized: false },
    })
    await client.connect()
    await client.end()
  })

  test('a tablespace is made where the map says', async () => {
    await using server = await startPostgres()
    const folder = await makeServerFolder(server, 'elsewhere')
    await using engine = engineFor(server, { tablespaces: `map:Fast one=${folder}` })
    const { notRestored } = await engine.restore(sourceOf(taken), { replace: false }, never)
    expect(notRestored).toEqual([])
    expect(await tablespaceOf(server)).toEqual([{ name: 'Fast one' }])
    const [where] = await server.query(
      `SELECT pg_tablespace_location(oid) AS at, spcacl::text AS acl FROM pg_tablespace WHERE spcname = 'Fast one'`,
    )
    expect(where).toEqual({ at: folder, acl: '{app=C/app,=C/app}' })
  })

  test('a script of pg_dumpall that names tablespaces is not begun without them', async () => {
    await using engine = engineFor(source, { layout: 'dumpall' })
    const script = await take(engine)
    await using server = await startPostgres()
    await using bare = engineFor(server)
    await expect(bare.restore(sourceOf(script), { replace: false }, never)).rejects.toMatchObject({
      code: 'unsupported',
      hint: expect.stringContaining('tablespaces=map'),
    })
    const folder = await makeServerFolder(server, 'elsewhere')
    await using mapped = engineFor(server, { tablespaces: `map:Fast one=${folder}` })
    await mapped.restore(sourceOf(script), { replace: false }, never)
    expect(await tablespaceOf(server)).toEqual([{ name: 'Fast one' }])
  })

  test('a database in the URL limits the run to it, and is not mixed up with others', async () => {
    await using engine = engineFor(source, {}, 'here')
    const limited = await take(engine)
    expect([...limited.parts.keys()]).toEqual(['globals', 'database here'])
    await using server = await startPostgres()
    await using other = engineFor(server, {}, 'somewhere')
    await expect(other.restore(sourceOf(limited), { replace: false }, never)).rejects.toMatchObject({
      code: 'usage',
    })
  })

  test.each([
    [{ layout: 'plain' }, undefined],
    [{ layout: 'dumpall' }, 'here'],
    [{ tablespaces: 'map:nothing' }, undefined],
    [{ 'no-owner': 'perhaps' }, undefined],
    [{ 'lock-wait-ms': '-1' }, undefined],
  ])('%o is refused', (query, database) => {
    expect(() => engineFor(source, query as Record<string, string>, database)).toThrow(
      expect.objectContaining({ code: 'usage' }),
    )
  })

  test('no-owner gives everything to who restores', async () => {
    await using server = await startPostgres()
    await using engine = engineFor(server, { 'no-owner': '' })
    await engine.restore(sourceOf(taken), { replace: false }, never)
    expect(await engine.count(taken.result.contents.tables, never)).toEqual(taken.result.contents.tables)
  })
})
