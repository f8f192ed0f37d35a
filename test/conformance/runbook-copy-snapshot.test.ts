import { expect } from 'vitest'
import { copySnapshot } from '../../src/runbooks/copy-snapshot.ts'
import { furnish, SCENE } from '../../src/simulation/scene.ts'
import { describeRunbook } from './runbook-suite.ts'

const regions = { source: 'eu-west-1', target: 'eu-central-1' }
const securityGroup = [SCENE.securityGroup(regions.target)]
const flags = { ...regions, db: ['shop'], targetId: 'shop-new', securityGroup, kmsKey: SCENE.keyAlias }

describeRunbook('copy-snapshot, of an instance, the newest there is', {
  way: copySnapshot,
  flags,
  furnish: (world) => furnish(world, { ...regions, db: 'shop', kind: 'instance' }),
  expectDone(world) {
    const target = world.region(regions.target)
    expect(target.instances.get('shop-new')).toMatchObject({
      ...{ status: 'available', encrypted: true, multiAz: true, publiclyAccessible: false },
      ...{ deletionProtection: true, backupRetentionDays: 7, subnetGroup: SCENE.subnetGroup },
      ...{ securityGroups: securityGroup, iamAuthentication: true, logExports: ['error'] },
      parameterGroups: [{ name: SCENE.parameterGroup }],
      optionGroups: [{ name: SCENE.optionGroup }],
    })
    expect(target.instances.get('shop-new')?.kmsKeyArn).toMatch(/^arn:aws:kms:eu-central-1:/)
    expect([...target.snapshots.values()].filter(({ tags }) => 'lifeboat:run' in tags)).toHaveLength(1)
  },
})

describeRunbook('copy-snapshot, of an instance, unencrypted and new', {
  way: copySnapshot,
  flags: { ...flags, snapshot: 'new' },
  furnish: (world) => furnish(world, { ...regions, db: 'shop', kind: 'instance', encrypted: false }),
  expectDone(world) {
    expect(world.region(regions.target).instances.get('shop-new')).toMatchObject({ encrypted: true })
  },
})

describeRunbook('copy-snapshot, of an Aurora cluster', {
  way: copySnapshot,
  flags: { ...flags, snapshot: 'new' },
  furnish: (world) => furnish(world, { ...regions, db: 'shop', kind: 'cluster' }),
  expectDone(world) {
    const cluster = world.region(regions.target).clusters.get('shop-new')
    expect(cluster).toMatchObject({ status: 'available', encrypted: true, backupRetentionDays: 7 })
    expect(cluster?.members).toEqual([
      { instanceId: 'shop-new-1', writer: true },
      { instanceId: 'shop-new-2', writer: false },
    ])
    expect(world.databases.get(cluster?.writerHost ?? '')).toBe('writable')
  },
})

describeRunbook('copy-snapshot, of an unencrypted Aurora cluster', {
  way: copySnapshot,
  flags: { ...flags, accept: ['unencrypted-copy'] },
  furnish: (world) => furnish(world, { ...regions, db: 'shop', kind: 'cluster', encrypted: false }),
  expectDone(world) {
    expect(world.region(regions.target).clusters.get('shop-new')).toMatchObject({ encrypted: true })
  },
})
