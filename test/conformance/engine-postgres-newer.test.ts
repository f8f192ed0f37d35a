import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseDatabaseUrl } from '../../src/core/database-url.ts'
import type { EngineContext } from '../../src/core/engine.ts'
import { Secret } from '../../src/core/secret.ts'
import { createPostgresEngine } from '../../src/engines/postgres/index.ts'
import { type PostgresContainer, startPostgresContainer } from '../testbed/containers/postgres.ts'
import { findPostgresBinFolder, startPostgres } from '../testbed/postgres.ts'
import { loadPostgresFixture } from '../testbed/postgres-fixture.ts'
import { lacks } from '../testbed/requirement.ts'
import { describeEngine, type EngineServer, sourceOf, take } from './engine-suite.ts'

const never = new AbortController().signal
const run = promisify(execFile)
const binFolder = (await findPostgresBinFolder()) ?? '/usr/bin'

/** Its clients are lent to all tests of this file. */
let lender: PostgresContainer | undefined
if (!lacks('postgres', 'postgres-newer')) lender = await startPostgresContainer()
afterAll(() => lender?.[Symbol.asyncDispose]())

const tool = (name: keyof PostgresContainer['commands']) => ({
  name,
  path: name,
  command: lender?.commands[name] ?? [name],
})

async function startNewer(): Promise<EngineServer> {
  const server = await startPostgresContainer()
  return {
    url: server.url(),
    password: server.password,
    restart: () => Promise.reject(new Error('only the source is ever restarted')),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

describeEngine('postgres: from the version of the distribution to a newer one, with its clients', {
  requires: ['postgres', 'postgres-newer'],
  createEngine: createPostgresEngine,
  get context() {
    return { searchPath: '/nonexistent', commands: lender?.commands ?? {} }
  },
  async start() {
    const server = await startPostgres()
    return { ...server, url: server.url() }
  },
  seed: (server) => loadPostgresFixture(server as EngineServer & Parameters<typeof loadPostgresFixture>[0]),
  snapshot: async () => '',
  comparesSnapshots: false,
  startTarget: startNewer,
  get dumpTool() {
    return tool('pg_dump')
  },
  get restoreTool() {
    return tool('pg_restore')
  },
  insideNames: ['shop', 'Odd', 'customer', 'readers', '🦊'],
})

describe.skipIf(lacks('postgres', 'postgres-newer'))(
  'engine postgres, newest server',
  { timeout: 120_000 },
  () => {
    let source: PostgresContainer
    beforeAll(async () => {
      source = lender as PostgresContainer
      await loadPostgresFixture(source)
    }, 120_000)

    const engineFor = (server: PostgresContainer, context: Partial<EngineContext> = {}, query = {}) =>
      createPostgresEngine(parseDatabaseUrl(server.url({ query })), {
        searchPath: '/nonexistent',
        commands: source.commands,
        password: async () => new Secret(server.password),
        ...context,
      })

    /** Which settings of the session a dump notes differs with what made it, so the same client looks at both. */
    async function snapshot(server: PostgresContainer): Promise<string> {
      const [file, ...first] = source.commands.pg_dumpall
      const connection = `host=${server.socket.replace(/\/[^/]*$/, '')} port=${server.port} user=postgres`
      const args = [...first, '--no-role-passwords', `--dbname=${connection}`]
      const { stdout } = await run(file, args, { maxBuffer: 256 * 1024 * 1024 })
      return stdout.replaceAll(/^\\(?:un)?restrict .*$/gm, '')
    }

    test.each(['databases', 'dumpall'])('carries everything with layout=%s', async (layout) => {
      await using engine = engineFor(source, {}, { layout })
      const taken = await take(engine)
      await using server = await startPostgresContainer()
      await using target = engineFor(server)
      const restored = await target.restore(sourceOf(taken), { replace: false }, never)
      expect(restored.notRestored).toEqual([])
      expect(await target.count(taken.result.contents.tables, never)).toEqual(taken.result.contents.tables)
      expect(await snapshot(server)).toBe(await snapshot(source))
    })

    test('makes a database of the built-in and of the ICU locale again where its tablespace is lacking', async () => {
      await using from = await startPostgresContainer()
      await from.query(`CREATE TABLESPACE fast LOCATION '${await from.makeServerFolder('fast')}'`)
      const create = (name: string) =>
        `CREATE DATABASE ${name} TEMPLATE template0 TABLESPACE fast ENCODING 'UTF8'`
      await from.query(`${create('builtin')} LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'`)
      await from.query(
        `${create('icu')} LOCALE_PROVIDER icu ICU_LOCALE 'und' ICU_RULES '&V << w <<< W' LOCALE 'C'`,
      )
      await from.query(`${create('libc')} LOCALE_PROVIDER libc LOCALE 'C.UTF-8'`)
      await using engine = engineFor(from)
      const taken = await take(engine)
      await using server = await startPostgresContainer()
      await using target = engineFor(server)
      const { notRestored } = await target.restore(sourceOf(taken), { replace: false }, never)
      expect(notRestored.map(({ what }) => what)).toEqual(["tablespace 'fast'"])
      const localesOf = (of: PostgresContainer) =>
        of.query(`SELECT datname, datlocprovider, datlocale, daticurules, datcollate, datctype, encoding
          FROM pg_database WHERE datname IN ('builtin', 'icu', 'libc') ORDER BY 1`)
      expect(await localesOf(server)).toEqual(await localesOf(from))
    })

    test('is refused by older clients before anything starts', async () => {
      await using engine = engineFor(source, { commands: {}, searchPath: binFolder })
      const { findings } = await engine.probe('source', never)
      const failure = findings.find(({ level, topic }) => level === 'failure' && topic === 'pg_dump')
      expect(failure?.hint).toContain('postgresql-client-18')
    })

    test('a backup of a newer server is not loaded into an older one', async () => {
      await using engine = engineFor(source)
      const taken = await take(engine)
      await using server = await startPostgres()
      await using target = createPostgresEngine(parseDatabaseUrl(server.url()), {
        searchPath: '/nonexistent',
        commands: source.commands,
        password: async () => new Secret(server.password),
      })
      await expect(target.restore(sourceOf(taken), { replace: false }, never)).rejects.toMatchObject({
        code: 'unsupported',
        hint: expect.stringContaining('older-target=allow'),
      })
    })
  },
)
