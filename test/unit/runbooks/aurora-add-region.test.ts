import { expect, test } from 'vitest'
import { auroraAddRegion } from '../../../src/runbooks/aurora-add-region.ts'
import { furnish, SCENE } from '../../../src/simulation/scene.ts'
import type { World } from '../../../src/simulation/world.ts'
import { createRunbookScene } from '../../testbed/runbook-scene.ts'

const regions = { source: 'eu-west-1', target: 'eu-central-1' }

async function run(
  flags: object,
  alter: (world: World) => void,
  global: 'none' | 'primary' | 'joined' = 'primary',
) {
  await using scene = await createRunbookScene({
    way: auroraAddRegion,
    flags: {
      ...{ ...regions, db: ['shop'], kmsKey: SCENE.keyAlias, ...flags },
      securityGroup: [SCENE.securityGroup(regions.target)],
    },
    furnish(world) {
      furnish(world, { ...regions, db: 'shop', kind: 'cluster', global })
      alter(world)
    },
    expectDone: () => undefined,
  })
  const outcome = await scene.run().catch((thrown: unknown) => thrown)
  return { outcome, changes: scene.changes(), world: scene.world }
}

const primary = (change: object) => (world: World) => {
  Object.assign(world.region(regions.source).clusters.get('shop') ?? {}, change)
}
const nothing = () => undefined

test('is closed while the region of the primary is impaired', async () => {
  const { outcome, changes } = await run({}, (world) => {
    world.region(regions.source).dead = true
  })
  expect(outcome).toMatchObject({ code: 'step-failed', hint: expect.stringContaining('native') })
  expect(changes).toEqual([])
})

test('the eleventh secondary is refused before anything is made, the tenth is not', async () => {
  const with9 = (count: number) => (world: World) => {
    const global = world.globals.get(SCENE.globalCluster('shop'))
    if (global === undefined) return
    const more = Array.from({ length: count }, (_, index) => ({
      ...{ clusterArn: `arn:aws:rds:us-east-${index}:111122223333:cluster:x`, region: `us-east-${index}` },
      writer: false,
    }))
    global.members = [...global.members, ...more]
  }
  const full = await run({}, with9(10))
  expect(full.outcome).toMatchObject({ message: expect.stringContaining('has 10 secondaries') })
  expect(full.changes).toEqual([])
  expect((await run({}, with9(9))).outcome).toMatchObject({ outcome: 'done' })
})

test.each<[string, object, (world: World) => void, RegExp]>([
  ['an engine without global databases', {}, primary({ engine: 'mysql' }), /engine mysql/],
  ['Serverless v1', {}, primary({ engineMode: 'serverless' }), /Serverless v1/],
  ['a primary that is not well', {}, primary({ status: 'failing-over' }), /status is failing-over/],
  ['no key', { kmsKey: undefined }, nothing, /no key of the target region/],
  ['no such cluster', { db: ['other'] }, nothing, /no such cluster/],
  ['no subnet group there', { subnetGroup: 'other' }, nothing, /no subnet group 'other'/],
])('is closed with %s', async (_, flags, alter, said) => {
  const { outcome, changes } = await run(flags, alter)
  expect(outcome).toMatchObject({ code: 'step-failed', message: expect.stringMatching(said) })
  expect(changes).toEqual([])
})

test('is closed where the global database is in that region already', async () => {
  const { outcome } = await run({}, nothing, 'joined')
  expect(outcome).toMatchObject({
    ...{ message: expect.stringContaining('is in eu-central-1 already') },
    hint: expect.stringContaining('aurora-failover'),
  })
})
