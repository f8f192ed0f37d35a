import { describe, expect, it } from 'vitest'
import { collect, once } from '../../../../../src/core/bytes.ts'
import { parseDatabaseUrl } from '../../../../../src/core/database-url.ts'
import { Secret } from '../../../../../src/core/secret.ts'
import type { ColumnModel, TableModel } from '../../../../../src/engines/sqlserver/catalog/model.ts'
import { createSessionSource } from '../../../../../src/engines/sqlserver/connection.ts'
import { writeRows } from '../../../../../src/engines/sqlserver/rows/row-writer.ts'
import { exportTable, loadTable } from '../../../../../src/engines/sqlserver/rows/table-rows.ts'
import { findServer } from '../../../../../src/engines/sqlserver/server-access.ts'
import type { Session, SqlValue } from '../../../../../src/engines/sqlserver/session.ts'
import type { TdsColumn, TdsEvent, TdsValue } from '../../../../testbed/tds/backend.ts'
import { startTdsEndpoint } from '../../../../testbed/tds/endpoint.ts'
import {
  type BackendTable,
  createTableBackend,
  type TableFaults,
  tdsColumn,
} from '../../../../testbed/tds/table-backend.ts'
import { column, iterate, table } from './sample-tables.ts'

const { signal } = new AbortController()

async function withSession<T>(
  tables: readonly BackendTable[],
  faults: TableFaults,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  await using endpoint = await startTdsEndpoint({ backend: createTableBackend(tables, faults) })
  const url = parseDatabaseUrl(`sqlserver://sa@127.0.0.1:${endpoint.port}?tls=disable`)
  const server = await findServer(url, async () => new Secret('secret'), signal)
  await using sessions = createSessionSource(server)
  await using session = await sessions.open('shop', signal)
  return await use(session)
}

type Case = readonly [string, Partial<ColumnModel>, readonly TdsValue[]]

/** The extremes of each type, in the server's own form. */
const CASES: readonly Case[] = [
  ['tinyint', {}, [255, 0]],
  ['smallint', {}, [-32768, 32767]],
  ['int', {}, [-2_147_483_648, 2_147_483_647]],
  ['bigint', {}, [-(2n ** 63n), 2n ** 63n - 1n]],
  ['bit', {}, [true, false]],
  ['float', {}, [5e-324, -1.7976931348623157e308]],
  ['real', {}, [Math.fround(0.1), 3.4028234663852886e38]],
  ['uniqueidentifier', {}, ['0E984725-C51C-4BF4-9960-E1C80E27ABA0', '00000000-0000-0000-0000-000000000001']],
  ['decimal', { precision: 38, scale: 38 }, [`-0.${'9'.repeat(38)}`, `0.${'0'.repeat(37)}1`]],
  ['numeric', { precision: 38, scale: 0 }, ['9'.repeat(38), `-${'9'.repeat(38)}`]],
  ['money', {}, ['-922337203685477.5808', '922337203685477.5807']],
  ['smallmoney', {}, ['-214748.3648', '214748.3647']],
  ['date', {}, ['0001-01-01', '9999-12-31']],
  ['time', { scale: 7 }, ['00:00:00.0000001', '23:59:59.9999999']],
  ['datetime', {}, ['1753-01-01 00:00:00.003', '9999-12-31 23:59:59.997']],
  ['smalldatetime', {}, ['1900-01-01 00:00:00', '2079-06-06 23:59:00']],
  ['datetime2', { scale: 7 }, ['0001-01-01 00:00:00.0000001', '9999-12-31 23:59:59.9999999']],
  [
    'datetimeoffset',
    { scale: 7 },
    ['2024-02-29 23:59:59.1234567 +05:30', '0001-01-02 00:00:00.0000000 -14:00'],
  ],
  ['char', { maxLength: 6 }, ['abc   ', '      ']],
  ['varchar', { maxLength: 50 }, ['trailing  ', '']],
  ['varchar', { maxLength: 8000 }, ['x'.repeat(8000), '']],
  ['nchar', { maxLength: 8 }, ['ü   ', '\u{1f6a2}a ']],
  ['nvarchar', { maxLength: 100 }, ['\u{1f6a2} \0 \ud800', '']],
  ['nvarchar', { maxLength: -1 }, ['ü'.repeat(300_000), '']],
  ['text', {}, ['', 'text']],
  ['ntext', {}, ['', 'ntext']],
  ['xml', {}, ['<a b="1">\u{1f6a2}</a>', '']],
  ['binary', { maxLength: 3 }, [Buffer.of(0, 0, 0), Buffer.of(1, 2, 3)]],
  ['varbinary', { maxLength: 100 }, [Buffer.of(), Buffer.of(0)]],
  ['varbinary', { maxLength: -1 }, [Buffer.alloc(300_000, 7), Buffer.of()]],
  ['image', {}, [Buffer.of(), Buffer.of(0)]],
  ['hierarchyid', {}, [Buffer.of(), Buffer.of(0x58)]],
  ['geography', {}, [Buffer.of(0xe6, 0x10), Buffer.of(1)]],
]

/** As selectText has the server cast them. */
const CAST: Readonly<Record<string, TdsColumn['type']>> = {
  decimal: { name: 'varchar', length: 41 },
  numeric: { name: 'varchar', length: 41 },
  money: { name: 'varchar', length: 22 },
  smallmoney: { name: 'varchar', length: 22 },
  date: { name: 'varchar', length: 10 },
  time: { name: 'varchar', length: 16 },
  datetime: { name: 'varchar', length: 23 },
  smalldatetime: { name: 'varchar', length: 23 },
  datetime2: { name: 'varchar', length: 27 },
  datetimeoffset: { name: 'varchar', length: 34 },
  char: { name: 'nvarchar', length: -1 },
  varchar: { name: 'nvarchar', length: -1 },
  text: { name: 'nvarchar', length: -1 },
  ntext: { name: 'nvarchar', length: -1 },
  xml: { name: 'nvarchar', length: -1 },
  hierarchyid: { name: 'varbinary', length: 892 },
  geography: { name: 'varbinary', length: -1 },
}

function zoo(rows: (readonly TdsValue[])[]): { model: TableModel; backend: BackendTable } {
  const model = table(
    CASES.map(([type, more], index) => column(`c${index}`, type, more)),
    { bytesEstimate: 1_000_000 },
  )
  const columns = model.columns.map(({ name, type, maxLength, precision, scale }) =>
    tdsColumn(name, type, {
      ...(maxLength !== undefined && { length: maxLength }),
      ...(precision !== undefined && { precision }),
      ...(scale !== undefined && { scale }),
    }),
  )
  const selected = columns.map((each) => ({ ...each, type: CAST[each.type.name] ?? each.type }))
  return { model, backend: { name: '[dbo].[zoo]', columns, selected, rows } }
}

const allRows = () => [
  CASES.map(([, , [first = null]]) => first),
  CASES.map(() => null),
  CASES.map(([, , values]) => values[1] ?? null),
]

const words = table([column('id', 'int'), column('word', 'nvarchar', { maxLength: 40 })])
const wordTable = (count: number): BackendTable => ({
  name: '[dbo].[zoo]',
  columns: [tdsColumn('id', 'int'), tdsColumn('word', 'nvarchar', { length: 40 })],
  rows: Array.from({ length: count }, (_, index): TdsValue[] => [index, `word ${index}`]),
})

async function wordBytes(count: number): Promise<Uint8Array> {
  const rows = wordTable(count).rows as SqlValue[][]
  return await collect(writeRows({ name: 'words', columns: words.columns }, iterate(rows)))
}

async function dump(session: Session, model: TableModel): Promise<{ bytes: Uint8Array; rows: number }> {
  let rows = -1
  const onCount = (count: number) => {
    rows = count
  }
  return {
    bytes: await collect(exportTable(session, model, onCount, signal)),
    get rows() {
      return rows
    },
  }
}

describe('exportTable and loadTable', () => {
  it('carry the extremes of every type from one server to another', async () => {
    const source = zoo(allRows())
    const { bytes, rows } = await withSession([source.backend], {}, (session) => dump(session, source.model))
    expect(rows).toBe(3)
    const target = zoo([])
    const requests: string[] = []
    const taken = await withSession(
      [target.backend],
      { transaction: (request) => requests.push(request) },
      (session) => loadTable(session, target.model, once(bytes), signal),
    )
    expect(taken).toBe(3)
    expect(target.backend.rows).toEqual(allRows())
    expect(requests).toEqual(['begin', 'commit'])
  })

  it('carry an empty table', async () => {
    const { bytes, rows } = await withSession([wordTable(0)], {}, (session) => dump(session, words))
    expect([bytes.length, rows]).toEqual([0, 0])
    expect(
      await withSession([wordTable(0)], {}, (session) => loadTable(session, words, once(bytes), signal)),
    ).toBe(0)
  })

  it.each([
    ['an error', { kind: 'error', number: 8134, severity: 16, message: 'Divide by zero error.' }],
    ['a cut connection', { kind: 'disconnect' }],
  ] as const)('give no end to rows that %s ends', async (_what, event) => {
    for (const row of [0, 500, 1000]) {
      const faults: TableFaults = { during: { row, event: event as TdsEvent } }
      await expect(
        withSession([wordTable(1000)], faults, (session) => dump(session, words)),
      ).rejects.toBeInstanceOf(Error)
    }
  })

  it('keep nothing of a file that is cut, and name the row', async () => {
    const target = wordTable(0)
    const requests: string[] = []
    const bytes = await wordBytes(5000)
    await expect(
      withSession([target], { transaction: (request) => requests.push(request) }, (session) =>
        loadTable(session, words, once(bytes.subarray(0, -1)), signal),
      ),
    ).rejects.toMatchObject({ code: 'integrity', message: expect.stringContaining('in row 5000') })
    expect(target.rows).toEqual([])
    expect(requests).toEqual(['begin', 'rollback'])
  })

  it('keep nothing where the server took fewer rows than were read', async () => {
    const target = wordTable(0)
    await expect(
      withSession([target], { bulk: () => [{ kind: 'done', rows: 9 }] }, async (session) =>
        loadTable(session, words, once(await wordBytes(10)), signal),
      ),
    ).rejects.toMatchObject({
      code: 'integrity',
      message: "unable to load table 'dbo.zoo': the server took 9 of 10 rows",
    })
    expect(target.rows).toEqual([])
  })

  it('make values of what a sql_variant says that they are', async () => {
    const model = table([column('id', 'int'), column('v', 'sql_variant')])
    const target = {
      name: '[dbo].[zoo]',
      columns: [tdsColumn('id', 'int'), tdsColumn('v', 'nvarchar', { length: 8000 })],
      rows: [],
    }
    const texts = ['int,10,0,4,:5', 'decimal,10,2,9,:12.34', 'varchar,0,0,20,Latin1_General_CI_AS:héh', null]
    const bytes = await collect(
      writeRows({ name: 'v', columns: model.columns }, iterate(texts.map((text, index) => [index, text]))),
    )
    const updates: string[] = []
    const batch = (sql: string): readonly TdsEvent[] | undefined => {
      if (!sql.startsWith('UPDATE')) return undefined
      updates.push(sql)
      return [{ kind: 'done', rows: 3 }]
    }
    const taken = await withSession([target], { batch }, (session) =>
      loadTable(session, model, once(bytes), signal),
    )
    expect(taken).toBe(4)
    expect(target.rows.map((row) => row[1])).toEqual(texts)
    const text = 'CAST([v] AS nvarchar(4000))'
    expect(updates).toEqual([
      'UPDATE [dbo].[zoo] SET [v] = CASE ' +
        `WHEN LEFT(${text}, 12) = N'int,10,0,4,:' THEN CAST(CAST(SUBSTRING(${text}, 13, 4000) AS int) AS sql_variant) ` +
        `WHEN LEFT(${text}, 16) = N'decimal,10,2,9,:' THEN CAST(CAST(SUBSTRING(${text}, 17, 4000) AS decimal(10, 2)) AS sql_variant) ` +
        `WHEN LEFT(${text}, 36) = N'varchar,0,0,20,Latin1_General_CI_AS:' THEN CAST(CAST(SUBSTRING(${text}, 37, 4000) COLLATE Latin1_General_CI_AS AS varchar(20)) AS sql_variant) ` +
        'END WHERE [v] IS NOT NULL',
    ])
  })

  it.each(['no head', 'blob,1,2,3,:x', `nvarchar,0,0,8000,:${'x'.repeat(4000)}`])(
    'refuse a sql_variant that could not be made again: %.20s',
    async (value) => {
      const model = table([column('v', 'sql_variant')])
      const target = {
        name: '[dbo].[zoo]',
        columns: [tdsColumn('v', 'nvarchar', { length: 8000 })],
        rows: [],
      }
      const bytes = await collect(writeRows({ name: 'v', columns: model.columns }, iterate([[value]])))
      await expect(
        withSession([target], {}, (session) => loadTable(session, model, once(bytes), signal)),
      ).rejects.toMatchObject({ code: 'unsupported', message: expect.stringContaining("column 'v'") })
    },
  )

  it('refuse a table with a value that is too large to be held', async () => {
    const model = table([column('doc', 'varbinary', { maxLength: -1 })])
    const batch = (sql: string): readonly TdsEvent[] | undefined =>
      sql.includes('DATALENGTH')
        ? [
            { kind: 'columns', columns: [tdsColumn('c0', 'int')] },
            { kind: 'row', values: [2] },
            { kind: 'done', rows: 1 },
          ]
        : undefined
    await expect(withSession([], { batch }, (session) => dump(session, model))).rejects.toMatchObject({
      code: 'unsupported',
      message: "unable to dump table 'dbo.zoo': 2 of its values are larger than 536870912 bytes",
    })
  })

  it('refuse rows of nothing but computed columns, and take a table without rows', async () => {
    const model = table([column('twice', 'int', { computed: { definition: '(2)', persisted: false } })])
    const backend = (rows: TdsValue[][]) => ({ name: '[dbo].[zoo]', columns: [tdsColumn('x', 'int')], rows })
    await expect(withSession([backend([[1]])], {}, (session) => dump(session, model))).rejects.toMatchObject({
      code: 'unsupported',
    })
    expect(await withSession([backend([])], {}, (session) => dump(session, model))).toMatchObject({ rows: 0 })
  })
})
