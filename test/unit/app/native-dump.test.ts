import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { BegunRun } from '../../../src/app/dead-runs.ts'
import { runDump } from '../../../src/app/dump.ts'
import { createNativeDump, type NativeDumpRequest } from '../../../src/app/native-dump.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { LifeboatError } from '../../../src/core/errors.ts'
import { createFileJournal } from '../../../src/core/journal.ts'
import { createMemoryEngine } from '../../testbed/memory-engine.ts'
import { createMemorySink, type MemorySink } from '../../testbed/memory-sink.ts'

const { signal } = new AbortController()
const RUN = '20261122T210500Z-k3f9'
const SOURCE = { host: 'shop.example', port: 3306 }

let folder: string
let sink: MemorySink
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'native-dump-'))
  sink = createMemorySink()
})
afterEach(() => rm(folder, { recursive: true }))

const dumped: string[] = []
beforeEach(() => {
  dumped.length = 0
})

/** A whole dump, under the id that it is to have. */
const dump: NativeDumpRequest['dump'] = async (_source, id, onEvent, inner) => {
  dumped.push(id)
  const engine = createMemoryEngine({ parts: [{ name: 'shop', data: Buffer.from('CREATE TABLE') }] })
  const journal = createFileJournal<BegunRun>(join(folder, 'runs'))
  await runDump(
    {
      ...{ engine, sink, stages: [], job: 'shop', id, counts: 'exact', jobs: 1, stallTimeoutMs: 60_000 },
      ...{ version: '0.0.0', journal, clock: systemClock, onEvent },
    },
    inner,
  )
}

function open(made: NativeDumpRequest['dump'] = dump) {
  return createNativeDump({
    ...{ sink, dump: made, folder: join(folder, 'native'), clock: systemClock, onEvent: () => undefined },
    plan: { job: 'shop', sink: sink.name, engine: 'mysql', from: null, line: [] },
  })
}

test('is made once, for its run, and known to be whole by whoever goes on', async () => {
  {
    await using port = open()
    expect(await port.look(RUN, signal)).toEqual({ state: 'none' })
    await port.begin(RUN, SOURCE, signal)
    await port.begin(RUN, SOURCE, signal)
    await vi.waitFor(async () => expect(await port.look(RUN, signal)).toMatchObject({ state: 'done' }))
  }
  await using next = open()
  expect(await next.look(RUN, signal)).toMatchObject({
    ...{ state: 'done', backup: { id: dumped[0], job: 'shop', sink: sink.name, plainBytes: 12 } },
  })
  await next.begin(RUN, SOURCE, signal)
  expect(dumped).toHaveLength(1)
  expect(await next.look('20261122T210500Z-zzzz', signal)).toEqual({ state: 'none' })
})

test('whole at the sink it is done, though the process died before it could hear so', async () => {
  const port = open(async (source, id, onEvent, inner) => {
    await dump(source, id, onEvent, inner)
    // The process is gone: nothing more of it happens.
    return new Promise(() => undefined)
  })
  await port.begin(RUN, SOURCE, signal)
  await vi.waitFor(async () => {
    await using next = open()
    expect(await next.look(RUN, signal)).toMatchObject({ state: 'done', backup: { id: dumped[0] } })
  })
})

test('one that died is made anew, as another backup', async () => {
  const first: string[] = []
  {
    await using port = open((_source, id, _onEvent, inner) => {
      first.push(id)
      return new Promise((_resolve, reject) => {
        inner.addEventListener('abort', () => reject(inner.reason as Error))
      })
    })
    await port.begin(RUN, SOURCE, signal)
    expect(await port.look(RUN, signal)).toMatchObject({ state: 'running' })
  }
  await using next = open()
  expect(await next.look(RUN, signal)).toEqual({ state: 'none' })
  await next.begin(RUN, SOURCE, signal)
  await vi.waitFor(async () => expect(await next.look(RUN, signal)).toMatchObject({ state: 'done' }))
  expect(dumped).toHaveLength(1)
  expect(dumped).not.toEqual(first)
})

test('one that has failed says why, and what it stored all the same is not taken', async () => {
  const error = new LifeboatError('integrity', 'unable to verify: damaged', { hint: 'Use another.' })
  {
    await using port = open(async (source, id, onEvent, inner) => {
      await dump(source, id, onEvent, inner)
      throw error
    })
    await port.begin(RUN, SOURCE, signal)
    await vi.waitFor(async () =>
      expect(await port.look(RUN, signal)).toMatchObject({
        ...{ state: 'failed', reason: 'unable to verify: damaged', hint: 'Use another.' },
      }),
    )
    await vi.waitFor(async () => expect(await readdir(join(folder, 'native'))).toEqual([]))
  }
  await using next = open()
  expect(await next.look(RUN, signal)).toEqual({ state: 'none' })
})

test('tells how far it is, as far as that can be told', async () => {
  const said = Promise.withResolvers<void>()
  await using port = open((_source, _id, onEvent, inner) => {
    const probe = { estimateBytes: 100 } as never
    onEvent({ kind: 'probed', probe })
    onEvent({ kind: 'progress', plainBytes: 40, storedBytes: 10 })
    said.resolve()
    return new Promise((_resolve, reject) => {
      inner.addEventListener('abort', () => reject(inner.reason as Error))
    })
  })
  await port.begin(RUN, SOURCE, signal)
  await said.promise
  expect(await port.look(RUN, signal)).toMatchObject({ state: 'running', percent: 40 })
})
