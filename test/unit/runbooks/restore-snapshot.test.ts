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

async function planned(
  flags: WayFlags,
  alter: (world: World) => void = () => undefined,
  { kind = 'instance', inventory }: { kind?: 'instance' | 'cluster'; inventory?: string } = {},
) {
  const world = createWorld()
  furnish(world, { ...regions, db: 'shop', kind })
  alter(world)
  const options = restoreSnapshot.choose({ ...FLAGS, ...flags })
  const { source, ...rest } = simulatedPorts(world, regions.source, regions.target)
  const ports = { ...rest, source: { ...source, ...(inventory !== undefined && { inventory }) } }
  const facts = await restoreSnapshot.gather(options, ports, signal)
  return { runbook: restoreSnapshot.plan(options, facts, RUN), facts, ports, options }
}

test.each<[string, WayFlags]>([
  ['--class', { class: [] }],
  ['--subnet-group', { subnetGroup: undefined } as unknown as WayFlags],
  ['--security-group', { securityGroup: [] }],
])('says that %s is missing, since the source is not asked', async (flag, flags) => {
  await expect(planned(flags)).rejects.toMatchObject({
    ...{ code: 'usage', message: `unable to plan: ${flag} is missing` },
    hint: expect.stringContaining(flag),
  })
})

const INVENTORY = '20261122T190000Z-inv1'
const BARE = { class: [], subnetGroup: undefined } as unknown as WayFlags

test('an inventory tells what no snapshot knows; what is said by hand goes before it', async () => {
  const tag = (world: World) => {
    const old = world.region(regions.source).instances.get('shop')
    Object.assign(old ?? {}, {
      tags: { team: 'shop, orders', 'aws:cloudformation:stack-name': 'x', 'lifeboat:run': 'earlier' },
      roles: ['arn:aws:iam::111122223333:role/import'],
      backupRetentionDays: 21,
    })
  }
  const { runbook } = await planned(BARE, tag, { inventory: INVENTORY })
  const [line = ''] = runbook.steps
    .filter(({ id }) => id === 'restore')
    .map((step) => step.command()[0]?.argv.join(' '))
  expect(line).toContain(`--db-instance-class ${SCENE.instanceClass} --db-subnet-group-name private`)
  expect(line).toContain('--db-parameter-group-name tuned --option-group-name standard --multi-az')
  expect(line).toContain(
    '--enable-iam-database-authentication --enable-cloudwatch-logs-exports error --copy-tags-to-snapshot',
  )
  expect(line).toContain('--tags Key=team,Value="shop, orders" Key=lifeboat:run,Value=20261122T210500Z-k3f9')
  expect(line).not.toContain('cloudformation')
  const protect = runbook.steps.find(({ id }) => id === 'protect')
  expect(protect?.command()[0]?.argv.join(' ')).toContain('--backup-retention-period 21')
  expect(runbook.warnings.join()).not.toContain('No --parameter-group')
  expect(runbook.afterwards.join()).toMatch(/not known: \S+role\/import\. .*add-role-to-db-instance/)
  expect(runbook.steps.filter(({ id }) => id.startsWith('give-role'))).toEqual([])
  expect(runbook.afterwards.join()).not.toContain('log exports')
  const said = await planned(
    { class: [SCENE.otherClass], multiAz: false, backupDays: 3, parameterGroup: 'default.mysql8.0' },
    tag,
    { inventory: INVENTORY },
  )
  expect(said.runbook.needs?.choices.map(({ instanceClass }) => instanceClass)).toEqual([
    SCENE.otherClass,
    SCENE.instanceClass,
  ])
  const [typed = ''] = said.runbook.steps
    .filter(({ id }) => id === 'restore')
    .map((step) => step.command()[0]?.argv.join(' '))
  expect(typed).toContain('--db-parameter-group-name default.mysql8.0')
  expect(typed).toContain('--no-multi-az')
})

test('of a cluster it tells how many instances, of which class, with which group of their own', async () => {
  const own = (world: World) => {
    const { instances } = world.region(regions.source)
    for (const instance of instances.values()) instance.parameterGroups = [{ name: 'own', status: 'in-sync' }]
    const cluster = world.region(regions.source).clusters.get('shop')
    if (cluster !== undefined) {
      cluster.members = [1, 2, 3].map((number) => ({ instanceId: `shop-${number}`, writer: number === 1 }))
      Object.assign(cluster, { serverless: { minCapacity: 0.5, maxCapacity: 8 }, logExports: ['audit'] })
    }
  }
  const { runbook } = await planned(BARE, own, { kind: 'cluster', inventory: INVENTORY })
  const lines = runbook.steps.flatMap((step) => step.command().map(({ argv }) => argv.join(' ')))
  expect(lines.filter((line) => line.includes('create-db-instance'))).toHaveLength(3)
  expect(lines.join('\n')).not.toContain('--db-parameter-group-name')
  expect(runbook.warnings.join()).toContain('parameter group own, which is not in the target region')
  expect(lines.join('\n')).toContain(
    '--enable-cloudwatch-logs-exports audit --copy-tags-to-snapshot --port 3306 --serverless-v2-scaling-configuration MinCapacity=0.5,MaxCapacity=8',
  )
  const there = await planned(
    BARE,
    (world) => {
      own(world)
      const { parameterGroups } = world.region(regions.target)
      const tuned = parameterGroups.get('instance/tuned')
      if (tuned !== undefined) parameterGroups.set('instance/own', { ...tuned, name: 'own' })
    },
    { kind: 'cluster', inventory: INVENTORY },
  )
  expect(there.runbook.warnings.join()).not.toContain('parameter group own')
  const made = there.runbook.steps.find(({ id }) => id === 'create-instance-3')
  expect(made?.command()[0]?.argv.join(' ')).toContain('--db-parameter-group-name own')
})

test('is closed with an inventory that does not know it, or knows another kind', async () => {
  const unknown = planned(BARE, (world) => world.region(regions.source).instances.clear(), {
    inventory: INVENTORY,
  })
  await expect(unknown).rejects.toThrow(`inventory ${INVENTORY} does not know it`)
  const other = planned(
    {},
    (world) => {
      const { instances, clusters } = world.region(regions.source)
      const old = instances.get('shop')
      instances.clear()
      if (old !== undefined)
        clusters.set('shop', {
          ...old,
          members: [],
          port: 3306,
          customEndpoints: [],
          zones: [],
          parameterGroup: 'x',
        })
    },
    { inventory: INVENTORY },
  )
  await expect(other).rejects.toThrow("snapshot 'shop-copy' is of an instance, and inventory")
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
