import { describe, expect, test } from 'vitest'
import { loadWay } from '../../src/app/ways.ts'
import type { AccountList } from '../../src/core/accounts.ts'
import { LifeboatError } from '../../src/core/errors.ts'
import { furnish, SCENE } from '../../src/simulation/scene.ts'
import type { World } from '../../src/simulation/world.ts'
import { createRunbookScene, type RunbookHarness } from '../testbed/runbook-scene.ts'

const regions = { source: 'eu-west-1', target: 'eu-central-1' }
const OLD = 'shop.c1sim.eu-west-1.rds.amazonaws.com'
const NEW = `${SCENE.replica('shop')}.c1sim.eu-central-1.rds.amazonaws.com`
const accounts = (...rights: readonly (readonly [string, ...string[]])[]): AccountList => ({
  accounts: rights.map(([name, ...grants]) => ({ name, grants })),
  limits: [],
})
const FULL = accounts(['app@%', 'SELECT ON `shop`.*', 'may log in'], ['report@%', 'may log in'])

async function harness(
  prepare: (world: World) => void,
  accept: readonly string[] = [],
): Promise<RunbookHarness> {
  return {
    way: await loadWay('promote-replica'),
    flags: { ...regions, db: ['shop'], accept: ['split-brain', ...accept] },
    furnish(world) {
      furnish(world, { ...regions, db: 'shop', kind: 'instance' })
      world.accounts.set(OLD, FULL)
      world.accounts.set(NEW, FULL)
      prepare(world)
    },
    expectDone: () => undefined,
  }
}

async function refusalOf(run: Promise<unknown>): Promise<LifeboatError> {
  const thrown = await run.catch((caught: unknown) => caught)
  if (thrown instanceof LifeboatError) return thrown
  throw new Error('it went on', { cause: thrown })
}

describe('accounts and grants at the end of a way', () => {
  test('as they were: done; and the journal holds names and digests, no right in words', async () => {
    await using scene = await createRunbookScene(await harness(() => undefined))
    const report = await scene.run()
    const step = report.steps.at(-1)
    expect(step).toMatchObject({ id: 'accounts', state: 'done', reason: '2 accounts, each as at the source' })
    const planned = JSON.stringify((await scene.records()).find(({ event }) => event === 'planned'))
    expect(planned).toContain('report@%')
    expect(planned).not.toContain('SELECT ON')
  })

  test('what is missing stops the run, in words; made there, it goes on', async () => {
    const poor = accounts(['app@%', 'may log in'])
    await using scene = await createRunbookScene(await harness((world) => world.accounts.set(NEW, poor)))
    const stopped = await refusalOf(scene.run())
    expect(stopped).toMatchObject({ code: 'step-failed', hint: expect.stringMatching(/--accept accounts/) })
    expect(stopped.message).toContain('app@% lacks SELECT ON `shop`.*; report@% is missing')
    scene.world.accounts.set(NEW, FULL)
    expect(await scene.run()).toMatchObject({ outcome: 'done', attempts: 2 })
  })

  test('of a source that has died meanwhile it is told how much is missing', async () => {
    const poor = accounts(['app@%', 'may log in'], ['report@%', 'may log in'])
    await using scene = await createRunbookScene(
      await harness((world) => {
        world.accounts.set(NEW, poor)
        world.time.after(60_000, () => world.databases.delete(OLD))
      }),
    )
    expect((await refusalOf(scene.run())).message).toContain('app@% lacks 1 of its 2 rights')
  })

  test('what is missing is taken by its name, and said', async () => {
    const made = await harness((world) => world.accounts.set(NEW, accounts()), ['accounts'])
    await using scene = await createRunbookScene(made)
    const { steps } = await scene.run()
    expect(steps.at(-1)?.checks).toEqual([expect.objectContaining({ name: 'accounts', state: 'accepted' })])
  })

  test('what is new is told, and stops nothing', async () => {
    const rich = accounts(
      ['app@%', 'DELETE ON `shop`.*', 'SELECT ON `shop`.*', 'may log in'],
      ['report@%', 'may log in'],
      ['stranger@%', 'may log in'],
    )
    await using scene = await createRunbookScene(await harness((world) => world.accounts.set(NEW, rich)))
    const { steps } = await scene.run()
    expect(steps.at(-1)?.checks).toEqual([
      expect.objectContaining({
        state: 'warning',
        found: 'app@% also has DELETE ON `shop`.*; stranger@% is new',
      }),
    ])
  })

  test('a source that gives no answer is a warning of the plan, and unknown in the report', async () => {
    await using scene = await createRunbookScene(await harness((world) => world.databases.delete(OLD)))
    const { runbook } = await scene.plan()
    expect(runbook.warnings.join('\n')).toMatch(/Accounts and grants of shop are not known \(no answer\)/)
    const { steps } = await scene.run()
    expect(steps.at(-1)?.checks).toEqual([expect.objectContaining({ name: 'accounts', state: 'unknown' })])
  })

  test('ways that make no call to the source ask it at the endpoint that is given', async () => {
    const landing = {
      ...{ targetId: 'shop-new', subnetGroup: SCENE.subnetGroup, class: [SCENE.instanceClass] },
      ...{ securityGroup: [SCENE.securityGroup(regions.target)], kmsKey: SCENE.keyAlias },
    }
    const base = await harness((world) => {
      world.accounts.delete(NEW)
      world.accounts.set('shop-new.c1sim.eu-central-1.rds.amazonaws.com', FULL)
    })
    const restore = { ...base, way: await loadWay('restore-snapshot') }
    await using silent = await createRunbookScene({ ...restore, flags: { ...base.flags, ...landing } })
    expect((await silent.plan()).runbook.warnings.join('\n')).toMatch(/--from HOST:PORT names it/)
    expect(silent.world.calls.filter(({ region }) => region === regions.source)).toEqual([])
    const flags = { ...base.flags, ...landing, from: `${OLD}:3306` }
    await using told = await createRunbookScene({ ...restore, flags })
    const { steps } = await told.run()
    expect(steps.at(-1)?.checks).toEqual([expect.objectContaining({ name: 'accounts', state: 'ok' })])
    expect(told.world.calls.filter(({ region }) => region === regions.source)).toEqual([])
  })
})
