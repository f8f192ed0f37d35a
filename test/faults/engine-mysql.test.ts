import { execa } from 'execa'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { parseDatabaseUrl } from '../../src/core/database-url.ts'
import type { Engine } from '../../src/core/engine.ts'
import { LifeboatError } from '../../src/core/errors.ts'
import { createPrivateFolder } from '../../src/core/private-folder.ts'
import { Secret } from '../../src/core/secret.ts'
import { createMysqlEngine } from '../../src/engines/mysql/index.ts'
import { formatOptionFile } from '../../src/engines/mysql/option-file.ts'
import { quoteText } from '../../src/engines/mysql/quote.ts'
import { failureOf, sourceOf, type Taken, take } from '../conformance/engine-suite.ts'
import { type MariadbServer, startMariadb } from '../testbed/mariadb.ts'
import { lacks } from '../testbed/requirement.ts'
import { startTcpProxy } from '../testbed/tcp-proxy.ts'

const never = new AbortController().signal

function engineFor(url: string, password: string): Engine {
  return createMysqlEngine(parseDatabaseUrl(url), {
    searchPath: '/usr/bin:/bin',
    password: async () => new Secret(password),
  })
}

const SMALL = `
CREATE DATABASE small; USE small;
CREATE TABLE t (id INT PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'secret row'), (2, NULL);
CREATE DEFINER=gone@nowhere VIEW v AS SELECT id FROM t;
CREATE DEFINER=gone@nowhere TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.v = NEW.v;
CREATE DEFINER=gone@nowhere FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1;
`

describe.skipIf(lacks('mariadb'))(
  'engine mysql, when things are not as they should be',
  { timeout: 60_000 },
  () => {
    let source: MariadbServer
    let taken: Taken

    beforeAll(async () => {
      source = await startMariadb()
      await source.run(SMALL)
      await using engine = engineFor(`${source.url}&broken-views=skip`, source.password)
      taken = await take(engine)
      // The definer is not there, so the view is broken; it is taken once the definer has come.
      await source.run('CREATE USER gone@nowhere; GRANT ALL ON small.* TO gone@nowhere')
      await using again = engineFor(`${source.url}&accounts=no`, source.password)
      taken = await take(again)
    }, 120_000)
    afterAll(async () => {
      await source?.[Symbol.asyncDispose]()
    })

    describe('TLS', () => {
      const at = (query: string, host = 'localhost') =>
        `mariadb://${source.user}@${host}:${source.port}?${query}`

      test('verifies the host name, whatever address is dialled', async () => {
        const query = `tls-ca=${source.ca}&connect=127.0.0.1:${source.port}`
        await using right = engineFor(at(query, 'db.example.test'), source.password)
        const { findings } = await right.probe('source', never)
        expect(findings.find((finding) => finding.topic === 'TLS')?.level).toBe('ok')
        await using wrong = engineFor(at(query, 'other.example.test'), source.password)
        const failure = await failureOf(wrong.probe('source', never))
        expect(failure.code).toBe('engine-unreachable')
        expect(failure.message).toMatch(/altnames|does not match/)
        expect(failure.hint).toMatch(/connect=/)
      })

      test('verify-ca takes any name of the right authority; an unknown authority is refused', async () => {
        await using right = engineFor(
          at(`tls=verify-ca&tls-ca=${source.ca}&connect=127.0.0.1:${source.port}`, 'other.example.test'),
          source.password,
        )
        expect((await right.probe('source', never)).databases.length).toBe(1)
        await using unknown = engineFor(at('tls=verify-full'), source.password)
        expect((await failureOf(unknown.probe('source', never))).hint).toMatch(/tls-ca/)
      })

      test('require encrypts and says that nothing is verified; disable says that nothing is encrypted', async () => {
        for (const [mode, said] of [
          ['require', /not verified/],
          ['disable', /plain text/],
        ] as const) {
          await using engine = engineFor(at(`tls=${mode}`), source.password)
          const { findings } = await engine.probe('source', never)
          expect(findings.find((finding) => finding.topic === 'TLS')?.message).toMatch(said)
          expect((await take(engine)).result.contents.tables).toEqual(taken.result.contents.tables)
        }
      })

      test('a server without TLS is refused', async () => {
        await using plain = await startMariadb({ settings: ['skip-ssl'] })
        await using engine = engineFor(`mariadb://${plain.user}@127.0.0.1:${plain.port}`, plain.password)
        const failure = await failureOf(engine.probe('source', never))
        expect(failure).toMatchObject({ code: 'unsupported' })
        expect(failure.hint).toMatch(/tls=disable/)
      })

      test('a Unix socket goes without', async () => {
        await using engine = engineFor(source.socketUrl, source.password)
        expect((await take(engine)).result.contents.tables).toEqual(taken.result.contents.tables)
      })
    })

    test('any password is quoted so that the client logs in with it', async () => {
      await source.run("CREATE USER odd@localhost IDENTIFIED BY ''")
      const piece = fc.constantFrom(
        '"',
        "'",
        '\\',
        '#',
        ';',
        ' ',
        '\t',
        '\n',
        'é',
        '😀',
        '[client]',
        '=',
        'n',
        '\\n',
        '$',
        '%',
      )
      await fc.assert(
        fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 12 }), async (pieces) => {
          const password = pieces.join('')
          await source.run(
            `SET NAMES utf8mb4; ALTER USER odd@localhost IDENTIFIED BY ${passwordLiteral(password)}`,
          )
          await using folder = await createPrivateFolder()
          const file = await folder.file(
            'client.cnf',
            formatOptionFile([
              ['user', 'odd'],
              ['password', password],
              ['protocol', 'socket'],
              ['socket', source.socket],
            ]),
          )
          const { stdout } = await execa('mariadb', [
            `--defaults-file=${file}`,
            '--batch',
            '-e',
            'SELECT CURRENT_USER()',
          ])
          expect(stdout).toContain('odd@localhost')
        }),
        { numRuns: 12 },
      )
    })

    describe('an account with the privileges of a managed server', () => {
      test('dumps without SUPER, RELOAD, PROCESS or LOCK TABLES, and says what it can not take', async () => {
        await source.run(
          "CREATE USER master@'%' IDENTIFIED BY 'm4ster-pw'; GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON *.* TO master@'%'",
        )
        const url = source.url.replace('lifeboat@', 'master@')
        await using engine = engineFor(url, 'm4ster-pw')
        const { probe, result } = await take(engine)
        expect(probe.findings.filter((finding) => finding.level === 'failure')).toEqual([])
        expect(result.position).toBeUndefined()
        expect(result.contents.tables).toEqual(taken.result.contents.tables)
      })

      test('is told when something would be missing without a trace', async () => {
        await source.run(
          "CREATE USER half@'%' IDENTIFIED BY 'half-pw'; GRANT SELECT, SHOW VIEW ON small.* TO half@'%'",
        )
        await using engine = engineFor(source.url.replace('lifeboat@', 'half@'), 'half-pw')
        const { result } = await take(engine)
        expect(result.notCaptured.map((each) => each.what)).toEqual(
          expect.arrayContaining(['triggers', 'events', 'procedures and functions', 'accounts and grants']),
        )
      })

      test('restores with definer=strip, and is told to when it does not', async () => {
        await using target = await startMariadb({ settings: ['log-bin-trust-function-creators=1'] })
        await target.run(
          "CREATE USER master@'%' IDENTIFIED BY 'm4ster-pw'; GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, " +
            "INDEX, REFERENCES, LOCK TABLES, EXECUTE, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, EVENT, TRIGGER ON *.* TO master@'%'",
        )
        const url = target.url.replace('lifeboat@', 'master@')
        await using keeps = engineFor(`${url}&accounts=no`, 'm4ster-pw')
        expect((await keeps.probe('target', never)).findings.map((finding) => finding.topic)).toContain(
          'DEFINER',
        )
        const failure = await failureOf(keeps.restore(sourceOf(taken), { replace: false }, never))
        expect(failure.hint).toMatch(/definer=strip/)
        expect(failure.message).toMatch(/unable to restore '.*CREATE/)
        await using strips = engineFor(`${url}&accounts=no&definer=strip`, 'm4ster-pw')
        await strips.restore(sourceOf(taken), { replace: true }, never)
        expect(await strips.count(taken.result.contents.tables, never)).toEqual(taken.result.contents.tables)
        expect(
          await target.run("SELECT DEFINER FROM information_schema.VIEWS WHERE TABLE_SCHEMA = 'small'"),
        ).toBe('master@%')
      })
    })

    test('a statement that fails is named, without its rows', async () => {
      await using target = await startMariadb()
      const bytes = Buffer.from(
        Buffer.from(taken.parts.get('databases')?.bytes ?? [])
          .toString()
          .replace('(2,NULL)', "(1,'twice')"),
      )
      const broken = { ...taken, parts: new Map([['databases', { format: 'sql', bytes }]]) }
      await using engine = engineFor(target.url, target.password)
      const failure = await failureOf(engine.restore(sourceOf(broken), { replace: false }, never))
      expect(failure.message).toMatch(/^unable to restore 'INSERT INTO `t` \(in `small`\)': ERROR \d+/)
      expect(failure.message).not.toContain('secret row')
      expect(failure.hint).toMatch(/--replace/)
    })

    test('an abort ends the wait for a server that takes the connection and says nothing', async () => {
      await using proxy = await startTcpProxy({ host: '127.0.0.1', port: source.port })
      proxy.inject({ kind: 'stall' })
      await using engine = engineFor(
        `mariadb://${source.user}@127.0.0.1:${proxy.port}?tls=disable`,
        source.password,
      )
      const stop = new AbortController()
      const asking = failureOf(engine.probe('source', stop.signal))
      await vi.waitFor(() => expect(proxy.connections).toBe(1))
      const began = performance.now()
      stop.abort(new LifeboatError('interrupted', 'stopped'))
      expect((await asking).message).toBe('stopped')
      expect(performance.now() - began).toBeLessThan(5_000)
    })

    test('a connection that is cut in the middle of a dump throws', async () => {
      await source.run(
        'CREATE DATABASE large; CREATE TABLE large.t (v LONGTEXT); INSERT INTO large.t SELECT REPEAT("x", 1000000) FROM mysql.help_topic LIMIT 60',
      )
      await using engine = engineFor(source.url, source.password)
      const probe = await engine.probe('source', never)
      await using dump = engine.dump(probe, { counts: 'exact' }, never)
      for await (const part of dump.parts) {
        const bytes = part.open(never)[Symbol.asyncIterator]()
        await bytes.next()
        const ids = await source.run(
          "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'lifeboat' AND ID <> CONNECTION_ID()",
        )
        for (const id of ids.split('\n').filter((line) => line !== ''))
          await source.run(`KILL ${id}`).catch(() => undefined)
        const rest = async () => {
          while ((await bytes.next()).done !== true);
        }
        const failure = await failureOf(rest())
        expect(failure.code).toBe('engine-unreachable')
        break
      }
      await source.run('DROP DATABASE large')
    })

    test('a table that the tool leaves out unasked, as it does for the name of a broken view, ends the dump', async () => {
      await source.run(`CREATE DATABASE alike; USE alike; CREATE TABLE gone (id INT);
        CREATE VIEW V AS SELECT * FROM gone; CREATE VIEW \`t¤\` AS SELECT * FROM gone; DROP TABLE gone;
        CREATE TABLE v (id INT); CREATE TABLE \`tä\` (id INT); CREATE TABLE other (id INT)`)
      try {
        const url = new URL(`${source.url}&broken-views=skip&accounts=no`)
        url.pathname = '/alike'
        await using engine = engineFor(url.href, source.password)
        const failure = await failureOf(take(engine))
        expect(failure).toMatchObject({
          code: 'tool-failed',
          message: expect.stringMatching(/has left out .*alike\.tä/),
          hint: expect.stringContaining('case or accents'),
        })
        expect(failure.message).toMatch(/alike\.v/)
        expect(failure.message).not.toMatch(/other/)
      } finally {
        await source.run('DROP DATABASE alike')
      }
    })

    test('an option file of the operator can not change what a dump holds', async () => {
      await using folder = await createPrivateFolder()
      await folder.file('.my.cnf', '[mysqldump]\nno-data\n[mariadb-dump]\nno-data\n')
      const engine = createMysqlEngine(parseDatabaseUrl(source.url), {
        searchPath: '/usr/bin:/bin',
        password: async () => new Secret(source.password),
        commands: { 'mariadb-dump': ['/usr/bin/env', `HOME=${folder.path}`, '/usr/bin/mariadb-dump'] },
      })
      await using _closing = engine
      expect((await take(engine)).result.contents.tables).toEqual(taken.result.contents.tables)
    })
  },
)

function passwordLiteral(password: string): string {
  const literal = quoteText(password)
  // IDENTIFIED BY takes no expression.
  return literal.startsWith('CONVERT')
    ? `'${password.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
    : literal
}
