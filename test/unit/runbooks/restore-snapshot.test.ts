import { expect, test } from 'vitest'
import { restoreSnapshot } from '../../../src/runbooks/restore-snapshot.ts'
import type { WayFlags } from '../../../src/runbooks/way-flags.ts'
import { simulatedPorts } from '../../../src/simulation/cloud.ts'
import { furnish, SCENE } from '../../../src/simulation/scene.ts'
import { createWorld, type World } from '../../../src/simulation/world.ts'

const { signal } = new AbortController()
const regions = { source: 'eu-west-1', target: 'eu-central-1' }
const FLAGS: WayFlags = {
  ...{ ...regions, db: ['shop'], securityGroup: [SCENE.securityGroup(regions.target)] },
  ...{ subnetGroup: SCENE.subnetGroup, class: [SCENE.instanceClass] },
}
const RUN = { id: '20261122T210500Z-k3f9' }

async function planned(flags: WayFlags, alter: (world: World) => void = () => undefined) {
  const world = createWorld()
  furnish(world, { ...regions, db: 'shop', kind: 'instance' })
  alter(world)
  const options = restoreSnapshot.choose({ ...FLAGS, ...flags })
  const ports = simulatedPorts(world, regions.source, regions.target)
  const facts = await restoreSnapshot.gather(options, ports, signal)
  return { runbook: restoreSnapshot.plan(options, facts, RUN), facts, ports, options }
}

test.each([
  ['--class', { class: [] }],
  ['--security-group', { securityGroup: [] }],
])('says that %s is missing, since the source is not asked', (flag, flags) => {
  expect(() => restoreSnapshot.choose({ ...FLAGS, ...flags })).toThrow(`${flag} is missing`)
})

test('takes the newest copy that came from the source, and no namesake of another region', async () => {
  const { facts } = await planned({}, (world) => {
    const { snapshots } = world.region(regions.target)
    const copy = snapshots.get(`instance/${SCENE.copy('shop')}`)
    if (copy === undefined) throw new Error('the scene has no copy')
    const { copyOfArn: _, ...own } = copy
    const newer = new Date(world.time.clock.now().getTime() - 60_000)
    snapshots.set('instance/other', { ...own, id: 'other', created: newer })
    const elsewhere = 'arn:aws:rds:us-east-1:111122223333:snapshot:x'
    snapshots.set('instance/third', { ...own, id: 'third', created: newer, copyOfArn: elsewhere })
  })
  expect(facts.snapshotId).toBe('shop-copy')
})

test('is closed where no copy is across, and names one that may be meant', async () => {
  const none = planned({}, (world) => world.region(regions.target).snapshots.clear())
  await expect(none).rejects.toMatchObject({
    ...{ code: 'step-failed', hint: expect.stringContaining('copy-snapshot') },
    message: "unable to restore a copy of 'shop': eu-central-1 has no copy of a snapshot from eu-west-1",
  })
  const stranger = planned({}, (world) => {
    const copy = world.region(regions.target).snapshots.get('instance/shop-copy')
    if (copy !== undefined) delete copy.copyOfArn
  })
  await expect(stranger).rejects.toMatchObject({ hint: expect.stringContaining('--snapshot shop-copy') })
})

test('says that a copy is still on its way', async () => {
  const copying = planned({}, (world) => {
    const copy = world.region(regions.target).snapshots.get('instance/shop-copy')
    if (copy !== undefined) copy.status = 'copying'
  })
  await expect(copying).rejects.toThrow("snapshot 'shop-copy' is copying")
})

test.each([
  [{ subnetGroup: 'other' }, "eu-central-1 has no subnet group 'other'"],
  [{ parameterGroup: 'other' }, "eu-central-1 has no parameter group 'other'"],
  [{ optionGroup: 'other' }, "eu-central-1 has no option group 'other'"],
  [{ snapshot: 'other' }, "eu-central-1 has no snapshot 'other' of it"],
])('is closed with %j', async (flags, reason) => {
  await expect(planned(flags)).rejects.toThrow(reason)
})

test('a copy that is not encrypted needs a key or acceptance', async () => {
  const plain = (flags: WayFlags) =>
    planned(flags, (world) => {
      const copy = world.region(regions.target).snapshots.get('instance/shop-copy')
      if (copy !== undefined) Object.assign(copy, { encrypted: false, kmsKeyArn: undefined })
    })
  await expect(plain({})).rejects.toThrow('it is not encrypted')
  const { runbook } = await plain({ accept: ['unencrypted'] })
  expect(runbook.steps.map(({ id }) => id)).not.toContain('copy-snapshot')
  expect(runbook.warnings).toContain('The new database is not encrypted.')
  const encrypting = await plain({ kmsKey: SCENE.keyAlias })
  expect(encrypting.runbook.steps.map(({ id }) => id)).toEqual(
    expect.arrayContaining(['check-key', 'copy-snapshot', 'restore', 'protect']),
  )
})

test("stops before the restore where the copy's key is disabled, and takes one that AWS manages", async () => {
  const withKey = (change: object) =>
    planned({}, (world) => {
      for (const key of world.region(regions.target).keys.values()) Object.assign(key, change)
    })
  const looked = async (change: object) => {
    const { runbook, ports } = await withKey(change)
    return runbook.steps.find(({ id }) => id === 'check-key')?.observe(ports, signal)
  }
  expect(await looked({ enabled: false, state: 'Disabled' })).toMatchObject({
    ...{ state: 'blocked', reason: 'its state is Disabled', hint: expect.stringContaining('Enable') },
  })
  expect(await looked({ managedBy: 'aws' })).toMatchObject({ state: 'done' })
})
