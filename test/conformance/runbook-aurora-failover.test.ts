import { expect } from 'vitest'
import { auroraFailover } from '../../src/runbooks/aurora-failover.ts'
import { furnish, SCENE } from '../../src/simulation/scene.ts'
import type { World } from '../../src/simulation/world.ts'
import { describeRunbook } from './runbook-suite.ts'

const regions = { source: 'eu-west-1', target: 'eu-central-1' }

function furnishAlive(world: World): void {
  furnish(world, { ...regions, db: 'shop', kind: 'cluster' })
  const secondary = world.region(regions.target).clusters.get('shop')
  if (secondary !== undefined) Object.assign(secondary, { backupRetentionDays: 3, deletionProtection: false })
}

function expectMoved(world: World, oldSide: 'connected' | 'pending-resync'): void {
  expect(world.globals.get(SCENE.globalCluster('shop'))).toMatchObject({
    members: [
      { region: regions.source, writer: false, synchronization: oldSide },
      { region: regions.target, writer: true },
    ],
  })
  const cluster = world.region(regions.target).clusters.get('shop')
  expect(cluster).toMatchObject({ backupRetentionDays: 14, deletionProtection: true })
  expect(world.databases.get(cluster?.writerHost ?? '')).toBe('writable')
}

describeRunbook('aurora-failover, a switchover of a healthy one', {
  way: auroraFailover,
  flags: { ...regions, db: ['shop'], backupDays: 14 },
  furnish: furnishAlive,
  expectDone(world) {
    expectMoved(world, 'connected')
    expect(world.calls.map(({ operation }) => operation)).not.toContain('rds:FailoverGlobalCluster')
  },
})

describeRunbook('aurora-failover, a failover from a dark region', {
  way: auroraFailover,
  flags: { ...regions, db: ['shop'], backupDays: 14, accept: ['data-loss'] },
  furnish(world) {
    furnishAlive(world)
    world.region(regions.source).dead = true
    world.databases.clear()
  },
  expectDone(world) {
    expectMoved(world, 'pending-resync')
    expect(world.calls.map(({ operation }) => operation)).not.toContain('rds:SwitchoverGlobalCluster')
  },
})
