import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { diffInventories } from '../../../../src/app/inventory/diff.ts'
import { flatten } from '../../../../src/app/inventory/flatten.ts'
import type { Inventory } from '../../../../src/app/inventory/record.ts'
import { takeInventory } from '../../../../src/app/inventory/take-inventory.ts'
import { simulatedPorts } from '../../../../src/simulation/cloud.ts'
import { furnish, SCENE } from '../../../../src/simulation/scene.ts'
import { createWorld, type World } from '../../../../src/simulation/world.ts'

const SOURCE = 'eu-west-1'
const TARGET = 'eu-central-1'
const { signal } = new AbortController()

function take(world: World, id = '20261122T210500Z-aaaa'): Promise<Inventory> {
  const ports = simulatedPorts(world, SOURCE, TARGET)
  const { clock } = world.time
  return takeInventory(
    { ports, both: true, databases: undefined, id, job: 'shop', clock, timeoutMs: 600_000 },
    signal,
  )
}

function scene(): World {
  const world = createWorld()
  furnish(world, { source: SOURCE, target: TARGET, db: 'shop', kind: 'instance' })
  return world
}

describe('two inventories', () => {
  test('of the same things have no drift, whatever time it is', async () => {
    const world = scene()
    const before = await take(world)
    world.time.pass(86_400_000)
    const shop = world.region(SOURCE).instances.get('shop')
    if (shop !== undefined)
      Object.assign(shop, { status: 'backing-up', latestRestorable: world.time.clock.now() })
    expect(diffInventories(before, await take(world))).toEqual({ changes: [], notCompared: [] })
  })

  test('show who may assume a role by now, unless IAM was silent for one of the two', async () => {
    const world = scene()
    const arn = 'arn:aws:iam::111122223333:role/imports'
    const shop = world.region(SOURCE).instances.get('shop')
    if (shop !== undefined) shop.roles = [arn]
    world.roles.set(arn, '{"Statement":[1]}')
    const before = await take(world)
    world.roles.set(arn, '{"Statement":[2]}')
    expect(diffInventories(before, await take(world)).changes).toEqual([
      {
        ...{ region: null, what: 'roles', name: arn, change: 'changed' },
        fields: [{ field: 'trust', before: '{"Statement":[1]}', after: '{"Statement":[2]}' }],
      },
    ])
    world.region('us-east-1').dead = true
    const silent = diffInventories(before, await take(world))
    expect(silent.changes.filter(({ what }) => what === 'roles')).toEqual([])
    expect(silent.notCompared).toEqual(
      expect.arrayContaining([expect.objectContaining({ region: null, what: `roles ${arn}` })]),
    )
  })

  test('show what was changed, added and removed', async () => {
    const world = scene()
    const before = await take(world)
    const from = world.region(SOURCE)
    const shop = from.instances.get('shop')
    const group = from.securityGroups.get(SCENE.securityGroup(SOURCE))
    if (shop === undefined || group === undefined) throw new Error('no scene')
    shop.storage = { ...shop.storage, gib: 400, iops: 6000 }
    shop.deletionProtection = false
    group.inbound = [...group.inbound, { protocol: 'tcp', fromPort: 3306, toPort: 3306, peer: '0.0.0.0/0' }]
    const parameters = from.parameterGroups.get(`instance/${SCENE.parameterGroup}`)
    if (parameters === undefined) throw new Error('no group')
    from.parameterGroups.set(`instance/${SCENE.parameterGroup}`, {
      ...parameters,
      parameters: [{ name: 'require_secure_transport', value: '0', apply: 'immediate' }],
    })
    world.region(TARGET).instances.clear()
    const zone = world.zones.get(SCENE.zone)
    if (zone !== undefined) zone.records = zone.records.map((record) => ({ ...record, ttlSeconds: 60 }))
    const { changes, notCompared } = diffInventories(before, await take(world, '20261123T210500Z-bbbb'))
    expect(notCompared).toEqual([])
    expect(changes).toEqual([
      {
        ...{ region: SOURCE, what: 'instances', name: 'shop', change: 'changed' },
        fields: [
          { field: 'deletionProtection', before: 'true', after: 'false' },
          { field: 'storage.gib', before: '200', after: '400' },
          { field: 'storage.iops', before: null, after: '6000' },
        ],
      },
      {
        ...{ region: SOURCE, what: 'securityGroups', name: SCENE.securityGroup(SOURCE), change: 'changed' },
        fields: [
          {
            field: 'inbound: fromPort 3306, peer 0.0.0.0/0, protocol tcp, toPort 3306',
            before: null,
            after: 'there',
          },
        ],
      },
      {
        ...{ region: SOURCE, what: 'instanceParameterGroups', name: SCENE.parameterGroup, change: 'changed' },
        fields: [{ field: 'parameters.require_secure_transport.value', before: '1', after: '0' }],
      },
      { region: TARGET, what: 'instances', name: SCENE.replica('shop'), change: 'removed', fields: [] },
      {
        ...{
          region: null,
          what: 'dns',
          name: 'example.internal shop.example.internal CNAME',
          change: 'changed',
        },
        fields: [{ field: 'ttlSeconds', before: '300', after: '60' }],
      },
    ])
  })

  test('do not take what one of them could not see for removed', async () => {
    const world = scene()
    const before = await take(world)
    world.strike({ operation: 'ec2:DescribeSecurityGroups', fault: 'denied', times: 9 })
    world.strike({ operation: 'route53:ListHostedZones', fault: 'denied', times: 9 })
    world.strike({ operation: 'rds:DescribeOptionGroups', region: SOURCE, fault: 'denied', times: 1 })
    const { changes, notCompared } = diffInventories(before, await take(world))
    expect(changes).toEqual([])
    expect(notCompared.map(({ region, what }) => [region, what])).toEqual(
      expect.arrayContaining([
        [SOURCE, `optionGroups ${SCENE.optionGroup}`],
        [SOURCE, 'securityGroups'],
        [TARGET, 'securityGroups'],
        [null, 'dns'],
      ]),
    )
  })

  test('of other regions or other databases are not one another', async () => {
    const inventory = await take(scene())
    expect(() => diffInventories(inventory, { ...inventory, source: 'us-east-1' })).toThrow(
      /one is of eu-west-1/,
    )
    expect(diffInventories(inventory, { ...inventory, databases: ['shop'] }).notCompared).toEqual([
      { region: SOURCE, what: 'databases', reason: 'one is of all databases, the other of shop' },
    ])
    const { regions } = inventory
    expect(diffInventories(inventory, { ...inventory, regions: regions.slice(0, 1) })).toMatchObject({
      changes: [],
      notCompared: [{ region: TARGET, what: 'all' }],
    })
  })
})

test('the order of lists is no change', () => {
  const rules = [{ peer: 'a' }, { peer: 'b' }]
  const things = [
    { zones: ['b', 'a'], rules, members: [{ name: 'x', value: 1 }, { name: 'y' }] },
    { zones: ['a', 'b'], rules: rules.toReversed(), members: [{ name: 'y' }, { value: 1, name: 'x' }] },
  ].map((thing) => [...flatten(thing, new Set())].sort())
  expect(things[0]).toEqual(things[1])
  expect(things[0]).toContainEqual(['members.x.value', '1'])
})

test('whatever the order of fields and of lists, a thing is like itself', () => {
  const name = fc.string({ minLength: 1 })
  const part = fc.record({ name, value: fc.oneof(fc.string(), fc.integer(), fc.boolean()) })
  const parts = fc.uniqueArray(part, { selector: (each) => each.name })
  const thing = fc.record({
    id: name,
    zones: fc.array(fc.string()),
    parts,
    more: fc.dictionary(name, fc.string()),
  })
  const like = (it: object) => new Map([...flatten(it, new Set())].sort(([a], [b]) => (a < b ? -1 : 1)))
  fc.assert(
    fc.property(thing, ({ id, zones, parts: list, more }) => {
      const turned = { more, parts: list.toReversed(), zones: zones.toReversed(), id }
      expect(like(turned)).toEqual(like({ id, zones, parts: list, more }))
    }),
  )
})
