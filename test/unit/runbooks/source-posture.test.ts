import { expect, test } from 'vitest'
import type { CloudPorts, RegionPorts } from '../../../src/runbooks/ports.ts'
import { readSourcePosture } from '../../../src/runbooks/source-posture.ts'
import { simulatedPorts } from '../../../src/simulation/cloud.ts'
import { furnish, SCENE } from '../../../src/simulation/scene.ts'
import { createWorld, type World } from '../../../src/simulation/world.ts'

const { signal } = new AbortController()
const regions = { source: 'eu-west-1', target: 'eu-central-1' }

function open(alter: (world: World) => void = () => undefined): { world: World; ports: CloudPorts } {
  const world = createWorld()
  furnish(world, { ...regions, db: 'shop', kind: 'instance' })
  alter(world)
  return { world, ports: simulatedPorts(world, regions.source, regions.target) }
}
const read = (ports: Pick<CloudPorts, 'source' | 'remembered'>, mayAsk = true, said = {}) =>
  readSourcePosture('shop', ports, mayAsk, said, signal)
const asInventory = (source: RegionPorts): RegionPorts => ({ ...source, inventory: 'inv1' })

test('the region itself says all of it', async () => {
  expect(await read(open().ports)).toMatchObject({
    ...{ from: 'source', reason: null },
    known: { encrypted: true, tlsForced: true, backupDays: 7, logExports: ['error'] },
  })
})

test('a dead region is asked once, and an inventory says it instead', async () => {
  const { world, ports } = open((each) => {
    each.region(regions.source).dead = true
  })
  const nobody = await read(ports)
  expect(nobody).toMatchObject({ from: 'nowhere', known: {}, reason: expect.stringMatching(/eu-west-1: /) })
  expect(world.calls.filter(({ region }) => region === regions.source)).toHaveLength(1)
  const remembered = asInventory(open().ports.source)
  expect(await read({ ...ports, remembered })).toMatchObject({ from: 'inventory', reason: null })
})

test('a busy region is asked again', async () => {
  const { ports } = open((world) =>
    world.strike({ operation: 'rds:DescribeDBClusters', fault: 'throttled', times: 2 }),
  )
  expect(await read(ports)).toMatchObject({ from: 'source', reason: null })
})

test('what is denied is unknown, the rest is not, and an inventory fills it in', async () => {
  const { ports } = open((world) =>
    world.strike({ operation: 'ec2:DescribeSecurityGroups', fault: 'denied', times: 10 }),
  )
  const seen = await read(ports)
  expect(seen).toMatchObject({ from: 'source', reason: expect.stringContaining('DescribeSecurityGroups') })
  expect(seen.known.inbound).toBeUndefined()
  expect(Object.keys(seen.known)).toHaveLength(8)
  const filled = await read({ ...ports, remembered: asInventory(open().ports.source) })
  expect(filled).toMatchObject({ reason: null, known: { inbound: [{ peer: '10.0.0.0/16' }] } })
})

test('a fence is no measure: who was let in before it does not show', async () => {
  const { ports } = open((world) => {
    const state = world.region(regions.source)
    const old = state.securityGroups.get(SCENE.securityGroup(regions.source))
    const instance = state.instances.get('shop')
    if (old === undefined || instance === undefined) throw new Error('the scene has no database')
    state.securityGroups.set('sg-fence', { ...old, id: 'sg-fence', name: 'lifeboat-x-fence', inbound: [] })
    instance.securityGroups = ['sg-fence']
  })
  const seen = await read(ports)
  expect(seen.known.inbound).toBeUndefined()
  expect(seen.reason).toMatch(/fenced/)
})

test('who may not ask has the word of the snapshot, and of the inventory', async () => {
  const { world, ports } = open()
  expect(await read(ports, false, { encrypted: true })).toMatchObject({
    ...{ from: 'backup', known: { encrypted: true }, reason: expect.stringContaining('--inventory') },
  })
  expect(world.calls).toEqual([])
  expect(await read({ source: asInventory(ports.source) }, false)).toMatchObject({
    ...{ from: 'inventory', reason: null },
  })
})

test('nothing is made up of a database that is not there', async () => {
  const { world, ports } = open()
  world.region(regions.source).instances.delete('shop')
  expect(await read(ports)).toMatchObject({ from: 'nowhere', reason: "eu-west-1 has no 'shop'" })
})
