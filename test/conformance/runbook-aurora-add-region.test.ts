import { expect } from 'vitest'
import { auroraAddRegion } from '../../src/runbooks/aurora-add-region.ts'
import { furnish, SCENE } from '../../src/simulation/scene.ts'
import type { World } from '../../src/simulation/world.ts'
import { RUN } from '../testbed/runbook-scene.ts'
import { describeRunbook } from './runbook-suite.ts'

const regions = { source: 'eu-west-1', target: 'eu-central-1' }
const flags = {
  ...{ ...regions, db: ['shop'], targetId: 'shop-two', kmsKey: SCENE.keyAlias },
  securityGroup: [SCENE.securityGroup(regions.target)],
}

function expectSecondary(world: World, globalId: string): void {
  const cluster = world.region(regions.target).clusters.get('shop-two')
  expect(cluster).toMatchObject({
    ...{ status: 'available', encrypted: true, deletionProtection: true, backupRetentionDays: 7 },
    ...{ globalClusterId: globalId, parameterGroup: SCENE.parameterGroup },
  })
  expect(cluster?.members).toHaveLength(2)
  expect(world.globals.get(globalId)?.members).toMatchObject([
    { region: regions.source, writer: true },
    { region: regions.target, writer: false, synchronization: 'connected' },
  ])
  expect(world.databases.get(cluster?.writerHost ?? '')).not.toBe('writable')
  expect(world.region(regions.source).clusters.get('shop')).toMatchObject({ status: 'available' })
}

describeRunbook('aurora-add-region, to a cluster that is in no global database', {
  way: auroraAddRegion,
  flags,
  furnish: (world) => furnish(world, { ...regions, db: 'shop', kind: 'cluster', global: 'none' }),
  expectDone: (world) => expectSecondary(world, `lifeboat-${RUN.id.toLowerCase()}-global`),
})

describeRunbook('aurora-add-region, to a global database', {
  way: auroraAddRegion,
  flags,
  furnish: (world) => furnish(world, { ...regions, db: 'shop', kind: 'cluster', global: 'primary' }),
  expectDone: (world) => expectSecondary(world, SCENE.globalCluster('shop')),
})
