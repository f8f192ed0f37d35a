import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { isWayOut } from '../../src/app/native-offer.ts'
import type { RunbookRecord } from '../../src/app/runbook-journal.ts'
import { LifeboatError } from '../../src/core/errors.ts'
import type { Strike } from '../../src/simulation/strikes.ts'
import type { MadeCall } from '../../src/simulation/world.ts'
import { createRunbookScene, RUN, type RunbookHarness, type RunbookScene } from '../testbed/runbook-scene.ts'

/** What every way out has to hold, in whatever the cloud does to it. */
export function describeRunbook(name: string, harness: RunbookHarness): void {
  describe(`way ${name}`, () => {
    test('goes to its end, tells each step, and leaves a report', async () => {
      await using scene = await createRunbookScene(harness)
      const report = await scene.run()
      harness.expectDone(scene.world)
      expect(report).toMatchObject({ run: RUN.id, way: harness.way.name, outcome: 'done', attempts: 1 })
      expect(report.steps.filter(({ state }) => state !== 'done')).toEqual([])
      const folder = join(scene.folder, 'runbooks', RUN.id)
      expect(JSON.parse(await readFile(join(folder, 'report.json'), 'utf8'))).toEqual(report)
      expect(await readFile(join(folder, 'report.txt'), 'utf8')).toContain(`run ${RUN.id}: done`)
      expect(new Set(scene.events.map(({ step }) => step))).toEqual(new Set(report.steps.map(({ id }) => id)))
      expectTrueJournal(scene)
    })

    test('a plan changes nothing, is the same twice, and can be typed by hand', async () => {
      await using scene = await createRunbookScene(harness)
      const { runbook } = await scene.plan()
      expect(describePlan(runbook)).toEqual(describePlan((await scene.plan()).runbook))
      expect(scene.changes()).toEqual([])
      const ids = runbook.steps.map(({ id }) => id)
      expect(ids).toEqual([...new Set(ids)])
      for (const step of runbook.steps) {
        expect(step.id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/)
        if (step.guards !== undefined) expect(ids.slice(ids.indexOf(step.id) + 1)).toContain(step.guards)
        if (step.effect === 'read') continue
        const lines = step.command()
        expect(lines.length).toBeGreaterThan(0)
        // SQL at the database itself is no call of AWS.
        if (lines.every(({ argv: [program = ''] }) => /^(mysql|psql)$/.test(program))) continue
        // What lifeboat does by itself has no line of AWS, nor a check by one.
        if (lines.every(({ argv }) => argv[0] === 'lifeboat')) continue
        // What an earlier line printed may have to be put into a longer word.
        const calls = lines.filter(({ argv, assign }) => argv[0] !== 'printf' || assign === undefined)
        expect(calls.length).toBeGreaterThan(0)
        for (const { argv } of calls) expect(argv).toEqual(expect.arrayContaining(['aws', '--region']))
        expect(step.check()?.argv).toContain('--query')
        expect(step.permissions().flatMap(({ actions }) => actions).length).toBeGreaterThan(0)
      }
      expect(runbook.rollback.length).toBeGreaterThan(0)
    })

    test('started again after its end it does nothing', async () => {
      await using scene = await createRunbookScene(harness)
      await scene.run()
      const before = scene.changes()
      const report = await scene.run()
      expect(report).toMatchObject({ outcome: 'done', attempts: 2 })
      expect(scene.changes()).toEqual(before)
    })

    test('a crash at any point, and it goes on: nothing twice, nothing left out, the journal true', async () => {
      const expected = await changesOf(harness)
      let point = 0
      for (; ; point++) {
        await using scene = await createRunbookScene(harness)
        scene.world.crashAt(point)
        const ended = await scene.run().catch((thrown: unknown) => thrown)
        if (!scene.world.crashed) break
        expect((ended as Error).name, `point ${point}`).toBe('SimulatedCrash')
        scene.world.revive()
        const report = await scene.run()
        expect(report.outcome, `point ${point}`).toBe('done')
        expect(scene.changes(), `point ${point}`).toEqual(expected)
        harness.expectDone(scene.world)
        expectTrueJournal(scene)
      }
      // Before and after each change, and before and after each of its records: applying, applied, done.
      expect(point).toBeGreaterThan(expected.length * 5)
    })

    test('two crashes, and it goes on', async () => {
      const expected = await changesOf(harness)
      for (let point = 1; point < 40; point += 7) {
        await using scene = await createRunbookScene(harness)
        for (const at of [point, 5]) {
          scene.world.crashAt(at)
          await scene.run().catch(() => undefined)
          scene.world.revive()
        }
        await scene.run()
        expect(scene.changes(), `point ${point}`).toEqual(expected)
      }
    })

    test.each<Strike['fault']>(['throttled', 'unavailable', 'busy', 'lost-answer'])(
      'each call in turn %s: it tries again, and nothing is made twice',
      async (fault) => {
        const expected = await changesOf(harness)
        for (const operation of await operationsOf(harness)) {
          await using scene = await createRunbookScene(harness)
          scene.world.strike({ operation, fault, times: 2 })
          const report = await scene.run()
          expect(report.outcome, operation).toBe('done')
          if (fault !== 'lost-answer' || !isUnnamed(operation))
            expect(scene.changes(), operation).toEqual(expected)
          harness.expectDone(scene.world)
          expectTrueJournal(scene)
        }
      },
    )

    test.each<Strike['fault']>(['denied', 'quota', 'key', 'invalid', 'capacity'])(
      'each change refused (%s): the step says so, and goes on once it is not',
      async (fault) => {
        const expected = await changesOf(harness)
        for (const operation of new Set(expected)) {
          await using scene = await createRunbookScene(harness)
          scene.world.strike({ operation, fault, times: 1 })
          const triesOther = harness.hasRoomElsewhere === true && operation.includes(':Restore')
          if (triesOther && ['quota', 'invalid', 'capacity'].includes(fault)) {
            expect((await scene.run()).outcome, operation).toBe('done')
            continue
          }
          const error = await failureOf(scene)
          expect(error, operation).toMatchObject({ code: 'step-failed', details: { fault, run: RUN.id } })
          expect(error.hint).toMatch(/\S.* --resume 20261122T210500Z-k3f9/)
          if (fault === 'denied') expect(error.hint).toMatch(/--print-policy/)
          expect((await scene.records()).findLast(({ event }) => event === 'step')).toMatchObject({
            state: 'failed',
          })
          expect((await scene.run()).outcome).toBe('done')
          expect(scene.changes()).toEqual(expected)
          expectTrueJournal(scene)
        }
      },
    )

    test('a target region that dies at any change ends it in bounded time; once back, it goes on', async () => {
      const expected = await changesOf(harness)
      for (const [index, operation] of expected.entries()) {
        await using scene = await createRunbookScene(harness)
        const skip = expected.slice(0, index).filter((each) => each === operation).length
        scene.world.strike({ operation, fault: 'unavailable', times: 10_000, skip })
        const startMs = scene.world.time.nowMs()
        const error = await failureOf(scene)
        expect(['step-failed', 'timed-out'], operation).toContain(error.code)
        if (isWayOut(harness.way.name)) expect(error.hint).toMatch(/native way.*lifeboat restore latest/)
        else expect(error.hint).not.toMatch(/native/)
        expect(scene.world.time.nowMs() - startMs).toBeLessThan(harness.way.deadlineMs + 30 * 60_000)
        expect(scene.changes()).toEqual(expected.slice(0, index))
      }
    })

    test('after the deadline it offers the native way, where it is one out, and resuming goes on', async () => {
      const expected = await changesOf(harness)
      await using scene = await createRunbookScene(harness)
      const error = await failureOf(scene, { deadlineMs: harness.tooShortMs ?? 60_000 })
      expect(error).toMatchObject({ code: 'timed-out', details: { run: RUN.id } })
      expect(error.hint).toMatch(/--resume 20261122T210500Z-k3f9 --deadline \d+h/)
      if (isWayOut(harness.way.name)) {
        expect(error.details).toMatchObject({ offer: 'native' })
        expect(error.hint).toMatch(/--deadline.*native way/)
      } else expect(error.hint).not.toMatch(/native/)
      await scene.run()
      expect(scene.changes()).toEqual(expected)
    })

    test('nothing switches or is destroyed before somebody confirms it', async () => {
      await using scene = await createRunbookScene(harness)
      const { runbook } = await scene.plan()
      const first = runbook.steps.find(({ effect }) => effect === 'switch' || effect === 'destroy')
      if (first === undefined) {
        expect((await scene.run({ confirm: false })).outcome).toBe('done')
        return
      }
      const error = await failureOf(scene, { confirm: false })
      expect(error).toMatchObject({ code: 'confirmation-required' })
      expect(error.hint).toMatch(/--confirm/)
      const applied = (await scene.records()).filter(
        (record) => record.event === 'step' && record.state === 'applying',
      )
      expect(applied.map((record) => record.event === 'step' && record.step)).not.toContain(first.id)
      await scene.run()
      harness.expectDone(scene.world)
    })
  })
}

/** Calls that carry no name of ours: repeated after a lost answer they set the same again. */
function isUnnamed(operation: string): boolean {
  return /:(Modify|Set|Authorize|Revoke)/.test(operation)
}

async function changesOf(harness: RunbookHarness): Promise<readonly string[]> {
  await using scene = await createRunbookScene(harness)
  await scene.run()
  expect(scene.changes().length).toBeGreaterThan(0)
  return scene.changes()
}

async function operationsOf(harness: RunbookHarness): Promise<readonly string[]> {
  await using scene = await createRunbookScene(harness)
  await scene.run()
  return [...new Set(scene.world.calls.map(({ operation }) => operation))]
}

async function failureOf(
  scene: RunbookScene,
  settings?: Parameters<RunbookScene['run']>[0],
): Promise<LifeboatError> {
  const thrown = await scene.run(settings).then(
    () => new Error('it has not failed'),
    (reason: unknown) => reason,
  )
  if (!(thrown instanceof LifeboatError)) throw thrown
  return thrown
}

/** No change without a record of its step before it; no step done before the changes that it has asked for. */
function expectTrueJournal({ log }: RunbookScene): void {
  let before: RunbookRecord | undefined
  for (const entry of log) {
    if (isRecord(entry)) before = entry
    else expect(before, entry.operation).toMatchObject({ event: 'step', state: 'applying' })
  }
  const records = log.filter(isRecord)
  const planned = records.find((record) => record.event === 'planned')
  expect(planned).toBeDefined()
  expect(records.at(-1)).toMatchObject({ event: 'ended', outcome: 'done' })
  const lastStart = records.findLastIndex(({ event }) => event === 'started')
  const done = records
    .slice(lastStart)
    .flatMap((record) => (record.event === 'step' && record.state === 'done' ? [record.step] : []))
  expect(done).toEqual(planned?.event === 'planned' ? planned.steps.map(({ id }) => id) : [])
}

function isRecord(entry: RunbookRecord | MadeCall): entry is RunbookRecord {
  return 'event' in entry
}

function describePlan({ steps, ...rest }: Awaited<ReturnType<RunbookScene['plan']>>['runbook']): unknown {
  return {
    ...rest,
    steps: steps.map((step) => ({
      ...{ id: step.id, title: step.title, effect: step.effect, permissions: step.permissions() },
      ...{ command: step.command(), check: step.check() },
    })),
  }
}
