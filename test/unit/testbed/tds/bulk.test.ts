import { TYPES } from 'tedious'
import { describe, expect, it, vi } from 'vitest'
import type { TdsEvent, TdsValue } from '../../../testbed/tds/backend.ts'
import { startTdsEndpoint } from '../../../testbed/tds/endpoint.ts'
import { createScriptedBackend, type Script } from '../../../testbed/tds/scripted-backend.ts'
import { bulkTedious, connectTedious, done, runTedious } from '../../../testbed/tds/tedious-client.ts'

const eventually = <Value>(check: () => Value | Promise<Value>): Promise<Value> =>
  vi.waitFor(check, { timeout: 20_000 })

type DataType = (typeof TYPES)[keyof typeof TYPES]
type Details = { length?: number; precision?: number; scale?: number }

const guid = '0E984725-C51C-4BF4-9960-E1C80E27ABA0'
const moment = new Date('2024-02-29T23:59:59.123Z')

/** The driver's type, what it is given, and what must arrive. */
const CASES: readonly (readonly [DataType, Details, unknown, TdsValue])[] = [
  [TYPES.TinyInt, {}, 255, 255],
  [TYPES.SmallInt, {}, -5, -5],
  [TYPES.Int, {}, -2_147_483_648, -2_147_483_648],
  [TYPES.BigInt, {}, '9223372036854775807', 9_223_372_036_854_775_807n],
  [TYPES.Bit, {}, true, true],
  [TYPES.Float, {}, 0.1, 0.1],
  [TYPES.Real, {}, 0.5, 0.5],
  [TYPES.Decimal, { precision: 10, scale: 4 }, -1234.5678, '-1234.5678'],
  [TYPES.Numeric, { precision: 30, scale: 0 }, 5, '5'],
  [TYPES.Money, {}, 12.5, '12.5000'],
  [TYPES.Money, {}, -12.5, '-12.5000'],
  [TYPES.SmallMoney, {}, -0.25, '-0.2500'],
  [TYPES.VarChar, { length: 20 }, 'café', 'café'],
  [TYPES.VarChar, { length: 20 }, '', ''],
  [TYPES.VarChar, { length: Number.POSITIVE_INFINITY }, 'v'.repeat(20_000), 'v'.repeat(20_000)],
  [TYPES.Char, { length: 5 }, 'abc', 'abc'],
  [TYPES.NVarChar, { length: 20 }, 'Grüße 😀', 'Grüße 😀'],
  [TYPES.NVarChar, { length: Number.POSITIVE_INFINITY }, 'ü'.repeat(50_000), 'ü'.repeat(50_000)],
  [TYPES.NVarChar, { length: Number.POSITIVE_INFINITY }, '', ''],
  [TYPES.NChar, { length: 3 }, 'äöü', 'äöü'],
  [TYPES.Text, {}, 'old', 'old'],
  [TYPES.NText, {}, 'öld', 'öld'],
  [TYPES.Image, {}, Buffer.from([0, 1]), Buffer.from([0, 1])],
  [TYPES.Binary, { length: 2 }, Buffer.from([1, 2]), Buffer.from([1, 2])],
  [TYPES.VarBinary, { length: 10 }, Buffer.from([9]), Buffer.from([9])],
  [TYPES.VarBinary, { length: Number.POSITIVE_INFINITY }, Buffer.alloc(70_000, 3), Buffer.alloc(70_000, 3)],
  [TYPES.UniqueIdentifier, {}, guid, guid],
  [TYPES.Date, {}, moment, '2024-02-29'],
  [TYPES.Time, { scale: 3 }, moment, '23:59:59.123'],
  [TYPES.DateTime, {}, moment, '2024-02-29 23:59:59.123'],
  [TYPES.SmallDateTime, {}, moment, '2024-02-29 23:59:00'],
  [TYPES.DateTime2, { scale: 7 }, moment, '2024-02-29 23:59:59.1230000'],
  [TYPES.DateTimeOffset, { scale: 4 }, moment, '2024-02-29 23:59:59.1230 +00:00'],
]

async function withServer(
  script: Script,
  use: (
    connection: Awaited<ReturnType<typeof connectTedious>>,
    asked: ReturnType<typeof createScriptedBackend>['asked'],
  ) => Promise<void>,
): Promise<void> {
  const backend = createScriptedBackend(script)
  await using endpoint = await startTdsEndpoint({ backend })
  const connection = await connectTedious({ port: endpoint.port })
  await use(connection, backend.asked)
  connection.close()
  expect(endpoint.failures).toEqual([])
}

describe('a bulk load by the driver', () => {
  it('brings a value of every type', async () => {
    await withServer({}, async (connection, asked) => {
      const declare: Parameters<typeof bulkTedious>[2] = (load) => {
        for (const [index, [type, details]] of CASES.entries()) {
          load.addColumn(`c${index}`, type, { nullable: true, ...details })
        }
      }
      const values = CASES.map(([, , value]) => value)
      const nothing = CASES.map(() => null)
      expect(await bulkTedious(connection, '[dbo].[t]', declare, [values, nothing, values])).toBe(3)
      const [bulk] = asked.bulks
      const expected = CASES.map(([, , , value]) => value)
      expect(bulk?.rows).toEqual([expected, nothing, expected])
      expect(bulk?.sql).toMatch(/^insert bulk \[dbo\]\.\[t\]\(\[c0\] tinyint, /)
      expect(bulk?.columns.map(({ name }) => name)).toEqual(CASES.map((_, index) => `c${index}`))
      expect(bulk?.columns[7]?.type).toEqual({ name: 'decimal', precision: 10, scale: 4 })
      expect(bulk?.columns[17]).toEqual({
        name: 'c17',
        type: { name: 'nvarchar', length: -1 },
        nullable: true,
        identity: false,
      })
    })
  })

  it('streams 50,000 rows, and waits for a server that takes none', async () => {
    let taken = 0
    let made = 0
    const gate = Promise.withResolvers<void>()
    async function* bulk(rows: AsyncIterable<readonly TdsValue[]>): AsyncGenerator<TdsEvent> {
      for await (const [n, text] of rows) {
        expect(n).toBe(taken)
        expect(text).toBe(`row ${taken}`.padEnd(200))
        taken += 1
        if (taken === 100) await gate.promise
      }
      yield { kind: 'done', rows: taken }
    }
    function* source(): Generator<unknown[]> {
      for (made = 0; made < 50_000; made += 1) yield [made, `row ${made}`.padEnd(200)]
    }
    const backend = createScriptedBackend({ bulk })
    await using endpoint = await startTdsEndpoint({ backend })
    const connection = await connectTedious({ port: endpoint.port })
    const other = await connectTedious({ port: endpoint.port })
    const declare: Parameters<typeof bulkTedious>[2] = (load) => {
      load.addColumn('n', TYPES.Int, { nullable: false })
      load.addColumn('t', TYPES.NVarChar, { nullable: true, length: 200 })
    }
    const loading = bulkTedious(connection, 't', declare, source())
    await eventually(async () => {
      expect(taken).toBe(100)
      const before = made
      for (let round = 0; round < 20; round += 1) await runTedious(other, 'select 1').result
      expect(made).toBe(before)
    })
    expect(made).toBeLessThan(50_000)
    gate.resolve()
    expect(await loading).toBe(50_000)
    expect(taken).toBe(50_000)
    connection.close()
    other.close()
    expect(endpoint.failures).toEqual([])
  })

  it('of no rows takes none', async () => {
    await withServer({}, async (connection, asked) => {
      const declare: Parameters<typeof bulkTedious>[2] = (load) => {
        load.addColumn('n', TYPES.Int, { nullable: false })
      }
      expect(await bulkTedious(connection, 't', declare, [])).toBe(0)
      expect(asked.bulks[0]?.rows).toEqual([])
    })
  })

  const declareNumber: Parameters<typeof bulkTedious>[2] = (load) => {
    load.addColumn('n', TYPES.Int, { nullable: false })
  }
  const numbers = (count: number) => Array.from({ length: count }, (_, n) => [n])

  it('is refused before any row, where INSERT BULK is', async () => {
    const refusal: TdsEvent[] = [
      { kind: 'error', number: 208, severity: 16, message: "Invalid object name 't'." },
    ]
    const batch = (sql: string): TdsEvent[] => (sql.startsWith('insert bulk') ? refusal : [{ kind: 'done' }])
    await withServer({ batch }, async (connection, asked) => {
      const loading = bulkTedious(connection, 't', declareNumber, numbers(10))
      await expect(loading).rejects.toMatchObject({ number: 208 })
      expect(asked.bulks).toEqual([])
      await runTedious(connection, 'select 1').result
    })
  })

  it('is refused in its middle, and the rest of it is read away', async () => {
    async function* bulk(rows: AsyncIterable<readonly TdsValue[]>): AsyncGenerator<TdsEvent> {
      for await (const [n] of rows) {
        if (n !== 100) continue
        yield { kind: 'error', number: 2627, severity: 14, message: 'Violation of PRIMARY KEY constraint.' }
        return
      }
    }
    await withServer({ bulk }, async (connection) => {
      const loading = bulkTedious(connection, 't', declareNumber, numbers(50_000))
      await expect(loading).rejects.toMatchObject({ number: 2627 })
      await runTedious(connection, 'select 1').result
    })
  })

  it('that the client breaks off reaches the backend as an error', async () => {
    let thrown: unknown
    async function* bulk(rows: AsyncIterable<readonly TdsValue[]>): AsyncGenerator<TdsEvent> {
      let taken = 0
      try {
        for await (const _ of rows) taken += 1
      } catch (error) {
        thrown = error
        throw error
      }
      yield { kind: 'done', rows: taken }
    }
    function* source(): Generator<unknown[]> {
      yield* numbers(20_000)
      throw new Error('the source failed')
    }
    await withServer({ bulk }, async (connection) => {
      const loading = bulkTedious(connection, 't', declareNumber, source())
      await expect(loading).rejects.toThrow('the source failed')
      expect(String(thrown)).toContain('broke its message off')
      await runTedious(connection, 'select 1').result
    })
  })

  it('runs inside a transaction', async () => {
    await withServer({}, async (connection, asked) => {
      await done((callback) => connection.beginTransaction(callback))
      expect(await bulkTedious(connection, 't', declareNumber, numbers(5), { keepNulls: true })).toBe(5)
      await done((callback) => connection.commitTransaction(callback))
      expect(asked.bulks[0]?.sql).toContain('WITH (KEEP_NULLS)')
      expect(asked.transactions.map(({ request }) => request)).toEqual(['begin', 'commit'])
    })
  })
})
