import { expect } from 'vitest'
import { restoreReplicatedBackup } from '../../src/runbooks/restore-replicated-backup.ts'
import { furnish, SCENE } from '../../src/simulation/scene.ts'
import type { World } from '../../src/simulation/world.ts'
import { describeRunbook } from './runbook-suite.ts'

const regions = { source: 'eu-west-1', target: 'eu-central-1' }
const securityGroup = [SCENE.securityGroup(regions.target)]
const flags = {
  ...{ ...regions, db: ['shop'], targetId: 'shop-new', securityGroup, subnetGroup: SCENE.subnetGroup },
  ...{ class: [SCENE.instanceClass], parameterGroup: SCENE.parameterGroup },
}

function furnishDark(world: World): void {
  furnish(world, { ...regions, db: 'shop', kind: 'instance' })
  world.region(regions.source).dead = true
  world.databases.clear()
}

describeRunbook('restore-replicated-backup, the latest, with the source dark', {
  way: restoreReplicatedBackup,
  flags,
  furnish: furnishDark,
  expectDone(world) {
    expect(world.calls.filter(({ region }) => region === regions.source)).toEqual([])
    expect(world.region(regions.target).instances.get('shop-new')).toMatchObject({
      ...{ status: 'available', encrypted: true, multiAz: true, publiclyAccessible: false },
      ...{ deletionProtection: true, backupRetentionDays: 7, subnetGroup: SCENE.subnetGroup },
      ...{ securityGroups: securityGroup, parameterGroups: [{ name: SCENE.parameterGroup }] },
      optionGroups: [{ name: SCENE.optionGroup }],
    })
  },
})

describeRunbook('restore-replicated-backup, a point in time, where the first class is sold out', {
  way: restoreReplicatedBackup,
  hasRoomElsewhere: true,
  flags: {
    ...{
      ...flags,
      at: '2026-11-22T12:00:00+01:00',
      multiAz: false,
      zone: ['eu-central-1a', 'eu-central-1b'],
    },
    class: [SCENE.instanceClass, SCENE.otherClass],
  },
  furnish(world) {
    furnishDark(world)
    world.region(regions.target).exhausted.add(SCENE.instanceClass)
    world.region(regions.target).exhausted.add(`${SCENE.otherClass}/eu-central-1a`)
  },
  expectDone(world) {
    expect(world.region(regions.target).instances.get('shop-new')).toMatchObject({
      ...{ status: 'available', instanceClass: SCENE.otherClass, zone: 'eu-central-1b', multiAz: false },
    })
  },
})

/** With an inventory in the place of the source, which here has not forgotten anything. */
const byInventory: typeof restoreReplicatedBackup = {
  ...restoreReplicatedBackup,
  gather: (options, { source, ...ports }, signal) =>
    restoreReplicatedBackup.gather(
      options,
      { ...ports, source: { ...source, inventory: '20261122T190000Z-inv1' } },
      signal,
    ),
}

describeRunbook('restore-replicated-backup, the latest, as an inventory has the instance', {
  way: byInventory,
  flags: { ...regions, db: ['shop'], targetId: 'shop-new', securityGroup },
  furnish(world) {
    furnish(world, { ...regions, db: 'shop', kind: 'instance' })
    Object.assign(world.region(regions.source).instances.get('shop') ?? {}, {
      ...{ tags: { team: 'shop' }, backupRetentionDays: 9, endpoint: { host: 'shop.example', port: 3307 } },
    })
  },
  expectDone(world) {
    expect(world.region(regions.target).instances.get('shop-new')).toMatchObject({
      ...{ status: 'available', instanceClass: SCENE.instanceClass, multiAz: true, logExports: ['error'] },
      ...{ iamAuthentication: true, backupRetentionDays: 9, subnetGroup: SCENE.subnetGroup },
      ...{ parameterGroups: [{ name: SCENE.parameterGroup }], endpoint: { port: 3307 } },
      tags: { team: 'shop' },
    })
  },
})
