import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseDatabaseUrl } from '../../../../../src/core/database-url.ts'
import type { Engine, PartSource } from '../../../../../src/core/engine.ts'
import { LifeboatError } from '../../../../../src/core/errors.ts'
import { Secret } from '../../../../../src/core/secret.ts'
import { createSqlServerEngine } from '../../../../../src/engines/sqlserver/index.ts'
import { explainTask } from '../../../../../src/engines/sqlserver/native/explain-task.ts'
import { createMemoryStaging, type MemoryStaging } from '../../../../testbed/memory-staging.ts'
import { type SqlServer, startSqlServer } from '../../../../testbed/sqlserver.ts'

const never = new AbortController().signal

/** Backup of `shop` in one file that says nothing. */
const BACKUP: PartSource = {
  contents: {
    format: 1,
    databases: [{ name: 'shop' }],
    tables: [],
    parts: [],
    byHand: [],
    engine: {
      layout: 'native',
      shipped: true,
      databases: [{ name: 'shop', type: 'FULL', files: [{ part: 'shop 1 of 1', bytes: 4 }] }],
    },
  },
  server: { flavour: 'Microsoft SQL Server', version: '16' },
  parts: [{ name: 'shop 1 of 1', format: 'bak', plainBytes: 4 }],
  async *open() {
    yield Buffer.from('rows')
  },
}

describe('a server without the option group', () => {
  let server: SqlServer
  let staging: MemoryStaging
  beforeAll(async () => {
    server = await startSqlServer()
    staging = createMemoryStaging()
    await server.run('CREATE DATABASE shop')
  })
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]()
  })

  function engineFor(query: Record<string, string>, bucket: MemoryStaging | undefined): Engine {
    return createSqlServerEngine(parseDatabaseUrl(server.url({ query })), {
      searchPath: '',
      password: async () => new Secret(server.password),
      ...(bucket !== undefined && { staging: async () => bucket }),
    })
  }

  test('fails its probe, as a missing bucket does, and says what to do', async () => {
    await using engine = engineFor({ layout: 'native' }, undefined)
    const { findings } = await engine.probe('source', never)
    expect(findings.filter(({ level }) => level === 'failure')).toMatchObject([
      { code: 'usage', hint: expect.stringContaining('--staging s3://') },
      { code: 'unsupported', hint: expect.stringContaining('SQLSERVER_BACKUP_RESTORE') },
    ])
  })

  test.each([
    ['with a bucket', true, 'SQLSERVER_BACKUP_RESTORE'],
    ['without one', false, '--staging'],
  ])(
    'refuses a restore whose URL says nothing of the layout, %s, before anything is changed',
    async (_name, has, hint) => {
      await using engine = engineFor({}, has ? staging : undefined)
      await expect(engine.restore(BACKUP, { replace: true }, never)).rejects.toMatchObject({
        message: expect.stringContaining('layout=native'),
        hint: expect.stringContaining(hint),
      })
      expect([...staging.sink.objects.keys()]).toEqual([])
      expect(await server.run("SELECT name FROM sys.databases WHERE name = 'shop'")).toEqual([
        { name: 'shop' },
      ])
    },
  )
})

describe('a server with the option group', () => {
  let server: SqlServer
  const staging = createMemoryStaging()
  beforeAll(async () => {
    server = await startSqlServer({ storage: staging.storage })
    for (const [name, rows] of [
      ['a_big', 60],
      ['b_small', 1],
    ] as const) {
      await server.run(`CREATE DATABASE ${name}`)
      const values = Array.from({ length: rows }, (_, at) => `(${at})`).join(', ')
      await server.run(`CREATE TABLE t (id int)\nGO\nINSERT t VALUES ${values}`, name)
    }
  })
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]()
  })
  const engineFor = (open: () => Promise<MemoryStaging>, user = 'sa', password = server.password) =>
    createSqlServerEngine(parseDatabaseUrl(server.url({ user, query: { layout: 'native' } })), {
      searchPath: '',
      password: async () => new Secret(password),
      staging: open,
    })

  test('a login that sees the procedures and may not run them is told the grants', async () => {
    await server.run("CREATE LOGIN limited WITH PASSWORD = 'Limited-1'")
    await server.run(
      'CREATE USER limited FOR LOGIN limited\nGO\nGRANT VIEW DEFINITION TO limited\nGO\nGRANT EXECUTE ON dbo.rds_task_status TO limited',
      'msdb',
    )
    await using engine = engineFor(async () => staging, 'limited', 'Limited-1')
    for (const [role, procedure] of [
      ['source', 'rds_backup_database'],
      ['target', 'rds_restore_database'],
    ] as const) {
      const { findings } = await engine.probe(role, never)
      expect(findings).toContainEqual({
        level: 'failure',
        topic: 'native backup',
        code: 'unsupported',
        message: `this login may not run ${procedure}`,
        hint: expect.stringContaining(`grant it EXECUTE on dbo.${procedure} there`),
      })
    }
  })

  test('takes the smallest database first, with what they have in files', async () => {
    await using engine = engineFor(async () => staging)
    const { databases, estimateBytes, findings } = await engine.probe('source', never)
    expect(databases).toEqual([
      { name: 'b_small', estimateBytes: 1025 * 8192 },
      { name: 'a_big', estimateBytes: 1026 * 8192 },
    ])
    expect(estimateBytes).toBe(2051 * 8192)
    expect(findings.filter(({ level }) => level === 'failure')).toEqual([])
  })

  test('takes them by name where their sizes are not told', async () => {
    using _fault = server.fault({ match: /sys\.master_files/, error: { number: 229, message: 'denied' } })
    await using engine = engineFor(async () => staging)
    const { databases } = await engine.probe('source', never)
    expect(databases).toEqual([{ name: 'a_big' }, { name: 'b_small' }])
  })

  test('fails its probe where the bucket can not be seen from here', async () => {
    const denied = new LifeboatError('sink-denied', 'unable to look: Access Denied', { hint: 'Grant it.' })
    await using engine = engineFor(async () => {
      throw denied
    })
    const { findings } = await engine.probe('source', never)
    expect(findings.filter(({ level }) => level === 'failure')).toEqual([
      { level: 'failure', topic: 'staging', code: 'sink-denied', message: denied.message, hint: 'Grant it.' },
    ])
  })
})

test.each([
  ['IAM role ARN option is not set', 'unsupported', 'IAM_ROLE_ARN'],
  ['Access Denied', 'sink-denied', 's3:PutObject'],
  ['The kms key cannot be used', 'sink-denied', 'kms:GenerateDataKey'],
  ['There is not enough disk space', 'unsupported', 'storage'],
  ['Something else', 'tool-failed', '@task_id = 7'],
])('a task that says "%s" is %s', (said, code, hint) => {
  const failure = explainTask("back up database 'shop'", 7, 'ERROR', said)
  expect(failure).toMatchObject({ code, hint: expect.stringContaining(hint) })
  expect(failure.message).toContain(said)
})
