import { expect } from 'vitest'
import { restoreSnapshot } from '../../src/runbooks/restore-snapshot.ts'
import { furnish, SCENE } from '../../src/simulation/scene.ts'
import type { World } from '../../src/simulation/world.ts'
import { describeRunbook } from './runbook-suite.ts'

const regions = { source: 'eu-west-1', target: 'eu-central-1' }
const securityGroup = [SCENE.securityGroup(regions.target)]
const flags = {
  ...{ ...regions, db: ['shop'], targetId: 'shop-new', securityGroup, subnetGroup: SCENE.subnetGroup },
  ...{ class: [SCENE.instanceClass], parameterGroup: SCENE.parameterGroup },
}

/** Nothing of the source may be needed: neither its control plane nor its databases. */
function furnishDark(world: World, kind: 'instance' | 'cluster', encrypted = true): void {
  furnish(world, { ...regions, db: 'shop', kind, encrypted })
  world.region(regions.source).dead = true
  world.databases.clear()
}

function expectNoSourceCall(world: World): void {
  expect(world.calls.filter(({ region }) => region === regions.source)).toEqual([])
}

describeRunbook('restore-snapshot, of an instance, with the source dark', {
  way: restoreSnapshot,
  flags,
  furnish: (world) => furnishDark(world, 'instance'),
  expectDone(world) {
    expectNoSourceCall(world)
    const instance = world.region(regions.target).instances.get('shop-new')
    expect(instance).toMatchObject({
      ...{ status: 'available', encrypted: true, multiAz: true, publiclyAccessible: false },
      ...{
        deletionProtection: true,
        backupRetentionDays: 7,
        subnetGroup: SCENE.subnetGroup,
        securityGroups: securityGroup,
      },
      parameterGroups: [{ name: SCENE.parameterGroup }],
      optionGroups: [{ name: SCENE.optionGroup }],
    })
    expect(instance?.kmsKeyArn).toMatch(/^arn:aws:kms:eu-central-1:/)
  },
})

describeRunbook('restore-snapshot, of an unencrypted instance, which becomes encrypted', {
  way: restoreSnapshot,
  flags: { ...flags, kmsKey: SCENE.keyAlias, multiAz: false, zone: ['eu-central-1b'] },
  furnish: (world) => furnishDark(world, 'instance', false),
  expectDone(world) {
    expectNoSourceCall(world)
    expect(world.region(regions.target).instances.get('shop-new')).toMatchObject({
      ...{ status: 'available', encrypted: true, multiAz: false, zone: 'eu-central-1b' },
    })
  },
})

describeRunbook('restore-snapshot, of an Aurora cluster, with the source dark', {
  way: restoreSnapshot,
  flags,
  furnish: (world) => furnishDark(world, 'cluster'),
  expectDone(world) {
    expectNoSourceCall(world)
    const cluster = world.region(regions.target).clusters.get('shop-new')
    expect(cluster).toMatchObject({ status: 'available', encrypted: true, backupRetentionDays: 7 })
    expect(cluster?.members.map(({ writer }) => writer)).toEqual([true, false])
    expect(world.databases.get(cluster?.writerHost ?? '')).toBe('writable')
  },
})

/** With an inventory in the place of the source, which here has not forgotten anything. */
const byInventory: typeof restoreSnapshot = {
  ...restoreSnapshot,
  gather: (options, { source, ...ports }, signal) =>
    restoreSnapshot.gather(
      options,
      { ...ports, source: { ...source, inventory: '20261122T190000Z-inv1' } },
      signal,
    ),
}
const ROLE = 'arn:aws:iam::111122223333:role/import'
const unsaid = { ...regions, db: ['shop'], targetId: 'shop-new', securityGroup }

describeRunbook('restore-snapshot, of an instance, as an inventory has it', {
  way: byInventory,
  flags: unsaid,
  furnish(world) {
    furnish(world, { ...regions, db: 'shop', kind: 'instance' })
    Object.assign(world.region(regions.source).instances.get('shop') ?? {}, {
      ...{ tags: { team: 'shop' }, roles: [ROLE, 'arn:aws:iam::111122223333:role/unknown'] },
      roleFeatures: [
        { role: ROLE, feature: 's3Import' },
        { role: ROLE, feature: 's3Export' },
      ],
    })
  },
  expectDone(world) {
    expect(world.region(regions.target).instances.get('shop-new')).toMatchObject({
      ...{ status: 'available', instanceClass: SCENE.instanceClass, multiAz: true, logExports: ['error'] },
      ...{ iamAuthentication: true, parameterGroups: [{ name: SCENE.parameterGroup }] },
      ...{ tags: { team: 'shop' }, roles: [ROLE] },
      roleFeatures: [{ feature: 's3Import' }, { feature: 's3Export' }],
    })
  },
})

describeRunbook('restore-snapshot, of an Aurora cluster, as an inventory has it', {
  way: byInventory,
  flags: unsaid,
  furnish(world) {
    furnish(world, { ...regions, db: 'shop', kind: 'cluster', global: 'none' })
    Object.assign(world.region(regions.source).clusters.get('shop') ?? {}, {
      ...{ tags: { team: 'shop' }, logExports: ['audit'], iamAuthentication: true },
      ...{ backupRetentionDays: 9, roles: [ROLE] },
    })
  },
  expectDone(world) {
    const cluster = world.region(regions.target).clusters.get('shop-new')
    expect(cluster).toMatchObject({
      ...{ status: 'available', logExports: ['audit'], iamAuthentication: true, backupRetentionDays: 9 },
      ...{ parameterGroup: SCENE.parameterGroup, tags: { team: 'shop' }, roles: [ROLE] },
    })
    expect(cluster?.members).toHaveLength(2)
  },
})
