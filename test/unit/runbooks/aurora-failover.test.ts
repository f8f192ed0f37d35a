import { expect, test } from 'vitest'
import { auroraFailover } from '../../../src/runbooks/aurora-failover.ts'
import { furnish, SCENE } from '../../../src/simulation/scene.ts'
import type { World } from '../../../src/simulation/world.ts'
import { createRunbookScene } from '../../testbed/runbook-scene.ts'

const regions = { source: 'eu-west-1', target: 'eu-central-1' }

async function run(flags: object, alter: (world: World) => void = () => undefined) {
  await using scene = await createRunbookScene({
    way: auroraFailover,
    flags: { ...regions, db: ['shop'], ...flags },
    furnish(world) {
      furnish(world, { ...regions, db: 'shop', kind: 'cluster' })
      alter(world)
    },
    expectDone: () => undefined,
  })
  const outcome = await scene.run().catch((thrown: unknown) => thrown)
  return { outcome, changes: scene.changes(), world: scene.world }
}

const kill = (world: World) => {
  world.region(regions.source).dead = true
}

test('a dead primary region and no word about data loss: nothing is done, and it says what would help', async () => {
  const { outcome, changes } = await run({}, kill)
  expect(outcome).toMatchObject({ code: 'step-failed', hint: expect.stringContaining('--accept data-loss') })
  expect(changes).toEqual([])
})

test('data loss accepted, and yet a switchover while the primary is well', async () => {
  const { outcome, changes } = await run({ accept: ['data-loss'] })
  expect(outcome).toMatchObject({ outcome: 'done' })
  expect(changes[0]).toBe('rds:SwitchoverGlobalCluster')
})

test('--failover wants --accept data-loss too', async () => {
  const forced = await run({ failover: true, accept: ['data-loss', 'split-brain'] })
  expect(forced.changes[0]).toBe('rds:FailoverGlobalCluster')
  const unaccepted = await run({ failover: true })
  expect(unaccepted.changes[0]).toBe('rds:SwitchoverGlobalCluster')
})

test('a primary whose control plane is dead and which still takes writes is not failed over from', async () => {
  const { outcome, changes } = await run({ accept: ['data-loss'] }, kill)
  expect(outcome).toMatchObject({ hint: expect.stringContaining('--accept-split-brain') })
  expect(changes).toEqual([])
  const anyway = await run({ accept: ['data-loss', 'split-brain'] }, kill)
  expect(anyway.outcome).toMatchObject({ outcome: 'done' })
})

test('a primary that is well again by the time of the failover: it is not thrown away', async () => {
  const { outcome, changes } = await run({ accept: ['data-loss'] }, (world) => {
    world.databases.clear()
    world.strike({
      operation: 'rds:DescribeDBClusters',
      region: regions.source,
      fault: 'unavailable',
      times: 1,
    })
  })
  expect(outcome).toMatchObject({ message: expect.stringContaining('well again') })
  expect(changes).toEqual([])
})

test.each<[string, (world: World) => void, RegExp]>([
  [
    'no instance in the secondary',
    (world) => {
      const secondary = world.region(regions.target).clusters.get('shop')
      if (secondary !== undefined) secondary.members = []
    },
    /no instance/,
  ],
  [
    'another version',
    (world) => {
      const secondary = world.region(regions.target).clusters.get('shop')
      if (secondary !== undefined) secondary.engineVersion = '8.0.mysql_aurora.3.04.0'
    },
    /a switchover|is of version/,
  ],
  ['no global database', (world) => world.globals.clear(), /knows no global database/],
  [
    'its primary elsewhere',
    (world) => {
      const global = world.globals.get(SCENE.globalCluster('shop'))
      if (global === undefined) return
      global.members = [
        ...global.members.map((member) => ({ ...member, writer: false })),
        { clusterArn: 'arn:aws:rds:us-east-1:111122223333:cluster:hq', region: 'us-east-1', writer: true },
      ]
    },
    /its primary is hq in us-east-1/,
  ],
  [
    'moved already',
    (world) => {
      const global = world.globals.get(SCENE.globalCluster('shop'))
      if (global !== undefined)
        global.members = global.members.map((member) => ({ ...member, writer: !member.writer }))
    },
    /is its primary already/,
  ],
])('is closed with %s', async (_, alter, said) => {
  const { outcome, changes } = await run({}, alter)
  expect(outcome).toMatchObject({ code: 'step-failed', message: expect.stringMatching(said) })
  expect(changes).toEqual([])
})

test('lag beyond --max-lag, or not known, stops it; without a limit CloudWatch may be dead', async () => {
  const lagging = await run({ maxLagSeconds: 0.5 })
  expect(lagging.outcome).toMatchObject({ message: expect.stringContaining('lag 1 s') })
  const noMetric = (world: World) => world.region(regions.target).metrics.clear()
  expect((await run({ maxLagSeconds: 10 }, noMetric)).changes).toEqual([])
  const blind = await run({}, (world) =>
    world.strike({ operation: 'cloudwatch:GetMetricStatistics', fault: 'denied', times: 99 }),
  )
  expect(blind.outcome).toMatchObject({ outcome: 'done' })
})
