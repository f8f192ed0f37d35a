import { expect } from 'vitest'
import { native } from '../../src/runbooks/native.ts'
import { furnish, SCENE } from '../../src/simulation/scene.ts'
import { describeRunbook } from './runbook-suite.ts'

const regions = { source: 'eu-west-1', target: 'eu-central-1' }
const ROLE = 'arn:aws:iam::111122223333:role/import'
const securityGroup = [SCENE.securityGroup(regions.target)]

describeRunbook('native, as the source is', {
  way: native,
  flags: { ...regions, db: ['shop'], targetId: 'shop-new', securityGroup, kmsKey: SCENE.keyAlias },
  furnish: (world) => furnish(world, { ...regions, db: 'shop', kind: 'instance' }),
  expectDone(world) {
    expect(world.region(regions.target).instances.get('shop-new')).toMatchObject({
      ...{ status: 'available', engine: 'mysql', engineVersion: '8.0.40', encrypted: true, multiAz: true },
      ...{ publiclyAccessible: false, deletionProtection: true, backupRetentionDays: 7, masterUser: 'admin' },
      ...{
        storage: { type: 'gp3', gib: 200 },
        subnetGroup: SCENE.subnetGroup,
        securityGroups: securityGroup,
      },
      ...{ parameterGroups: [{ name: SCENE.parameterGroup }], optionGroups: [{ name: SCENE.optionGroup }] },
    })
  },
})

describeRunbook('native, of a dark region, as the operator says', {
  way: native,
  flags: {
    ...{ ...regions, db: ['shop'], targetId: 'shop-new', securityGroup, subnetGroup: SCENE.subnetGroup },
    ...{
      engine: 'mariadb',
      engineVersion: '11.4.4',
      class: [SCENE.otherClass],
      storageGib: 50,
      masterUser: 'boss',
    },
  },
  furnish(world) {
    furnish(world, { ...regions, db: 'shop', kind: 'instance' })
    world.region(regions.source).dead = true
    world.databases.clear()
  },
  expectDone(world) {
    expect(world.region(regions.target).instances.get('shop-new')).toMatchObject({
      ...{ status: 'available', engine: 'mariadb', instanceClass: SCENE.otherClass, masterUser: 'boss' },
      storage: { type: 'gp3', gib: 50 },
    })
  },
})

describeRunbook('native, of a dump made now', {
  way: native,
  flags: { ...regions, db: ['shop'], targetId: 'shop-new', securityGroup, dumpNow: true },
  furnish: (world) => furnish(world, { ...regions, db: 'shop', kind: 'instance' }),
  expectDone(world) {
    expect(world.region(regions.target).instances.get('shop-new')).toMatchObject({
      ...{ status: 'available', engine: 'mysql', encrypted: true },
    })
    const made = world.calls.filter(({ kind, done }) => kind === 'change' && done)
    expect(made[0]).toMatchObject({ operation: 'native:dump' })
    expect(world.calls.filter(({ operation }) => operation === 'native:list')).toEqual([])
  },
})

describeRunbook('native, of an Aurora cluster, as the source is', {
  way: native,
  flags: { ...regions, db: ['shop'], targetId: 'shop-new', securityGroup, kmsKey: SCENE.keyAlias },
  furnish(world) {
    furnish(world, { ...regions, db: 'shop', kind: 'cluster', global: 'none' })
    Object.assign(world.region(regions.source).clusters.get('shop') ?? {}, {
      ...{ tags: { team: 'shop' }, logExports: ['audit'], iamAuthentication: true, port: 3307 },
      ...{ serverless: { minCapacity: 0.5, maxCapacity: 8 }, storageType: 'aurora-iopt1' },
      ...{ roles: [ROLE], roleFeatures: [{ role: ROLE, feature: 's3Import' }] },
    })
  },
  expectDone(world) {
    const cluster = world.region(regions.target).clusters.get('shop-new')
    expect(cluster).toMatchObject({
      ...{ status: 'available', engine: 'aurora-mysql', encrypted: true, masterUser: 'admin', port: 3307 },
      ...{ deletionProtection: true, backupRetentionDays: 7, parameterGroup: SCENE.parameterGroup },
      ...{ subnetGroup: SCENE.subnetGroup, securityGroups: securityGroup, tags: { team: 'shop' } },
      ...{ logExports: ['audit'], iamAuthentication: true, serverless: { maxCapacity: 8 } },
      roleFeatures: [{ role: ROLE, feature: 's3Import' }],
    })
    expect(cluster?.kmsKeyArn).toMatch(/^arn:aws:kms:eu-central-1:/)
    expect(cluster?.members.map(({ writer }) => writer)).toEqual([true, false])
    expect(world.databases.get(cluster?.writerHost ?? '')).toBe('writable')
  },
})

describeRunbook('native, of a dark Aurora cluster, as the operator says', {
  way: native,
  flags: {
    ...{ ...regions, db: ['shop'], targetId: 'shop-new', securityGroup, subnetGroup: SCENE.subnetGroup },
    ...{ engine: 'aurora-mysql', engineVersion: '8.0.mysql_aurora.3.08.0', class: [SCENE.otherClass] },
    ...{ masterUser: 'boss', multiAz: false },
  },
  furnish(world) {
    furnish(world, { ...regions, db: 'shop', kind: 'cluster', global: 'none' })
    world.region(regions.source).dead = true
    world.databases.clear()
  },
  expectDone(world) {
    const { clusters, instances } = world.region(regions.target)
    expect(clusters.get('shop-new')).toMatchObject({ status: 'available', masterUser: 'boss' })
    expect(clusters.get('shop-new')?.members).toHaveLength(1)
    expect(instances.get('shop-new-1')).toMatchObject({ instanceClass: SCENE.otherClass })
  },
})
