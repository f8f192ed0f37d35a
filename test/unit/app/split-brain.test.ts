import { describe, expect, test } from 'vitest'
import { promoteReplica } from '../../../src/runbooks/promote-replica.ts'
import { furnish } from '../../../src/simulation/scene.ts'
import type { World } from '../../../src/simulation/world.ts'
import { createRunbookScene, type RunbookHarness } from '../../testbed/runbook-scene.ts'

const regions = { source: 'eu-west-1', target: 'eu-central-1' }
const HOST = 'shop.c1sim.eu-west-1.rds.amazonaws.com'

const promote: RunbookHarness = {
  way: promoteReplica,
  flags: { ...regions, db: ['shop'] },
  furnish: (world) => furnish(world, { ...regions, db: 'shop', kind: 'instance' }),
  expectDone: () => undefined,
}

describe('split brain', () => {
  test('a primary that takes writes stops the run; accepted on resumption it goes on', async () => {
    await using scene = await createRunbookScene(promote)
    await expect(scene.run()).rejects.toMatchObject({
      code: 'step-failed',
      details: { step: 'check-fence' },
      hint: expect.stringMatching(
        /^Fence it first \(lifeboat migrate fence --source eu-west-1 --target eu-central-1 --db shop --from shop\.c1sim\.\S+:3306 --login URL .*--confirm\).*--accept-split-brain/,
      ),
    })
    expect(scene.changes()).toEqual([])
    expect((await scene.run(scene.withFlags({ accept: ['split-brain'] }))).outcome).toBe('done')
  })

  test('one that is read-only does not', async () => {
    await using scene = await createRunbookScene(promote)
    scene.world.databases.set(HOST, 'read-only')
    expect((await scene.run()).outcome).toBe('done')
  })

  test('one that is not reached from here stops the run where its region says that it is available', async () => {
    await using scene = await createRunbookScene(promote)
    scene.world.databases.delete(HOST)
    await expect(scene.run()).rejects.toMatchObject({
      message: expect.stringMatching(/not reachable from here, but its region says that it is available/),
      hint: expect.stringMatching(/migrate fence.*--accept-split-brain/),
    })
    expect(scene.changes()).toEqual([])
  })

  test.each<[string, (world: World) => void]>([
    [
      'its region gives no answer any more',
      (world) => world.strike({ operation: 'rds:DescribeDBClusters', fault: 'unavailable', times: 1000 }),
    ],
    [
      'it does not run',
      (world) => {
        const old = world.region(regions.source).instances.get('shop')
        if (old !== undefined) old.status = 'stopped'
      },
    ],
    [
      'its security group lets nobody in',
      (world) => {
        for (const group of world.region(regions.source).securityGroups.values()) group.inbound = []
      },
    ],
  ])('and does not where %s', async (_, alter) => {
    await using scene = await createRunbookScene(promote)
    scene.world.databases.delete(HOST)
    alter(scene.world)
    const { outcome, steps } = await scene.run({ flags: { ...promote.flags, backupDays: 7 } })
    expect(outcome).toBe('done')
    const look = steps.find(({ id }) => id === 'check-fence')
    expect(look?.seen).toMatchObject({ fenced: expect.stringMatching(/unreachable/) })
  })

  test('after the switch it is not asked any more', async () => {
    await using scene = await createRunbookScene(promote)
    scene.world.databases.set(HOST, 'read-only')
    scene.world.strike({ operation: 'rds:ModifyDBInstance', fault: 'denied', times: 1 })
    await expect(scene.run()).rejects.toMatchObject({ details: { step: 'protect' } })
    // The region comes back, and with it the old primary.
    scene.world.databases.set(HOST, 'writable')
    const report = await scene.run()
    expect(report.outcome).toBe('done')
    expect(report.steps[1]?.reason).toMatch(/not asked again: 'promote' has begun/)
  })
})
