import { describe, expect, test } from 'vitest'
import { asStored, sourceOf, targetOf } from '../../../../src/app/inventory/record.ts'
import { type InventoryRequest, takeInventory } from '../../../../src/app/inventory/take-inventory.ts'
import { simulatedPorts } from '../../../../src/simulation/cloud.ts'
import { furnish, SCENE } from '../../../../src/simulation/scene.ts'
import { createWorld, type World } from '../../../../src/simulation/world.ts'

const SOURCE = 'eu-west-1'
const TARGET = 'eu-central-1'
const ID = '20261122T210500Z-k3f9'
const { signal } = new AbortController()

function scene(kind: 'instance' | 'cluster' = 'instance'): World {
  const world = createWorld()
  furnish(world, { source: SOURCE, target: TARGET, db: 'shop', kind })
  return world
}

function take(world: World, request: Partial<InventoryRequest> = {}, until = signal) {
  const ports = simulatedPorts(world, SOURCE, TARGET)
  const { clock } = world.time
  return takeInventory(
    { ports, both: true, databases: undefined, id: ID, job: 'shop', clock, timeoutMs: 600_000, ...request },
    until,
  )
}

describe('an inventory', () => {
  test('has all that an instance is made of, on both sides', async () => {
    const world = scene()
    const { alarms } = world.region(SOURCE)
    const alarm = {
      state: 'OK',
      arn: 'arn:aws:cloudwatch:eu-west-1:111122223333:alarm:',
      metric: 'CPUUtilization',
    }
    alarms.push(
      { ...alarm, name: 'cpu', dimensions: { DBInstanceIdentifier: 'shop' }, definition: { Threshold: 90 } },
      { ...alarm, name: 'other', dimensions: { DBInstanceIdentifier: 'stranger' }, definition: {} },
      { ...alarm, name: 'all', dimensions: {}, definition: { AlarmRule: 'ALARM("cpu") OR ALARM("x")' } },
    )
    const inventory = await take(world)
    expect(inventory).toMatchObject({
      ...{ format: 1, id: ID, job: 'shop', account: world.account, source: SOURCE, target: TARGET },
      ...{ databases: null, unknown: [] },
    })
    const from = sourceOf(inventory)
    const host = `shop.c1sim.${SOURCE}.rds.amazonaws.com`
    expect(from.instances).toEqual([
      expect.objectContaining({
        ...{ id: 'shop', engine: 'mysql', engineVersion: '8.0.40', instanceClass: SCENE.instanceClass },
        ...{
          storage: { type: 'gp3', gib: 200 },
          multiAz: true,
          deletionProtection: true,
          logExports: ['error'],
        },
        ...{ securityGroups: [SCENE.securityGroup(SOURCE)], endpoint: { host, port: 3306 } },
      }),
    ])
    expect(from.securityGroups[0]?.inbound).toEqual([
      { protocol: 'tcp', fromPort: 3306, toPort: 5432, peer: '10.0.0.0/16' },
    ])
    expect(from.subnetGroups.map(({ name }) => name)).toEqual([SCENE.subnetGroup])
    expect(from.subnets).toHaveLength(3)
    expect(from.instanceParameterGroups[0]?.parameters).toEqual([
      { name: 'require_secure_transport', value: '1', apply: 'immediate' },
    ])
    expect(from.clusterParameterGroups).toEqual([])
    expect(from.optionGroups.map(({ name }) => name)).toEqual([SCENE.optionGroup])
    expect(from.keys).toEqual([
      expect.objectContaining({ aliases: [SCENE.keyAlias], policy: '{}', tags: {} }),
    ])
    expect(from.alarms.map(({ name }) => name)).toEqual(['cpu', 'all'])
    expect(from.snapshots).toEqual([
      expect.objectContaining({ sourceId: 'shop', type: 'automated', created: expect.any(Date) }),
    ])
    const to = targetOf(inventory)
    expect(to?.instances.map(({ id }) => id)).toEqual([SCENE.replica('shop')])
    expect(to?.replicatedBackups).toEqual([
      expect.objectContaining({ instanceId: 'shop', latest: expect.any(Date) }),
    ])
    expect(to?.subnetGroups.map(({ name }) => name)).toEqual([SCENE.subnetGroup])
    expect(inventory.dns).toEqual([
      {
        zone: expect.objectContaining({ name: 'example.internal', private: true }),
        records: [{ name: 'shop.example.internal', type: 'CNAME', ttlSeconds: 300, values: [host] }],
      },
    ])
    expect(world.calls.filter((call) => call.kind === 'change')).toEqual([])
  })

  test('has a cluster with its endpoints, its instances and its global cluster', async () => {
    const inventory = await take(scene('cluster'), { databases: ['shop'] })
    const from = sourceOf(inventory)
    expect(from.clusters).toEqual([
      expect.objectContaining({
        ...{ id: 'shop', port: 3306, readerHost: expect.stringContaining('cluster-ro') },
        members: [
          { instanceId: 'shop-1', writer: true },
          { instanceId: 'shop-2', writer: false },
        ],
      }),
    ])
    expect(from.instances.map(({ id }) => id)).toEqual(['shop-1', 'shop-2'])
    expect(from.globalClusters).toHaveLength(1)
    expect(from.clusterParameterGroups.map(({ name }) => name)).toEqual([SCENE.parameterGroup])
    expect(from.snapshots.map(({ kind }) => kind)).toEqual(['cluster'])
    expect(targetOf(inventory)?.clusters.map(({ id }) => id)).toEqual(['shop'])
    expect(inventory).toMatchObject({ databases: ['shop'], unknown: [] })
  })

  test('is the same after it was stored', async () => {
    const inventory = await take(scene('cluster'))
    expect(asStored(inventory)).toEqual(inventory)
  })

  test('leaves out what belongs to other databases', async () => {
    const world = scene()
    furnish(world, { source: SOURCE, target: TARGET, db: 'ledger', kind: 'instance' })
    const inventory = await take(world, { databases: ['ledger'], both: false })
    const [from, ...others] = inventory.regions
    expect(others).toEqual([])
    expect(from?.instances.map(({ id }) => id)).toEqual(['ledger'])
    expect(from?.snapshots.map(({ sourceId }) => sourceId)).toEqual(['ledger'])
    expect('target' in inventory).toBe(false)
  })

  test('finds records that lead to an endpoint by others, and not their neighbours', async () => {
    const world = scene()
    const zone = world.zones.get(SCENE.zone)
    zone?.records.push(
      { name: 'db.example.internal', type: 'CNAME', ttlSeconds: 60, values: ['SHOP.example.internal.'] },
      { name: 'www.example.internal', type: 'A', ttlSeconds: 60, values: ['192.0.2.1'] },
      {
        ...{ name: 'alias.example.internal', type: 'A', values: [] },
        alias: { zoneId: SCENE.zone, host: 'db.example.internal', evaluateHealth: false },
      },
    )
    const { dns } = await take(world)
    expect(dns[0]?.records.map(({ name }) => name)).toEqual([
      'shop.example.internal',
      'db.example.internal',
      'alias.example.internal',
    ])
  })

  test('names the groups that rules name, so that they can be written again', async () => {
    const world = scene()
    const group = world.region(SOURCE).securityGroups.get(SCENE.securityGroup(SOURCE))
    if (group === undefined) throw new Error('no group')
    group.inbound = [{ protocol: 'tcp', fromPort: 3306, toPort: 3306, peer: 'sg-app' }]
    world
      .region(SOURCE)
      .securityGroups.set('sg-app', { ...group, id: 'sg-app', name: 'application', inbound: [] })
    const { securityGroups } = sourceOf(await take(world))
    expect(securityGroups.map(({ name }) => name)).toEqual(['database', 'application'])
  })
})

describe('what could not be asked', () => {
  test.each([
    ['ec2:DescribeSecurityGroups', 'securityGroups'],
    ['kms:GetKeyPolicy', 'keys'],
    ['cloudwatch:DescribeAlarms', 'alarms'],
    ['route53:ListHostedZones', 'dns'],
    ['rds:DescribeDBParameterGroups', 'instanceParameterGroups'],
    ['sts:GetCallerIdentity', 'account'],
  ])('%s denied: the rest is there, and %s is unknown with its reason', async (operation, what) => {
    const world = scene()
    world.strike({ operation, fault: 'denied', times: 99 })
    const inventory = await take(world, { both: false })
    expect(inventory.unknown).toEqual([
      expect.objectContaining({ what, fault: 'denied', reason: expect.stringContaining('AccessDenied') }),
    ])
    expect(sourceOf(inventory).instances).toHaveLength(1)
    expect(inventory.account).toBe(world.account)
  })

  test('a throttled control plane is asked again', async () => {
    const world = scene()
    world.strike({ operation: '*', fault: 'throttled', times: 2 })
    expect((await take(world)).unknown).toEqual([])
  })

  test('a group that is gone is said to be', async () => {
    const world = scene()
    world.region(SOURCE).optionGroups.clear()
    expect((await take(world)).unknown).toEqual([
      { region: SOURCE, what: 'optionGroups', of: SCENE.optionGroup, reason: 'there is none such' },
    ])
  })

  test('a security group that is gone too', async () => {
    const world = scene()
    world.region(SOURCE).securityGroups.clear()
    expect((await take(world)).unknown).toEqual([
      {
        ...{ region: SOURCE, what: 'securityGroups', of: SCENE.securityGroup(SOURCE) },
        reason: 'there is none such',
      },
    ])
  })

  test('a dead target region takes nothing from the source', async () => {
    const world = scene()
    world.region(TARGET).dead = true
    const inventory = await take(world)
    expect(sourceOf(inventory).optionGroups).toHaveLength(1)
    const dead = new Set(inventory.unknown.flatMap(({ region = '' }) => region))
    expect([...dead]).toContain(TARGET)
    expect(dead.has(SOURCE)).toBe(false)
    // Once it is known to be dead it is not asked everything again.
    const asked = world.calls.filter(({ region, done }) => region === TARGET && !done)
    expect(asked.length).toBeLessThan(30)
  })

  test('without the list of databases there is no inventory: a poor one must not become the newest', async () => {
    const world = scene()
    world.region(SOURCE).dead = true
    await expect(take(world)).rejects.toMatchObject({
      ...{ code: 'step-failed', message: expect.stringContaining(`inventory of ${SOURCE}`) },
      details: { fault: 'unavailable', region: SOURCE },
    })
    const denied = scene()
    denied.strike({ operation: 'rds:DescribeDBClusters', region: SOURCE, fault: 'denied', times: 1 })
    await expect(take(denied)).rejects.toMatchObject({
      details: { fault: 'denied' },
      hint: expect.stringContaining('rds:Describe'),
    })
  })

  test('a database that is not there is a mistake of the operator', async () => {
    await expect(take(scene(), { databases: ['shop', 'shpo'] })).rejects.toMatchObject({
      message: expect.stringContaining("'shpo'"),
    })
  })

  test('is bounded in time: what has no answer by then is unknown', async () => {
    const world = scene()
    const ports = simulatedPorts(world, SOURCE, TARGET)
    const never = <T>() => new Promise<T>(() => undefined)
    const stuck = {
      ...ports,
      source: { ...ports.source, cloudwatch: { ...ports.source.cloudwatch, alarms: never } },
    }
    const inventory = await take(world, { ports: stuck, both: false, timeoutMs: 1_000 })
    expect(inventory.unknown.map(({ what }) => what)).toContain('alarms')
    expect(inventory.unknown[0]?.reason).toMatch(/no answer in the 1 s/)
    expect(sourceOf(inventory).instances).toHaveLength(1)
  })

  test('ends at once when it is interrupted', async () => {
    const world = scene()
    const stop = new AbortController()
    const ports = simulatedPorts(world, SOURCE, TARGET)
    const alarms = () => {
      stop.abort()
      return new Promise<never>(() => undefined)
    }
    const stuck = {
      ...ports,
      source: { ...ports.source, cloudwatch: { ...ports.source.cloudwatch, alarms } },
    }
    await expect(take(world, { ports: stuck }, stop.signal)).rejects.toMatchObject({ code: 'interrupted' })
  })
})
