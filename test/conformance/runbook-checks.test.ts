import { expect } from 'vitest'
import { promoteReplica } from '../../src/runbooks/promote-replica.ts'
import { restoreSnapshot } from '../../src/runbooks/restore-snapshot.ts'
import { SAID_BY_BACKUP, withChecks } from '../../src/runbooks/with-checks.ts'
import { furnish, SCENE } from '../../src/simulation/scene.ts'
import { describeRunbook } from './runbook-suite.ts'

const regions = { source: 'eu-west-1', target: 'eu-central-1' }

describeRunbook('restore-snapshot, with the checks of all ways', {
  way: withChecks(restoreSnapshot, SAID_BY_BACKUP),
  flags: {
    ...{ ...regions, db: ['shop'], targetId: 'shop-new', subnetGroup: SCENE.subnetGroup },
    ...{ securityGroup: [SCENE.securityGroup(regions.target)], class: [SCENE.instanceClass] },
  },
  furnish: (world) => furnish(world, { ...regions, db: 'shop', kind: 'instance' }),
  expectDone(world) {
    expect(world.region(regions.target).instances.get('shop-new')).toMatchObject({ status: 'available' })
  },
})

describeRunbook('promote-replica, with the checks of all ways', {
  way: withChecks(promoteReplica),
  flags: { ...regions, db: ['shop'], accept: ['split-brain'] },
  furnish: (world) => furnish(world, { ...regions, db: 'shop', kind: 'instance' }),
  expectDone(world) {
    const replica = world.region(regions.target).instances.get(SCENE.replica('shop'))
    expect(replica).toMatchObject({ status: 'available', deletionProtection: true })
    expect(replica?.replicaOf).toBeUndefined()
  },
})
