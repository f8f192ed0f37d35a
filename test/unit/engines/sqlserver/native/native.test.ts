import { describe, expect, test } from 'vitest'
import { collect } from '../../../../../src/core/bytes.ts'
import type { Clock } from '../../../../../src/core/clock.ts'
import type { DumpResult, EngineEvent, PartSource } from '../../../../../src/core/engine.ts'
import { LifeboatError, throwIfAborted } from '../../../../../src/core/errors.ts'
import { nativeByHand } from '../../../../../src/engines/sqlserver/native/by-hand.ts'
import { createNativeDump } from '../../../../../src/engines/sqlserver/native/dump.ts'
import { parseNativeOptions } from '../../../../../src/engines/sqlserver/native/options.ts'
import { restoreNative } from '../../../../../src/engines/sqlserver/native/restore.ts'
import type { TableStates } from '../../../../../src/engines/sqlserver/native/still-tables.ts'
import { createMemoryStaging } from '../../../../testbed/memory-staging.ts'
import { createFakeRds } from './fake-rds.ts'

const never = new AbortController().signal
const instant: Clock = {
  now: () => new Date('2026-11-22T21:05:00Z'),
  monotonicMs: () => 0,
  async sleep(_ms, signal) {
    // Time passes at once, but others get their turn.
    await new Promise(setImmediate)
    throwIfAborted(signal)
  },
}
const still: TableStates = {
  tables: [{ database: 'shop', schema: 'dbo', table: 'orders', rows: 3 }],
  written: new Map([['["dbo","orders"]', '2026-11-20T00:00:00']]),
}

function setUp(options: Record<string, string> = {}) {
  const staging = createMemoryStaging()
  const rds = createFakeRds(staging.storage)
  const events: EngineEvent[] = []
  const onProgress = (event: EngineEvent) => void events.push(event)
  const task = { openSession: rds.openSession, clock: instant, onProgress }
  const parsed = parseNativeOptions(new Map(Object.entries(options)))
  const openStaging = async () => staging
  return {
    staging,
    rds,
    events,
    dump: (
      databases: readonly string[],
      {
        look = async () => still,
        signal = never,
      }: { look?: () => Promise<TableStates>; signal?: AbortSignal } = {},
    ) =>
      createNativeDump(
        {
          task,
          openStaging,
          options: parsed,
          databases,
          dumping: { counts: 'exact', onProgress },
          lookAtTables: look,
        },
        signal,
      ),
    restore: (source: PartSource, { replace = false, signal = never } = {}) =>
      restoreNative(
        {
          task,
          openStaging,
          options: parsed,
          stateOf: async (name) => rds.databases.get(name)?.state,
          mapUsers: async () => ['orphan'],
        },
        source,
        { replace, onProgress },
        signal,
      ),
  }
}

interface Taken {
  readonly result: DumpResult
  readonly parts: ReadonlyMap<string, Uint8Array>
}

async function take(dump: ReturnType<ReturnType<typeof setUp>['dump']>): Promise<Taken> {
  await using open = dump
  const parts = new Map<string, Uint8Array>()
  for await (const part of open.parts) {
    expect(part.format).toBe('bak')
    parts.set(part.name, await collect(part.open(never)))
    await part.release()
  }
  const result = await open.finish(never)
  await open.committed?.(never)
  return { result, parts }
}

function sourceOf({ result, parts }: Taken): PartSource {
  return {
    contents: { ...result.contents, parts: [] },
    server: { flavour: 'SQL Server', version: '16.0' },
    parts: [...parts].map(([name, bytes]) => ({ name, format: 'bak', plainBytes: bytes.length })),
    async *open(name) {
      yield parts.get(name) as Uint8Array
    },
  }
}

describe('native backup', () => {
  test.for([{}, { files: '3', 'block-size': '65536', 'max-transfer-size': '4194304', 'buffer-count': '50' }])(
    'goes out and comes back with %o, and leaves nothing in the bucket',
    async (options) => {
      const source = setUp(options)
      source.rds.databases.set('shop', { state: 'ONLINE', data: 'all the orders' })
      source.rds.databases.set("o'dd ]name 1 of 2", { state: 'ONLINE', data: 'odd' })
      const taken = await take(source.dump(['shop', "o'dd ]name 1 of 2"]))
      expect(taken.parts.size).toBe(2 * Number((options as { files?: string }).files ?? 1))
      expect([...source.staging.sink.objects.keys(), ...source.staging.claimed]).toEqual([])
      expect(taken.result.contents.tables).toEqual([...still.tables, ...still.tables])

      const target = setUp(options)
      const report = await target.restore(sourceOf(taken))
      expect(report.restored).toEqual(['shop', "o'dd ]name 1 of 2"])
      expect(report.notRestored).toHaveLength(2)
      expect(target.rds.databases).toEqual(source.rds.databases)
      expect([...target.staging.sink.objects.keys(), ...target.staging.claimed]).toEqual([])
    },
  )

  test('follows its own task, tells its progress, and lives through lost connections', async () => {
    const { rds, dump, events } = setUp()
    rds.databases.set('shop', { state: 'ONLINE', data: 'x' })
    // Somebody else's task of the same database.
    const other = await rds.openSession(never)
    await other.query('EXEC msdb.dbo.rds_finish_restore @db_name = @db_name', never, { db_name: 'shop' })
    rds.lostPolls = 5
    await take(dump(['shop']))
    expect(events.map(({ message }) => message)).toEqual([
      "back up database 'shop': task 102 is queued (RDS may take five minutes to begin)",
      "back up database 'shop': task 102, 60 % done",
    ])
  })

  test.for([
    ['Access Denied', 'sink-denied', /s3:PutObject/],
    ['The specified KMS key is invalid', 'sink-denied', /kms:GenerateDataKey/],
    ['A file of that name already exists', 'confirmation-required', /prefix/],
    ['something that nobody knows', 'tool-failed', /rds_task_status/],
  ] as const)('explains a task that failed with %s', async ([words, code, hint]) => {
    const { rds, dump, staging } = setUp()
    rds.databases.set('shop', { state: 'ONLINE', data: 'x' })
    rds.failWith = words
    const failure = await take(dump(['shop'])).catch((thrown: unknown) => thrown)
    expect(failure).toBeInstanceOf(LifeboatError)
    expect(failure).toMatchObject({ code, message: expect.stringContaining(words) })
    expect((failure as LifeboatError).hint).toMatch(hint)
    expect([...staging.claimed]).toEqual([])
  })

  test('cancels its task when it is interrupted, and clears the bucket', async () => {
    const { rds, dump, staging, events } = setUp()
    rds.databases.set('shop', { state: 'ONLINE', data: 'x' })
    rds.hangs = true
    const stop = new AbortController()
    const taking = take(dump(['shop'], { signal: stop.signal }))
    await expect.poll(() => events.length).toBeGreaterThan(0)
    stop.abort(new LifeboatError('interrupted', 'the run was interrupted'))
    await expect(taking).rejects.toMatchObject({ code: 'interrupted' })
    expect(rds.tasks.map(({ lifecycle }) => lifecycle)).toEqual(['CANCELLED'])
    expect([...staging.claimed]).toEqual([])
  })

  test('cancels a task that the server started, though its answer was lost', async () => {
    const { rds, dump, staging } = setUp()
    rds.databases.set('shop', { state: 'ONLINE', data: 'x' })
    rds.losesAnswer = true
    await expect(take(dump(['shop']))).rejects.toMatchObject({ code: 'engine-unreachable' })
    expect(rds.tasks.map(({ lifecycle }) => lifecycle)).toEqual(['CANCELLED'])
    expect([...staging.claimed]).toEqual([])
  })

  test('records the rows of tables that nobody wrote to meanwhile, and of no others', async () => {
    const { rds, dump } = setUp()
    rds.databases.set('shop', { state: 'ONLINE', data: 'x' })
    const table = (name: string, rows: number) => ({ database: 'shop', schema: 'dbo', table: name, rows })
    const looks: TableStates[] = [
      {
        tables: [table('still', 1), table('queue', 5), table('grows', 1), table('never', 2)],
        written: new Map([
          ['["dbo","still"]', 'a'],
          ['["dbo","queue"]', 'a'],
        ]),
      },
      {
        tables: [table('still', 1), table('queue', 5), table('grows', 2), table('never', 2)],
        written: new Map([
          ['["dbo","still"]', 'a'],
          ['["dbo","queue"]', 'b'],
          ['["dbo","grows"]', 'a'],
        ]),
      },
    ]
    const { result } = await take(dump(['shop'], { look: async () => looks.shift() as TableStates }))
    expect(result.contents.tables.map(({ table: name, rows }) => [name, rows])).toEqual([
      ['still', 1],
      ['queue', undefined],
      ['grows', undefined],
      ['never', 2],
    ])
    expect(result.notCaptured).toContainEqual(expect.objectContaining({ what: 'row counts', count: 2 }))
  })

  test('vouches for no count where the login may not see what was written', async () => {
    const { rds, dump } = setUp()
    rds.databases.set('shop', { state: 'ONLINE', data: 'x' })
    const { result } = await take(dump(['shop'], { look: async () => ({ ...still, written: undefined }) }))
    expect(result.contents.tables).toEqual([{ database: 'shop', schema: 'dbo', table: 'orders' }])
  })

  test('notices a file that is swapped while it is read', async () => {
    const { rds, dump, staging } = setUp()
    rds.databases.set('shop', { state: 'ONLINE', data: 'x' })
    await using open = dump(['shop'])
    for await (const part of open.parts) {
      const [[key, stored] = []] = [...staging.sink.objects]
      if (key === undefined || stored === undefined) throw new Error('nothing is staged')
      const iterator = part.open(never)[Symbol.asyncIterator]()
      await iterator.next()
      staging.sink.objects.set(key, { ...stored, info: { ...stored.info, modified: new Date(0) } })
      await expect(iterator.next()).rejects.toMatchObject({ code: 'integrity' })
    }
  })

  test('a bucket that can not be cleared is said after the commit, and stays claimed', async () => {
    const { rds, dump, staging } = setUp()
    rds.databases.set('shop', { state: 'ONLINE', data: 'x' })
    staging.purgeFailure = new LifeboatError('sink-unavailable', 'no answer')
    await expect(take(dump(['shop']))).rejects.toThrow(/plain \.bak files may still lie .*no answer/)
    expect(staging.claimed.size).toBe(1)
  })
})

describe('native restore', () => {
  async function fullAndDifferential() {
    const source = setUp()
    source.rds.databases.set('shop', { state: 'ONLINE', data: 'full' })
    const full = await take(source.dump(['shop']))
    const later = setUp({ 'backup-type': 'differential' })
    later.rds.databases.set('shop', { state: 'ONLINE', data: 'changes' })
    return { full: sourceOf(full), differential: sourceOf(await take(later.dump(['shop']))) }
  }

  test('takes a full and then a differential backup, and finishes', async () => {
    const { full, differential } = await fullAndDifferential()
    const target = setUp({ recovery: 'norecovery' })
    const first = await target.restore(full)
    expect(first.uncounted).toMatch(/RESTORING/)
    expect(target.rds.databases.get('shop')?.state).toBe('RESTORING')
    const second = setUp()
    second.rds.databases.set('shop', { state: 'RESTORING', data: 'full' })
    expect((await second.restore(differential)).uncounted).toBeUndefined()
    expect(second.rds.databases.get('shop')).toEqual({
      state: 'ONLINE',
      data: 'full',
      differential: 'changes',
    })
    expect(second.rds.tasks.map(({ type }) => type)).toEqual(['RESTORE_DB', 'FINISH_RESTORE'])
  })

  test('refuses a differential backup without its full one, before anything is staged', async () => {
    const { differential } = await fullAndDifferential()
    const target = setUp()
    await expect(target.restore(differential)).rejects.toMatchObject({
      code: 'unsupported',
      hint: expect.stringContaining('recovery=norecovery'),
    })
    expect(target.rds.calls).toEqual([])
  })

  test('gives the key that the server encrypted with, or the one of another region', async () => {
    const keyIn = (region: string) => `arn:aws:kms:${region}:123456789012:key/one`
    const source = setUp({ 'server-kms-key': keyIn('eu-west-1') })
    source.rds.databases.set('shop', { state: 'ONLINE', data: 'full' })
    const taken = sourceOf(await take(source.dump(['shop'])))
    const keyOf = ({ rds }: ReturnType<typeof setUp>) =>
      rds.calls.find(({ text }) => /rds_restore_database/.test(text))?.parameters.kms_master_key_arn
    const same = setUp()
    await same.restore(taken)
    expect(keyOf(same)).toBe(keyIn('eu-west-1'))
    const other = setUp({ 'server-kms-key': keyIn('eu-central-1') })
    await other.restore(taken)
    expect(keyOf(other)).toBe(keyIn('eu-central-1'))
  })

  test('replaces a database only when told', async () => {
    const { full } = await fullAndDifferential()
    const target = setUp()
    target.rds.databases.set('shop', { state: 'ONLINE', data: 'old' })
    await expect(target.restore(full)).rejects.toMatchObject({ code: 'confirmation-required' })
    await target.restore(full, { replace: true })
    expect(target.rds.databases.get('shop')?.data).toBe('full')
  })

  test('clears the bucket when the task fails, and when a part turns out damaged', async () => {
    const { full } = await fullAndDifferential()
    const target = setUp()
    target.rds.failWith = 'not enough disk space'
    await expect(target.restore(full)).rejects.toMatchObject({
      hint: expect.stringContaining('storage'),
    })
    expect([...target.staging.sink.objects.keys(), ...target.staging.claimed]).toEqual([])
    const damaged: PartSource = {
      ...full,
      async *open() {
        yield Buffer.from('FULL:')
        throw new LifeboatError('integrity', 'damaged')
      },
    }
    const calls = target.rds.calls.length
    target.rds.databases.set('shop', { state: 'ONLINE', data: 'old' })
    await expect(target.restore(damaged, { replace: true })).rejects.toMatchObject({ code: 'integrity' })
    expect(target.rds.databases.get('shop')?.data).toBe('old')
    expect(target.rds.calls.length).toBe(calls)
    expect([...target.staging.sink.objects.keys(), ...target.staging.claimed]).toEqual([])
  })

  test('uses files that were left in the bucket, and leaves them there', async () => {
    const source = setUp({ ship: 'no', files: '2' })
    source.rds.databases.set('shop', { state: 'ONLINE', data: 'data' })
    const taken = await take(source.dump(['shop']))
    expect(taken.parts.size).toBe(0)
    expect(taken.result.warnings).toHaveLength(1)
    expect([...source.staging.claimed]).toEqual([])
    const keys = [...source.staging.sink.objects.keys()]
    expect(keys).toHaveLength(2)
    source.rds.databases.clear()
    await source.restore(sourceOf(taken))
    expect(source.rds.databases.get('shop')?.data).toBe('data')
    expect([...source.staging.sink.objects.keys()]).toEqual(keys)
    source.staging.sink.objects.delete(keys[1] ?? '')
    await expect(source.restore(sourceOf(taken), { replace: true })).rejects.toMatchObject({
      code: 'sink-not-found',
    })
    expect(source.rds.databases.get('shop')?.data).toBe('data')
  })
})

test('each part has a line that a person types', () => {
  expect(nativeByHand("o'dd 1 of 2 1 of 1")).toBe(
    `aws s3 cp - 's3://STAGING-BUCKET/restore/o'\\''dd 1 of 2-1.bak' && sqlcmd -S HOST -U USER -Q 'EXEC msdb.dbo.rds_restore_database @restore_db_name = N'\\''o'\\'''\\''dd 1 of 2'\\'', @s3_arn_to_restore_from = N'\\''arn:aws:s3:::STAGING-BUCKET/restore/o'\\'''\\''dd 1 of 2-1.bak'\\'''`,
  )
  expect(nativeByHand('shop 1 of 2')).toBe('aws s3 cp - s3://STAGING-BUCKET/restore/shop-1.bak')
  expect(nativeByHand('shop 2 of 2')).toContain('arn:aws:s3:::STAGING-BUCKET/restore/shop-*')
})

describe('options', () => {
  test.for([
    ['files', '11'],
    ['files', '0'],
    ['block-size', '1000'],
    ['max-transfer-size', '65537'],
    ['buffer-count', 'many'],
    ['backup-type', 'log'],
    ['server-kms-key', 'alias/mine'],
    ['recovery', 'maybe'],
    ['data-volume', 'C:'],
  ])('refuses %s=%s', ([name = '', value = '']) => {
    expect(() => parseNativeOptions(new Map([[name, value]]))).toThrow(
      expect.objectContaining({ code: 'usage' }),
    )
  })
})
