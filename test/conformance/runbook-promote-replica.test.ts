import { expect } from 'vitest'
import { promoteReplica } from '../../src/runbooks/promote-replica.ts'
import { furnish, SCENE } from '../../src/simulation/scene.ts'
import type { World } from '../../src/simulation/world.ts'
import { RUN } from '../testbed/runbook-scene.ts'
import { describeRunbook } from './runbook-suite.ts'

const regions = { source: 'eu-west-1', target: 'eu-central-1' }

function expectPromoted(world: World): void {
  expect(world.region(regions.target).instances.get(SCENE.replica('shop'))).toMatchObject({
    ...{ status: 'available', backupRetentionDays: 7, multiAz: true, deletionProtection: true },
    ...{ publiclyAccessible: false, encrypted: true },
  })
  expect(world.region(regions.target).instances.get(SCENE.replica('shop'))?.replicaOf).toBeUndefined()
}

describeRunbook('promote-replica', {
  way: promoteReplica,
  flags: { ...regions, db: ['shop'], accept: ['split-brain'] },
  furnish: (world) => furnish(world, { ...regions, db: 'shop', kind: 'instance' }),
  expectDone: expectPromoted,
})

describeRunbook('promote-replica, of a dead region', {
  way: promoteReplica,
  flags: { ...regions, db: ['shop'], accept: ['split-brain'], backupDays: 7 },
  furnish(world) {
    furnish(world, { ...regions, db: 'shop', kind: 'instance' })
    world.region(regions.source).dead = true
    world.databases.clear()
  },
  expectDone(world) {
    const instance = world.region(regions.target).instances.get(SCENE.replica('shop'))
    expect(instance).toMatchObject({ status: 'available', backupRetentionDays: 7, deletionProtection: true })
    expect(instance?.replicaOf).toBeUndefined()
  },
})

describeRunbook('promote-replica, with a new replica the other way', {
  way: promoteReplica,
  flags: {
    ...{ ...regions, db: ['shop'], accept: ['split-brain'] },
    ...{ recreateReplica: true, kmsKey: SCENE.keyAlias },
  },
  furnish: (world) => furnish(world, { ...regions, db: 'shop', kind: 'instance' }),
  expectDone(world) {
    expectPromoted(world)
    const replica = world.region(regions.source).instances.get(`lifeboat-${RUN.id.toLowerCase()}-replica`)
    expect(replica).toMatchObject({
      status: 'available',
      replicaOf: `arn:aws:rds:eu-central-1:${world.account}:db:shop-replica`,
      tags: { 'lifeboat:run': RUN.id },
    })
  },
})
