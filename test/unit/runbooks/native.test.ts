import { describe, expect, test } from 'vitest'
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

const RUN = { id: '20261122T210500Z-k3f9' }

async function planned(
  flags: WayFlags,
  alter: (world: World) => void = () => undefined,
  port: (real: NativeRestorePort) => Pick<CloudPorts, 'native'> = (real) => ({ native: real }),
  kind: 'instance' | 'cluster' = 'instance',
) {
  const world = createWorld()
  furnish(world, { ...regions, db: 'shop', kind, global: 'none' })
  alter(world)
  const { native: real, ...rest } = simulatedPorts(world, regions.source, regions.target)
  if (real === undefined) throw new Error('the simulation has no restore')
  const ports: CloudPorts = { ...rest, ...port(real) }
  const options = native.choose({ ...FLAGS, ...flags })
  const facts = await native.gather(options, ports, signal)
  const again = (given: WayFlags) => native.plan(native.choose({ ...FLAGS, ...given }), facts, RUN)
  const runbook = again(flags)
  const line = (step: string) =>
    runbook.steps
      .find(({ id }) => id === step)
      ?.command()[0]
      ?.argv.join(' ') ?? ''
  return { facts, ports, runbook, line, again, world }
}

const kill = (world: World) => {
  world.region(regions.source).dead = true
}
const old = (change: object) => (world: World) => {
  Object.assign(world.region(regions.source).instances.get('shop') ?? {}, change)
}

test('what the operator says wins over what the source has', async () => {
  const flags = { engineVersion: '8.4.3', storageGib: 400, class: [SCENE.otherClass] }
  const { runbook, line, again } = await planned(flags)
  expect(runbook.needs).toMatchObject({
    ...{ engine: 'mysql', engineVersion: '8.4.3', gib: 400 },
    choices: [{ instanceClass: SCENE.otherClass }, { instanceClass: SCENE.instanceClass }],
  })
  expect(line('create-instance')).toMatch(/--engine mysql --engine-version 8.4.3 --allocated-storage 400 /)
  expect(line('create-instance')).toContain('--master-username admin')
  // Where there is no room, a run goes on with another class.
  expect(again({ ...flags, class: ['db.r7g.large'] }).needs?.choices[0]).toEqual({
    instanceClass: 'db.r7g.large',
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
  ['an instance of a cluster', {}, old({ clusterId: 'orders' }), /instance of cluster orders/],
  [
    'a cluster asked of an instance',
    { engine: 'aurora-mysql' },
    () => undefined,
    /a cluster only of a cluster/,
  ],
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

test.each<[string, WayFlags, string | undefined, RegExp]>([
  ['an instance asked of a cluster', { engine: 'mysql' }, undefined, /an instance only of an instance/],
  ['a Multi-AZ DB cluster', {}, 'mysql', /it is a Multi-AZ DB cluster/],
])('of a cluster it is closed with %s', async (_, flags, engine, said) => {
  const run = planned(
    flags,
    (world) => {
      const cluster = world.region(regions.source).clusters.get('shop')
      if (engine !== undefined) Object.assign(cluster ?? {}, { engine })
    },
    undefined,
    'cluster',
  )
  await expect(run).rejects.toMatchObject({
    ...{ code: 'step-failed', message: expect.stringMatching(said) },
    hint: expect.stringContaining('lifeboat restore --into'),
  })
})

test('a failed restore into a cluster names where its own password lies', async () => {
  const { runbook, ports, world } = await planned(
    { targetId: 'shop' },
    undefined,
    (real) => ({
      native: { ...real, look: () => Promise.resolve({ state: 'failed', reason: 'access denied' }) },
    }),
    'cluster',
  )
  const cluster = world.region(regions.source).clusters.get('shop')
  if (cluster !== undefined) world.region(regions.target).clusters.set('shop', cluster)
  const step = runbook.steps.find(({ id }) => id === 'restore-backup')
  expect(await step?.observe(ports, signal)).toMatchObject({
    hint: expect.stringMatching(
      /describe-db-clusters .*--db-cluster-identifier shop --query DBClusters\[0\]\.MasterUserSecret/,
    ),
  })
})

test('a silent cluster of Aurora needs no size', async () => {
  const told = { engine: 'aurora-postgresql', engineVersion: '16.4', class: ['db.r6g.large'] }
  const run = planned({ ...told, masterUser: 'boss', subnetGroup: SCENE.subnetGroup }, kill, (real) => ({
    native: {
      ...real,
      newest: async (inner) => {
        const found = await real.newest(inner)
        return found && { ...found, engine: 'postgres' }
      },
    },
  }))
  const { line } = await run
  expect(line('create-cluster')).toContain(
    '--engine aurora-postgresql --engine-version 16.4 --storage-encrypted',
  )
  await expect(planned({ ...told, masterUser: 'boss', engine: 'postgres' }, kill)).rejects.toMatchObject({
    details: { opens: true },
  })
})

describe('a dump made now', () => {
  test('comes before anything is made, and its writes are warned of', async () => {
    const { runbook, facts } = await planned({ dumpNow: true, kmsKey: SCENE.keyAlias })
    expect(runbook.steps.map(({ id }) => id)).toEqual([
      ...['check-key', 'dump-now', 'create-instance', 'restore-backup'],
    ])
    expect(facts).toMatchObject({
      ...{ backup: null, dump: { endpoint: { host: 'shop.c1sim.eu-west-1.rds.amazonaws.com', port: 3306 } } },
    })
    expect(runbook.warnings.join()).toMatch(/once the dump has begun is not in it.*fence it by SQL/)
  })

  test('goes to the endpoint that was named where the region does not say it', async () => {
    const told = { engine: 'mysql', engineVersion: '8.0.40', class: ['db.r6g.large'], storageGib: 20 }
    const flags = { ...told, masterUser: 'boss', subnetGroup: SCENE.subnetGroup, dumpNow: true }
    await expect(planned(flags, kill)).rejects.toMatchObject({
      hint: expect.stringContaining('--from HOST:PORT'),
    })
    const { facts } = await planned({ ...flags, from: 'shop.example:3307' }, kill)
    expect(facts.dump?.endpoint).toEqual({ host: 'shop.example', port: 3307 })
    expect(() => native.choose({ ...FLAGS, from: 'shop' })).toThrow("--from 'shop': it is not HOST:PORT")
  })

  test('is closed where nobody could make it, or of another engine', async () => {
    await expect(
      planned({ dumpNow: true }, undefined, ({ dump: _, ...real }) => ({ native: real })),
    ).rejects.toMatchObject({ hint: expect.stringContaining('--dump-password') })
    await expect(planned({ dumpNow: true }, old({ engine: 'postgres' }))).rejects.toThrow(
      'the dump is of mysql, and postgres can not load it',
    )
  })

  test('of a database that gives no answer stops before anything is made, and says what there is instead', async () => {
    const { runbook, ports } = await planned({ dumpNow: true }, (world) => world.databases.clear())
    const step = runbook.steps.find(({ id }) => id === 'dump-now')
    expect(await step?.observe(ports, signal)).toEqual({ state: 'todo' })
    await step?.apply(ports, signal)
    expect(await step?.observe(ports, signal)).toMatchObject({
      ...{ state: 'blocked', reason: expect.stringContaining('gives no answer') },
      hint: expect.stringContaining('without --dump-now'),
    })
  })

  test('is what is restored, and nothing else; where it is not known, nothing is', async () => {
    const asked: string[] = []
    const { runbook, ports } = await planned(
      { dumpNow: true, targetId: 'shop-replica' },
      undefined,
      (real) => ({
        native: {
          ...real,
          begin: (backup) => {
            asked.push(backup)
            return Promise.resolve()
          },
          dump: {
            ...(real.dump ?? fail()),
            look: async () => ({
              state: 'done',
              backup: { ...((await real.newest(signal)) ?? fail()), id: '20261122T210600Z-zzzz' },
            }),
          },
        },
      }),
    )
    const step = runbook.steps.find(({ id }) => id === 'restore-backup')
    await step?.apply(ports, signal)
    expect(asked).toEqual(['20261122T210600Z-zzzz'])
    const { native: port = fail(), ...rest } = ports
    const elsewhere = {
      ...port,
      dump: { ...(port.dump ?? fail()), look: () => Promise.resolve({ state: 'none' as const }) },
    }
    expect(await step?.observe({ ...rest, native: elsewhere }, signal)).toMatchObject({
      ...{ state: 'blocked', hint: expect.stringContaining('where the dump was made') },
    })
  })
})

function fail(): never {
  throw new Error('the simulation has no such port')
}
