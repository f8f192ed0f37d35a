import { describe, expect, it, vi } from 'vitest'
import { collect, once } from '../../../../../src/core/bytes.ts'
import { parseDatabaseUrl } from '../../../../../src/core/database-url.ts'
import { LifeboatError } from '../../../../../src/core/errors.ts'
import { Secret } from '../../../../../src/core/secret.ts'
import type { TableModel } from '../../../../../src/engines/sqlserver/catalog/model.ts'
import { createSessionSource } from '../../../../../src/engines/sqlserver/connection.ts'
import { findServer } from '../../../../../src/engines/sqlserver/server-access.ts'
import { requireBulkTool } from '../../../../../src/engines/sqlserver/tools/bulk-tool.ts'
import { createFreebcp } from '../../../../../src/engines/sqlserver/tools/freebcp.ts'
import { lacks } from '../../../../testbed/requirement.ts'
import type { TdsEvent, TdsValue } from '../../../../testbed/tds/backend.ts'
import { startTdsEndpoint } from '../../../../testbed/tds/endpoint.ts'
import {
  type BackendTable,
  createTableBackend,
  type TableFaults,
  tdsColumn,
} from '../../../../testbed/tds/table-backend.ts'
import { column, table } from '../rows/sample-tables.ts'

const { signal } = new AbortController()

async function withServer<T>(
  tables: readonly BackendTable[],
  faults: TableFaults,
  use: (work: {
    dump(model: TableModel): Promise<{ bytes: Buffer; rows: number }>
    load(model: TableModel, bytes: Uint8Array): Promise<number>
  }) => Promise<T>,
  stallMs = 20_000,
): Promise<T> {
  await using endpoint = await startTdsEndpoint({ backend: createTableBackend(tables, faults) })
  const url = parseDatabaseUrl(`sqlserver://sa@127.0.0.1:${endpoint.port}?tls=disable`)
  const server = await findServer(url, async () => new Secret('pass word'), signal)
  await using sessions = createSessionSource(server)
  await using session = await sessions.open('shop', signal)
  const tool = await requireBulkTool('freebcp', { searchPath: process.env.PATH ?? '' }, signal)
  const freebcp = createFreebcp({ tool, server, database: 'shop', stallMs })
  return await use({
    async dump(model) {
      let rows = -1
      const work = {
        session,
        table: model,
        onCount: (count: number) => {
          rows = count
        },
        onWarning: () => undefined,
      }
      const bytes = Buffer.from(await collect(freebcp.exportTable(work, signal)))
      return { bytes, rows }
    },
    load: (model, bytes) => freebcp.loadTable(session, model, once(bytes), signal),
  })
}

/** What freebcp is trusted with. */
const FIT: readonly (readonly [string, Parameters<typeof column>[2] & object, readonly TdsValue[]])[] = [
  ['int', {}, [1, -2_147_483_648, 2_147_483_647]],
  ['bigint', {}, [0n, -(2n ** 63n), 2n ** 63n - 1n]],
  ['smallint', {}, [0, -32768, 32767]],
  ['tinyint', {}, [0, 255, 7]],
  ['bit', {}, [true, false, true]],
  ['decimal', { precision: 38, scale: 10 }, ['1234567890123456789012345678.0123456789', '-0.0000000001']],
  ['numeric', { precision: 38, scale: 0 }, ['-99999999999999999999999999999999999999', '0']],
  ['money', {}, ['922337203685477.5807', '-922337203685477.5808', '0.0001']],
  ['smallmoney', {}, ['214748.3647', '-214748.3648', '0.0001']],
  ['float', {}, [0.1, -1.7976931348623157e308, 2.2250738585072014e-308]],
  ['real', {}, [Math.fround(0.1), 3.4028234663852886e38, Math.fround(1.4e-45)]],
  ['nvarchar', { maxLength: 80 }, ['', 'tab\tline\r\n"quotes" \u{1f6a2}', ' leading']],
  ['varchar', { maxLength: 40 }, ['', 'plain', "it's"]],
  ['nvarchar', { maxLength: -1 }, ['ü'.repeat(20_000), '', 'x']],
  ['varchar', { maxLength: -1 }, ['x y'.repeat(20_000), '', 'x']],
  ['text', {}, ['x y'.repeat(5000), 'x']],
  ['ntext', {}, ['ü'.repeat(5000), 'x']],
  ['char', { maxLength: 6 }, ['abc   ', 'abcdef', '      ']],
  ['nchar', { maxLength: 6 }, ['ü  ', 'abc', '   ']],
  ['binary', { maxLength: 3 }, [Buffer.of(0, 0, 0), Buffer.of(1, 0x20, 0x1f), Buffer.of(0x1e, 0x1f, 0x0a)]],
  ['varbinary', { maxLength: 20 }, [Buffer.of(), Buffer.of(0), Buffer.of(0x1f, 0x1e)]],
  ['varbinary', { maxLength: -1 }, [Buffer.of(), Buffer.alloc(20_000, 7), Buffer.of(0)]],
  ['image', {}, [Buffer.of(), Buffer.alloc(20_000, 7), Buffer.of(0)]],
  ['uniqueidentifier', {}, ['0E984725-C51C-4BF4-9960-E1C80E27ABA0', 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF']],
  ['datetime2', { scale: 7 }, ['2024-02-29 23:59:59.1234567', '9999-12-31 23:59:59.9999999']],
  ['datetime2', { scale: 7 }, ['1753-01-01 00:00:00.0000001']],
  ['date', {}, ['2024-02-29', '9999-12-31', '1753-01-01']],
  ['time', { scale: 7 }, ['23:59:59.9999999', '00:00:00.0000000', '12:34:56.0000001']],
  ['datetime', {}, ['2024-02-29 23:59:59.997', '1753-01-01 00:00:00.000', '9999-12-31 23:59:59.997']],
  ['smalldatetime', {}, ['2079-06-06 23:59:00', '1900-01-01 00:00:00']],
]

function fitTables(): { model: TableModel; source: BackendTable; target: BackendTable } {
  const model = table(FIT.map(([type, more], index) => column(`c${index}`, type, more)))
  const columns = FIT.map(([type, { maxLength, precision, scale }], index) =>
    tdsColumn(`c${index}`, type, {
      ...(maxLength !== undefined && { length: maxLength }),
      ...(precision !== undefined && { precision }),
      ...(scale !== undefined && { scale }),
    }),
  )
  const rows = [0, 1, 2].map((index) => FIT.map(([, , values]) => values[index] ?? null))
  const source = { name: '[dbo].[zoo]', columns, rows: [...rows, FIT.map(() => null)] }
  return { model, source, target: { name: '[dbo].[zoo]', columns, rows: [] } }
}

const words = table([column('id', 'int'), column('word', 'nvarchar', { maxLength: 100 })])
const wordTable = (rows: (readonly TdsValue[])[]): BackendTable => ({
  name: '[dbo].[zoo]',
  columns: [tdsColumn('id', 'int'), tdsColumn('word', 'nvarchar', { length: 100 })],
  rows,
})
const numbered = (count: number) =>
  wordTable(Array.from({ length: count }, (_, index): TdsValue[] => [index, `word ${index}.`]))

const failure: TdsEvent = { kind: 'error', number: 8134, severity: 16, message: 'Divide by zero error.' }

describe.skipIf(lacks('freetds'))('freebcp', () => {
  it('carries each type that it is trusted with', async () => {
    const { model, source, target } = fitTables()
    const { bytes, rows } = await withServer([source], {}, ({ dump }) => dump(model))
    expect(rows).toBe(4)
    expect(await withServer([target], {}, ({ load }) => load(model, bytes))).toBe(4)
    expect(target.rows).toEqual(source.rows)
  })

  it.each([0, 5701])('minds no information of number %d', async (number) => {
    const tables = [numbered(3)]
    const batch = (sql: string): readonly TdsEvent[] | undefined =>
      /FMTONLY/.test(sql)
        ? [
            { kind: 'info', number, message: "Changed database context to 'shop'." },
            { kind: 'columns', columns: tables[0]?.columns ?? [] },
            { kind: 'done', rows: 0 },
          ]
        : undefined
    expect((await withServer(tables, { batch }, ({ dump }) => dump(words))).rows).toBe(3)
  })

  it('carries an empty table', async () => {
    const { bytes, rows } = await withServer([wordTable([])], {}, ({ dump }) => dump(words))
    expect([bytes.length, rows]).toEqual([0, 0])
    expect(await withServer([wordTable([])], {}, ({ load }) => load(words, bytes))).toBe(0)
  })

  it('carries many rows in many batches', async () => {
    const { bytes } = await withServer([numbered(20_000)], {}, ({ dump }) => dump(words))
    const target = wordTable([])
    expect(await withServer([target], {}, ({ load }) => load(words, bytes))).toBe(20_000)
    expect(target.rows).toEqual(numbered(20_000).rows)
  })

  it.each([
    ['spaces at its end', 'trail   '],
    ['U+0000', 'a\0b'],
    ['the bytes that freebcp puts between values', 'a\x1f\x1eb'],
    ['the bytes that freebcp puts between values', 'a\x1e\x1f\nb'],
  ])('refuses a value with %s, before it is damaged', async (reason, word) => {
    await expect(
      withServer(
        [
          wordTable([
            [1, 'fine'],
            [2, word],
          ]),
        ],
        {},
        ({ dump }) => dump(words),
      ),
    ).rejects.toMatchObject({ code: 'unsupported', message: expect.stringContaining(reason) })
  })

  it.each([
    ['date', {}, '1752-12-31', 'a year before 1753 comes back as another'],
    ['datetime2', { scale: 0 }, '0001-01-01 00:00:00', 'a year before 1753'],
    ['float', {}, 5e-324, 'FreeTDS refuses a number that small'],
    ['text', {}, '', 'an empty text comes back as NULL'],
  ])('refuses a %s %j of %s', async (type, more, value, reason) => {
    const { scale } = { scale: undefined, ...more }
    const columns = [tdsColumn('c', type, scale === undefined ? {} : { scale })]
    await expect(
      withServer([{ name: '[dbo].[zoo]', columns, rows: [[value]] }], {}, ({ dump }) =>
        dump(table([column('c', type, more)])),
      ),
    ).rejects.toMatchObject({ code: 'unsupported', message: expect.stringContaining(reason) })
  })

  it.each([
    ['datetimeoffset', { scale: 7 }],
    ['xml', {}],
    ['sql_variant', {}],
    ['geography', {}],
    ['timestamp', { rowversion: true }],
  ])('is not asked to carry %s', async (type, more) => {
    const tool = { name: 'freebcp', command: ['freebcp'], version: 'unknown', major: 0 } as const
    const url = parseDatabaseUrl('sqlserver://sa@127.0.0.1?tls=disable')
    const server = await findServer(url, undefined, signal)
    const freebcp = createFreebcp({ tool, server, database: 'shop' })
    expect(freebcp.refusal(table([column('id', 'int'), column('c', type, more)]))).toMatch(
      `column 'c' is ${type}`,
    )
    expect(freebcp.refusal(words)).toBeUndefined()
    const computed = column('c', 'int', { computed: { definition: '(1)', persisted: false } })
    expect(freebcp.refusal(table([column('id', 'int'), computed]))).toBe('it has computed columns')
  })

  it.each([0, 7, 50])(
    'is not believed when the server fails before row %d, though it exits 0',
    async (row) => {
      await expect(
        withServer([numbered(50)], { during: { row, event: failure } }, ({ dump }) => dump(words)),
      ).rejects.toMatchObject({ code: 'tool-failed', message: expect.stringContaining('8134') })
    },
  )

  it.each([1, 30_000])('is not believed when the connection dies at row %d', async (row) => {
    await expect(
      withServer([numbered(60_000)], { during: { row, event: { kind: 'disconnect' } } }, ({ dump }) =>
        dump(words),
      ),
    ).rejects.toMatchObject({ code: 'tool-failed' })
  })

  it('is ended when nothing moves any more', async () => {
    await expect(
      withServer(
        [numbered(60_000)],
        { during: { row: 30_000, event: { kind: 'stall' } } },
        ({ dump }) => dump(words),
        500,
      ),
    ).rejects.toMatchObject({ code: 'timed-out', message: expect.stringContaining('nothing moved') })
  })

  it.each([1, 3])('is not believed when batch %d is refused', async (batch) => {
    const { bytes } = await withServer([numbered(2500)], {}, ({ dump }) => dump(words))
    const duplicate: TdsEvent = {
      kind: 'error',
      number: 2627,
      severity: 14,
      message: 'Violation of PRIMARY KEY constraint.',
    }
    const bulk = (count: number) => (count === batch ? [duplicate, { kind: 'done' } as const] : undefined)
    await expect(
      withServer([wordTable([])], { bulk }, ({ load }) => load(words, bytes)),
    ).rejects.toMatchObject({ code: 'tool-failed', message: expect.stringContaining('2627') })
  })

  it('is not believed when the connection dies under its last batch', async () => {
    const { bytes } = await withServer([numbered(96)], {}, ({ dump }) => dump(words))
    const bulk = () => [{ kind: 'disconnect' } as const]
    await expect(
      withServer([wordTable([])], { bulk }, ({ load }) => load(words, bytes)),
    ).rejects.toBeInstanceOf(Error)
  })

  it('is not believed when the server took fewer rows than it was sent', async () => {
    const { bytes } = await withServer([numbered(10)], {}, ({ dump }) => dump(words))
    const bulk = () => [{ kind: 'done', rows: 10 } as const]
    await expect(
      withServer([wordTable([])], { bulk }, ({ load }) => load(words, bytes)),
    ).rejects.toMatchObject({
      code: 'integrity',
      message: "unable to trust 'freebcp' with table 'dbo.zoo': it says 10 rows, the server has taken 0",
    })
  })

  it('loads no file that ends inside a row', async () => {
    const { bytes } = await withServer([numbered(10)], {}, ({ dump }) => dump(words))
    await expect(
      withServer([wordTable([])], {}, ({ load }) => load(words, bytes.subarray(0, -5))),
    ).rejects.toMatchObject({ message: expect.stringContaining('the data ends inside it') })
  })

  it('is ended, and its connection with it, by an interruption', async () => {
    const faults: TableFaults = { during: { row: 30_000, event: { kind: 'stall' } } }
    await using endpoint = await startTdsEndpoint({ backend: createTableBackend([numbered(60_000)], faults) })
    const url = parseDatabaseUrl(`sqlserver://sa@127.0.0.1:${endpoint.port}?tls=disable`)
    const server = await findServer(url, async () => new Secret('secret'), signal)
    await using sessions = createSessionSource(server)
    await using session = await sessions.open('shop', signal)
    const tool = await requireBulkTool('freebcp', { searchPath: process.env.PATH ?? '' }, signal)
    const freebcp = createFreebcp({ tool, server, database: 'shop', stallMs: 20_000 })
    const interruption = new AbortController()
    const work = { session, table: words, onCount: () => undefined, onWarning: () => undefined }
    const rows = freebcp.exportTable(work, interruption.signal)[Symbol.asyncIterator]()
    expect((await rows.next()).value?.length).toBeGreaterThan(0)
    expect(endpoint.connections).toHaveLength(2)
    interruption.abort(new LifeboatError('interrupted', 'Ctrl-C'))
    await expect(
      (async () => {
        while ((await rows.next()).done !== true);
      })(),
    ).rejects.toMatchObject({ code: 'interrupted' })
    await vi.waitUntil(() => endpoint.connections.length === 1)
  })
})
