import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runLifeboat } from '../testbed/command-line.ts'
import { compareObjects } from '../testbed/compare-objects.ts'
import { startPostgresContainer } from '../testbed/containers/postgres.ts'
import { createLine, KEY_PASSPHRASE, type Line } from '../testbed/line.ts'
import { startFilePlace } from '../testbed/line-places.ts'
import { loadMysqlFixture } from '../testbed/mysql-fixture.ts'
import { startMysqlServer } from '../testbed/mysql-server.ts'
import { snapshotMysql } from '../testbed/mysql-snapshot.ts'
import { loadPostgresFixture } from '../testbed/postgres-fixture.ts'
import { lacks } from '../testbed/requirement.ts'

interface NewerServer extends AsyncDisposable {
  readonly url: string
  readonly password: string
  /** Its own clients, by the name under which the command line finds them on PATH. */
  readonly commands: Readonly<Record<string, readonly string[]>>
  loadFixture(): Promise<void>
  objects(): Promise<ReadonlyMap<string, string>>
}

async function startMysql(): Promise<NewerServer> {
  const server = await startMysqlServer()
  return {
    url: server.url,
    password: server.password,
    commands: server.commands(),
    loadFixture: () => loadMysqlFixture(server, 'mysql'),
    objects: async () => new Map([['the whole server, by mysqldump', await snapshotMysql(server)]]),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

async function startNewerPostgres(): Promise<NewerServer> {
  const server = await startPostgresContainer()
  return {
    url: server.url(),
    password: server.password,
    commands: server.commands,
    loadFixture: () => loadPostgresFixture(server),
    objects: async () => {
      const rows = await server.query(
        `SELECT datname FROM pg_database WHERE datname NOT IN ('template0', 'template1') ORDER BY 1`,
      )
      const found = new Map<string, string>()
      for (const { datname } of rows) {
        const tables = await server.query(
          `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
           WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`,
          String(datname),
        )
        for (const { name } of tables) {
          const digest = `SELECT count(*), md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM ${String(name)} t`
          const [row] = await server.query(digest, String(datname))
          found.set(`${String(datname)}: ${String(name)}`, JSON.stringify(row))
        }
      }
      return found
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

describe.each([
  { name: "Oracle's MySQL", requires: 'mysql', start: startMysql },
  { name: 'a newer PostgreSQL', requires: 'postgres-newer', start: startNewerPostgres },
] as const)('the command line with $name and the tools of its container', ({ requires, start }) => {
  if (lacks(requires)) return test.skip(`needs ${requires}`, () => undefined)
  let line: Line
  let source: NewerServer
  let target: NewerServer
  let PATH: string
  beforeAll(async () => {
    ;[line, source, target] = await Promise.all([createLine(), start(), start()])
    await source.loadFixture()
    const tools = join(line.home, 'tools')
    await mkdir(tools)
    for (const [name, words] of Object.entries(source.commands)) {
      // Without the folder itself on PATH: the container sees it, too, and the script would find itself.
      await writeFile(
        join(tools, name),
        `#!/bin/sh\nPATH='${process.env.PATH}' exec ${words.join(' ')} "$@"\n`,
      )
      await chmod(join(tools, name), 0o755)
    }
    PATH = `${tools}:${process.env.PATH}`
  })
  afterAll(async () => {
    await Promise.all([line, source, target].map((each) => each?.[Symbol.asyncDispose]()))
  })

  test('is dumped, verified and restored into a fresh server', async () => {
    await using place = await startFilePlace()
    const at = await (await place.newRoot()).url()
    const id = await line.dump(source, source.url, at, { env: { PATH } })
    const verify = ['verify', '--at', at, '--deep', ...line.key]
    const env = { KEY_PASSPHRASE }
    expect(await runLifeboat(verify, { home: line.home, env })).toMatchObject({ exitCode: 0, stderr: '' })
    const report = await line.restore(target, at, target.url, { env: { PATH } })
    expect(report).toMatchObject({ id, verified: true })
    const objects = await source.objects()
    expect(objects.size).toBeGreaterThan(0)
    expect(compareObjects(objects, await target.objects())).toEqual([])
  })
})
