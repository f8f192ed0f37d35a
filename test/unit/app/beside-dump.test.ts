import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { BesideDump } from '../../../src/app/beside-dump.ts'
import { lockRun, type MigrateRun, runMigration } from '../../../src/app/migrate.ts'
import type { RunEvent } from '../../../src/app/run-event.ts'
import { LifeboatError } from '../../../src/core/errors.ts'

const MADE = { backup: '20261122T210600Z-b5de', sink: 'file:///backups' }
const RUN = '20261122T210500Z-k3f9'

let stateFolder: string
let told: string[]
let warned: string[]
beforeEach(async () => {
  stateFolder = await mkdtemp(join(tmpdir(), 'lifeboat-beside-'))
  told = []
  warned = []
})
afterEach(() => rm(stateFolder, { recursive: true }))

/** A dump that ends when it is told to, and hears of its signal. */
function held() {
  const { promise, resolve, reject } = Promise.withResolvers<typeof MADE>()
  const begun = Promise.withResolvers<void>()
  const dump: BesideDump = {
    job: 'shop',
    run(signal) {
      begun.resolve()
      signal.addEventListener('abort', () => reject(signal.reason as Error))
      return promise
    },
  }
  return { dump, begun: begun.promise, end: () => resolve(MADE), fail: reject }
}

async function start(more: Partial<MigrateRun>, controller = new AbortController()) {
  const ids: string[] = []
  const done = runMigration(
    {
      ...{ way: 'copy-snapshot', simulate: 'instance', faults: [], stateFolder, confirm: true },
      flags: { source: 'eu-west-1', target: 'eu-central-1', db: ['shop'] },
      onEvent(event: RunEvent) {
        if (event.kind === 'warning') warned.push(event.message)
      },
      onTell: (line) => told.push(line),
      ...{ onStep: () => undefined, onStart: (id) => ids.push(id) },
      ...more,
    },
    controller.signal,
  )
  // Awaited by its test.
  done.catch(() => undefined)
  await vi.waitFor(() => expect(ids).toHaveLength(1))
  const [id = RUN] = ids
  const place = join(stateFolder, 'simulated/runbooks', id)
  return {
    ...{ done, id, controller },
    stored: async () => JSON.parse(await readFile(join(place, 'report.json'), 'utf8')),
    journal: async () => (await readFile(join(place, 'journal.jsonl'), 'utf8')).trim().split('\n'),
  }
}

test('a dump that is whole before the run is in its report', async () => {
  const { done, stored } = await start({ beside: { job: 'shop', run: () => Promise.resolve(MADE) } })
  expect(await done).toMatchObject({
    ...{ outcome: 'done', beside: { job: 'shop', state: 'done', ...MADE, reason: null } },
  })
  expect(await stored()).toEqual(await done)
  expect(told).toEqual([
    'the dump of job shop beside the run is whole: backup 20261122T210600Z-b5de at file:///backups',
  ])
})

test('one that takes longer goes on, lets the run be resumed, and is in the report in the end', async () => {
  const { dump, begun, end } = held()
  const { done, id, stored } = await start({ beside: dump })
  await begun
  await vi.waitFor(() =>
    expect(told.join()).toContain('the run is done; the dump of job shop beside it goes on'),
  )
  expect(await stored()).toMatchObject({ outcome: 'done', beside: { state: 'under-way', backup: null } })
  {
    await using _ = await lockRun(join(stateFolder, 'simulated'), id)
  }
  end()
  const report = await done
  expect(report).toMatchObject({ outcome: 'done', beside: { state: 'done', ...MADE } })
  expect(await stored()).toEqual(report)
  expect(await readFile(join(stateFolder, 'simulated/runbooks', id, 'report.txt'), 'utf8')).toContain(
    'Beside it:\n- dump of job shop: done, backup 20261122T210600Z-b5de at file:///backups',
  )
  // Whoever goes on makes no other.
  const again = await start({
    ...{ resume: id, beside: { job: 'shop', run: () => Promise.reject(new Error('not again')) } },
  })
  expect(await again.done).toMatchObject({ attempts: 2, beside: { state: 'done', ...MADE } })
  expect(told.at(-1)).toContain('was dumped beside this run before')
})

test('while somebody else is at the run by then, nothing of theirs is written over', async () => {
  const { dump, begun, end } = held()
  const { done, id, stored } = await start({ beside: dump })
  await begun
  await vi.waitFor(() => expect(told.join()).toContain('the run is done'))
  await using _ = await lockRun(join(stateFolder, 'simulated'), id)
  end()
  expect(await done).toMatchObject({ beside: { state: 'done' } })
  expect(await stored()).toMatchObject({ beside: { state: 'under-way' } })
  expect(warned).toEqual([])
})

test('one that fails is a warning, and the run is done', async () => {
  const error = new LifeboatError('engine-unreachable', 'unable to reach the database: refused', {
    hint: 'Look at it.',
  })
  const { done } = await start({ beside: { job: 'shop', run: () => Promise.reject(error) } })
  expect(await done).toMatchObject({
    outcome: 'done',
    beside: { state: 'failed', backup: null, reason: 'unable to reach the database: refused' },
  })
  expect(warned).toEqual([
    'the dump of job shop beside the run has failed: unable to reach the database: refused',
  ])
})

test('the hint of a deadline names it, once it is whole; that the run has ended is said at once', async () => {
  const { dump, begun, end } = held()
  const { done, id } = await start({ beside: dump, deadlineMs: 60_000 })
  await begun
  await vi.waitFor(() =>
    expect(warned.join()).toMatch(/the run has ended: unable to end .* goes on \(Ctrl-C/),
  )
  end()
  await expect(done).rejects.toMatchObject({
    code: 'timed-out',
    hint: expect.stringMatching(
      /--resume .*native way.*Beside it job shop was dumped: backup 20261122T210600Z-b5de at file:\/\/\/backups, which lifeboat migrate native --backups/,
    ),
    details: { run: id, report: { beside: { state: 'done' } } },
  })
})

test('the hint of a failure says that it has failed too', async () => {
  const { dump, begun, fail } = held()
  const { done } = await start({ beside: dump, deadlineMs: 60_000 })
  await begun
  fail(new LifeboatError('tool-failed', 'unable to dump: gone'))
  await expect(done).rejects.toMatchObject({
    hint: expect.stringContaining('The dump of job shop beside it has not ended well: unable to dump: gone.'),
  })
})

test('an interruption ends both', async () => {
  const { dump, begun } = held()
  const { done, controller, journal } = await start({ beside: dump })
  await begun
  controller.abort(new LifeboatError('interrupted', 'interrupted by Ctrl-C (SIGINT)'))
  const ended = await done.then(
    ({ beside }) => beside,
    ({ details }: LifeboatError) => (details as { report: { beside: unknown } }).report.beside,
  )
  expect(ended).toMatchObject({ state: 'failed', reason: 'interrupted by Ctrl-C (SIGINT)' })
  expect(warned).toEqual([])
  expect((await journal()).join()).toContain('"beside"')
})

test('a way that is closed begins none', async () => {
  const run = vi.fn(() => Promise.resolve(MADE))
  const { done } = await start({
    beside: { job: 'shop', run },
    flags: { source: 'eu-west-1', target: 'eu-central-1', db: ['shop'], snapshot: 'other' },
  })
  await expect(done).rejects.toMatchObject({ code: 'step-failed' })
  expect(run).not.toHaveBeenCalled()
})
