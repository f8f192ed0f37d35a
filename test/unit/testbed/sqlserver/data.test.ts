import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TdsSession, TdsValue } from '../../../testbed/tds/backend.ts'
import { makeType, nvarchar } from '../../../testbed/tds/server/types.ts'
import { runOn, startInProcess } from './in-process.ts'

const never = new AbortController().signal

async function bulk(session: TdsSession, sql: string, names: readonly string[], rows: readonly TdsValue[][]) {
  await runOn(session, sql)
  const columns = names.map((name, at) => ({
    name,
    nullable: true,
    type: typeof rows[0]?.[at] === 'number' ? makeType('int', []) : nvarchar(-1),
  }))
  const source = async function* () {
    yield* rows
  }
  return await Array.fromAsync(session.bulk(sql, columns, source(), never))
}

describe('values', () => {
  it.each([
    [
      "CONVERT(varchar(34), CAST('2024-02-29 12:34:56.7654321 +05:30' AS datetimeoffset(7)), 121)",
      '2024-02-29 12:34:56.7654321 +05:30',
    ],
    [
      "CONVERT(varchar(30), CAST('9999-12-31 23:59:59.9999999' AS datetime2(7)), 126)",
      '9999-12-31T23:59:59.9999999',
    ],
    ["CONVERT(varchar(30), CAST('2024-01-01 00:00:00.998' AS datetime), 121)", '2024-01-01 00:00:00.997'],
    ["CAST(CAST('2024-01-05 13:05:00' AS datetime) AS varchar(30))", 'Jan  5 2024  1:05PM'],
    ['CAST(CAST(922337203685477.5807 AS money) AS decimal(19, 4))', '922337203685477.5807'],
    ['CAST(CAST(12.3456 AS money) AS varchar(20))', '12.35'],
    ['CONVERT(varchar(20), CAST(12.3456 AS money), 2)', '12.3456'],
    ['CONVERT(varchar(40), CAST(0.1 AS float), 3)', '0.1'],
    ['CAST(CAST(123456789 AS float) AS varchar(30))', '1.23457e+008'],
    ['CONVERT(varchar(30), 0x00FF, 1)', '0x00FF'],
    ["CONVERT(varbinary(10), '0xCAFE', 1)", Uint8Array.of(0xca, 0xfe)],
    ["CAST(N'€' AS varchar(5)) + CAST(N'Ω' AS varchar(5))", '€?'],
    ["CAST('abc' AS char(5)) + '|'", 'abc  |'],
    ['CAST(9223372036854775807 AS bigint)', 9223372036854775807n],
    ['CAST(1 AS decimal(10, 4)) / 3', '0.333333333333333'],
    [
      "CAST(SQL_VARIANT_PROPERTY(CAST(CAST('2024-01-01' AS date) AS sql_variant), 'BaseType') AS nvarchar(128))",
      'date',
    ],
    ['CAST(CAST(12.340 AS decimal(10, 3)) AS sql_variant)', '12.340'],
    ["TRY_CONVERT(int, 'x')", null],
  ])('%s', async (expression, expected) => {
    const { run } = await startInProcess()
    const rows = await run(`SELECT ${expression} AS v`)
    expect(rows).toEqual([[expected]])
  })

  it('keeps every decimal, text and time that it is given', async () => {
    const { run } = await startInProcess()
    const decimals = fc.tuple(
      fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n }),
      fc.integer({ min: 0, max: 38 }),
    )
    await fc.assert(
      fc.asyncProperty(
        decimals,
        fc.string({ unit: 'binary', maxLength: 50 }),
        async ([unscaled, scale], text) => {
          const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
          const written = `${unscaled < 0n ? '-' : ''}${scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`}`
          const literal = `N'${text.replaceAll("'", "''")}'`
          const [row] = await run(`SELECT CAST('${written}' AS decimal(38, ${scale})) AS d, ${literal} AS t`)
          expect(row).toEqual([written, text])
        },
      ),
      { numRuns: 100 },
    )
  })
})

describe('constraints', () => {
  it.each([
    ['INSERT INTO t (id) VALUES (1)', '2627: Violation of PRIMARY KEY'],
    ["INSERT INTO t (id, u) VALUES (2, 'A')", '2601: Cannot insert duplicate key row'],
    ['INSERT INTO t (id) VALUES (NULL)', "515: Cannot insert the value NULL into column 'id'"],
    [
      'INSERT INTO t (id, c) VALUES (2, -1)',
      '547: The INSERT statement conflicted with the CHECK constraint "ck"',
    ],
    ['INSERT INTO t (id, f) VALUES (2, 99)', '547: The INSERT statement conflicted with the FOREIGN KEY'],
    ["INSERT INTO t (id, u) VALUES (2, 'too long')", '2628: String or binary data would be truncated'],
    ['INSERT INTO i (id) VALUES (2)', '544: Cannot insert explicit value for identity'],
    ['DELETE FROM t WHERE id = 1', '547: The DELETE statement conflicted with the REFERENCE'],
    ['TRUNCATE TABLE t', '4712:'],
    ['DROP TABLE t', '3726:'],
    ['UPDATE i SET id = 4', '8102: Cannot update identity'],
  ])('%s', async (sql, message) => {
    const { run } = await startInProcess()
    await run(`CREATE TABLE t (id int NOT NULL PRIMARY KEY, u varchar(3) NULL, c int NULL CONSTRAINT ck CHECK (c > 0), f int NULL REFERENCES t (id))
      CREATE UNIQUE INDEX ux ON t (u) WHERE u IS NOT NULL CREATE TABLE i (id int IDENTITY, n int NULL)
      CREATE TABLE child (p int REFERENCES t (id)) INSERT INTO t (id, u) VALUES (1, 'a') INSERT INTO child VALUES (1) INSERT INTO i (n) VALUES (1)`)
    await expect(run(sql)).rejects.toThrow(message)
  })

  it('are left untrusted by a bulk load, and trusted again only after a look at the rows', async () => {
    const { run, login } = await startInProcess()
    await run(
      'CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (p int CONSTRAINT fk REFERENCES p (id)); INSERT INTO p VALUES (1)',
    )
    const session = await login('sa', 'secret', 'd')
    const trusted = 'SELECT is_not_trusted FROM sys.foreign_keys'
    expect(await run(trusted)).toEqual([[false]])
    expect(await bulk(session, 'INSERT BULK c (p int) WITH (KEEP_NULLS)', ['p'], [[1], [7]])).toEqual([
      { kind: 'done', rows: 2 },
    ])
    expect(await run(trusted)).toEqual([[true]])
    await expect(run('ALTER TABLE c WITH CHECK CHECK CONSTRAINT fk')).rejects.toThrow(
      '547: The ALTER TABLE statement',
    )
    expect(
      await run('SELECT c.p FROM c LEFT JOIN p ON p.id = c.p WHERE p.id IS NULL AND c.p IS NOT NULL'),
    ).toEqual([[7]])
    await run('DELETE FROM c WHERE p = 7')
    await run('ALTER TABLE c CHECK CONSTRAINT fk')
    expect(await run(trusted)).toEqual([[true]])
    await run('ALTER TABLE c WITH CHECK CHECK CONSTRAINT fk')
    expect(await run(trusted)).toEqual([[false]])
    const refused = await bulk(session, 'INSERT BULK c (p int) WITH (CHECK_CONSTRAINTS)', ['p'], [[8]])
    expect(refused).toMatchObject([{ kind: 'error', number: 547 }])
  })

  it('bulk loads give NULLs their default unless they are kept, keep identities and fire no trigger', async () => {
    const { run, login } = await startInProcess()
    await run(
      'CREATE TABLE t (id int IDENTITY, n int NULL DEFAULT 77, s nvarchar(3) NULL); CREATE TABLE log (a int)',
    )
    await run('CREATE TRIGGER tr ON t AFTER INSERT AS INSERT INTO log VALUES (1)')
    const session = await login('sa', 'secret', 'd')
    await bulk(session, 'INSERT BULK t (id int, n int) WITH (KEEP_NULLS)', ['id', 'n'], [[40, null]])
    await bulk(session, 'INSERT BULK t (id int, n int)', ['id', 'n'], [[50, null]])
    expect(await run('SELECT id, n FROM t')).toEqual([
      [40, null],
      [50, 77],
    ])
    expect(await run('SELECT * FROM log')).toEqual([])
    expect(await run("SELECT IDENT_CURRENT('t')")).toEqual([['50']])
    expect(await bulk(session, 'INSERT BULK t (s nvarchar(max))', ['s'], [['ok'], ['longer']])).toMatchObject(
      [{ number: 2628 }],
    )
    expect(await run('SELECT COUNT(*) FROM t')).toEqual([[2]])
  })
})

describe('transactions', () => {
  it('take back rows and definitions, but no identity', async () => {
    const { run } = await startInProcess()
    await run('CREATE TABLE t (id int IDENTITY, n int NULL); INSERT INTO t (n) VALUES (1)')
    await run(
      'BEGIN TRAN; INSERT INTO t (n) VALUES (2); CREATE TABLE u (a int); ALTER TABLE t ADD x int NULL; ROLLBACK',
    )
    expect(await run('SELECT * FROM t')).toEqual([[1, 1]])
    await expect(run('SELECT * FROM u')).rejects.toThrow('208:')
    await run('INSERT INTO t (n) VALUES (3)')
    expect(await run('SELECT id FROM t')).toEqual([[1], [3]])
    await expect(run('COMMIT')).rejects.toThrow('3902:')
  })

  it('hide what is not committed, and wait for another writer', async () => {
    const { run, login } = await startInProcess()
    await run('CREATE TABLE t (a int)')
    const other = await login('sa', 'secret', 'd')
    await runOn(other, 'BEGIN TRAN; INSERT INTO t VALUES (1)')
    expect(await run('SELECT a FROM t')).toEqual([])
    expect(await run('SELECT a FROM t WITH (NOLOCK)')).toEqual([[1]])
    const waiting = run('INSERT INTO t VALUES (2)')
    await runOn(other, 'COMMIT')
    await waiting
    expect(await run('SELECT a FROM t')).toEqual([[1], [2]])
  })

  it('of SNAPSHOT see the state at their start, where the database allows it', async () => {
    const { run, login } = await startInProcess()
    await run('CREATE TABLE t (a int); INSERT INTO t VALUES (1)')
    const reader = await login('sa', 'secret', 'd')
    const begin = 'SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRAN; SELECT a FROM t'
    await expect(runOn(reader, begin)).rejects.toThrow('3952: Snapshot isolation transaction failed')
    await runOn(reader, 'IF @@TRANCOUNT > 0 ROLLBACK')
    await run('ALTER DATABASE d SET ALLOW_SNAPSHOT_ISOLATION ON')
    expect(await runOn(reader, begin)).toEqual([[1]])
    await run('INSERT INTO t VALUES (2); DELETE FROM t WHERE a = 1')
    expect(await runOn(reader, 'SELECT a FROM t')).toEqual([[1]])
    await runOn(reader, 'COMMIT')
    expect(await runOn(reader, 'SELECT a FROM t')).toEqual([[2]])
  })

  it('keep the history of a temporal table, and let nobody write it', async () => {
    const { run } = await startInProcess()
    await run(`CREATE TABLE t (id int PRIMARY KEY, n int, s datetime2 GENERATED ALWAYS AS ROW START NOT NULL, e datetime2 GENERATED ALWAYS AS ROW END NOT NULL,
      PERIOD FOR SYSTEM_TIME (s, e)) WITH (SYSTEM_VERSIONING = ON (HISTORY_TABLE = dbo.h))`)
    await run('INSERT INTO t (id, n) VALUES (1, 1); UPDATE t SET n = 2')
    expect(await run('SELECT n FROM h')).toEqual([[1]])
    await expect(run('DELETE FROM h')).rejects.toThrow('13560:')
    await expect(run("INSERT INTO t (id, n, s) VALUES (2, 2, '2020-01-01')")).rejects.toThrow('13536:')
    await run(
      'ALTER TABLE t SET (SYSTEM_VERSIONING = OFF); ALTER TABLE t DROP PERIOD FOR SYSTEM_TIME; DELETE FROM h',
    )
    await expect(run('ALTER TABLE t SET (SYSTEM_VERSIONING = ON (HISTORY_TABLE = dbo.h))')).rejects.toThrow(
      '13510:',
    )
  })

  it('reseed an identity as DBCC says', async () => {
    const { run, events } = await startInProcess()
    await run('CREATE TABLE t (id int IDENTITY(5, 5), n int NULL)')
    await run("DBCC CHECKIDENT ('dbo.t', RESEED, 20); INSERT INTO t (n) VALUES (1)")
    expect(await run('SELECT id FROM t')).toEqual([[20]])
    const said = await events("DBCC CHECKIDENT ('dbo.t', RESEED, 100)")
    expect(said[0]).toMatchObject({
      kind: 'info',
      message: "Checking identity information: current identity value '20'.",
    })
    await run('INSERT INTO t (n) VALUES (2)')
    expect(await run('SELECT MAX(id) FROM t')).toEqual([[105]])
  })
})
