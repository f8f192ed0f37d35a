import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseDatabaseUrl } from '../../src/core/database-url.ts'
import type { EngineContext } from '../../src/core/engine.ts'
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

const engineFor = (
  server: PostgresServer,
  query: Record<string, string> = {},
  commands: EngineContext['commands'] = {},
) =>
  createPostgresEngine(parseDatabaseUrl(server.url({ query })), {
    searchPath: binFolder,
    password: async () => new Secret(server.password),
    commands,
  })

describe.skipIf(lacks('postgres'))('a script of pg_dumpall', { timeout: 60_000 }, () => {
  let source: PostgresServer
  let folder: string
  let taken: Taken
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-script-'))
    source = await startPostgres()
    await source.query('CREATE ROLE app LOGIN')
    await source.query(`CREATE TABLESPACE fast LOCATION '${await makeServerFolder(source, 'fast')}'`)
    await source.query('CREATE DATABASE here')
    // The row looks like a command of psql: it must pass where the real ones are left out.
    await source.query(
      String.raw`CREATE TABLE t (word text) TABLESPACE fast; INSERT INTO t VALUES (E'a\n\\restrict b')`,
      'here',
    )
    await using engine = engineFor(source, { layout: 'dumpall' })
    taken = await take(engine)
  }, 60_000)
  afterAll(async () => {
    await source?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  /** Says that it is of that version, and keeps what it is given. */
  async function fakePsql(version: string): Promise<{ command: [string, ...string[]]; given: string }> {
    const path = join(folder, `psql-${version}`)
    const given = join(folder, `given-${version}`)
    const script = [
      `[ "$1" = --version ] && { echo 'psql (PostgreSQL) ${version}'; exit; }`,
      `tee '${given}' | '${join(binFolder, 'psql')}' "$@"`,
    ]
    await writeFile(path, `#!/bin/sh\n${script.join('\n')}\n`)
    await chmod(path, 0o755)
    return { command: [path], given }
  }

  const stateOf = (server: PostgresServer) =>
    server.query(`SELECT rolname AS name FROM pg_roles WHERE oid >= 16384
      UNION ALL SELECT datname FROM pg_database UNION ALL SELECT spcname FROM pg_tablespace ORDER BY 1`)

  test.each([
    ['no-owner', { 'no-owner': '', tablespaces: 'keep' }],
    ['role', { role: 'app', tablespaces: 'keep' }],
  ])('%s, which psql has not, is refused before anything is changed', async (option, query) => {
    await using server = await startPostgres()
    const before = await stateOf(server)
    await using engine = engineFor(server, query as Record<string, string>)
    await expect(engine.restore(sourceOf(taken), { replace: true }, never)).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining(option),
      hint: expect.stringContaining('Nothing was changed'),
    })
    expect(await stateOf(server)).toEqual(before)
  })

  test.each([{ tablespaces: 'drop' }, { tablespaces: 'map:other=/nowhere' }, {}])(
    'tablespaces that would be lacking (%o) are found before anything is changed',
    async (query) => {
      await using server = await startPostgres()
      await server.query('CREATE DATABASE here')
      await server.query('CREATE TABLE precious (id integer)', 'here')
      const before = await stateOf(server)
      await using engine = engineFor(server, query as Record<string, string>)
      await expect(engine.restore(sourceOf(taken), { replace: true }, never)).rejects.toMatchObject({
        code: 'unsupported',
        message: expect.stringContaining("'fast'"),
      })
      expect(await stateOf(server)).toEqual(before)
      expect(await server.query('SELECT * FROM precious', 'here')).toEqual([])
    },
  )

  test.each([
    ['15.13', false, true],
    ['15.18', true, true],
    ['15.19', true, false],
  ])('psql %s: knows \\restrict: %s; has CVE-2026-18408: %s', async (version, knows, forgeable) => {
    await using server = await startPostgres()
    const tablespaces = `map:fast=${await makeServerFolder(server, 'fast')}`
    const psql = await fakePsql(version)
    await using engine = engineFor(server, { tablespaces, layout: 'dumpall' }, { psql: psql.command })
    const { findings } = await engine.probe('target', never)
    expect(findings.some(({ message }) => message.includes('CVE-2026-18408'))).toBe(forgeable)
    const { warnings } = await engine.restore(sourceOf(taken), { replace: false }, never)
    expect(Buffer.from(taken.parts.get('cluster')?.bytes ?? []).toString()).toMatch(/^\\restrict /m)
    const lines = (await readFile(psql.given, 'utf8')).split('\n')
    expect(lines.some((line) => /^\\(?:un)?restrict [A-Za-z0-9]{20}/.test(line))).toBe(knows)
    expect(warnings.some((warning) => warning.includes('does not know \\restrict'))).toBe(!knows)
    expect(warnings.some((warning) => warning.includes('CVE-2026-18408'))).toBe(forgeable)
    expect(await server.query('SELECT word FROM t', 'here')).toEqual([{ word: 'a\n\\restrict b' }])
  })

  test('a target without psql is told, and fails where the layout is said', async () => {
    await using server = await startPostgres()
    const look = async (query: Record<string, string>) => {
      const engine = createPostgresEngine(parseDatabaseUrl(server.url({ query })), {
        searchPath: '/nonexistent',
        password: async () => new Secret(server.password),
        // Wherever this machine has others: the one that is named is not there.
        commands: { pg_restore: [join(binFolder, 'pg_restore')], psql: [join(folder, 'no-psql')] },
      })
      await using _closing = engine
      const { findings } = await engine.probe('target', never)
      return findings.find(({ topic }) => topic === 'psql')
    }
    expect(await look({})).toMatchObject({
      level: 'warning',
      message: expect.stringContaining('layout=dumpall'),
    })
    await expect(look({ layout: 'dumpall' })).rejects.toMatchObject({ code: 'tool-missing' })
  })
})
