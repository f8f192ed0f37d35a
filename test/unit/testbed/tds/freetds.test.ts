import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeCertificates } from '../../../testbed/certificates.ts'
import { lacks } from '../../../testbed/requirement.ts'
import { type TdsColumn, type TdsEvent, TdsLoginError, type TdsValue } from '../../../testbed/tds/backend.ts'
import { startTdsEndpoint, type TdsEndpointOptions } from '../../../testbed/tds/endpoint.ts'
import { createScriptedBackend, resultOf, type Script } from '../../../testbed/tds/scripted-backend.ts'

interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

let folder: string

/** A program of FreeTDS, which sees no settings of this machine, and is stopped if it spins. */
function runFreetds(
  program: 'freebcp' | 'tsql',
  args: readonly string[],
  { input, environment = {} }: { readonly input: string; readonly environment?: Record<string, string> },
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const env = {
      PATH: process.env.PATH,
      FREETDSCONF: join(folder, 'freetds.conf'),
      LC_ALL: 'C.UTF-8',
      ...environment,
    }
    const child = execFile(program, args, { env, timeout: 20_000 }, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') reject(error)
      else resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr })
    })
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(input)
  })
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifeboat-freetds-'))
  await writeFile(join(folder, 'freetds.conf'), '[global]\nclient charset = UTF-8\n')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const column = (name: string, type: TdsColumn['type'], nullable = true): TdsColumn => ({
  name,
  type,
  nullable,
})

const COLUMNS: readonly TdsColumn[] = [
  column('id', { name: 'int' }, false),
  column('n', { name: 'nvarchar', length: 60 }),
  column('m', { name: 'nvarchar', length: -1 }),
  column('v', { name: 'varchar', length: 20 }),
  column('d', { name: 'decimal', precision: 38, scale: 10 }),
  column('mo', { name: 'money' }),
  column('dt', { name: 'datetime' }),
  column('sdt', { name: 'smalldatetime' }),
  column('u', { name: 'uniqueidentifier' }),
  column('b', { name: 'bit' }),
  column('vb', { name: 'varbinary', length: -1 }),
  column('bi', { name: 'bigint' }),
  column('si', { name: 'smallint' }),
  column('ti', { name: 'tinyint' }),
  column('f', { name: 'float' }),
  column('r', { name: 'real' }),
  column('te', { name: 'text' }),
  column('nte', { name: 'ntext' }),
  column('im', { name: 'image' }),
]
const FULL: readonly TdsValue[] = [
  1,
  'Grüße 😀 \u4e00',
  'lang'.repeat(1100),
  'caf\u00e9 \u20ac',
  '-1234567890123456789012345678.0123456789',
  '-922337203685477.5808',
  '2024-02-29 23:59:59.997',
  '2024-02-29 23:59:00',
  '0E984725-C51C-4BF4-9960-E1C80E27ABA0',
  true,
  Buffer.from([0, 1, 2, 255]),
  -9_223_372_036_854_775_807n,
  -32_768,
  255,
  0.1,
  0.5,
  'old text',
  'öld',
  Buffer.from([7, 0]),
]
const NOTHING: readonly TdsValue[] = [2, ...COLUMNS.slice(1).map(() => null)]

async function withServer(
  script: Script,
  use: (server: {
    port: number
    asked: ReturnType<typeof createScriptedBackend>['asked']
    encryptions: string[]
  }) => Promise<void>,
  tls: TdsEndpointOptions['tls'] = 'off',
): Promise<void> {
  const encryptions: string[] = []
  const backend = createScriptedBackend({
    ...script,
    login(login) {
      encryptions.push(...endpoint.connections.map(({ encryption }) => encryption))
      script.login?.(login)
    },
  })
  await using endpoint = await startTdsEndpoint({ backend, tls })
  await use({ port: endpoint.port, asked: backend.asked, encryptions })
  expect(endpoint.failures).toEqual([])
}

const tsql = (port: number, sql: string, environment: Record<string, string> = {}): Promise<Outcome> =>
  runFreetds('tsql', ['-H', '127.0.0.1', '-p', String(port), '-U', 'sa', '-P', 'secret', '-o', 'q'], {
    input: `${sql}\ngo\nexit\n`,
    environment,
  })

const freebcp = (
  port: number,
  direction: 'out' | 'in',
  file: string,
  options: readonly string[],
  environment: Record<string, string> = {},
): Promise<Outcome> =>
  runFreetds(
    'freebcp',
    [
      '[shop].[dbo].[t]',
      direction,
      file,
      '-S',
      `127.0.0.1:${port}`,
      '-U',
      'sa',
      '-P',
      '-',
      '-D',
      'shop',
    ].concat(['-C', 'UTF-8', '-T', '2147483647', ...options]),
    { input: 'secret\n', environment },
  )

/** Answers what freebcp asks: first the columns alone, then everything. */
const table = (rows: readonly (readonly TdsValue[])[], columns = COLUMNS) => ({
  batch: (sql: string): Iterable<TdsEvent> => {
    if (/^set fmtonly on/i.test(sql)) return resultOf(columns, [])
    return /^select/i.test(sql) ? resultOf(columns, rows) : [{ kind: 'done' }]
  },
})

describe.skipIf(lacks('freetds'))('tsql', () => {
  it.each(['7.4', '7.3', '7.2', '7.1'])('logs in with TDS %s and prints a result', async (TDSVER) => {
    await withServer(table([FULL, NOTHING]), async ({ port, asked }) => {
      const { code, stdout, stderr } = await tsql(port, 'select * from t', { TDSVER })
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toContain('-1234567890123456789012345678.0123456789\t-922337203685477.5808')
      expect(stdout).toContain('1\tGrüße 😀 \u4e00\tlanglang')
      expect(stdout).toContain('0E984725-C51C-4BF4-9960-E1C80E27ABA0\t1\t000102ff\t-9223372036854775807')
      expect(stdout).toContain(`2${'\tNULL'.repeat(COLUMNS.length - 1)}`)
      expect(asked.logins).toMatchObject([{ user: 'sa', password: 'secret' }])
      expect(asked.batches).toEqual(['select * from t\n'])
    })
  })

  it('says what the server refused', async () => {
    const batch = (): TdsEvent[] => [
      { kind: 'error', number: 208, severity: 16, state: 3, message: "Invalid object name 't'.", line: 2 },
    ]
    await withServer({ batch }, async ({ port }) => {
      const { stderr } = await tsql(port, 'select * from t')
      expect(stderr).toMatch(
        /Msg 208 \(severity 16, state 3\) from \S+ Line 2:\s+"Invalid object name 't'\."/,
      )
    })
  })

  it.each([
    ['request', false, 'login'],
    ['request', true, 'all'],
    ['require', false, 'all'],
    ['off', false, 'none'],
  ])('encryption = %s, required by the server: %s, is %s', async (encryption, required, expected) => {
    const settings = join(folder, `${encryption}-${required}.conf`)
    await writeFile(settings, `[global]\nclient charset = UTF-8\nencryption = ${encryption}\n`)
    const { keyFile, certificateFile } = await makeCertificates(folder)
    const tls = { key: await readFile(keyFile), cert: await readFile(certificateFile), required }
    await withServer(
      table([FULL, NOTHING]),
      async ({ port, encryptions, asked }) => {
        const { code, stdout } = await tsql(port, 'select * from t', { FREETDSCONF: settings })
        expect(code).toBe(0)
        expect(stdout).toContain('Grüße 😀')
        expect(encryptions).toEqual([expected])
        expect(asked.logins).toMatchObject([{ password: 'secret' }])
      },
      tls,
    )
  })
})

describe.skipIf(lacks('freetds'))('freebcp', () => {
  it('carries a table out and in again, character by character', async () => {
    const file = join(folder, 'characters')
    const empty = FULL.map((value, index) =>
      index === 0 ? 3 : typeof value === 'string' && index < 4 ? '' : value,
    )
    await withServer(table([FULL, NOTHING, empty]), async ({ port, asked }) => {
      const out = await freebcp(port, 'out', file, ['-c'])
      expect(out).toEqual({ code: 0, stdout: '\nStarting copy...\n3 rows copied.\n', stderr: '' })
      const back = await freebcp(port, 'in', file, ['-c', '-E', '-h', 'KEEP_NULLS', '-m', '1'])
      expect(back).toEqual({ code: 0, stdout: '\nStarting copy...\n3 rows copied.\n', stderr: '' })
      expect(asked.bulks.map(({ rows }) => rows)).toEqual([[FULL, NOTHING, empty]])
      expect(asked.bulks[0]?.sql).toMatch(
        /^insert bulk \[shop\]\.\[dbo\]\.\[t\] \(\[id\] INT, .*\) with \(KEEP_NULLS\)$/,
      )
      expect(asked.bulks[0]?.columns.map(({ name }) => name)).toEqual(COLUMNS.map(({ name }) => name))
    })
  })

  it('exports dates with all their digits where it speaks TDS 7.2', async () => {
    const file = join(folder, 'dates')
    const columns = [
      column('da', { name: 'date' }),
      column('ti', { name: 'time', scale: 7 }),
      column('d2', { name: 'datetime2', scale: 7 }),
      column('dto', { name: 'datetimeoffset', scale: 7 }),
    ]
    const row = [
      '0001-01-01',
      '23:59:59.1234567',
      '2024-02-29 23:59:59.1234567',
      '2024-02-29 23:59:59.1234567 +05:30',
    ]
    await withServer(table([row], columns), async ({ port }) => {
      expect((await freebcp(port, 'out', file, ['-c'], { TDSVER: '7.2' })).code).toBe(0)
      expect(await readFile(file, 'utf8')).toBe(`${row.join('\t')}\n`)
      expect((await freebcp(port, 'out', file, ['-c'], { TDSVER: '7.4' })).code).toBe(0)
      // Its own format, which is no better than milliseconds and knows no offset.
      expect(await readFile(file, 'utf8')).toContain('2024-02-29 23:59:59.123\t')
    })
  })

  it('imports dates as their own types', async () => {
    const file = join(folder, 'dates-in')
    const columns = [
      column('da', { name: 'date' }),
      column('ti', { name: 'time', scale: 7 }),
      column('d2', { name: 'datetime2', scale: 7 }),
    ]
    const row = ['2024-02-29', '23:59:59.1234567', '2024-02-29 23:59:59.1234567']
    await writeFile(file, `${row.join('\t')}\n\t\t\n`)
    await withServer(table([], columns), async ({ port, asked }) => {
      expect((await freebcp(port, 'in', file, ['-c', '-h', 'KEEP_NULLS'])).stdout).toContain('2 rows copied.')
      expect(asked.bulks[0]?.rows).toEqual([row, [null, null, null]])
    })
  })

  it('carries numbers and bytes out and in again in native mode, and damages Unicode without a word', async () => {
    const file = join(folder, 'native')
    const isUnicode = COLUMNS.map(({ type }) => type.name === 'nvarchar' || type.name === 'ntext')
    const exact = FULL.map((value, index) => (index === 3 ? 'cafe' : value))
    await withServer(table([exact]), async ({ port, asked }) => {
      expect((await freebcp(port, 'out', file, ['-n'])).stdout).toContain('1 rows copied.')
      const back = await freebcp(port, 'in', file, ['-n', '-E', '-h', 'KEEP_NULLS', '-m', '1'])
      expect(back).toMatchObject({ code: 0, stderr: '' })
      const row = asked.bulks[0]?.rows[0] ?? []
      expect(row.filter((_, index) => !isUnicode[index])).toEqual(
        exact.filter((_, index) => !isUnicode[index]),
      )
      expect(row[1]).not.toBe(exact[1])
    })
  })

  it('sends its batches one after the other', async () => {
    const file = join(folder, 'batches')
    const lines = Array.from({ length: 2500 }, (_, index) => `${index}\trow ${index}\n`)
    await writeFile(file, lines.join(''))
    const columns = [column('id', { name: 'int' }, false), column('t', { name: 'varchar', length: 400 })]
    await withServer(table([], columns), async ({ port, asked }) => {
      const { stdout } = await freebcp(port, 'in', file, ['-c', '-b', '1000'])
      expect(stdout).toContain('2500 rows copied.')
      expect(asked.bulks.map(({ rows }) => rows.length)).toEqual([1000, 1000, 500])
      expect(asked.bulks[2]?.rows.at(-1)).toEqual([2499, 'row 2499'])
    })
  })

  it('imports a file without rows', async () => {
    const file = join(folder, 'empty')
    await writeFile(file, '')
    await withServer(table([]), async ({ port, asked }) => {
      const { code, stdout } = await freebcp(port, 'in', file, ['-c'])
      expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('0 rows copied.') })
      expect(asked.bulks.flatMap(({ rows }) => rows)).toEqual([])
    })
  })

  const cut = (end: TdsEvent[]) => ({
    batch: (sql: string): Iterable<TdsEvent> => {
      if (!/^select/i.test(sql)) return table([]).batch(sql)
      const [columns, ...rows] = [...resultOf(COLUMNS, [FULL, FULL])].slice(0, -1)
      return [columns as TdsEvent, ...rows, ...end]
    },
  })

  it('takes a result cut by an error for a whole one: only stderr tells', async () => {
    const error: TdsEvent = { kind: 'error', number: 8134, severity: 16, message: 'Divide by zero.' }
    await withServer(cut([error, { kind: 'done' }]), async ({ port }) => {
      const { code, stdout, stderr } = await freebcp(port, 'out', join(folder, 'cut'), ['-c'])
      expect(code).toBe(0)
      expect(stdout).toContain('2 rows copied.')
      expect(stderr).toContain('Msg 8134')
    })
  })

  it('takes a lost connection for the end: only stderr tells', async () => {
    await withServer(cut([{ kind: 'disconnect' }]), async ({ port }) => {
      const { code, stderr } = await freebcp(port, 'out', join(folder, 'lost'), ['-c'])
      expect(code).toBe(0)
      expect(stderr).toContain('Msg 20017')
    })
  })

  it('is told of a wrong password, and of a refused load', async () => {
    const login = () => {
      throw new TdsLoginError(18456, "Login failed for user 'sa'.")
    }
    await withServer({ login }, async ({ port }) => {
      const { code, stderr } = await freebcp(port, 'out', join(folder, 'none'), ['-c'])
      expect(code).toBe(1)
      expect(stderr).toContain('Msg 18456')
    })
    async function* bulk(rows: AsyncIterable<readonly TdsValue[]>): AsyncGenerator<TdsEvent> {
      for await (const _ of rows);
      yield { kind: 'error', number: 2627, severity: 14, message: 'Violation of PRIMARY KEY constraint.' }
    }
    const file = join(folder, 'refused')
    await writeFile(file, '1\n2\n')
    const columns = [column('id', { name: 'int' }, false)]
    await withServer({ ...table([], columns), bulk }, async ({ port }) => {
      const { stderr } = await freebcp(port, 'in', file, ['-c'])
      expect(stderr).toContain('Msg 2627')
    })
  })
})
