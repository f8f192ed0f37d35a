import { describe, expect, it } from 'vitest'
import { startSqlServer } from '../../../testbed/sqlserver.ts'
import { loadSqlServerFixture } from '../../../testbed/sqlserver-fixture.ts'
import { comparable, listSqlServerObjects } from '../../../testbed/sqlserver-objects.ts'
import { CATALOG_VIEW_NAMES } from '../../../testbed/tds/server/catalog.ts'
import { startInProcess } from './in-process.ts'

describe('the catalog of the fixture', () => {
  it('gives every column of every view, for the shop and for the zoo', async () => {
    await using server = await startSqlServer({ tls: 'off' })
    await loadSqlServerFixture(server)
    for (const database of ['shop', 'zoo', 'master'])
      for (const view of CATALOG_VIEW_NAMES) {
        const rows = await server.run(`SELECT * FROM ${view}`, database)
        const counted = await server.run(`SELECT COUNT_BIG(*) AS n FROM ${view}`, database)
        expect(counted, view).toEqual([{ n: BigInt(rows.length) }])
      }
  })

  it('is the same each time that it is made, and differs where one row does', async () => {
    await using one = await startSqlServer({ tls: 'off' })
    await using other = await startSqlServer({ tls: 'off' })
    for (const server of [one, other]) await loadSqlServerFixture(server)
    const random = / (rows|index .*)$/
    // Only what newid() and the clock fill in differs.
    const differing = [...listSqlServerObjects(one)].filter(
      ([name, value]) => listSqlServerObjects(other).get(name) !== value,
    )
    expect(differing.map(([name]) => name)).toEqual(
      expect.arrayContaining([
        'shop: U dbo.Customer rows',
        'shop: U dbo.Audit rows',
        'shop: U dbo.Price rows',
      ]),
    )
    expect(differing.every(([name]) => random.test(name))).toBe(true)
    const before = comparable(one)
    await one.run("UPDATE dbo.Texts SET nv = nv + N' ' WHERE Id = 3", 'zoo')
    expect(comparable(one)).not.toEqual(before)
    await one.run("UPDATE dbo.Texts SET nv = N'trail   ' WHERE Id = 3", 'zoo')
    expect(comparable(one)).toEqual(before)
  })
})

describe('definitions', () => {
  it.each([
    ['DEFAULT 0', '((0))'],
    ['DEFAULT ((0))', '((0))'],
    ['DEFAULT -1', '((-1))'],
    ['DEFAULT getDate()', '(getdate())'],
    ["DEFAULT (N'it''s')", "(N'it''s')"],
    ['CHECK (a > 0 AND (a < 10 OR a IS NULL))', '([a]>(0) AND ([a]<(10) OR [a] IS NULL))'],
    ['CHECK (a BETWEEN 1 AND 5)', '([a]>=(1) AND [a]<=(5))'],
    ["CHECK (CAST(a AS varchar(5)) LIKE '1%')", "(CONVERT([varchar](5),[a],(0)) like '1%')"],
  ])('of %s are kept as the server words them, and stay so', async (clause, expected) => {
    const { run } = await startInProcess()
    await run(`CREATE TABLE t (a int ${clause})`)
    const sql =
      'SELECT definition FROM sys.default_constraints UNION ALL SELECT definition FROM sys.check_constraints'
    expect(await run(sql)).toEqual([[expected]])
    await run(`DROP TABLE t CREATE TABLE t (a int ${clause.split(' ')[0]} ${expected})`)
    expect(await run(sql)).toEqual([[expected]])
  })

  it('tell types, keys and partitions as sys.columns and its kin do', async () => {
    const { run } = await startInProcess()
    await run(
      `CREATE TABLE t (a nvarchar(10) NOT NULL, b decimal(10, 2) NULL, c datetime2(3), d varbinary(max), e AS (b * 2) PERSISTED, CONSTRAINT pk PRIMARY KEY NONCLUSTERED (a))`,
    )
    expect(
      await run(
        'SELECT c.name, t.name, c.max_length, c.precision, c.scale, c.is_nullable FROM sys.columns AS c JOIN sys.types AS t ON t.user_type_id = c.user_type_id ORDER BY c.column_id',
      ),
    ).toEqual([
      ['a', 'nvarchar', 20, 0, 0, false],
      ['b', 'decimal', 9, 10, 2, true],
      ['c', 'datetime2', 7, 23, 3, true],
      ['d', 'varbinary', -1, 0, 0, true],
      ['e', 'decimal', 13, 21, 2, true],
    ])
    expect(
      await run('SELECT index_id, type_desc, is_primary_key FROM sys.indexes ORDER BY index_id'),
    ).toEqual([
      [0, 'HEAP', false],
      [2, 'NONCLUSTERED', true],
    ])
  })

  it('tell what views, computed columns, checks and defaults depend on', async () => {
    const { run } = await startInProcess()
    await run('CREATE SEQUENCE s AS int START WITH 1')
    await run('CREATE FUNCTION dbo.twice (@n int) RETURNS int WITH SCHEMABINDING AS BEGIN RETURN @n * 2 END')
    await run(
      'CREATE TABLE t (a int CONSTRAINT df DEFAULT (NEXT VALUE FOR dbo.s), b AS (dbo.twice(a)), CONSTRAINT ck CHECK (dbo.twice(a) > 0))',
    )
    await run('CREATE VIEW v AS SELECT a, b FROM t')
    await run('INSERT INTO t DEFAULT VALUES')
    expect(await run('SELECT * FROM v')).toEqual([[1, 2]])
    const sql = `SELECT OBJECT_NAME(referencing_id) AS who, referencing_minor_id, OBJECT_NAME(referenced_id) AS what
      FROM sys.sql_expression_dependencies ORDER BY who, what`
    expect(await run(sql)).toEqual([
      ['ck', 0, 'twice'],
      ['df', 0, 's'],
      ['t', 2, 'twice'],
      ['v', 0, 't'],
    ])
  })
})
