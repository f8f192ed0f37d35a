import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseDatabaseUrl } from '../../src/core/database-url.ts'
import type { Engine } from '../../src/core/engine.ts'
import { Secret } from '../../src/core/secret.ts'
import { createSqlServerEngine } from '../../src/engines/sqlserver/index.ts'
import { lacks } from '../testbed/requirement.ts'
import { type SqlServer, startSqlServer } from '../testbed/sqlserver.ts'
import { sourceOf, take } from './engine-suite.ts'

const { signal } = new AbortController()

const SCRIPT = `
CREATE DATABASE shop
GO
USE shop
CREATE TABLE dbo.customer (id int IDENTITY(7, 3) PRIMARY KEY, name nvarchar(100) NOT NULL, note varchar(max), born date)
CREATE TABLE dbo.visit (customer int NOT NULL REFERENCES dbo.customer (id), at datetimeoffset(7) NOT NULL)
CREATE TABLE dbo.[odd ]]name] (flag bit, photo varbinary(max))
CREATE TABLE dbo.nobody (id int)
INSERT INTO dbo.customer (name, note, born) VALUES (N'Grüße \u{1f6a2}', 'it''s', '1753-01-01'), (N'', '', NULL), (N'x', NULL, '9999-12-31')
DELETE FROM dbo.customer WHERE id = 10
INSERT INTO dbo.visit VALUES (7, '2024-02-29 23:59:59.1234567 +05:30')
INSERT INTO dbo.[odd ]]name] VALUES (1, 0x1F1E), (NULL, 0x), (0, NULL)
`

const TABLES = ['customer', 'visit', 'odd ]]name', 'nobody']

describe.skipIf(lacks('freetds'))('sqlserver, rows by freebcp', () => {
  let source: SqlServer
  let target: SqlServer
  beforeEach(async () => {
    source = await startSqlServer()
    target = await startSqlServer()
    await source.run(SCRIPT)
  })
  afterEach(async () => {
    await source[Symbol.asyncDispose]()
    await target[Symbol.asyncDispose]()
  })

  function engineOf(server: SqlServer): Engine {
    return createSqlServerEngine(parseDatabaseUrl(server.url({ query: { tool: 'freebcp' } })), {
      password: async () => new Secret(server.password),
      searchPath: process.env.PATH ?? '',
    })
  }

  const rowsOf = (server: SqlServer) =>
    Promise.all(TABLES.map((name) => server.run(`SELECT * FROM dbo.[${name}]`, 'shop')))

  it('come back as they were; what it would damage, the driver carries', async () => {
    await using from = engineOf(source)
    const taken = await take(from)
    const formats = Object.fromEntries([...taken.parts].map(([name, { format }]) => [name, format]))
    expect(formats).toMatchObject({
      '[shop].[dbo].[customer]': 'freebcp',
      '[shop].[dbo].[visit]': 'rows',
      '[shop].[dbo].[odd ]]name]': 'freebcp',
      '[shop].[dbo].[nobody]': 'freebcp',
    })
    expect(taken.result.warnings).toContain(
      "[shop].[dbo].[visit] was read by the driver instead of freebcp: column 'at' is datetimeoffset: FreeTDS can read no offset back",
    )
    await using into = engineOf(target)
    await into.restore(sourceOf(taken), { replace: false }, signal)
    expect(await rowsOf(target)).toEqual(await rowsOf(source))
    await target.run("INSERT INTO dbo.customer (name) VALUES ('next')", 'shop')
    expect(await target.run('SELECT MAX(id) AS id FROM dbo.customer', 'shop')).toEqual([{ id: 16 }])
  })

  it('make no backup when the server fails in the middle of them, though freebcp exits 0', async () => {
    using _fault = source.fault({
      match: /select \* from \[shop\]\.\[dbo\]\.\[odd/i,
      error: { number: 8134, message: 'Divide by zero error.' },
      afterRows: 1,
    })
    await using from = engineOf(source)
    await expect(take(from)).rejects.toMatchObject({
      code: 'tool-failed',
      message: expect.stringContaining('8134'),
    })
  })
})
