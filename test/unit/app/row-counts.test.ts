import { expect, test, vi } from 'vitest'
import { createRowCounts, type RowCountRequest } from '../../../src/app/row-counts.ts'
import type { TableCount } from '../../../src/core/contents.ts'
import type { Engine } from '../../../src/core/engine.ts'
import { LifeboatError } from '../../../src/core/errors.ts'
import { createMemoryEngine } from '../../testbed/memory-engine.ts'
import { createMemorySink } from '../../testbed/memory-sink.ts'
import { storeBackup } from '../../testbed/stored-backup.ts'

const { signal } = new AbortController()
const ENDPOINT = { host: 'shop.example', port: 3306 }
const table = (name: string, rows?: number): TableCount => ({
  ...{ database: 'shop', table: name },
  ...(rows !== undefined && { rows }),
})
const stored = [table('orders', 3), table('items', 7), table('gone', 2), table('view')]

async function open(counted: readonly TableCount[], change: Partial<RowCountRequest> = {}) {
  const sink = createMemorySink()
  const { id } = await storeBackup(sink, { tables: stored })
  const request = {
    ...{ sink, job: 'shop', id: undefined, decoders: () => Promise.resolve([]), onEvent: () => undefined },
    openEngine: () => Promise.resolve(createMemoryEngine({ counted })),
    ...change,
  }
  return { id, sink, port: createRowCounts(request) }
}

async function ended(port: ReturnType<typeof createRowCounts>) {
  return await vi.waitFor(async () => {
    const seen = await port.look(ENDPOINT, signal)
    if (seen.state === 'running') throw new Error('still counting')
    return seen
  })
}

test('tables that are gone and those with fewer rows are found; more rows are nothing', async () => {
  const { id, port } = await open([table('orders', 5), table('items', 6), table('gone')])
  await using _ = port
  expect(await port.look(ENDPOINT, signal)).toMatchObject({ state: 'running' })
  expect(await ended(port)).toMatchObject({
    ...{ state: 'done', backup: id, tables: 3, rows: 12, rowsNow: 11, missing: ['shop.gone'] },
    fewer: [{ table: 'shop.items', backup: 7, now: 6 }],
  })
})

test('counted once for an endpoint, however often somebody looks', async () => {
  const openEngine = vi.fn(() => Promise.resolve<Engine>(createMemoryEngine({ counted: stored.slice(0, 3) })))
  const { port } = await open([], { openEngine })
  await using _ = port
  expect(await ended(port)).toMatchObject({ state: 'done', missing: [], fewer: [] })
  expect(await ended(port)).toMatchObject({ state: 'done' })
  expect(openEngine).toHaveBeenCalledTimes(1)
})

test('what can not be counted says why; whoever looks again begins anew', async () => {
  const refused = new LifeboatError('engine-unreachable', 'unable to log in', { hint: 'Mend it.' })
  const openEngine = vi
    .fn<RowCountRequest['openEngine']>()
    .mockRejectedValueOnce(refused)
    .mockResolvedValue(createMemoryEngine({ counted: stored.slice(0, 3) }))
  const { port } = await open([], { openEngine })
  await using _ = port
  expect(await ended(port)).toEqual({ state: 'failed', reason: 'unable to log in', hint: 'Mend it.' })
  expect(await ended(port)).toMatchObject({ state: 'done' })
})

test('a backup without counts, of another engine, or that is not there, is no comparison', async () => {
  const sink = createMemorySink()
  await storeBackup(sink, { tables: stored, counts: 'off' })
  const uncounted = await open([], { sink })
  await using _ = uncounted.port
  expect(await ended(uncounted.port)).toMatchObject({ reason: expect.stringMatching(/were not counted/) })
  const other = await open([], {
    openEngine: () => Promise.resolve({ ...createMemoryEngine(), name: 'postgres' }),
  })
  await using __ = other.port
  expect(await ended(other.port)).toMatchObject({ reason: expect.stringMatching(/is of memory/) })
  const none = await open([], { job: 'nobody' })
  await using ___ = none.port
  expect(await ended(none.port)).toMatchObject({ state: 'failed' })
})

test('disposing stops a count that is under way', async () => {
  const begun = Promise.withResolvers<void>()
  let stopped = false
  const hanging = {
    ...createMemoryEngine(),
    count: (_tables: unknown, inner: AbortSignal) =>
      new Promise<never>((_resolve, reject) => {
        inner.addEventListener('abort', () => {
          stopped = true
          reject(inner.reason as Error)
        })
        begun.resolve()
      }),
  }
  const { port } = await open([], { openEngine: () => Promise.resolve(hanging) })
  await port.look(ENDPOINT, signal)
  await begun.promise
  await port[Symbol.asyncDispose]()
  expect(stopped).toBe(true)
})
