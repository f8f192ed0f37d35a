import { describe, expect, it } from 'vitest'
import type { TdsColumn, TdsType, TdsValue } from '../../../testbed/tds/backend.ts'
import { startTdsEndpoint } from '../../../testbed/tds/endpoint.ts'
import { createScriptedBackend, resultOf } from '../../../testbed/tds/scripted-backend.ts'
import { connectTedious, runTedious } from '../../../testbed/tds/tedious-client.ts'

const bytes = Buffer.from([0, 1, 2, 255])
const column = (type: TdsType, nullable: boolean): TdsColumn => ({ name: 'c', type, nullable })

/** A moment as tedious gives it: milliseconds, and what is beyond them in seconds. */
const moment = (iso: string, beyond = 0) => ({ iso, beyond })

/** Value on the server, and what the driver makes of it. */
const CASES: readonly (readonly [TdsType, TdsValue, unknown])[] = [
  [{ name: 'tinyint' }, 255, 255],
  [{ name: 'smallint' }, -32_768, -32_768],
  [{ name: 'int' }, 2_147_483_647, 2_147_483_647],
  [{ name: 'bigint' }, -9_223_372_036_854_775_808n, '-9223372036854775808'],
  [{ name: 'bit' }, true, true],
  [{ name: 'bit' }, false, false],
  [{ name: 'float' }, 0.1, 0.1],
  [{ name: 'real' }, 0.5, 0.5],
  [{ name: 'decimal', precision: 9, scale: 4 }, '-12345.6789', -12_345.6789],
  [{ name: 'numeric', precision: 19, scale: 0 }, '9007199254740991', 9_007_199_254_740_991],
  [{ name: 'decimal', precision: 28, scale: 2 }, '4294967296.25', 4_294_967_296.25],
  [{ name: 'decimal', precision: 38, scale: 0 }, '-18446744073709551616', -18_446_744_073_709_552_000],
  [{ name: 'money' }, '-12.3456', -12.3456],
  [{ name: 'money' }, '4294967296.5000', 4_294_967_296.5],
  [{ name: 'smallmoney' }, '214748.3647', 214_748.3647],
  [{ name: 'char', length: 5 }, 'ab', 'ab   '],
  [{ name: 'varchar', length: 20 }, 'caf\u00e9 \u20ac \u017d', 'caf\u00e9 \u20ac \u017d'],
  [{ name: 'varchar', length: 20 }, 'nobody has \u4e00', 'nobody has ?'],
  [
    { name: 'varchar', length: 20, collation: 'Latin1_General_100_CI_AS_SC_UTF8' },
    '\u4e00 \u{1f600}',
    '\u4e00 \u{1f600}',
  ],
  [{ name: 'varchar', length: -1 }, 'x'.repeat(20_000), 'x'.repeat(20_000)],
  [{ name: 'nchar', length: 8 }, 'äb', 'äb  '],
  [{ name: 'nvarchar', length: 40 }, ' trailing \u{1f600} ', ' trailing \u{1f600} '],
  [{ name: 'nvarchar', length: 40 }, '', ''],
  [{ name: 'nvarchar', length: -1 }, 'ü'.repeat(50_000), 'ü'.repeat(50_000)],
  [{ name: 'nvarchar', length: -1 }, '', ''],
  [{ name: 'sysname' }, 'dbo', 'dbo'],
  [{ name: 'text' }, 'old text', 'old text'],
  [{ name: 'ntext' }, 'öld', 'öld'],
  [{ name: 'image' }, bytes, bytes],
  [{ name: 'binary', length: 6 }, bytes, Buffer.concat([bytes, Buffer.alloc(2)])],
  [{ name: 'varbinary', length: 10 }, bytes, bytes],
  [{ name: 'varbinary', length: -1 }, Buffer.alloc(70_000, 7), Buffer.alloc(70_000, 7)],
  [{ name: 'rowversion' }, Buffer.from([0, 0, 0, 0, 0, 0, 7, 209]), Buffer.from([0, 0, 0, 0, 0, 0, 7, 209])],
  [{ name: 'date' }, '0001-01-01', moment('0001-01-01T00:00:00.000Z')],
  [{ name: 'date' }, '9999-12-31', moment('9999-12-31T00:00:00.000Z')],
  [{ name: 'time', scale: 7 }, '23:59:59.1234567', moment('1970-01-01T23:59:59.123Z', 0.0004567)],
  [{ name: 'time', scale: 0 }, '00:00:01', moment('1970-01-01T00:00:01.000Z')],
  [{ name: 'datetime' }, '1753-01-01 00:00:00.003', moment('1753-01-01T00:00:00.003Z')],
  [{ name: 'datetime' }, '2024-02-29 23:59:59.997', moment('2024-02-29T23:59:59.997Z')],
  [{ name: 'smalldatetime' }, '2079-06-06 23:59:00', moment('2079-06-06T23:59:00.000Z')],
  [{ name: 'datetime2', scale: 3 }, '2024-02-29 23:59:59.123', moment('2024-02-29T23:59:59.123Z')],
  [{ name: 'datetime2', scale: 7 }, '0001-01-01 00:00:00.0000001', moment('0001-01-01T00:00:00.000Z', 1e-7)],
  [
    { name: 'datetimeoffset', scale: 7 },
    '2024-03-01 01:59:59.1234567 +05:30',
    moment('2024-02-29T20:29:59.123Z', 0.0004567),
  ],
  [{ name: 'datetimeoffset', scale: 0 }, '2024-02-29 20:00:00 -14:00', moment('2024-03-01T10:00:00.000Z')],
  [
    { name: 'uniqueidentifier' },
    '0E984725-C51C-4BF4-9960-E1C80E27ABA0',
    '0E984725-C51C-4BF4-9960-E1C80E27ABA0',
  ],
  [{ name: 'xml' }, '<a b="ü">1</a>', '<a b="ü">1</a>'],
  [{ name: 'hierarchyid' }, Buffer.from([0x5a, 0xc0]), Buffer.from([0x5a, 0xc0])],
  [{ name: 'geography' }, bytes, bytes],
  [{ name: 'sql_variant' }, 'text', 'text'],
  [{ name: 'sql_variant' }, 17, 17],
  [{ name: 'sql_variant' }, 1.5, 1.5],
  [{ name: 'sql_variant' }, 17n, '17'],
  [{ name: 'sql_variant' }, true, true],
  [{ name: 'sql_variant' }, bytes, bytes],
]

/** As the cases spell it. */
function plain(value: unknown): unknown {
  if (!(value instanceof Date)) return value
  const { nanosecondsDelta = 0 } = value as Date & { nanosecondsDelta?: number }
  return moment(value.toISOString(), nanosecondsDelta)
}

describe('a value of every type arrives at the driver', () => {
  it.each([
    ['7_4', true],
    ['7_4', false],
    ['7_3_B', true],
  ] as const)('TDS %s, nullable %s', async (tdsVersion, nullable) => {
    let current: readonly [TdsType, TdsValue, unknown] = [{ name: 'int' }, 1, 1]
    const backend = createScriptedBackend({
      batch: () => {
        const [type, value] = current
        return resultOf([column(type, nullable)], nullable ? [[value], [null], [value]] : [[value], [value]])
      },
    })
    await using endpoint = await startTdsEndpoint({ backend })
    const connection = await connectTedious({ port: endpoint.port, options: { tdsVersion, useUTC: true } })
    for (current of CASES) {
      const { rows } = await runTedious(connection, 'select').result
      const expected = current[2]
      const all = nullable ? [expected, null, expected] : [expected, expected]
      expect(
        rows.map(([value]) => plain(value)),
        JSON.stringify(current[0]),
      ).toEqual(all)
    }
    connection.close()
    expect(endpoint.failures).toEqual([])
  })

  it('all of them in one row, with and without NULL', async () => {
    const columns = CASES.map(([type], index) => ({ name: `c${index}`, type, nullable: true }))
    const values = CASES.map(([, value]) => value)
    const sparse = values.map((value, index) => (index % 3 === 0 ? null : value))
    const rows = [values, sparse, values.map(() => null), values]
    const backend = createScriptedBackend({ batch: () => resultOf(columns, rows) })
    await using endpoint = await startTdsEndpoint({ backend })
    const connection = await connectTedious({ port: endpoint.port })
    const got = (await runTedious(connection, 'select').result).rows.map((row) => row.map(plain))
    const expected = CASES.map(([, , value]) => value)
    expect(got[0]).toEqual(expected)
    expect(got[1]).toEqual(expected.map((value, index) => (index % 3 === 0 ? null : value)))
    expect(got[2]).toEqual(expected.map(() => null))
    expect(got[3]).toEqual(expected)
    connection.close()
  })
})

describe('clients of old versions get what SQL Server gives them', () => {
  it.each([
    ['7_2', { name: 'date' }, '2024-02-29', 'NVarChar'],
    ['7_2', { name: 'time', scale: 7 }, '23:59:59.1234567', 'NVarChar'],
    ['7_2', { name: 'datetime2', scale: 3 }, '2024-02-29 23:59:59.123', 'NVarChar'],
    ['7_2', { name: 'datetimeoffset', scale: 7 }, '2024-02-29 23:59:59.1234567 +05:30', 'NVarChar'],
    ['7_2', { name: 'xml' }, '<a/>', 'Xml'],
    ['7_1', { name: 'xml' }, '<a/>', 'NText'],
    ['7_1', { name: 'varchar', length: -1 }, 'x'.repeat(9000), 'Text'],
    ['7_1', { name: 'nvarchar', length: -1 }, 'x'.repeat(9000), 'NText'],
    ['7_1', { name: 'varbinary', length: -1 }, Buffer.alloc(9000), 'Image'],
  ] as const)('TDS %s: %o', async (tdsVersion, type, value, expectedType) => {
    const backend = createScriptedBackend({ batch: () => resultOf([column(type, true)], [[value], [null]]) })
    await using endpoint = await startTdsEndpoint({ backend })
    const connection = await connectTedious({ port: endpoint.port, options: { tdsVersion } })
    let seenType: string | undefined
    const { rows } = await runTedious(connection, 'select', {
      prepare: (request) =>
        request.on('columnMetadata', (columns) => {
          seenType = (columns as { type: { name: string } }[])[0]?.type.name
        }),
    }).result
    expect(rows).toEqual([[value], [null]])
    expect(seenType).toBe(expectedType)
    connection.close()
    expect(endpoint.failures).toEqual([])
  })
})
