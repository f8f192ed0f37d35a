import { expect, test } from 'vitest'
import { simulatedWorld, standingFence } from '../../src/app/simulate-cloud.ts'
import { fencedBy } from '../../src/app/unfence.ts'
import { LifeboatError } from '../../src/core/errors.ts'
import { nameOf } from '../../src/core/runbook.ts'
import { fence } from '../../src/runbooks/fence.ts'
import { unfence } from '../../src/runbooks/unfence.ts'
import { unfenceByHand } from '../../src/runbooks/unfence-by-hand.ts'
import type { Fenced } from '../../src/runbooks/unfence-facts.ts'
import { simulatedPorts } from '../../src/simulation/cloud.ts'
import { furnish, SCENE } from '../../src/simulation/scene.ts'
import type { World } from '../../src/simulation/world.ts'
import { createRunbookScene, RUN, type RunbookHarness } from '../testbed/runbook-scene.ts'
import { describeRunbook } from './runbook-suite.ts'

const { signal } = new AbortController()
const regions = { source: 'eu-west-1', target: 'eu-central-1' }
const HOST = 'shop.c1sim.eu-west-1.rds.amazonaws.com'
const OWN = SCENE.securityGroup(regions.source)
const fenced = standingFence(regions, 'shop', 'instance')
const CLOSED = 'sg-closed'

/** As a run of fence leaves it. */
function fencedWorld(world: World, kind: 'instance' | 'cluster' = 'instance'): void {
  furnish(world, { ...regions, db: 'shop', kind })
  const { securityGroups, instances, clusters } = world.region(regions.source)
  securityGroups.set(CLOSED, {
    ...{
      id: CLOSED,
      name: nameOf({ id: fenced.run }, 'fence'),
      description: 'closed',
      vpcId: 'vpc-eu-west-1',
    },
    ...{ inbound: [], outbound: [], tags: { 'lifeboat:run': fenced.run, 'lifeboat:fenced-from': OWN } },
  })
  const there = (kind === 'instance' ? instances : clusters).get('shop')
  if (there !== undefined) there.securityGroups = [CLOSED]
  world.databases.set(standingFence(regions, 'shop', kind).endpoint.host, 'read-only')
}

const instanceOf = (world: World) => world.region(regions.source).instances.get('shop')
const harness: RunbookHarness = {
  way: unfence,
  flags: { ...regions, fenced },
  furnish: (world) => fencedWorld(world),
  expectDone(world) {
    expect(world.databases.get(HOST)).toBe('writable')
    expect(instanceOf(world)?.securityGroups).toEqual([OWN])
  },
}
describeRunbook('unfence', harness)

test('a cluster gets its groups back as a whole', async () => {
  const flags = { ...regions, fenced: standingFence(regions, 'shop', 'cluster') }
  await using scene = await createRunbookScene({
    ...{ ...harness, flags, furnish: (world) => fencedWorld(world, 'cluster') },
  })
  expect((await scene.run()).outcome).toBe('done')
  expect(scene.world.region(regions.source).clusters.get('shop')?.securityGroups).toEqual([OWN])
  expect(scene.world.databases.get('shop.cluster-c1sim.eu-west-1.rds.amazonaws.com')).toBe('writable')
})

test('a fence of SQL alone is lifted with a login alone, whatever AWS says', async () => {
  const flags = { ...regions, fenced: { ...fenced, network: null } }
  await using scene = await createRunbookScene({ ...harness, flags })
  scene.world.strike({ operation: 'sts:GetCallerIdentity', fault: 'denied', times: 1000 })
  scene.world.region(regions.source).dead = true
  expect((await scene.run()).outcome).toBe('done')
  expect(scene.world.databases.get(HOST)).toBe('writable')
})

async function failure(
  prepare: (world: World) => void,
  flags: Partial<RunbookHarness['flags']> = {},
): Promise<{ error: LifeboatError; changes: readonly string[] }> {
  await using scene = await createRunbookScene({ ...harness, flags: { ...harness.flags, ...flags } })
  prepare(scene.world)
  const thrown = await scene.run().then(
    () => new Error('it has not failed'),
    (reason: unknown) => reason,
  )
  if (!(thrown instanceof LifeboatError)) throw thrown
  return { error: thrown, changes: scene.changes() }
}

const putBehind =
  (...groups: string[]) =>
  (world: World) => {
    const there = instanceOf(world)
    if (there !== undefined) there.securityGroups = groups
  }
test.each<[string, (world: World) => void, RegExp]>([
  ['another group', putBehind('sg-other'), /shop is behind sg-other, neither behind lifeboat-.*-fence nor/],
  [
    'the closed group and another',
    putBehind(CLOSED, 'sg-other'),
    /behind sg-closed \(lifeboat-.*\) sg-other/,
  ],
  ['its own groups', putBehind(OWN), /has its own security groups again/],
  [
    'a rule in the closed group',
    (world) => {
      const group = world.region(regions.source).securityGroups.get(CLOSED)
      if (group !== undefined) group.inbound = [{ protocol: '-1', peer: '0.0.0.0/0' }]
    },
    /somebody has put 1 rules into sg-closed/,
  ],
  [
    'its own group gone',
    (world) => world.region(regions.source).securityGroups.delete(OWN),
    /its own security group sg-.* is not there any more/,
  ],
])('%s: it says so, and changes nothing', async (_, prepare, reason) => {
  const { error, changes } = await failure(prepare)
  expect(error).toMatchObject({ code: 'step-failed', message: expect.stringMatching(reason) })
  expect(error.hint).toMatch(/--accept changed-fence/)
  expect(changes).toEqual([])
})

test('what somebody has changed can be left, and the rest is lifted', async () => {
  const flags = { ...harness.flags, accept: ['changed-fence'] }
  await using scene = await createRunbookScene({ ...harness, flags })
  putBehind('sg-other')(scene.world)
  const report = await scene.run()
  expect(report).toMatchObject({ outcome: 'done' })
  expect(report.warnings.join('\n')).toMatch(/Left as it is: shop is behind sg-other/)
  expect(instanceOf(scene.world)?.securityGroups).toEqual(['sg-other'])
  expect(scene.world.databases.get(HOST)).toBe('writable')
})

test('groups changed between the look and the change are not overwritten', async () => {
  await using scene = await createRunbookScene(harness)
  await scene.run({ confirm: false }).catch(() => undefined)
  putBehind('sg-other')(scene.world)
  await expect(scene.run()).rejects.toMatchObject({
    message: expect.stringMatching(/somebody has put it behind sg-other/),
  })
  expect(scene.changes()).toEqual([])
})

test('what is lifted already is looked at, and that is all', async () => {
  await using scene = await createRunbookScene(harness)
  putBehind(OWN)(scene.world)
  scene.world.databases.set(HOST, 'writable')
  const report = await scene.run()
  expect(report.steps.map(({ id }) => id)).toEqual(['check-unfenced'])
  expect(scene.changes()).toEqual([])
})

test('a restart that has lifted read_only is nobody who has changed it', async () => {
  await using scene = await createRunbookScene(harness)
  scene.world.databases.set(HOST, 'writable')
  const report = await scene.run()
  expect(report.steps.map(({ id }) => id)).toEqual(['unfence-network', 'check-unfenced'])
  harness.expectDone(scene.world)
})

test('an account that is gone is told, and the rest is lifted once that is accepted', async () => {
  const undo = ['SET GLOBAL read_only = OFF', 'ALTER USER `gone`@`%` ACCOUNT UNLOCK']
  const lost = { ...fenced, sql: { client: 'mysql' as const, undo } }
  const { error, changes } = await failure(() => undefined, { fenced: lost })
  expect(error.message).toMatch(/'ALTER USER `gone`@`%` ACCOUNT UNLOCK' is about something that is not there/)
  expect(changes).toEqual([])
  const flags = { ...harness.flags, fenced: lost, accept: ['changed-fence'] }
  await using scene = await createRunbookScene({ ...harness, flags })
  expect((await scene.run()).outcome).toBe('done')
  harness.expectDone(scene.world)
})

test('a database that has taken over must take no writes any more', async () => {
  const to = 'shop-replica.c1sim.eu-central-1.rds.amazonaws.com'
  const { error, changes } = await failure((world) => world.databases.set(to, 'writable'), {
    to: `${to}:3306`,
  })
  expect(error.message).toMatch(/shop-replica.* takes no more writes: it still takes writes/)
  expect(changes).toEqual([])
})

test('where nobody can log in after the groups are back, the statements are told', async () => {
  const { error } = await failure((world) => {
    world.databases.delete(HOST)
  })
  expect(error.message).toMatch(/nobody could log in to lift it/)
  expect(error.hint).toMatch(/by hand: SET GLOBAL read_only = OFF/)
})

/** A run of fence, and what its journal says of it. */
async function fenceRun(
  work: (scene: Awaited<ReturnType<typeof createRunbookScene>>) => Promise<unknown>,
): Promise<{ fenced: Fenced | undefined; world: World }> {
  await using scene = await createRunbookScene({
    way: fence,
    flags: { ...regions, db: ['shop'] },
    furnish: (world) => furnish(world, { ...regions, db: 'shop', kind: 'instance' }),
    expectDone: () => undefined,
  })
  await work(scene)
  const flags = await fencedBy({ stateFolder: scene.folder, onEvent: () => undefined }, RUN.id, signal)
  expect(flags).toMatchObject({ ...regions, db: ['shop'] })
  return { fenced: flags.fenced, world: scene.world }
}

test('what a run has fenced is lifted from its journal, to just what was before', async () => {
  const { fenced: found, world } = await fenceRun((scene) => scene.run())
  expect(found).toMatchObject({
    ...{ run: RUN.id, db: 'shop', endpoint: { host: HOST, port: 3306 } },
    sql: { client: 'mysql', undo: ['SET GLOBAL read_only = OFF'] },
    network: { kind: 'instance', securityGroups: [OWN] },
  })
  const flags = { ...regions, ...(found !== undefined && { fenced: found }) }
  await using scene = await createRunbookScene({ ...harness, flags })
  // The very cloud in which it was fenced.
  const ports = simulatedPorts(world, regions.source, regions.target)
  expect((await scene.run({ ports, clock: world.time.clock })).outcome).toBe('done')
  harness.expectDone(world)
})

test('what a run had not begun is not lifted', async () => {
  const onStep =
    (world: World) =>
    ({ step, state }: { step: string; state: string }) => {
      if (step === 'fence-sql' && state === 'done') world.crashAt(0)
    }
  const { fenced: found } = await fenceRun(async (scene) => {
    await scene.run({ onStep: onStep(scene.world) }).catch(() => undefined)
    scene.world.revive()
  })
  expect(found).toMatchObject({ network: null, sql: { undo: ['SET GLOBAL read_only = OFF'] } })
})

test('a run that was never confirmed has fenced nothing', async () => {
  await expect(
    fenceRun((scene) => scene.run({ confirm: false }).catch(() => undefined)),
  ).rejects.toMatchObject({ code: 'usage', message: expect.stringMatching(/has not fenced anything/) })
})

test('an account that came between plan and confirmation is locked, and unlocked again', async () => {
  const { fenced: found } = await fenceRun(async (scene) => {
    const ports = simulatedPorts(scene.world, regions.source, regions.target)
    const late = {
      ...ports.database,
      async planFence(...args: Parameters<typeof ports.database.planFence>) {
        const plan = await ports.database.planFence(...args)
        return plan && { ...plan, statements: ['LOCK late'], undo: ['UNLOCK late', ...plan.undo] }
      },
    }
    await scene.run({ confirm: false }).catch(() => undefined)
    await scene.run({ ports: { ...ports, database: late } })
  })
  expect(found?.sql?.undo).toEqual(['UNLOCK late', 'SET GLOBAL read_only = OFF'])
})

test('without a journal what stands is told, and whose run it was', async () => {
  const world = simulatedWorld({ ...regions, db: ['shop'], fenced }, 'instance', [])
  const ports = simulatedPorts(world, regions.source, regions.target)
  const { run, lines } = await unfenceByHand(
    { source: regions.source, db: 'shop', from: null },
    ports,
    signal,
  )
  expect(run).toBe(fenced.run)
  expect(lines).toContainEqual(expect.stringContaining(`--vpc-security-group-ids ${OWN} --apply-immediately`))
  expect(lines).toContain('SET GLOBAL read_only = OFF')
  const open = simulatedWorld({ ...regions, db: ['shop'] }, 'instance', [])
  const found = await unfenceByHand(
    { source: regions.source, db: 'shop', from: null },
    simulatedPorts(open, regions.source, regions.target),
    signal,
  )
  expect(found.run).toBeNull()
  expect(found.lines.join('\n')).toMatch(/none of them is of a fence[\s\S]*By SQL nothing is locked/)
})
