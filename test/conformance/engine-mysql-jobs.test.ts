import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { createConnection } from 'mysql2/promise'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseDatabaseUrl } from '../../src/core/database-url.ts'
import type { Engine } from '../../src/core/engine.ts'
import { Secret } from '../../src/core/secret.ts'
import { createMysqlEngine } from '../../src/engines/mysql/index.ts'
import { type MariadbServer, startMariadb } from '../testbed/mariadb.ts'
import { loadMysqlFixture } from '../testbed/mysql-fixture.ts'
import { type MysqlServer, startMysqlServer } from '../testbed/mysql-server.ts'
import { type SqlServer, snapshotMysql } from '../testbed/mysql-snapshot.ts'
import { lacks } from '../testbed/requirement.ts'
import { describeEngine, type EngineServer, sourceOf, type Taken, take } from './engine-suite.ts'

const never = new AbortController().signal
const servers = new WeakMap<EngineServer, SqlServer>()
/** The first server of MySQL, the source, lends its clients to all. */
let first: MysqlServer | undefined

function server(of: EngineServer): SqlServer {
  const found = servers.get(of)
  if (found === undefined) throw new Error('the server was not started by this harness')
  return found
}

async function loadBig(into: SqlServer): Promise<void> {
  await into.run(await readFile(new URL('../fixtures/mysql/big.sql', import.meta.url), 'utf8'))
}

async function startMaria(): Promise<MariadbServer> {
  const started = await startMariadb()
  servers.set(started, started)
  return started
}

async function startOracles(): Promise<MysqlServer> {
  const started = await startMysqlServer()
  servers.set(started, started)
  first ??= started
  return started
}

function oraclesTool(name: 'mysql' | 'mysqldump') {
  return { name, path: `${name} --defaults-file=`, command: first?.commands()[name] ?? [name] }
}

const insideNames = ['shop', 'legacy', 'customer', 'nothing_inside', 'definer_only', 'at_the_limits']

describeEngine('mysql: MariaDB of the distribution, by three jobs', {
  requires: ['mariadb'],
  createEngine: createMysqlEngine,
  context: { searchPath: '/usr/bin:/bin' },
  jobs: 3,
  start: startMaria,
  async seed(of) {
    await loadMysqlFixture(server(of), 'mariadb')
    await loadBig(server(of))
  },
  snapshot: (of) => snapshotMysql(server(of)),
  dumpTool: { name: 'mariadb-dump', path: '/usr/bin/mariadb-dump' },
  restoreTool: { name: 'mariadb', path: '/usr/bin/mariadb' },
  insideNames,
})

describeEngine('mysql: MySQL 9 with the clients of Oracle, by three jobs', {
  requires: ['mysql'],
  createEngine: createMysqlEngine,
  get context() {
    return { searchPath: '/nonexistent', commands: first?.commands() ?? {} }
  },
  jobs: 3,
  start: startOracles,
  async seed(of) {
    await loadMysqlFixture(server(of), 'mysql')
    await loadBig(server(of))
  },
  snapshot: (of) => snapshotMysql(server(of)),
  get dumpTool() {
    return oraclesTool('mysqldump')
  },
  get restoreTool() {
    return oraclesTool('mysql')
  },
  insideNames,
})

describe.skipIf(lacks('mariadb'))('mysql by several jobs', { timeout: 60_000 }, () => {
  let source: MariadbServer
  let taken: Taken
  const engineFor = (of: MariadbServer, url = of.url): Engine =>
    createMysqlEngine(parseDatabaseUrl(url), {
      searchPath: '/usr/bin:/bin',
      password: async () => new Secret(of.password),
    })

  beforeAll(async () => {
    source = await startMariadb()
    await loadBig(source)
    await using engine = engineFor(source)
    taken = await take(engine, 'exact', 8)
  }, 120_000)
  afterAll(async () => {
    await source?.[Symbol.asyncDispose]()
  })

  test('cuts large tables by ranges of their key, and leaves whole what it can not cut', () => {
    const pieces = (taken.result.contents.engine.rows as { of: string[] }[]).flatMap((each) => each.of)
    const ranges = (table: string) => pieces.filter((piece) => piece.startsWith(`big.${table} where `)).length
    for (const table of ['cut by `this`', 'at_the_limits', 'several', 'in_partitions']) {
      expect(ranges(table), table).toBeGreaterThan(1)
      expect(pieces).not.toContain(`big.${table}`)
    }
    for (const table of ['no_key', 'by_name', 'no_transactions', 'Case', 'case', 'numbers']) {
      expect(ranges(table), table).toBe(0)
      expect(pieces.filter((piece) => piece === `big.${table}`)).toHaveLength(1)
    }
    expect([...taken.parts.keys()].filter((name) => name.startsWith('rows ')).length).toBeLessThan(32)
  })

  test('reads two tables that differ in case only, each once', () => {
    const rows = (table: string) => taken.result.contents.tables.find((each) => each.table === table)?.rows
    expect([rows('Case'), rows('case')]).toEqual([1, 2])
  })

  test.each(['socket', 'plain TCP'])('works over %s, too', async (way) => {
    const url =
      way === 'socket' ? source.socketUrl : `mariadb://${source.user}@127.0.0.1:${source.port}?tls=disable`
    await using engine = engineFor(source, url)
    const again = await take(engine, 'exact', 2)
    expect(again.result.contents.tables).toEqual(taken.result.contents.tables)
  })

  test('is restored by one job as by eight', async () => {
    await using target = await startMariadb()
    await using engine = engineFor(target)
    await engine.restore(sourceOf(taken), { replace: false }, never)
    expect(await snapshotMysql(target)).toBe(await snapshotMysql(source))
  })

  test('is restored by hand, one part after the other', async () => {
    await using target = await startMariadb()
    for (const [name, { bytes }] of taken.parts) {
      if (name === 'accounts') continue
      await target.run(
        Buffer.from(bytes)
          .toString('utf8')
          .replace(/^\/\*M?!999999.*/, ''),
      )
    }
    expect(await snapshotMysql(target)).toBe(await snapshotMysql(source))
  })

  test('writes each value byte for byte as one job does, whatever its character set', async () => {
    await source.run(`CREATE DATABASE charsets CHARACTER SET utf8mb4; USE charsets; CREATE TABLE 日本 (
      id INT PRIMARY KEY, whole TEXT, latin1 TEXT CHARACTER SET latin1, ucs2 TEXT CHARACTER SET ucs2,
      sjis TEXT CHARACTER SET sjis, gbk TEXT CHARACTER SET gbk, kind ENUM('ä', '表', "'"), bytes VARBINARY(255))`)
    // 表 and 能 end in a backslash in Shift JIS, 誠 in GBK.
    const unit = fc.constantFrom(...`ab'"\\\0\n\r\x1a;)é表能誠漢字ſß\u{1f600}\ufffd`)
    const texts = fc.sample(fc.string({ unit, minLength: 1, maxLength: 40 }), { numRuns: 400, seed: 7 })
    const session = await createConnection({
      socketPath: source.socket,
      user: source.user,
      password: source.password,
      charset: 'utf8mb4',
    })
    await session.query("SET sql_mode = ''")
    const kinds = ['ä', '表', "'"]
    const rows = texts.map((text, id) => [
      ...[id, text, text, text, text, text],
      ...[kinds[id % 3], Buffer.from(text).subarray(1)],
    ])
    await session.query('INSERT INTO charsets.日本 VALUES ?', [rows])
    await session.end()
    const url = new URL(source.url)
    url.pathname = '/charsets'
    await using engine = engineFor(source, url.href)
    const [one, several] = [await take(engine), await take(engine, 'exact', 3)]
    const lines = ({ parts }: Taken) =>
      [...parts.values()].flatMap(({ bytes }) =>
        Buffer.from(bytes)
          .toString('latin1')
          .split('\n')
          .filter((line) => /^(?:INSERT|\()/.test(line)),
      )
    expect(lines(one).filter((line) => line.startsWith('('))).toHaveLength(texts.length)
    expect(lines(several)).toEqual(lines(one))
    const text = Buffer.from(several.parts.get('rows 1')?.bytes ?? []).toString('utf8')
    expect(text.match(/SET NAMES \w+/g)).toEqual(['SET NAMES utf8mb4'])
  })

  test('of one database takes that one only', async () => {
    await source.run('CREATE DATABASE other; CREATE TABLE other.t (id INT); INSERT INTO other.t VALUES (1)')
    const url = new URL(source.url)
    url.pathname = '/other'
    await using engine = engineFor(source, url.href)
    const { parts, result } = await take(engine, 'exact', 4)
    expect([...parts.keys()]).toEqual(['structure', 'rows 1', 'triggers and events'])
    expect(result.contents.tables).toEqual([{ database: 'other', table: 't', rows: 1 }])
    expect(result.position).toMatchObject({ exact: true, before: result.position?.after })
  })
})
