import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { BegunRun } from '../../../src/app/dead-runs.ts'
import { runDump } from '../../../src/app/dump.ts'
import { createNativeRestore, type NativeRestoreRequest } from '../../../src/app/native-restore.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { LifeboatError } from '../../../src/core/errors.ts'
import { createFileJournal } from '../../../src/core/journal.ts'
import { createMemoryEngine } from '../../testbed/memory-engine.ts'
import { createMemorySink, type MemorySink } from '../../testbed/memory-sink.ts'

const { signal } = new AbortController()
const ENDPOINT = { host: 'shop.example', port: 3306 }
const tables = [{ database: 'shop', table: 'orders', rows: 3 }]

let folder: string
let sink: MemorySink
let id: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'native-restore-'))
  sink = createMemorySink()
  const engine = createMemoryEngine({ tables, parts: [{ name: 'shop', data: Buffer.from('CREATE TABLE') }] })
  const journal = createFileJournal<BegunRun>(join(folder, 'runs'))
  const dumped = await runDump(
    {
      ...{ engine, sink, stages: [], job: 'shop', counts: 'exact', jobs: 1, stallTimeoutMs: 60_000 },
      ...{ version: '0.0.0', journal, clock: systemClock, onEvent: () => undefined },
    },
    signal,
  )
  id = dumped.manifest.id
})
afterEach(() => rm(folder, { recursive: true }))

function open(openEngine: NativeRestoreRequest['openEngine']) {
  return createNativeRestore({
    ...{ sink, job: 'shop', openEngine, jobs: 1, folder: join(folder, 'native'), clock: systemClock },
    ...{ decoders: () => Promise.resolve([]), onEvent: () => undefined },
  })
}

test('the newest backup, and none of a job that has none', async () => {
  await using native = open(undefined)
  expect(await native.newest(signal)).toMatchObject({ id, job: 'shop', engine: 'memory', plainBytes: 12 })
  await using other = createNativeRestore({
    ...{ sink, job: 'other', openEngine: undefined, jobs: 1, folder, clock: systemClock },
    ...{ decoders: () => Promise.resolve([]), onEvent: () => undefined },
  })
  expect(await other.newest(signal)).toBeUndefined()
})

test('restores once, counts, and is known to be done by whoever goes on', async () => {
  const engine = createMemoryEngine({ tables })
  {
    await using native = open(() => Promise.resolve(engine))
    expect(await native.look(id, ENDPOINT, signal)).toEqual({ state: 'none' })
    await native.begin(id, ENDPOINT, signal)
    await native.begin(id, ENDPOINT, signal)
    await vi.waitFor(async () =>
      expect(await native.look(id, ENDPOINT, signal)).toEqual({
        ...{ state: 'done', tables: 1, rows: 3, verified: true },
      }),
    )
  }
  await using next = open(() => Promise.resolve(engine))
  expect(await next.look(id, ENDPOINT, signal)).toMatchObject({ state: 'done' })
  await next.begin(id, ENDPOINT, signal)
  expect(engine.restores).toEqual([{ replace: false }])
  expect(await next.look(id, { ...ENDPOINT, host: 'other.example' }, signal)).toEqual({ state: 'none' })
})

test('one that has failed says why; the next process begins anew and replaces what was half loaded', async () => {
  const error = new LifeboatError('tool-failed', 'unable to load: gone', { hint: 'Mend it.' })
  const failing = createMemoryEngine({ tables, restoreFails: { after: 0, error } })
  {
    await using native = open(() => Promise.resolve(failing))
    await native.begin(id, ENDPOINT, signal)
    await vi.waitFor(async () =>
      expect(await native.look(id, ENDPOINT, signal)).toMatchObject({
        ...{ state: 'failed', reason: expect.stringContaining('unable to load: gone') },
      }),
    )
  }
  const engine = createMemoryEngine({ tables })
  await using next = open(() => Promise.resolve(engine))
  expect(await next.look(id, ENDPOINT, signal)).toEqual({ state: 'none' })
  await next.begin(id, ENDPOINT, signal)
  await vi.waitFor(async () => expect(await next.look(id, ENDPOINT, signal)).toMatchObject({ state: 'done' }))
  expect(engine.restores).toEqual([{ replace: true }])
})

test('without an account it says which option names one, and nothing is remembered as begun', async () => {
  {
    await using native = open(undefined)
    await native.begin(id, ENDPOINT, signal)
    expect(await native.look(id, ENDPOINT, signal)).toMatchObject({
      ...{ state: 'failed', hint: expect.stringContaining('--login') },
    })
  }
  const engine = createMemoryEngine({ tables })
  await using next = open(() => Promise.resolve(engine))
  await next.begin(id, ENDPOINT, signal)
  await vi.waitFor(async () => expect(await next.look(id, ENDPOINT, signal)).toMatchObject({ state: 'done' }))
  expect(engine.restores).toEqual([{ replace: false }])
})

test('disposing stops what is under way, and waits for its end', async () => {
  let ended = false
  const engine = createMemoryEngine({ tables })
  const hanging = {
    ...engine,
    restore: (_source: unknown, _options: unknown, inner: AbortSignal) =>
      new Promise<never>((_resolve, reject) => {
        inner.addEventListener('abort', () => {
          ended = true
          reject(inner.reason as Error)
        })
      }),
  }
  {
    await using native = open(() => Promise.resolve(hanging))
    await native.begin(id, ENDPOINT, signal)
    expect(await native.look(id, ENDPOINT, signal)).toMatchObject({ state: 'running' })
    expect(ended).toBe(false)
  }
  await using next = open(undefined)
  expect(await next.look(id, ENDPOINT, signal)).toEqual({ state: 'none' })
})
