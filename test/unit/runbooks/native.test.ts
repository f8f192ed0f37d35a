import { expect, test } from 'vitest'
import { native } from '../../../src/runbooks/native.ts'
import type { NativeRestorePort } from '../../../src/runbooks/ports/native-restore.ts'
import type { CloudPorts } from '../../../src/runbooks/ports.ts'
import type { WayFlags } from '../../../src/runbooks/way-flags.ts'
import { simulatedPorts } from '../../../src/simulation/cloud.ts'
import { furnish, SCENE } from '../../../src/simulation/scene.ts'
import { createWorld, type World } from '../../../src/simulation/world.ts'

const { signal } = new AbortController()
const regions = { source: 'eu-west-1', target: 'eu-central-1' }
const FLAGS: WayFlags = {
  ...{ ...regions, db: ['shop'], securityGroup: [SCENE.securityGroup(regions.target)] },
}

async function planned(
  flags: WayFlags,
  alter: (world: World) => void = () => undefined,
  port: (real: NativeRestorePort) => Pick<CloudPorts, 'native'> = (real) => ({ native: real }),
) {
  const world = createWorld()
  furnish(world, { ...regions, db: 'shop', kind: 'instance' })
  alter(world)
  const { native: real, ...rest } = simulatedPorts(world, regions.source, regions.target)
  if (real === undefined) throw new Error('the simulation has no restore')
  const ports: CloudPorts = { ...rest, ...port(real) }
  const options = native.choose({ ...FLAGS, ...flags })
  const facts = await native.gather(options, ports, signal)
  return { facts, ports, runbook: native.plan(options, facts, { id: '20261122T210500Z-k3f9' }) }
}

const kill = (world: World) => {
  world.region(regions.source).dead = true
}
const old = (change: object) => (world: World) => {
  Object.assign(world.region(regions.source).instances.get('shop') ?? {}, change)
}

test('what the operator says wins over what the source has', async () => {
  const { facts } = await planned({ engineVersion: '8.4.3', storageGib: 400, class: [SCENE.otherClass] })
  expect(facts).toMatchObject({
    ...{ engine: 'mysql', engineVersion: '8.4.3', storage: { type: 'gp3', gib: 400 }, masterUser: 'admin' },
    classes: [SCENE.otherClass, SCENE.instanceClass],
  })
})

test('a silent source needs an inventory or the whole of it, and says so', async () => {
  const silent = planned({ engine: 'mysql' }, kill)
  await expect(silent).rejects.toMatchObject({
    details: { fault: 'unavailable', opens: true },
    hint: expect.stringMatching(/--inventory FILE.*--engine.*--storage-gib.*--master-user/),
  })
})

test.each<[string, WayFlags, (world: World) => void, RegExp]>([
  ['no such database there', { db: ['other'] }, () => undefined, /eu-west-1 does not know it/],
  [
    'a backup of another engine',
    {},
    old({ engine: 'postgres' }),
    /is of mysql, and postgres can not load it/,
  ],
  ['Aurora', {}, old({ engine: 'aurora-mysql' }), /makes an instance of RDS/],
  ['no such subnet group', { subnetGroup: 'other' }, () => undefined, /no subnet group 'other'/],
])('is closed with %s', async (_, flags, alter, said) => {
  await expect(planned(flags, alter)).rejects.toMatchObject({
    ...{ code: 'step-failed', message: expect.stringMatching(said), hint: expect.stringMatching(/./) },
  })
})

test('is closed where no backup was named, or there is none', async () => {
  await expect(planned({}, undefined, () => ({}))).rejects.toThrow('no backup was named')
  const empty = planned({}, undefined, (real) => ({
    native: { ...real, newest: () => Promise.resolve(undefined) },
  }))
  await expect(empty).rejects.toThrow('there is no backup of this job')
})

test('a restore that has failed says where the master password lies', async () => {
  const { runbook, ports } = await planned({ targetId: 'shop-replica' }, undefined, (real) => ({
    native: {
      ...real,
      look: () => Promise.resolve({ state: 'failed', reason: 'access denied', hint: 'Name an account.' }),
    },
  }))
  const step = runbook.steps.find(({ id }) => id === 'restore-backup')
  expect(await step?.observe(ports, signal)).toMatchObject({
    ...{ state: 'blocked', reason: 'access denied' },
    hint: expect.stringMatching(/^Name an account\. .*secretsmanager get-secret-value.*MasterUserSecret/),
  })
})
