import { expect } from 'vitest'
import { loadWay } from '../../src/app/ways.ts'
import type { WayFlags } from '../../src/runbooks/way-flags.ts'
import { furnish, SCENE, type SceneOptions } from '../../src/simulation/scene.ts'
import type { World } from '../../src/simulation/world.ts'
import { describeRunbook } from './runbook-suite.ts'

const regions = { source: 'eu-west-1', target: 'eu-central-1' }
const landing = {
  ...{ targetId: 'shop-new', subnetGroup: SCENE.subnetGroup, class: [SCENE.instanceClass] },
  ...{ securityGroup: [SCENE.securityGroup(regions.target)], kmsKey: SCENE.keyAlias },
}

interface Run {
  readonly name: string
  readonly flags: WayFlags
  readonly scene?: Partial<SceneOptions>
  expectDone(world: World): void
}

const inTarget = (world: World) => world.region(regions.target)

/** As they are run: with what comes before and after each of them. */
const RUNS: readonly Run[] = [
  {
    ...{ name: 'restore-snapshot', flags: landing },
    expectDone: (world) =>
      expect(inTarget(world).instances.get('shop-new')).toMatchObject({ status: 'available' }),
  },
  {
    ...{ name: 'promote-replica', flags: { accept: ['split-brain'] } },
    expectDone(world) {
      const replica = inTarget(world).instances.get(SCENE.replica('shop'))
      expect(replica).toMatchObject({
        ...{ status: 'available', deletionProtection: true, logExports: ['error'], iamAuthentication: true },
      })
      expect(replica?.replicaOf).toBeUndefined()
    },
  },
  {
    ...{ name: 'copy-snapshot', flags: landing, scene: { kind: 'cluster', global: 'none' } },
    expectDone: (world) =>
      expect(inTarget(world).clusters.get('shop-new')).toMatchObject({ status: 'available' }),
  },
  {
    ...{ name: 'aurora-failover', flags: {}, scene: { kind: 'cluster' } },
    expectDone: (world) =>
      expect(world.databases.get(inTarget(world).clusters.get('shop')?.writerHost ?? '')).toBe('writable'),
  },
]

for (const { name, flags, scene, expectDone } of RUNS)
  describeRunbook(`${name}, with the checks of all ways`, {
    way: await loadWay(name),
    flags: { ...regions, db: ['shop'], ...flags },
    furnish: (world) => furnish(world, { ...regions, db: 'shop', kind: 'instance', ...scene }),
    expectDone,
  })
