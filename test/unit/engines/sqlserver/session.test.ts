import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { parseDatabaseUrl } from '../../../../src/core/database-url.ts'
import { LifeboatError } from '../../../../src/core/errors.ts'
import { Secret } from '../../../../src/core/secret.ts'
import { createSessionSource } from '../../../../src/engines/sqlserver/connection.ts'
import { sqlNumberOf } from '../../../../src/engines/sqlserver/failures.ts'
import { findServer } from '../../../../src/engines/sqlserver/server-access.ts'
import type { Session, SqlColumn, SqlValue } from '../../../../src/engines/sqlserver/session.ts'
import { type Certificates, makeCertificates } from '../../../testbed/certificates.ts'
import type { TdsColumn, TdsEvent, TdsType, TdsValue } from '../../../testbed/tds/backend.ts'
import { TdsLoginError } from '../../../testbed/tds/backend.ts'
import { startTdsEndpoint, type TdsEndpoint } from '../../../testbed/tds/endpoint.ts'
import {
  createScriptedBackend,
  resultOf,
  type Script,
  type ScriptedBackend,
} from '../../../testbed/tds/scripted-backend.ts'

const never = new AbortController().signal

interface Served extends AsyncDisposable {
  readonly endpoint: TdsEndpoint
  readonly backend: ScriptedBackend
  readonly session: Session
}

const column = (name: string, type: TdsType | string, nullable = true): TdsColumn => ({
  name,
  type: typeof type === 'string' ? { name: type } : type,
  nullable,
})

const failing = (number: number, message: string): TdsEvent => ({
  kind: 'error',
  number,
  severity: 16,
  message,
})

async function openAt(
  endpoint: TdsEndpoint,
  options = '?tls=disable',
  password = 's3cret-w0rd',
): Promise<Session> {
  const url = parseDatabaseUrl(`sqlserver://sa@127.0.0.1:${endpoint.port}${options}`)
  const server = await findServer(url, async () => new Secret(password), never)
  return createSessionSource(server).open('shop', never)
}

async function serve(script: Script): Promise<Served> {
  const backend = createScriptedBackend(script)
  const endpoint = await startTdsEndpoint({ backend })
  const session = await openAt(endpoint)
  return {
    endpoint,
    backend,
    session,
    async [Symbol.asyncDispose]() {
      await session[Symbol.asyncDispose]()
      await endpoint[Symbol.asyncDispose]()
    },
  }
}

/** Rows for a batch that names `wanted`; the driver's own SET batches get an empty answer. */
const answering =
  (
    wanted: string,
    events: (signal: AbortSignal) => Iterable<TdsEvent> | AsyncIterable<TdsEvent>,
  ): NonNullable<Script['batch']> =>
  (sql, signal) =>
    sql === wanted ? events(signal) : undefined

async function failureOf(promise: Promise<unknown>): Promise<LifeboatError> {
  const thrown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(thrown).toBeInstanceOf(LifeboatError)
  return thrown as LifeboatError
}

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  return Array.fromAsync(rows)
}

function* numbers(count: number): Generator<readonly TdsValue[]> {
  for (let at = 0; at < count; at++) yield [at]
}

describe('a query', () => {
  test('gives each type as its contract says', async () => {
    const columns: [TdsColumn, TdsValue, SqlValue][] = [
      [column('tiny', 'tinyint'), 255, 255],
      [column('int', 'int', false), -5, -5],
      [column('big', 'bigint'), -9223372036854775808n, -9223372036854775808n],
      [column('bit', 'bit'), true, true],
      [column('float', 'float'), 0.1, 0.1],
      [column('text', { name: 'nvarchar', length: 20 }), 'né😀', 'né😀'],
      [column('max', { name: 'nvarchar', length: -1 }), '', ''],
      [column('none', { name: 'nvarchar', length: 20 }), null, null],
      [
        column('small', { name: 'decimal', precision: 15, scale: 2 }),
        '-1234567890123.45',
        '-1234567890123.45',
      ],
      [column('money', 'smallmoney'), '-1.5000', '-1.5000'],
      [column('day', 'date'), '0001-01-01', '0001-01-01'],
      [
        column('when', { name: 'datetime2', scale: 7 }),
        '2024-02-29 23:59:59.1234567',
        '2024-02-29 23:59:59.1234567',
      ],
      [column('old', 'datetime'), '1753-01-01 00:00:00.997', '1753-01-01 00:00:00.997'],
      [column('bytes', { name: 'varbinary', length: 4 }), Uint8Array.of(0, 255), Buffer.from([0, 255])],
    ]
    await using served = await serve({
      batch: answering('SELECT', () =>
        resultOf(
          columns.map(([each]) => each),
          [columns.map(([, value]) => value)],
        ),
      ),
    })
    const [row] = await served.session.query('SELECT', never)
    expect(row).toEqual(Object.fromEntries(columns.map(([{ name }, , value]) => [name, value])))
  })

  test.each<[string, TdsColumn, TdsValue]>([
    ['a long decimal', column('d', { name: 'decimal', precision: 38, scale: 10 }), '1.5'],
    ['much money', column('m', 'money'), '922337203685477.5807'],
    ['an offset', column('o', { name: 'datetimeoffset', scale: 7 }), '2024-02-29 00:00:00.0000000 +05:30'],
  ])('refuses %s, which the driver would round', async (_name, type, value) => {
    await using served = await serve({ batch: answering('SELECT', () => resultOf([type], [[value]])) })
    await expect(served.session.query('SELECT', never)).rejects.toThrow(/cast it to text/)
    // The session goes on.
    expect(await served.session.query('SELECT 1', never)).toEqual([])
  })

  test('binds its parameters instead of writing them into the text', async () => {
    await using served = await serve({})
    await served.session.query('SELECT @n, @s', never, { n: 5, s: "it's" })
    const call = served.backend.asked.calls.at(-1)
    expect(call?.name.toLowerCase()).toBe('sp_executesql')
    expect(call?.parameters.map(({ value }) => value)).toEqual([
      'SELECT @n, @s',
      '@n int, @s nvarchar(4)',
      5,
      "it's",
    ])
  })

  test("throws with the server's number and text, and all of several errors", async () => {
    await using served = await serve({
      batch: answering('SELECT', () => [
        failing(208, "Invalid object name 'sys.periods'."),
        failing(207, "Invalid column name 'x'."),
        { kind: 'done' },
      ]),
    })
    const failure = await failureOf(served.session.query('SELECT', never))
    expect(failure.message).toContain(
      "Invalid object name 'sys.periods'; Invalid column name 'x' (error 208)",
    )
    expect(sqlNumberOf(failure)).toBe(208)
    expect(failure.details?.sqlNumber).toBe(208)
    expect(failure.hint).toBeDefined()
  })

  test('gives the messages of a batch', async () => {
    await using served = await serve({
      batch: answering('PRINT', () => [
        { kind: 'info', number: 0, message: 'one' },
        { kind: 'info', number: 0, message: 'two' },
        { kind: 'done' },
      ]),
    })
    expect(await served.session.batch('PRINT', never)).toEqual(['one', 'two'])
  })
})

describe('a stream', () => {
  test('gives all rows, and holds back a server that is faster than its reader', async () => {
    let sent = 0
    const many = 200_000
    async function* events(): AsyncGenerator<TdsEvent> {
      yield { kind: 'columns', columns: [column('n', { name: 'nvarchar', length: 400 }, false)] }
      for (; sent < many; sent++) yield { kind: 'row', values: ['x'.repeat(100)] }
      yield { kind: 'done', rows: many }
    }
    await using served = await serve({ batch: answering('SELECT', events) })
    const rows = served.session.stream('SELECT', never)[Symbol.asyncIterator]()
    await rows.next()
    // What the sockets' buffers hold has gone out; then nothing more does.
    let before = -1
    await vi.waitFor(
      () => {
        const now = sent
        const still = now === before
        before = now
        expect(still).toBe(true)
      },
      { interval: 200, timeout: 10_000 },
    )
    expect(sent).toBeLessThan(many)
    let count = 1
    while ((await rows.next()).done !== true) count += 1
    expect(count).toBe(many)
  }, 30_000)

  test('of no rows ends well', async () => {
    await using served = await serve({ batch: answering('SELECT', () => resultOf([column('n', 'int')], [])) })
    expect(await all(served.session.stream('SELECT', never))).toEqual([])
  })

  test.each<[string, number]>([
    ['before the first row', 0],
    ['in the middle', 5_000],
  ])('throws an error of the server that comes %s', async (_name, rows) => {
    function* events(): Generator<TdsEvent> {
      yield* [...resultOf([column('n', 'int')], numbers(rows))].slice(0, -1)
      yield failing(8134, 'Divide by zero error encountered.')
      yield { kind: 'done' }
    }
    await using served = await serve({ batch: answering('SELECT', events) })
    const failure = await failureOf(all(served.session.stream('SELECT', never)))
    expect(failure.message).toContain('Divide by zero error encountered (error 8134)')
    expect(await served.session.query('SELECT 1', never)).toEqual([])
  })

  test('throws rather than ends when the connection is cut', async () => {
    function* events(): Generator<TdsEvent> {
      yield* [...resultOf([column('n', 'int')], numbers(5_000))].slice(0, -1)
      yield { kind: 'disconnect' }
    }
    await using served = await serve({ batch: answering('SELECT', events) })
    const failure = await failureOf(all(served.session.stream('SELECT', never)))
    expect(failure.code).toBe('engine-unreachable')
    const next = await failureOf(served.session.query('SELECT 1', never))
    expect(next.code).toBe('engine-unreachable')
  })

  test('ends soon when it is aborted while the server says nothing', async () => {
    function* events(): Generator<TdsEvent> {
      yield* [...resultOf([column('n', 'int')], numbers(10))].slice(0, -1)
      yield { kind: 'stall' }
    }
    await using served = await serve({ batch: answering('SELECT', events) })
    const stop = new AbortController()
    const begun = performance.now()
    const read = all(served.session.stream('SELECT', stop.signal))
    await vi.waitFor(() => expect(served.backend.asked.batches).toContain('SELECT'))
    stop.abort(new LifeboatError('interrupted', 'the run was interrupted'))
    expect((await failureOf(read)).code).toBe('interrupted')
    expect(performance.now() - begun).toBeLessThan(5_000)
  })

  test('leaves the session free when its reader stops early', async () => {
    await using served = await serve({
      batch: answering('SELECT', () => resultOf([column('n', 'int')], numbers(100_000))),
    })
    for await (const [first] of served.session.stream('SELECT', never)) {
      expect(first).toBe(0)
      break
    }
    expect(await served.session.query('SELECT 1', never)).toEqual([])
  })

  test('does not let a second request into its middle', async () => {
    await using served = await serve({
      batch: answering('SELECT', () => resultOf([column('n', 'int')], numbers(10))),
    })
    const rows = served.session.stream('SELECT', never)[Symbol.asyncIterator]()
    await rows.next()
    await expect(served.session.query('SELECT 1', never)).rejects.toThrow('one thing at a time')
    await rows.return?.()
  })
})

describe('a transaction', () => {
  test('is committed, with its isolation', async () => {
    await using served = await serve({})
    const result = await served.session.transaction('snapshot', async () => 'done', never)
    expect(result).toBe('done')
    expect(served.backend.asked.transactions).toMatchObject([
      { request: 'begin', isolation: 'snapshot' },
      { request: 'commit' },
    ])
  })

  test('is rolled back when its work fails, with the error of the work', async () => {
    await using served = await serve({})
    const work = () => Promise.reject(new LifeboatError('integrity', 'a byte was flipped'))
    const failure = await failureOf(served.session.transaction('read committed', work, never))
    expect(failure.code).toBe('integrity')
    expect(served.backend.asked.transactions.map(({ request }) => request)).toEqual(['begin', 'rollback'])
  })
})

describe('a bulk load', () => {
  const cases: readonly [SqlColumn, TdsValue, SqlValue][] = [
    [{ name: 'odd ]name', type: 'int' }, 5, 5],
    [{ name: 'tiny', type: 'tinyint' }, 255, 255],
    [{ name: 'small', type: 'smallint' }, -3, -3],
    [{ name: 'big', type: 'bigint' }, 9223372036854775807n, 9223372036854775807n],
    [{ name: 'bit', type: 'bit' }, false, false],
    [{ name: 'real', type: 'real' }, 0.5, 0.5],
    [{ name: 'float', type: 'float' }, 0.1, 0.1],
    [
      { name: 'dec', type: 'decimal', precision: 38, scale: 10 },
      '-1234567890123456789012345678.0123456789',
      '-1234567890123456789012345678.0123456789',
    ],
    [{ name: 'money', type: 'money' }, '922337203685477.5807', '922337203685477.5807'],
    [{ name: 'cent', type: 'smallmoney' }, '-12.3456', '-12.3456'],
    [{ name: 'date', type: 'date' }, '9999-12-31', '9999-12-31'],
    [{ name: 'time', type: 'time', scale: 7 }, '23:59:59.1234567', '23:59:59.1234567'],
    [{ name: 'dt', type: 'datetime' }, '1753-01-01 23:59:59.997', '1753-01-01 23:59:59.997'],
    [{ name: 'sdt', type: 'smalldatetime' }, '2079-06-06 23:59:00', '2079-06-06 23:59:00'],
    [
      { name: 'dt2', type: 'datetime2', scale: 7 },
      '0001-01-01 00:00:00.0000001',
      '0001-01-01 00:00:00.0000001',
    ],
    [{ name: 'dt3', type: 'datetime2', scale: 3 }, '2024-02-29 01:02:03.456', '2024-02-29 01:02:03.456'],
    [
      { name: 'dto', type: 'datetimeoffset', scale: 7 },
      '2024-02-29 23:59:59.1234567 +05:30',
      '2024-02-29 23:59:59.1234567 +05:30',
    ],
    [
      { name: 'guid', type: 'uniqueidentifier' },
      '00112233-4455-6677-8899-AABBCCDDEEFF',
      '00112233-4455-6677-8899-aabbccddeeff',
    ],
    [{ name: 'char', type: 'char', maxLength: 5 }, 'ab   ', 'ab   '],
    [{ name: 'nv', type: 'nvarchar', maxLength: 20 }, 'né😀\u0000', 'né😀\u0000'],
    [{ name: 'nvmax', type: 'nvarchar', maxLength: -1 }, '', ''],
    [{ name: 'xml', type: 'xml' }, '<a/>', '<a/>'],
    [{ name: 'bin', type: 'binary', maxLength: 3 }, Buffer.from([1, 2, 3]), Uint8Array.of(1, 2, 3)],
    [{ name: 'vbmax', type: 'varbinary', maxLength: -1 }, Buffer.alloc(0), new Uint8Array(0)],
  ]

  test('carries every type exactly, and NULL in each', async () => {
    await using served = await serve({})
    const columns = cases.map(([each]) => each)
    async function* rows(): AsyncGenerator<readonly SqlValue[]> {
      yield cases.map(([, , value]) => value)
      yield cases.map(() => null)
    }
    const taken = await served.session.bulk('[dbo].[zoo]', columns, rows(), { tableLock: true }, never)
    expect(taken).toBe(2)
    const [load] = served.backend.asked.bulks
    expect(load?.sql).toMatch(
      /^INSERT BULK \[dbo\]\.\[zoo\] \(\[odd \]\]name\] int, .*\) WITH \(KEEP_NULLS, TABLOCK\)$/,
    )
    const came = load?.rows[0]?.map((value) => (value instanceof Uint8Array ? Buffer.from(value) : value))
    for (const [index, [{ name }, expected]] of cases.entries()) {
      expect({ name, value: textual(came?.[index]) }).toEqual({ name, value: textual(expected) })
    }
    expect(load?.rows[1]).toEqual(cases.map(() => null))
    expect(served.endpoint.failures).toEqual([])
  })

  test('of many rows is taken as fast as the server reads', async () => {
    await using served = await serve({})
    const many = 50_000
    async function* rows(): AsyncGenerator<readonly SqlValue[]> {
      for (let at = 0; at < many; at++) yield [at, `row ${at}`]
    }
    const columns: SqlColumn[] = [
      { name: 'n', type: 'int', nullable: false },
      { name: 's', type: 'nvarchar', maxLength: 100 },
    ]
    expect(await served.session.bulk('[t]', columns, rows(), {}, never)).toBe(many)
    expect(served.backend.asked.bulks[0]?.rows.at(-1)).toEqual([many - 1, `row ${many - 1}`])
  })

  test("lets an error of the rows' own source out unchanged, and tells the server to forget them", async () => {
    await using served = await serve({})
    async function* rows(): AsyncGenerator<readonly SqlValue[]> {
      yield [1]
      throw new LifeboatError('integrity', 'a byte was flipped')
    }
    const load = served.session.transaction(
      'read committed',
      () => served.session.bulk('[t]', [{ name: 'n', type: 'int' }], rows(), {}, never),
      never,
    )
    const failure = await failureOf(load)
    expect(failure.message).toBe('a byte was flipped')
    expect(served.backend.asked.transactions.map(({ request }) => request)).toEqual(['begin', 'rollback'])
  })

  test('says which column has a value that is not of its type', async () => {
    await using served = await serve({})
    async function* rows(): AsyncGenerator<readonly SqlValue[]> {
      yield ['not a number']
    }
    const failure = await failureOf(
      served.session.bulk('[t]', [{ name: 'n', type: 'int' }], rows(), {}, never),
    )
    expect(failure.message).toContain("unable to load column 'n' of table [t]: a string came")
  })

  test("gives the server's refusal", async () => {
    await using served = await serve({
      bulk: () => [failing(2627, "Violation of PRIMARY KEY constraint 'pk'."), { kind: 'done' }],
    })
    async function* rows(): AsyncGenerator<readonly SqlValue[]> {
      yield [1]
    }
    const failure = await failureOf(
      served.session.bulk('[t]', [{ name: 'n', type: 'int' }], rows(), {}, never),
    )
    expect(failure.message).toContain(
      "unable to run 'INSERT BULK [t]' in database 'shop': Violation of PRIMARY KEY",
    )
  })

  test('ends soon when it is aborted while its rows do not come', async () => {
    await using served = await serve({})
    const stop = new AbortController()
    async function* rows(): AsyncGenerator<readonly SqlValue[]> {
      yield [1]
      await new Promise(() => undefined)
    }
    const load = served.session.bulk('[t]', [{ name: 'n', type: 'int' }], rows(), {}, stop.signal)
    await vi.waitFor(() => expect(served.backend.asked.batches.at(-1)).toContain('INSERT BULK'))
    stop.abort(new LifeboatError('interrupted', 'the run was interrupted'))
    expect((await failureOf(load)).code).toBe('interrupted')
  })
})

describe('a connection', () => {
  let folder: string
  let certificates: Certificates
  let endpoint: TdsEndpoint
  let backend: ScriptedBackend

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-tds-'))
    certificates = await makeCertificates(folder)
    backend = createScriptedBackend({
      login({ password, database }) {
        if (password !== 's3cret-w0rd') throw new TdsLoginError(18456, "Login failed for user 'sa'.")
        if (database !== 'shop') throw new TdsLoginError(4060, `Cannot open database "${database}".`)
      },
    })
    endpoint = await startTdsEndpoint({
      backend,
      tls: {
        key: await readFile(certificates.keyFile, 'utf8'),
        cert: await readFile(certificates.certificateFile, 'utf8'),
      },
    })
  })
  afterAll(async () => {
    await endpoint?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  const urlFor = (host: string, options: string) =>
    parseDatabaseUrl(`sqlserver://sa@${host}:${endpoint.port}?connect=127.0.0.1:${endpoint.port}&${options}`)

  async function connect(
    host: string,
    options: string,
    password = 's3cret-w0rd',
    database = 'shop',
  ): Promise<void> {
    const server = await findServer(urlFor(host, options), async () => new Secret(password), never)
    await using session = await createSessionSource(server).open(database, never)
    await session.batch('SELECT 1', never)
  }

  test.each([
    [
      'verify-full, by the name in the URL while another address is dialled',
      'db.example.test',
      'verify-full',
    ],
    ['verify-full, by an address', '127.0.0.1', 'verify-full'],
    ['verify-ca, under a name that the certificate does not have', 'other.example.test', 'verify-ca'],
  ])('comes about with %s', async (_name, host, mode) => {
    await connect(host, `tls=${mode}&tls-ca=${certificates.caFile}`)
  })

  test('comes about without any trust where tls=require says so', async () => {
    await connect('db.example.test', 'tls=require')
    expect(endpoint.failures).toEqual([])
  })

  test.each([
    ['a name that the certificate does not have', 'other.example.test', 'verify-full', 'ca'],
    ['an unknown authority', 'db.example.test', 'verify-full', 'other'],
    ['an unknown authority, the name aside', 'db.example.test', 'verify-ca', 'other'],
  ])('is refused for %s, before the password is sent', async (_name, host, mode, which) => {
    const other = join(folder, 'other')
    if (which === 'other') await makeOther(other)
    const ca = which === 'ca' ? certificates.caFile : join(other, 'ca.crt')
    const before = backend.asked.logins.length
    const failure = await failureOf(connect(host, `tls=${mode}&tls-ca=${ca}`))
    expect(failure.code).toBe('engine-unreachable')
    expect(failure.hint).toContain('tls-ca=')
    expect(backend.asked.logins).toHaveLength(before)
  })

  async function makeOther(at: string): Promise<void> {
    const { mkdir } = await import('node:fs/promises')
    await mkdir(at, { recursive: true })
    await makeCertificates(at)
  }

  test('is refused for a wrong password, which no message repeats', async () => {
    const failure = await failureOf(connect('127.0.0.1', 'tls=require', 'wr0ng-w0rd'))
    expect(failure.code).toBe('engine-unreachable')
    expect(failure.hint).toContain('--password')
    expect(`${failure.message} ${failure.hint} ${JSON.stringify(failure)}`).not.toContain('wr0ng-w0rd')
  })

  test('is refused for a database that is not there, at once', async () => {
    const begun = performance.now()
    const failure = await failureOf(connect('127.0.0.1', 'tls=require', 's3cret-w0rd', 'nope'))
    expect(sqlNumberOf(failure)).toBe(4060)
    expect(performance.now() - begun).toBeLessThan(2_000)
  })

  test('is refused where nobody listens', async () => {
    const server = await findServer(
      parseDatabaseUrl('sqlserver://sa@127.0.0.1:1?tls=disable'),
      async () => new Secret('x'),
      never,
    )
    const failure = await failureOf(createSessionSource(server).open('shop', never))
    expect(failure.code).toBe('engine-unreachable')
    expect(failure.hint).toContain('Check host and port')
  })
})

/** Values that are equal though another type holds them. */
function textual(value: TdsValue | undefined): string {
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`
  return String(value)
    .replace(/(:\d\d)\.000$/, '$1')
    .toUpperCase()
}
