import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openEngine } from '../../src/app/registry.ts'
import { type Engine, QUERY_ROWS } from '../../src/core/engine.ts'
import { abortReason, LifeboatError } from '../../src/core/errors.ts'
import { Secret } from '../../src/core/secret.ts'
import { startMariadb } from '../testbed/mariadb.ts'
import { POSTGRES_PASSWORD, startPostgres } from '../testbed/postgres.ts'
import { lacks, type Requirement } from '../testbed/requirement.ts'
import { startSqlServer } from '../testbed/sqlserver.ts'

const never = new AbortController().signal

interface Queried extends AsyncDisposable {
  readonly url: string
  readonly password: string
}

interface Vendor {
  readonly name: string
  readonly needs: readonly Requirement[]
  /** With database `shop`, whose table `item (id, name)` has rows 1 to 3000. */
  readonly start: () => Promise<Queried>
  /** What must leave the table as it is. */
  readonly changes: readonly string[]
  readonly slow: string | undefined
  /** A query of the time 2026-11-23 05:00 UTC, as the server has it, and what it gives. */
  readonly time: readonly [string, RegExp] | undefined
}

const VENDORS: readonly Vendor[] = [
  {
    name: 'MariaDB',
    needs: ['mariadb'],
    async start() {
      const server = await startMariadb()
      await server.run(`CREATE DATABASE shop; USE shop; CREATE TABLE item (id INT PRIMARY KEY, name TEXT);
        INSERT INTO item SELECT seq, 'boat' FROM seq_1_to_3000;
        CREATE TABLE stamp (at TIMESTAMP); SET time_zone = '+02:00'; INSERT INTO stamp VALUES ('2026-11-23 07:00:00')`)
      return server
    },
    changes: ['DELETE FROM item', 'DROP TABLE item', 'TRUNCATE item', 'CREATE TABLE other (a INT)'],
    slow: 'SELECT SLEEP(600)',
    time: ['SELECT at FROM stamp', /^2026-11-23 05:00:00/],
  },
  {
    name: 'PostgreSQL',
    needs: ['postgres'],
    async start() {
      const server = await startPostgres({ settings: { timezone: 'Asia/Tokyo' } })
      await server.query('CREATE DATABASE shop')
      await server.query('CREATE TABLE item (id int PRIMARY KEY, name text)', 'shop')
      await server.query("INSERT INTO item SELECT n, 'boat' FROM generate_series(1, 3000) n", 'shop')
      return {
        url: server.url(),
        password: POSTGRES_PASSWORD,
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      }
    },
    changes: [
      'DELETE FROM item',
      'DROP TABLE item',
      'WITH gone AS (DELETE FROM item RETURNING id) SELECT * FROM gone',
      'SELECT 1; COMMIT; DELETE FROM item',
    ],
    slow: 'SELECT pg_sleep(600)',
    time: ["SELECT timestamptz '2026-11-23 14:00+09'", /^2026-11-23 05:00:00\+00$/],
  },
  {
    name: 'SQL Server',
    needs: [],
    async start() {
      const server = await startSqlServer()
      await server.run('CREATE DATABASE shop')
      await server.run('CREATE TABLE dbo.item (id int NOT NULL PRIMARY KEY, name nvarchar(20))', 'shop')
      for (let from = 1; from <= 3000; from += 500) {
        const rows = Array.from({ length: 500 }, (_, index) => `(${from + index}, 'boat')`)
        await server.run(`INSERT INTO dbo.item (id, name) VALUES ${rows.join(', ')}`, 'shop')
      }
      return {
        url: server.url(),
        password: server.password,
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      }
    },
    changes: ['DELETE FROM dbo.item'],
    slow: undefined,
    time: undefined,
  },
]

describe.each(VENDORS)(
  'check queries of $name',
  { timeout: 60_000 },
  ({ needs, start, changes, slow, time }) => {
    describe.skipIf(needs.length > 0 && lacks(...needs))('on a server', () => {
      let server: Queried
      let engine: Engine
      const ask = (sql: string, signal = never) => {
        if (engine.query === undefined) throw new Error('this engine runs no queries')
        return engine.query('shop', sql, signal)
      }
      beforeAll(async () => {
        server = await start()
        engine = await openEngine(server.url, {
          searchPath: '/nonexistent',
          password: async () => new Secret(server.password),
        })
      }, 60_000)
      afterAll(async () => {
        await engine?.[Symbol.asyncDispose]()
        await server?.[Symbol.asyncDispose]()
      })

      test('give rows in the order of the columns, whatever their names', async () => {
        const rows = await ask('SELECT name AS a, id AS b, name AS c FROM item WHERE id = 7')
        expect(rows.map((row) => row.map(String))).toEqual([['boat', '7', 'boat']])
        expect(await ask('SELECT id FROM item WHERE id = 0')).toEqual([])
      })

      test('give no more rows than are bounded', async () => {
        expect(await ask('SELECT id FROM item')).toHaveLength(QUERY_ROWS)
      })

      test.each(changes)('change nothing: %s', async (sql) => {
        await ask(sql).catch((thrown: unknown) => {
          if (!(thrown instanceof LifeboatError)) throw thrown
        })
        const [[count] = []] = await ask('SELECT COUNT(*) FROM item')
        expect(Number(count)).toBe(3000)
      })

      test('say what the server has against them', async () => {
        await expect(ask('SELECT nonsense FROM nowhere')).rejects.toMatchObject({
          message: expect.stringMatching(/nowhere|nonsense/),
        })
      })

      test.skipIf(time === undefined)('give times in UTC', async () => {
        const [sql, expected] = time as NonNullable<typeof time>
        expect(String((await ask(sql))[0]?.[0])).toMatch(expected)
      })

      test.skipIf(slow === undefined)('end with their signal', async () => {
        const stop = new AbortController()
        const asked = ask(slow as string, stop.signal)
        setTimeout(() => stop.abort(new LifeboatError('terminated', 'enough')), 300)
        await expect(asked).rejects.toMatchObject({ code: 'terminated' })
        expect(abortReason(stop.signal).code).toBe('terminated')
      })
    })
  },
)
