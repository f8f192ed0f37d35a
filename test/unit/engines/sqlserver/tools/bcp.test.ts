import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { collect, once } from '../../../../../src/core/bytes.ts'
import { parseDatabaseUrl } from '../../../../../src/core/database-url.ts'
import type { EngineContext } from '../../../../../src/core/engine.ts'
import { Secret } from '../../../../../src/core/secret.ts'
import { writeRows } from '../../../../../src/engines/sqlserver/rows/row-writer.ts'
import type { Server } from '../../../../../src/engines/sqlserver/server-access.ts'
import type { Session } from '../../../../../src/engines/sqlserver/session.ts'
import { createBcp } from '../../../../../src/engines/sqlserver/tools/bcp.ts'
import { findBulkTool, requireBulkTool } from '../../../../../src/engines/sqlserver/tools/bulk-tool.ts'
import { tryBcp } from '../../../../../src/engines/sqlserver/tools/trial.ts'
import { column, iterate, table } from '../rows/sample-tables.ts'

const { signal } = new AbortController()
const PASSWORD = 'pass;word={}$HOME'

let store: string
beforeEach(async () => {
  store = await mkdtemp(join(tmpdir(), 'lifeboat-bcp-'))
})
afterEach(() => rm(store, { recursive: true }))

const zoo = table([
  column('id', 'int', { identity: { seed: '1', increment: '1', lastValue: '1', notForReplication: false } }),
  column('twice', 'int', { computed: { definition: '([id]*(2))', persisted: false } }),
  column('word', 'nvarchar', { maxLength: 100 }),
])

const context = (behaviour: string): EngineContext => ({
  searchPath: '',
  commands: {
    bcp: [process.execPath, 'test/fixtures/tools/fake-bcp.ts', '--store', store, '--behaviour', behaviour],
  },
})

const serverFor = (options: string): Server => ({
  url: parseDatabaseUrl(`sqlserver://sa@db.example.test?${options}`),
  address: { host: 'db.example.test', address: '10.0.0.7', port: 1433, user: 'sa' },
  trust: options.includes('verify-full') ? ['PEM of the authorities'] : undefined,
  password: async () => new Secret(PASSWORD),
})

function openBcp(behaviour: string, options = 'tls=require', stallMs = 20_000) {
  const major = behaviour === 'old' ? 17 : 18
  const command = context(behaviour).commands?.bcp ?? (['bcp'] as const)
  const tool = { name: 'bcp', command, version: `${major}.0`, major } as const
  return createBcp({ tool, server: serverFor(options), database: 'shop', stallMs })
}

interface Counts {
  readonly before?: number
  readonly columns?: readonly string[]
}

/** Counts as the folder says; `before` is what it had before. */
function session({ before, columns = ['id', 'twice', 'word'] }: Counts = {}): Session {
  let counted = 0
  const refuse = () => {
    throw new Error('a bulk tool needs the session for questions only')
  }
  return {
    async query(sql) {
      if (sql.includes('sys.columns')) return columns.map((name) => ({ name }))
      expect(sql).toBe('SELECT COUNT_BIG(*) AS n FROM [dbo].[zoo]')
      counted += 1
      if (counted === 1 && before !== undefined) return [{ n: BigInt(before) }]
      const { rows } = JSON.parse(await readFile(join(store, 'server.json'), 'utf8')) as { rows: number }
      return [{ n: BigInt(rows) }]
    },
    batch: refuse,
    stream: refuse,
    bulk: refuse,
    transaction: refuse,
    [Symbol.asyncDispose]: async () => undefined,
  }
}

async function fill(count: number, rows = count, password = PASSWORD): Promise<Uint8Array> {
  const shape = { name: 'dbo.zoo', columns: zoo.columns.filter(({ name }) => name !== 'twice') }
  const values = Array.from({ length: count }, (_, index) => [index, `word ${index}`])
  const bytes = await collect(writeRows(shape, iterate(values)))
  await writeFile(join(store, 'table.bin'), bytes)
  await writeFile(join(store, 'server.json'), JSON.stringify({ user: 'sa', password, rows, bad: 3 }))
  return bytes
}

async function dump(behaviour: string, more: { options?: string; stallMs?: number; counts?: Counts } = {}) {
  const bcp = openBcp(behaviour, more.options, more.stallMs)
  const told = { rows: -1, warnings: [] as string[] }
  const work = {
    session: session(more.counts),
    table: zoo,
    onCount: (rows: number) => {
      told.rows = rows
    },
    onWarning: (message: string) => told.warnings.push(message),
  }
  return { bytes: await collect(bcp.exportTable(work, signal)), ...told }
}

async function load(behaviour: string, bytes: Uint8Array, stallMs?: number): Promise<number> {
  const bcp = openBcp(behaviour, undefined, stallMs)
  return bcp.loadTable(session(), zoo, once(bytes), signal)
}

async function lastRun(): Promise<{ argv: string[]; env: Record<string, string> }> {
  const lines = (await readFile(join(store, 'seen.jsonl'), 'utf8')).trimEnd().split('\n')
  return JSON.parse(lines.at(-1) ?? '')
}

describe('bcp', () => {
  it("is Microsoft's, and told apart from another of that name", async () => {
    expect(await findBulkTool('bcp', context(''), signal)).toMatchObject({
      version: '18.4.0001.1',
      major: 18,
    })
    const other = { searchPath: '', commands: { bcp: ['/bin/echo', 'Sybase'] as const } }
    expect(await findBulkTool('bcp', other, signal)).toBeUndefined()
    expect(await findBulkTool('bcp', { searchPath: '/nowhere' }, signal)).toBeUndefined()
    await expect(requireBulkTool('bcp', other, signal)).rejects.toMatchObject({ code: 'tool-missing' })
  })

  it('carries a table out and in, as wide as a FIFO and wider', async () => {
    const bytes = await fill(20_000)
    const dumped = await dump('')
    expect(Buffer.from(dumped.bytes).equals(bytes)).toBe(true)
    expect(dumped).toMatchObject({ rows: 20_000, warnings: [] })
    await fill(0)
    expect(await load('', bytes)).toBe(20_000)
    expect((await readFile(join(store, 'table.bin'))).equals(bytes)).toBe(true)
    const { argv } = await lastRun()
    for (const option of ['-k', '-E', '-q']) expect(argv).toContain(option)
    expect(argv.join(' ')).toMatch(/-m 1 .*-b 100000/)
  })

  it('carries an empty table', async () => {
    const bytes = await fill(0)
    expect(await dump('')).toMatchObject({ bytes, rows: 0 })
    expect(await load('', bytes)).toBe(0)
  })

  it('shows no password, neither on its command line nor in its environment', async () => {
    await fill(3)
    await dump('')
    const { argv, env } = await lastRun()
    expect(JSON.stringify([argv, env])).not.toContain(PASSWORD)
    expect(argv).not.toContain('-P')
    expect(argv).not.toContain('-U')
  })

  it.each([
    ['', 'tls=require', ['-Ym', '-u']],
    ['', 'tls=disable', ['-Yo', '-u']],
    ['', 'tls=verify-full', ['-Ym']],
    ['old', 'tls=require', []],
    ['old', 'tls=verify-full', []],
  ])('is told about TLS as its version wants it: %s %s', async (behaviour, options, expected) => {
    await fill(1)
    await dump(behaviour, { options })
    const { argv, env } = await lastRun()
    expect(argv.filter((argument) => /^-(?:Y.|u)$/.test(argument))).toEqual(expected)
    expect(env.SSL_CERT_FILE !== process.env.SSL_CERT_FILE).toBe(options.includes('verify'))
  })

  it.each([
    ['', 'tls=verify-ca'],
    ['old', 'tls=verify-full&connect=10.0.0.9'],
  ])('is not run where it could not check the certificate: %s %s', async (behaviour, options) => {
    await fill(1)
    await expect(dump(behaviour, { options })).rejects.toMatchObject({ code: 'unsupported' })
  })

  it('finds the columns of a table whose order is another now', async () => {
    await fill(2)
    expect(await dump('', { counts: { columns: ['id', 'word', 'twice'] } })).toMatchObject({ rows: 2 })
    await expect(dump('', { counts: { columns: ['id', 'twice'] } })).rejects.toMatchObject({
      code: 'integrity',
      message: expect.stringContaining("no column 'word' any more"),
    })
  })

  it.each([
    ['loses', 'integrity', 'it copied 5 rows, the server counts 10 before and 10 after'],
    ['says-no-count', 'tool-failed', 'without saying how many rows it copied'],
    ['fails', 'tool-failed', 'Communication link failure'],
    ['dies', 'tool-failed', 'killed by SIGKILL'],
  ])('is not believed on export when it %s', async (behaviour, code, message) => {
    await fill(10)
    await expect(dump(behaviour)).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
  })

  it.each([
    ['skips', 'tool-failed', 'right truncation'],
    ['loses', 'integrity', 'it says 10 rows, the server has taken 7'],
    ['says-no-count', 'tool-failed', 'without saying how many rows it copied'],
    ['fails', 'tool-failed', 'Violation of PRIMARY KEY constraint'],
  ])('is not believed on import when it %s', async (behaviour, code, message) => {
    const bytes = await fill(10, 0)
    await expect(load(behaviour, bytes)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    })
  })

  it('is not believed with a file that ends inside a row', async () => {
    const bytes = await fill(10, 0)
    await expect(load('', bytes.subarray(0, -3))).rejects.toMatchObject({
      message: expect.stringContaining('Unexpected EOF'),
    })
  })

  it('is ended when it hangs', async () => {
    const bytes = await fill(10, 0)
    const expected = {
      code: 'timed-out',
      message: expect.stringContaining("unable to run 'bcp': nothing moved"),
    }
    await expect(dump('hangs', { stallMs: 400 })).rejects.toMatchObject(expected)
    await expect(load('hangs', bytes, 400)).rejects.toMatchObject(expected)
  })

  it('tells a table that changed meanwhile', async () => {
    await fill(10)
    expect(await dump('', { counts: { before: 8 } })).toMatchObject({
      rows: 10,
      warnings: ["table 'dbo.zoo' changed while bcp read it: 8 rows before, 10 after, 10 copied"],
    })
    await expect(dump('loses', { counts: { before: 8 } })).rejects.toMatchObject({ code: 'integrity' })
  })

  it('says what to do about a login that fails', async () => {
    await fill(1, 1, 'another')
    await expect(dump('')).rejects.toMatchObject({
      code: 'engine-unreachable',
      message: expect.stringContaining("Login failed for user 'sa'"),
      hint: expect.stringContaining('leave out tool=bcp'),
    })
  })

  it('is tried on one row before it is relied on', async () => {
    await fill(0)
    const { tool } = openBcp('')
    expect(await tryBcp(tool, serverFor('tls=require'), signal)).toBeUndefined()
    expect(await tryBcp(tool, serverFor('tls=verify-ca'), signal)).toMatchObject({ code: 'unsupported' })
    await fill(0, 0, 'another')
    expect(await tryBcp(tool, serverFor('tls=require'), signal)).toMatchObject({
      message: expect.stringContaining('Login failed'),
    })
    const none = { ...tool, command: ['/nowhere/bcp'] as const }
    expect(await tryBcp(none, serverFor('tls=require'), signal)).toMatchObject({ code: 'tool-missing' })
  })

  it('leaves tables to the driver that it would number differently', async () => {
    const bcp = openBcp('')
    expect(bcp.refusal(zoo)).toBeUndefined()
    expect(bcp.refusal(table([column('a', 'datetime2', { hidden: true })]))).toBe('it has hidden columns')
    expect(bcp.refusal(table([column('a', 'int'), column('s', 'xml', { columnSet: true })]))).toBe(
      'it has a column set',
    )
  })
})
