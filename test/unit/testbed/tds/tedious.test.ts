import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ISOLATION_LEVEL, type Request, TYPES } from 'tedious'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Certificates, makeCertificates } from '../../../testbed/certificates.ts'
import { type TdsColumn, type TdsEvent, TdsLoginError } from '../../../testbed/tds/backend.ts'
import { startTdsEndpoint, type TdsEndpoint } from '../../../testbed/tds/endpoint.ts'
import { createScriptedBackend, resultOf, type Script } from '../../../testbed/tds/scripted-backend.ts'
import { connectTedious, done, runTedious } from '../../../testbed/tds/tedious-client.ts'

const eventually = <Value>(check: () => Value | Promise<Value>): Promise<Value> =>
  vi.waitFor(check, { timeout: 20_000 })

const NUMBER: readonly TdsColumn[] = [{ name: 'n', type: { name: 'int' }, nullable: false }]
const one = () => resultOf(NUMBER, [[1]])

async function withServer(
  script: Script,
  use: (server: {
    endpoint: TdsEndpoint
    asked: ReturnType<typeof createScriptedBackend>['asked']
  }) => Promise<void>,
): Promise<void> {
  const backend = createScriptedBackend(script)
  await using endpoint = await startTdsEndpoint({ backend })
  await use({ endpoint, asked: backend.asked })
  expect(endpoint.failures).toEqual([])
}

describe('login', () => {
  it('hands over who comes, and answers', async () => {
    await withServer({ batch: one }, async ({ endpoint, asked }) => {
      const connection = await connectTedious({
        port: endpoint.port,
        user: 'sa',
        password: 'Pä$$w0rd 😀',
        options: { database: 'shop', appName: 'lifeboat', packetSize: 8192 },
      })
      expect(asked.logins).toMatchObject([
        { user: 'sa', password: 'Pä$$w0rd 😀', database: 'shop', application: 'lifeboat' },
      ])
      expect(endpoint.connections).toMatchObject([
        { user: 'sa', application: 'lifeboat', encryption: 'none', packetSize: 8192, tdsVersion: 74 },
      ])
      expect((await runTedious(connection, 'select 1').result).rows).toEqual([[1]])
      connection.close()
      await eventually(() => expect(endpoint.connections).toEqual([]))
      expect(asked.closed).toBe(1)
    })
  })

  it('refuses a wrong password as SQL Server does', async () => {
    const login = () => {
      throw new TdsLoginError(18456, "Login failed for user 'sa'.")
    }
    await withServer({ login }, async ({ endpoint }) => {
      await expect(connectTedious({ port: endpoint.port })).rejects.toMatchObject({
        code: 'ELOGIN',
        message: "Login failed for user 'sa'.",
      })
      await eventually(() => expect(endpoint.connections).toEqual([]))
    })
  })

  it('speaks every version from 7.1', async () => {
    await withServer({ batch: () => resultOf(NUMBER, [[1], [2]]) }, async ({ endpoint }) => {
      for (const [tdsVersion, expected] of [
        ['7_1', 71],
        ['7_2', 72],
        ['7_3_A', 73],
        ['7_3_B', 73],
        ['7_4', 74],
      ] as const) {
        const connection = await connectTedious({ port: endpoint.port, options: { tdsVersion } })
        expect(endpoint.connections[0]?.tdsVersion).toBe(expected)
        expect((await runTedious(connection, 'select 1').result).rows).toEqual([[1], [2]])
        connection.close()
        await eventually(() => expect(endpoint.connections).toEqual([]))
      }
    })
  })

  it('tells of a change of database', async () => {
    const batch = (sql: string): TdsEvent[] =>
      sql.startsWith('use') ? [{ kind: 'database', name: 'shop' }, { kind: 'done' }] : [{ kind: 'done' }]
    await withServer({ batch }, async ({ endpoint }) => {
      const connection = await connectTedious({ port: endpoint.port })
      const changes: string[] = []
      const messages: number[] = []
      connection.on('databaseChange', (name) => changes.push(name))
      connection.on('infoMessage', ({ number }) => messages.push(number))
      await runTedious(connection, 'use shop').result
      expect(changes).toEqual(['shop'])
      expect(messages).toEqual([5701])
      connection.close()
    })
  })
})

describe('TLS', () => {
  let folder: string
  let certificates: Certificates
  let key: Buffer
  let cert: Buffer
  let ca: Buffer

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-tds-'))
    certificates = await makeCertificates(folder)
    key = await readFile(certificates.keyFile)
    cert = await readFile(certificates.certificateFile)
    ca = await readFile(certificates.caFile)
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const long = 'x'.repeat(100_000)
  const text: readonly TdsColumn[] = [{ name: 't', type: { name: 'nvarchar', length: -1 }, nullable: true }]

  it.each([true, 'strict'] as const)('encrypts everything, and is verified: encrypt %s', async (encrypt) => {
    const backend = createScriptedBackend({ batch: () => resultOf(text, [[long], [null]]) })
    await using endpoint = await startTdsEndpoint({ backend, tls: { key, cert } })
    const connection = await connectTedious({
      port: endpoint.port,
      options: { encrypt, trustServerCertificate: false, cryptoCredentialsDetails: { ca } },
    })
    expect(endpoint.connections[0]?.encryption).toBe(encrypt === 'strict' ? 'strict' : 'all')
    expect((await runTedious(connection, `select '${long}'`).result).rows).toEqual([[long], [null]])
    expect(backend.asked.batches.at(-1)).toHaveLength(long.length + 9)
    connection.close()
    await eventually(() => expect(endpoint.connections).toEqual([]))
    expect(endpoint.failures).toEqual([])
  })

  it.each([
    ['a CA that the client does not know', {}, /self-signed|unable to (get|verify)/],
    ['a name that the certificate lacks', { serverName: 'other.example.test' }, /altnames|does not match/i],
  ])('lets the client refuse %s', async (_, extra, reason) => {
    await using endpoint = await startTdsEndpoint({ backend: createScriptedBackend(), tls: { key, cert } })
    const trusted = 'serverName' in extra ? { cryptoCredentialsDetails: { ca } } : {}
    const options = { encrypt: true, trustServerCertificate: false, ...trusted, ...extra }
    await expect(connectTedious({ port: endpoint.port, options })).rejects.toThrow(reason)
    await eventually(() => expect(endpoint.connections).toEqual([]))
  })

  it('is required of a client that has it switched off', async () => {
    const tls = { key, cert, required: true }
    await using endpoint = await startTdsEndpoint({ backend: createScriptedBackend(), tls })
    await expect(connectTedious({ port: endpoint.port })).rejects.toThrow('Server requires encryption')
  })

  it('says that it has none', async () => {
    await withServer({}, async ({ endpoint }) => {
      const asking = connectTedious({ port: endpoint.port, options: { encrypt: true } })
      await expect(asking).rejects.toMatchObject({ code: 'EENCRYPT' })
    })
  })
})

describe('results', () => {
  it('come one after the other, with counts and messages', async () => {
    const batch = (): TdsEvent[] => [
      ...one(),
      { kind: 'info', number: 0, message: 'printed' },
      { kind: 'done', rows: 7 },
      ...resultOf(NUMBER, [[2], [3]]),
    ]
    await withServer({ batch }, async ({ endpoint }) => {
      const connection = await connectTedious({ port: endpoint.port })
      const messages: string[] = []
      connection.on('infoMessage', ({ message }) => messages.push(message))
      const { rows, rowCount } = await runTedious(connection, 'x').result
      expect(rows).toEqual([[1], [2], [3]])
      expect(rowCount).toBe(10)
      expect(messages).toEqual(['printed'])
      connection.close()
    })
  })

  it('of 100,000 rows wait for a client that pauses', async () => {
    let made = 0
    const columns: readonly TdsColumn[] = [
      ...NUMBER,
      { name: 't', type: { name: 'varchar', length: 400 }, nullable: true },
    ]
    async function* batch(sql: string): AsyncGenerator<TdsEvent> {
      if (sql !== 'all') return yield* one()
      yield { kind: 'columns', columns }
      for (made = 0; made < 100_000; made += 1) yield { kind: 'row', values: [made, 'x'.repeat(400)] }
      yield { kind: 'done', rows: made }
    }
    await withServer({ batch }, async ({ endpoint }) => {
      const connection = await connectTedious({ port: endpoint.port })
      const other = await connectTedious({ port: endpoint.port })
      let seen = 0
      let sum = 0
      let paused: (() => void) | undefined
      const pausing = new Promise<void>((resolve) => {
        paused = resolve
      })
      const { request, result } = runTedious(connection, 'all', {
        onRow: ([n]) => {
          seen += 1
          sum += n as number
          if (seen === 10) {
            request.pause()
            paused?.()
          }
        },
      })
      await pausing
      await eventually(async () => {
        const before = made
        for (let round = 0; round < 20; round += 1) await runTedious(other, 'select 1').result
        expect(made).toBe(before)
      })
      expect(made).toBeLessThan(100_000)
      request.resume()
      expect((await result).rowCount).toBe(100_000)
      expect(seen).toBe(100_000)
      expect(sum).toBe((100_000 * 99_999) / 2)
      connection.close()
      other.close()
    })
  })

  it('end with the error that came in their middle', async () => {
    const batch = (): TdsEvent[] => [
      { kind: 'columns', columns: NUMBER },
      { kind: 'row', values: [1] },
      { kind: 'error', number: 8134, severity: 16, message: 'Divide by zero error encountered.', line: 3 },
      { kind: 'done' },
    ]
    await withServer({ batch }, async ({ endpoint }) => {
      const connection = await connectTedious({ port: endpoint.port })
      await expect(runTedious(connection, 'x').result).rejects.toMatchObject({
        number: 8134,
        message: 'Divide by zero error encountered.',
        lineNumber: 3,
        class: 16,
        rowsBefore: 1,
      })
      connection.close()
    })
  })

  it('are cut where the script says, and the client sees it', async () => {
    const batch = (sql: string): TdsEvent[] =>
      sql === 'cut'
        ? [{ kind: 'columns', columns: NUMBER }, { kind: 'row', values: [1] }, { kind: 'disconnect' }]
        : [{ kind: 'done' }]
    await withServer({ batch }, async ({ endpoint }) => {
      const connection = await connectTedious({ port: endpoint.port })
      await expect(runTedious(connection, 'cut').result).rejects.toMatchObject({ rowsBefore: 1 })
      await eventually(() => expect(endpoint.connections).toEqual([]))
    })
  })

  it('stall until the client goes', async () => {
    const batch = (sql: string): TdsEvent[] =>
      sql === 'stall'
        ? [{ kind: 'columns', columns: NUMBER }, { kind: 'row', values: [1] }, { kind: 'stall' }]
        : [{ kind: 'done' }]
    await withServer({ batch }, async ({ endpoint }) => {
      const connection = await connectTedious({ port: endpoint.port })
      await new Promise<void>((resolve) => {
        const { result } = runTedious(connection, 'stall', { onRow: () => resolve() })
        result.catch(() => undefined)
      })
      expect(endpoint.connections).toHaveLength(1)
      connection.close()
      await eventually(() => expect(endpoint.connections).toEqual([]))
    })
  })

  it('stop when the client cancels, and the connection stays usable', async () => {
    let signal: AbortSignal | undefined
    async function* batch(sql: string, aborted: AbortSignal): AsyncGenerator<TdsEvent> {
      if (sql === 'endless') {
        signal = aborted
        yield { kind: 'columns', columns: NUMBER }
        // It has an end only so that a broken endpoint fails this test, rather than hang it.
        for (let n = 0; n < 3_000_000; n += 1) yield { kind: 'row', values: [n] }
      }
      if (sql === 'silent') {
        signal = aborted
        await new Promise<void>((resolve) => aborted.addEventListener('abort', () => resolve()))
      }
      yield* one()
    }
    await withServer({ batch }, async ({ endpoint }) => {
      const connection = await connectTedious({ port: endpoint.port })
      const endless = runTedious(connection, 'endless', {
        onRow: ([n], request) => {
          if (n === 1000) request.cancel()
        },
      })
      await expect(endless.result).rejects.toMatchObject({ code: 'ECANCEL' })
      expect(signal?.aborted).toBe(true)
      expect((await runTedious(connection, 'select 1').result).rows).toEqual([[1]])
      signal = undefined
      const silent = runTedious(connection, 'silent')
      await eventually(() => expect(signal).toBeDefined())
      silent.request.cancel()
      await expect(silent.result).rejects.toMatchObject({ code: 'ECANCEL' })
      expect((await runTedious(connection, 'select 1').result).rows).toEqual([[1]])
      connection.close()
    })
  })

  it('can be cancelled at any moment without mixing up the answers', async () => {
    const columns: readonly TdsColumn[] = [
      ...NUMBER,
      { name: 't', type: { name: 'varchar', length: 4000 }, nullable: true },
    ]
    const batch = (sql: string) =>
      sql === 'many'
        ? resultOf(
            columns,
            Array.from({ length: 60 }, (_, n) => [n, 'x'.repeat(3000)]),
          )
        : resultOf(NUMBER, [[Number(sql)]])
    await withServer({ batch }, async ({ endpoint }) => {
      const connection = await connectTedious({ port: endpoint.port })
      for (let stop = 0; stop <= 60; stop += 3) {
        const { request, result } = runTedious(connection, 'many', {
          onRow: ([n]) => {
            if (n === stop) request.cancel()
          },
        })
        if (stop === 0) request.cancel()
        await result.catch((error: { code?: string }) => expect(error.code).toBe('ECANCEL'))
        expect((await runTedious(connection, String(stop)).result).rows).toEqual([[stop]])
      }
      connection.close()
    })
  })

  it('are told to be failed by the backend, and the test hears of it', async () => {
    const backend = createScriptedBackend({ batch: () => resultOf(NUMBER, [['no number']]) })
    await using endpoint = await startTdsEndpoint({ backend })
    const connection = await connectTedious({ port: endpoint.port })
    await expect(runTedious(connection, 'x').result).rejects.toThrow('backend failed')
    connection.close()
    expect(endpoint.failures).toHaveLength(1)
    expect(endpoint.failures[0]?.message).toContain("column 'n': a value of type int must be a number")
  })
})

describe('procedures', () => {
  it('get every parameter as it was sent', async () => {
    await withServer({ rpc: () => one() }, async ({ endpoint, asked }) => {
      const connection = await connectTedious({ port: endpoint.port })
      const prepare = (request: Request) => {
        request.addParameter('i', TYPES.Int, -5)
        request.addParameter('b', TYPES.BigInt, '9223372036854775807')
        request.addParameter('n', TYPES.NVarChar, 'Grüße 😀')
        request.addParameter('e', TYPES.NVarChar, '')
        request.addParameter('long', TYPES.NVarChar, 'y'.repeat(5000))
        request.addParameter('v', TYPES.VarChar, 'café')
        request.addParameter('none', TYPES.NVarChar, null)
        request.addParameter('t', TYPES.Bit, true)
        request.addParameter('f', TYPES.Float, 1.5)
        request.addParameter('bin', TYPES.VarBinary, Buffer.from([0, 255]))
        request.addParameter('g', TYPES.UniqueIdentifier, '0e984725-c51c-4bf4-9960-e1c80e27aba0')
        request.addParameter('d', TYPES.DateTime2, new Date('2024-02-29T23:59:59.123Z'), { scale: 7 })
        request.addParameter('x', TYPES.Text, 'old')
      }
      await runTedious(connection, 'select @i', { as: 'execSql', prepare }).result
      expect(asked.calls).toHaveLength(1)
      const [call] = asked.calls
      expect(call?.name).toBe('sp_executesql')
      expect(
        Object.fromEntries(call?.parameters.map(({ name, value }) => [name, value]) ?? []),
      ).toMatchObject({
        '@statement': 'select @i',
        '@i': -5,
        '@b': 9223372036854775807n,
        '@n': 'Grüße 😀',
        '@e': '',
        '@long': 'y'.repeat(5000),
        '@v': 'café',
        '@none': null,
        '@t': true,
        '@f': 1.5,
        '@bin': Buffer.from([0, 255]),
        '@g': '0E984725-C51C-4BF4-9960-E1C80E27ABA0',
        '@d': '2024-02-29 23:59:59.1230000',
        '@x': 'old',
      })
      connection.close()
    })
  })

  it('give back values, a status and errors', async () => {
    const rpc = (name: string): TdsEvent[] =>
      name === 'bad'
        ? [{ kind: 'error', number: 50_000, severity: 16, message: 'no', procedure: 'dbo.bad', line: 4 }]
        : [
            ...one(),
            { kind: 'return-status', value: 3 },
            { kind: 'return-value', name: '@out', type: { name: 'nvarchar', length: 20 }, value: 'back' },
          ]
    await withServer({ rpc }, async ({ endpoint, asked }) => {
      const connection = await connectTedious({ port: endpoint.port })
      const { rows, outputs } = await runTedious(connection, 'dbo.good', {
        as: 'callProcedure',
        prepare: (request) => request.addOutputParameter('out', TYPES.NVarChar, 'in', { length: 10 }),
      }).result
      expect(rows).toEqual([[1]])
      expect(outputs).toEqual({ out: 'back' })
      expect(asked.calls[0]).toMatchObject({ name: 'dbo.good', parameters: [{ name: '@out', output: true }] })
      const failing = runTedious(connection, 'bad', { as: 'callProcedure' }).result
      await expect(failing).rejects.toMatchObject({ number: 50_000, procName: 'dbo.bad', lineNumber: 4 })
      connection.close()
    })
  })

  it('that prepare statements are passed on by name', async () => {
    const rpc = (name: string): Iterable<TdsEvent> =>
      name === 'sp_prepare'
        ? [{ kind: 'return-value', name: 'handle', type: { name: 'int' }, value: 17 }]
        : one()
    await withServer({ rpc }, async ({ endpoint, asked }) => {
      const connection = await connectTedious({ port: endpoint.port })
      const { Request: Prepared } = await import('tedious')
      const rows: unknown[] = []
      let called: (error?: Error | null) => void = () => undefined
      const request = new Prepared('select @p', (error) => called(error))
      request.addParameter('p', TYPES.Int)
      request.on('row', (columns: { value: unknown }[]) => rows.push(columns[0]?.value))
      await new Promise<void>((resolve) => {
        request.once('prepared', () => resolve())
        connection.prepare(request)
      })
      await done((callback) => {
        called = callback
        connection.execute(request, { p: 5 })
      })
      await done((callback) => {
        called = callback
        connection.unprepare(request)
      })
      expect(rows[0]).toBe(1)
      expect(asked.calls.map(({ name }) => name)).toEqual(['sp_prepare', 'sp_execute', 'sp_unprepare'])
      expect(asked.calls[1]?.parameters.map(({ value }) => value)).toEqual([17, 5])
      connection.close()
    })
  })
})

describe('transactions', () => {
  it('are passed on, with their descriptors', async () => {
    await withServer({}, async ({ endpoint, asked }) => {
      const connection = await connectTedious({ port: endpoint.port })
      const descriptors: unknown[] = []
      connection.on('beginTransaction' as never, (descriptor: unknown) => descriptors.push(descriptor))
      await done((callback) => connection.beginTransaction(callback, 't', ISOLATION_LEVEL.SNAPSHOT))
      await done((callback) => connection.saveTransaction(callback, 's'))
      await done((callback) => connection.rollbackTransaction(callback, 's'))
      await done((callback) => connection.commitTransaction(callback))
      await done((callback) => connection.beginTransaction(callback))
      await done((callback) => connection.rollbackTransaction(callback))
      expect(asked.transactions).toEqual([
        { request: 'begin', isolation: 'snapshot', name: 't' },
        { request: 'save', name: 's' },
        { request: 'rollback', name: 's' },
        { request: 'commit' },
        { request: 'begin', isolation: 'read committed' },
        { request: 'rollback' },
      ])
      connection.close()
    })
  })

  it('fail with the number that the backend gives', async () => {
    const transaction = () => {
      throw Object.assign(new Error('Snapshot isolation is not allowed.'), { number: 3952 })
    }
    await withServer({ transaction }, async ({ endpoint }) => {
      const connection = await connectTedious({ port: endpoint.port })
      const beginning = done((callback) => connection.beginTransaction(callback))
      await expect(beginning).rejects.toMatchObject({ number: 3952 })
      connection.close()
    })
  })
})
