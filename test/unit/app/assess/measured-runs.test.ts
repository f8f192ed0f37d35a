import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { MeasuredRun } from '../../../../src/app/assess/evidence.ts'
import { measuredRuns } from '../../../../src/app/assess/measured-runs.ts'
import { runsAtSink, runsInFolder } from '../../../../src/app/past-runs.ts'
import { loadWay } from '../../../../src/app/ways.ts'
import { layout } from '../../../../src/core/backup-layout.ts'
import { once } from '../../../../src/core/bytes.ts'
import { furnish } from '../../../../src/simulation/scene.ts'
import { createMemorySink } from '../../../testbed/memory-sink.ts'
import { createRunbookScene, RUN } from '../../../testbed/runbook-scene.ts'
import { assessWorld, FLAGS, furnished, SOURCE, TARGET, wayOf } from './scene.ts'

const MINUTE = 60_000
const { signal } = new AbortController()

async function scene(name: string) {
  return await createRunbookScene({
    way: await loadWay(name),
    flags: {
      ...FLAGS,
      source: SOURCE,
      target: TARGET,
      db: ['shop'],
      snapshot: 'new',
      accept: ['split-brain'],
    },
    furnish: (world) => furnish(world, { source: SOURCE, target: TARGET, db: 'shop', kind: 'instance' }),
    expectDone: () => undefined,
  })
}

test('what a run took stands in its journal, here and at a sink, and in the table of the next assess', async () => {
  await using it = await scene('copy-snapshot')
  const beganMs = it.world.time.nowMs()
  await it.run()
  const tookMs = it.world.time.nowMs() - beganMs
  const here = await runsInFolder(it.folder)
  const [found] = measuredRuns(here.runs)
  expect(found).toMatchObject({ run: RUN.id, way: 'copy-snapshot', db: 'shop', gib: 200 })
  expect(found?.tookMs).toBeGreaterThan(MINUTE)
  expect(found?.tookMs).toBeLessThanOrEqual(tookMs)

  const sink = createMemorySink()
  const journal = await readFile(join(it.folder, 'runbooks', RUN.id, 'journal.jsonl'))
  await sink.write(layout.runbook(RUN.id, 'journal.jsonl'), once(journal), { signal })
  expect(measuredRuns((await runsAtSink(sink, signal)).runs)).toEqual([found])

  const past = [{ name: 'here', look: () => Promise.resolve(found === undefined ? [] : [found]) }]
  const { rto } = wayOf(await assessWorld(furnished(), { past: [...past, ...past] }), 'copy-snapshot')
  expect(rto).toMatchObject({ leastMs: found?.tookMs, rests: { on: 'measured', at: found?.at } })
  expect(rto.basis).toMatch(/^measured: run 20261122T210500Z-k3f9 of it took .* for 200 GiB$/)
})

test('time in which a run waited for --confirm is not counted, time in which it was dead is', async () => {
  await using it = await scene('promote-replica')
  const { clock } = it.world.time
  await expect(it.run({ confirm: false })).rejects.toMatchObject({ code: 'confirmation-required' })
  await clock.sleep(600 * MINUTE, signal)
  it.world.strike({ operation: 'rds:PromoteReadReplica', fault: 'denied', times: 1 })
  await expect(it.run()).rejects.toThrow()
  await clock.sleep(7 * MINUTE, signal)
  await it.run()
  const [found] = measuredRuns((await runsInFolder(it.folder)).runs)
  expect(found?.tookMs).toBeGreaterThan(7 * MINUTE)
  expect(found?.tookMs).toBeLessThan(120 * MINUTE)
})

test('a run that has not ended measures nothing, a damaged journal hides no other', async () => {
  await using it = await scene('promote-replica')
  await expect(it.run({ confirm: false })).rejects.toThrow()
  const damaged = join(it.folder, 'runbooks', '20261123T210500Z-zzzz')
  await mkdir(damaged)
  await writeFile(join(damaged, 'journal.jsonl'), 'nonsense\n')
  const found = await runsInFolder(it.folder)
  expect(found.runs.map(({ run }) => run)).toEqual([RUN.id])
  expect(found.damaged).toEqual([expect.stringMatching(/line 1 is damaged/)])
  expect(measuredRuns(found.runs)).toEqual([])
  expect(await runsInFolder(join(it.folder, 'nowhere'))).toEqual({ runs: [], damaged: [] })
})

const run: MeasuredRun = {
  ...{ run: '20261101T210500Z-aaaa', way: 'copy-snapshot', source: SOURCE, target: TARGET, db: 'shop' },
  ...{ gib: 200, at: '2026-11-01T22:00:00.000Z', tookMs: 30 * MINUTE },
}

test.each([
  ['of the way back', [{ ...run, source: TARGET, target: SOURCE }], 'typical', undefined],
  ['of another way', [{ ...run, way: 'restore-snapshot' }], 'typical', undefined],
  ['when it was a tenth as large', [{ ...run, gib: 20 }], 'typical', undefined],
  ['of another as large', [{ ...run, db: 'other', gib: 150 }], 'measured', 30 * MINUTE],
  ['of another, whose size nobody knows', [{ ...run, db: 'other', gib: null }], 'typical', undefined],
  [
    'of another, and of it',
    [
      { ...run, db: 'other' },
      { ...run, run: '20261001T210500Z-bbbb', tookMs: 50 * MINUTE },
    ],
    'measured',
    50 * MINUTE,
  ],
  ['several', [run, { ...run, run: '20261102T210500Z-cccc', tookMs: 20 * MINUTE }], 'measured', 20 * MINUTE],
] as const)('a run %s', async (_, runs, on, leastMs) => {
  const past = [{ name: 'here', look: () => Promise.resolve(runs) }]
  const { rto } = wayOf(await assessWorld(furnished(), { past }), 'copy-snapshot')
  expect(rto.rests.on).toBe(on)
  if (leastMs !== undefined) expect(rto.leastMs).toBe(leastMs)
})

test('a place of journals that never answers holds up nothing', async () => {
  const past = [{ name: 'hole', look: () => new Promise<never>(() => undefined) }]
  const found = await assessWorld(furnished(), { past, timeoutMs: 600 })
  expect(found.past).toMatchObject([{ place: 'hole', runs: { known: false, silence: 'no-answer' } }])
  expect(wayOf(found, 'promote-replica')).toMatchObject({ state: 'open', rto: { rests: { on: 'typical' } } })
})
