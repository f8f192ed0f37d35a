import { describe, expect, it } from 'vitest'
import { runOn, startInProcess } from './in-process.ts'

describe('batches', () => {
  it('run nothing at all when there is a syntax error anywhere', async () => {
    const { run } = await startInProcess()
    await expect(run('CREATE TABLE t (a int); SELECT FROM WHERE')).rejects.toThrow('156')
    await expect(run('SELECT * FROM t')).rejects.toThrow('208: Invalid object name')
  })

  it.each([
    ['SELECT nothing FROM sys.tables', '207: Invalid column name'],
    ['SELECT * FROM no.such', '208: Invalid object name'],
    ['SELECT no_such_function(1)', "195: 'no_such_function'"],
    ['SELECT @x', '137: Must declare'],
    ['EXEC no_such_procedure', '2812: Could not find'],
    ['SELECT 1 +', '102: Incorrect syntax'],
    ["SELECT 'open", '105: Unclosed'],
    ['SELECT 1; CREATE VIEW v AS SELECT 1 AS a', '111:'],
    ["SELECT CAST('x' AS int)", '245: Conversion failed'],
    ['SELECT 1 / 0', '8134: Divide by zero'],
    ['USE nowhere', '911:'],
    ['BACKUP DATABASE d TO DISK = 1', '156: Incorrect syntax near the keyword'],
    ['CREATE VIEW v AS SELECT * FROM missing', '208:'],
    ['SELECT name FROM sys.objects AS o JOIN sys.tables AS o ON 1 = 1', '1013:'],
    ['SELECT name FROM sys.objects AS o JOIN sys.tables AS t ON 1 = 1', '209: Ambiguous'],
  ])('refuse %s', async (sql, message) => {
    const { run } = await startInProcess()
    await expect(run(sql)).rejects.toThrow(message)
  })

  it('go on after an error that does not end them', async () => {
    const { events } = await startInProcess()
    const kinds = (await events('SELECT 1/0 SELECT 2 AS b')).map((event) => event.kind)
    expect(kinds).toEqual(['columns', 'error', 'columns', 'row', 'done'])
  })

  it('play the flow of control, variables and TRY', async () => {
    const { run } = await startInProcess()
    const sql = `DECLARE @n int = 0, @text nvarchar(max) = N''
      WHILE @n < 5 BEGIN SET @n += 1; IF @n = 4 BREAK; SET @text += CAST(@n AS nvarchar(5)) END
      BEGIN TRY SELECT 1/0 END TRY BEGIN CATCH SELECT @text AS t, ERROR_NUMBER() AS e END CATCH`
    expect(await run(sql)).toEqual([['123', 8134]])
  })

  it('join, group, order and nest as SQL Server does', async () => {
    const { run } = await startInProcess()
    await run('CREATE TABLE a (id int, g varchar(5) NULL); CREATE TABLE b (id int, v int NULL)')
    await run(
      "INSERT INTO a VALUES (1, 'X'), (2, 'x '), (3, NULL); INSERT INTO b VALUES (1, 5), (1, 7), (9, 1)",
    )
    expect(await run('SELECT a.id, b.v FROM a LEFT JOIN b ON b.id = a.id ORDER BY a.id, b.v DESC')).toEqual([
      [1, 7],
      [1, 5],
      [2, null],
      [3, null],
    ])
    expect(await run('SELECT g, COUNT_BIG(*) AS n FROM a GROUP BY g ORDER BY n')).toEqual([
      [null, 1n],
      ['X', 2n],
    ])
    expect(await run('SELECT id FROM b WHERE NOT EXISTS (SELECT 1 FROM a WHERE a.id = b.id)')).toEqual([[9]])
    expect(await run('SELECT id FROM a WHERE g NOT IN (SELECT g FROM a)')).toEqual([])
    expect(
      await run('WITH c AS (SELECT id FROM b) SELECT DISTINCT TOP (1) id FROM c ORDER BY id DESC'),
    ).toEqual([[9]])
    expect(
      await run('SELECT id, ROW_NUMBER() OVER (PARTITION BY id ORDER BY v DESC) AS r FROM b ORDER BY id, r'),
    ).toEqual([
      [1, 1n],
      [1, 2n],
      [9, 1n],
    ])
    expect(
      await run(
        'SELECT x.n FROM a CROSS APPLY (SELECT a.id * 10 AS n) AS x ORDER BY 1 OFFSET 1 ROWS FETCH NEXT 1 ROWS ONLY',
      ),
    ).toEqual([[20]])
    expect(await run('SELECT id FROM a UNION SELECT id FROM b ORDER BY id')).toEqual([[1], [2], [3], [9]])
    expect(await run('SELECT id FROM a EXCEPT SELECT id FROM b ORDER BY id')).toEqual([[2], [3]])
  })
})

describe('modules', () => {
  it('keep their text as it was sent, ALTER as CREATE', async () => {
    const { run } = await startInProcess()
    const text = '-- first\nCREATE PROCEDURE dbo.p @a int = 3 AS\n/* GO\nGO\n*/ SELECT @a AS a'
    await run(text)
    expect(await run("SELECT OBJECT_DEFINITION(OBJECT_ID('dbo.p'))")).toEqual([[text]])
    expect(await run('EXEC dbo.p @a = 4')).toEqual([[4]])
    expect(await run('EXEC p')).toEqual([[3]])
    await run('ALTER PROCEDURE dbo.p AS SELECT 1 AS one')
    expect(await run('SELECT definition FROM sys.sql_modules')).toEqual([
      ['CREATE PROCEDURE dbo.p AS SELECT 1 AS one'],
    ])
  })

  it('bind views when they are made, procedures when they run', async () => {
    const { run } = await startInProcess()
    await run('CREATE PROCEDURE later AS SELECT * FROM not_yet')
    await expect(run('EXEC later')).rejects.toThrow('208:')
    await run('CREATE TABLE not_yet (a int)')
    expect(await run('EXEC later')).toEqual([])
    await run('CREATE VIEW v WITH SCHEMABINDING AS SELECT a FROM dbo.not_yet')
    await expect(run('DROP TABLE not_yet')).rejects.toThrow('3729:')
  })

  it('hide the text of an encrypted one', async () => {
    const { run } = await startInProcess()
    await run('CREATE PROCEDURE s WITH ENCRYPTION AS SELECT 1 AS a')
    expect(
      await run("SELECT definition, OBJECTPROPERTY(object_id, 'IsEncrypted') FROM sys.sql_modules"),
    ).toEqual([[null, 1]])
  })

  it('fire triggers on INSERT, with what was inserted', async () => {
    const { run } = await startInProcess()
    await run('CREATE TABLE t (a int); CREATE TABLE log (a int)')
    await run('CREATE TRIGGER tr ON t AFTER INSERT AS INSERT INTO log SELECT a * 10 FROM inserted')
    await run('INSERT INTO t VALUES (1), (2)')
    expect(await run('SELECT a FROM log')).toEqual([[10], [20]])
    await run('DISABLE TRIGGER tr ON t INSERT INTO t VALUES (3)')
    expect(await run('SELECT COUNT(*) FROM log')).toEqual([[2]])
  })
})

describe('rights', () => {
  it('let nobody in with a wrong password or into a database that is not theirs', async () => {
    const { login, run } = await startInProcess()
    await run("CREATE LOGIN ann WITH PASSWORD = 'Ann-1'")
    await expect(login('sa', 'wrong')).rejects.toMatchObject({ number: 18456 })
    await expect(login('nobody', 'x')).rejects.toMatchObject({ number: 18456 })
    await expect(login('sa', 'secret', 'nowhere')).rejects.toMatchObject({ number: 4060 })
    await expect(login('ann', 'Ann-1', 'd')).rejects.toMatchObject({ number: 4060 })
    const ann = await login('ann', 'Ann-1')
    await expect(runOn(ann, 'USE d')).rejects.toThrow('916:')
  })

  it('deny what was not granted, and hide it from the catalog', async () => {
    const { login, run } = await startInProcess()
    await run(
      "CREATE LOGIN ann WITH PASSWORD = 'Ann-1'; CREATE USER ann FOR LOGIN ann; CREATE TABLE t (a int); CREATE TABLE u (a int)",
    )
    await run('GRANT SELECT ON t TO ann')
    await run('CREATE PROCEDURE p AS SELECT 1 AS a')
    await run('GRANT EXECUTE ON p TO ann')
    const ann = await login('ann', 'Ann-1', 'd')
    expect(await runOn(ann, 'SELECT a FROM t')).toEqual([])
    expect(await runOn(ann, 'SELECT name FROM sys.tables')).toEqual([['t']])
    await expect(runOn(ann, 'SELECT a FROM u')).rejects.toThrow('229: The SELECT permission was denied')
    await expect(runOn(ann, 'INSERT INTO t VALUES (1)')).rejects.toThrow('229: The INSERT')
    await expect(runOn(ann, 'CREATE TABLE x (a int)')).rejects.toThrow('262:')
    expect(await runOn(ann, 'SELECT definition FROM sys.sql_modules')).toEqual([[null]])
    await run('GRANT VIEW DEFINITION TO ann')
    expect(await runOn(ann, 'SELECT name FROM sys.tables ORDER BY name')).toEqual([['t'], ['u']])
    await run('DENY SELECT ON t TO ann')
    await expect(runOn(ann, 'SELECT a FROM t')).rejects.toThrow('229:')
  })
})
