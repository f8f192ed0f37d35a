import { describe, expect, it } from 'vitest'
import { formatFile } from '../../../../../src/engines/sqlserver/rows/format-file.ts'
import { oversizedText, selectText } from '../../../../../src/engines/sqlserver/rows/select-text.ts'
import { column, KINDS, table } from './sample-tables.ts'

const selected = (type: string, more = {}) =>
  /^SELECT (.*) FROM/.exec(selectText(table([column('c', type, more)])))?.[1]

describe('selectText', () => {
  it('leaves out what the server makes by itself, and quotes every name', () => {
    const zoo = table(
      [
        column('id', 'int'),
        column('odd ]name', 'nvarchar', { maxLength: 20 }),
        column('twice', 'int', { computed: { definition: '([id]*(2))', persisted: false } }),
        column('version', 'timestamp', { rowversion: true }),
        column('all', 'xml', { columnSet: true }),
        column('from', 'datetime2', { scale: 7, generatedAlways: 'start', hidden: true }),
      ],
      { schema: 'my schema', name: "it's" },
    )
    expect(selectText(zoo)).toBe(
      "SELECT [id], [odd ]]name], CONVERT(varchar(27), [from], 121) FROM [my schema].[it's]",
    )
    expect(formatFile(zoo.columns)).toBe(
      [
        '13.0',
        '3',
        '1\tSQLINT\t1\t4\t""\t1\tid\t""',
        '2\tSQLNCHAR\t2\t20\t""\t2\todd__name\t""',
        '3\tSQLNCHAR\t2\t54\t""\t6\tfrom\t""',
        '',
      ].join('\n'),
    )
  })

  it.each([
    ['int', {}, '[c]'],
    ['float', {}, '[c]'],
    ['uniqueidentifier', {}, '[c]'],
    ['varbinary', { maxLength: -1 }, '[c]'],
    ['nvarchar', { maxLength: 8000 }, '[c]'],
    ['decimal', { precision: 38, scale: 38 }, 'CAST([c] AS varchar(41))'],
    ['money', {}, 'CAST(CAST([c] AS decimal(19, 4)) AS varchar(22))'],
    ['datetimeoffset', { scale: 7 }, 'CONVERT(varchar(34), [c], 121)'],
    ['varchar', { maxLength: 50 }, 'CAST([c] AS nvarchar(50))'],
    ['varchar', { maxLength: 8000 }, 'CAST([c] AS nvarchar(max))'],
    ['text', { maxLength: 16 }, 'CAST([c] AS nvarchar(max))'],
    ['xml', {}, 'CAST([c] AS nvarchar(max))'],
    ['geography', {}, 'CAST([c] AS varbinary(max))'],
  ])('reads %s %j exactly', (type, more, expected) => {
    expect(selected(type, more)).toBe(expected)
  })

  it('keeps the type of each value of a sql_variant beside its text', () => {
    const text = selected('sql_variant') ?? ''
    expect(text).toMatch(/^CASE WHEN \[c\] IS NULL THEN NULL ELSE CAST\(CAST\(SQL_VARIANT_PROPERTY/)
    expect(text).toContain("WHEN N'float' THEN CONVERT(nvarchar(64), CAST([c] AS float), 3)")
    expect(text).toContain("WHEN N'varbinary' THEN CONVERT(nvarchar(max), CAST([c] AS varbinary(8000)), 2)")
  })

  it('knows a form for every type that rows can be of, and refuses the rest by name', () => {
    for (const { column } of KINDS) expect(selected(column.type, column)).toBeDefined()
    expect(() => selectText(table([column('v', 'vector')]))).toThrow(
      "unable to store column 'v': lifeboat knows no exact form for the type 'vector'",
    )
  })
})

describe('oversizedText', () => {
  it('asks only where a value can be that large', () => {
    const wide = [column('id', 'int'), column('doc', 'varbinary', { maxLength: -1 })]
    expect(oversizedText(table(wide, { bytesEstimate: 1_000_000 }))).toBeUndefined()
    expect(oversizedText(table([column('id', 'int')]))).toBeUndefined()
    expect(oversizedText(table([...wide, column('story', 'varchar', { maxLength: -1 })]))).toBe(
      'SELECT SUM(CASE WHEN DATALENGTH([doc]) > 536870912 THEN 1 ELSE 0 END) AS c0, ' +
        'SUM(CASE WHEN DATALENGTH([story]) > 268435456 THEN 1 ELSE 0 END) AS c1 FROM [dbo].[zoo]',
    )
  })
})
