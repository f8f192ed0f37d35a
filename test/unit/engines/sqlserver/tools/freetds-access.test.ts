import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { collect } from '../../../../../src/core/bytes.ts'
import { parseDatabaseUrl } from '../../../../../src/core/database-url.ts'
import { Secret } from '../../../../../src/core/secret.ts'
import { findServer } from '../../../../../src/engines/sqlserver/server-access.ts'
import type { Session } from '../../../../../src/engines/sqlserver/session.ts'
import { requireBulkTool } from '../../../../../src/engines/sqlserver/tools/bulk-tool.ts'
import { createFreebcp } from '../../../../../src/engines/sqlserver/tools/freebcp.ts'
import { openFreetdsAccess } from '../../../../../src/engines/sqlserver/tools/freetds-access.ts'
import { type Certificates, makeCertificates } from '../../../../testbed/certificates.ts'
import { lacks } from '../../../../testbed/requirement.ts'
import { startTdsEndpoint, type TdsEndpoint } from '../../../../testbed/tds/endpoint.ts'
import { createTableBackend, tdsColumn } from '../../../../testbed/tds/table-backend.ts'
import { column, table } from '../rows/sample-tables.ts'

const { signal } = new AbortController()
const PASSWORD = 'it\'s a "pass" word; $HOME'
const freebcpTool = { name: 'freebcp', command: ['freebcp'], version: 'unknown', major: 0 } as const

const server = (url: string, password = PASSWORD) =>
  findServer(parseDatabaseUrl(url), async () => new Secret(password), signal)

describe.skipIf(lacks('freetds'))('freebcp over TLS', () => {
  let folder: string
  let ours: Certificates
  let others: Certificates
  let endpoint: TdsEndpoint
  const logins: string[] = []

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-freetds-'))
    await Promise.all(['ours', 'others'].map((name) => mkdir(join(folder, name))))
    ours = await makeCertificates(join(folder, 'ours'))
    others = await makeCertificates(join(folder, 'others'))
    const zoo = { name: '[dbo].[zoo]', columns: [tdsColumn('id', 'int')], rows: [[1], [2]] }
    const backend = createTableBackend([zoo])
    endpoint = await startTdsEndpoint({
      backend: {
        login: (login) => {
          logins.push(login.password)
          return backend.login(login)
        },
      },
      tls: {
        key: await readFile(ours.keyFile, 'utf8'),
        cert: await readFile(ours.certificateFile, 'utf8'),
        required: true,
      },
    })
  })
  afterAll(async () => {
    await endpoint?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  async function dump(host: string, options: string): Promise<string> {
    const tool = await requireBulkTool('freebcp', { searchPath: process.env.PATH ?? '' }, signal)
    const url = `sqlserver://sa@${host}:${endpoint.port}?${options}`
    const freebcp = createFreebcp({ tool, server: await server(url), database: 'shop', stallMs: 20_000 })
    const counting = { query: async () => [{ n: 2n }] } as Partial<Session> as Session
    const model = table([column('id', 'int')])
    const work = { session: counting, table: model, onCount: () => undefined, onWarning: () => undefined }
    return Buffer.from(await collect(freebcp.exportTable(work, signal))).toString()
  }

  it.each([
    ['127.0.0.1', () => 'tls=require'],
    ['localhost', () => `tls=verify-full&tls-ca=${ours.caFile}`],
    ['wrong.example.test', () => `tls=verify-ca&tls-ca=${ours.caFile}&connect=127.0.0.1`],
  ])('reaches %s with %o', async (host, options) => {
    const suffix = host.startsWith('wrong') ? `:${endpoint.port}` : ''
    expect(await dump(host, options() + suffix)).toBe('1\x1e\x1f\n2\x1e\x1f\n')
    expect(logins.at(-1)).toBe(PASSWORD)
  })

  it.each(['verify-full', 'verify-ca'])('sends no password where %s fails', async (mode) => {
    const before = logins.length
    await expect(dump('localhost', `tls=${mode}&tls-ca=${others.caFile}`)).rejects.toMatchObject({
      code: expect.stringMatching(/^(?:engine-unreachable|tool-failed)$/),
    })
    expect(logins).toHaveLength(before)
  })
})

describe('openFreetdsAccess', () => {
  it('keeps the password out of arguments and environment', async () => {
    await using access = await openFreetdsAccess(
      freebcpTool,
      await server('sqlserver://sa@127.0.0.1?tls=disable'),
      '7.2',
    )
    expect(JSON.stringify([access.command, access.args, access.env])).not.toContain("it's a")
    expect(access.env).toMatchObject({ TDSDUMP: undefined, TDSVER: undefined })
  })

  it.each(['x'.repeat(129), 'two\nlines'])(
    'refuses a password that one line can not hold',
    async (password) => {
      const access = openFreetdsAccess(
        freebcpTool,
        await server('sqlserver://sa@127.0.0.1?tls=disable', password),
        '7.2',
      )
      await expect(access).rejects.toMatchObject({ code: 'unsupported' })
    },
  )

  it('refuses to check a name that it can not tell', async () => {
    const given = await server('sqlserver://sa@db.example.test?tls=verify-full&connect=127.0.0.1')
    await expect(openFreetdsAccess(freebcpTool, given, '7.4')).rejects.toMatchObject({ code: 'unsupported' })
  })
})
