import { expect } from 'vitest'
import { native } from '../../src/runbooks/native.ts'
import { furnish, SCENE } from '../../src/simulation/scene.ts'
import { describeRunbook } from './runbook-suite.ts'

const regions = { source: 'eu-west-1', target: 'eu-central-1' }
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
