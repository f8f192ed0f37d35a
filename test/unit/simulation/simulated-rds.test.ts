import { describe, expect, test } from 'vitest'
import { faultOf } from '../../../src/core/cloud-fault.ts'
import { simulatedPorts } from '../../../src/simulation/cloud.ts'
import { furnish, SCENE } from '../../../src/simulation/scene.ts'
import { parseStrike } from '../../../src/simulation/strikes.ts'
import { createWorld, type World } from '../../../src/simulation/world.ts'

const { signal } = new AbortController()
const [source, target] = ['eu-west-1', 'eu-central-1']
const MINUTE = 60_000

function scene(kind: 'instance' | 'cluster' = 'instance', encrypted = true) {
  const world = createWorld()
  furnish(world, { source, target, db: 'shop', kind, encrypted })
  return { world, ports: simulatedPorts(world, source, target) }
}

async function faultOfCall(call: Promise<unknown>): Promise<string | undefined> {
  return call.then(
    () => undefined,
    (thrown: unknown) => faultOf(thrown),
  )
}

function snapshotArn(world: World): string {
  return [...world.region(source).snapshots.values()][0]?.arn ?? ''
}

describe('copies of snapshots', () => {
  test('take time, tell their percentage, and those of one source wait for each other', async () => {
    const { world, ports } = scene()
    const { rds } = ports.target
    const copy = {
      kind: 'instance',
      sourceArn: snapshotArn(world),
      kmsKeyArn: SCENE.keyAlias,
      tags: {},
    } as const
    for (const id of ['one', 'two']) await rds.copySnapshot({ ...copy, id }, signal)
    expect(await rds.snapshot('instance', 'two', signal)).toBeUndefined()
    world.time.pass(5 * MINUTE)
    const [one, two] = [
      await rds.snapshot('instance', 'one', signal),
      await rds.snapshot('instance', 'two', signal),
    ]
    expect(one).toMatchObject({ status: 'copying', encrypted: true })
    expect(one?.percent).toBeGreaterThan(5)
    expect(two).toMatchObject({ status: 'copying', percent: 0 })
    world.time.pass(30 * MINUTE)
    expect(await rds.snapshot('instance', 'one', signal)).toMatchObject({ status: 'available', percent: 100 })
    expect((await rds.snapshot('instance', 'two', signal))?.percent).toBeGreaterThan(5)
    expect(await faultOfCall(rds.copySnapshot({ ...copy, id: 'one' }, signal))).toBe('exists')
  })

  test('keep the rules of keys', async () => {
    const { world, ports } = scene()
    const copy = { kind: 'instance', sourceArn: snapshotArn(world), id: 'x', tags: {} } as const
    const fault = (more: object) => faultOfCall(ports.target.rds.copySnapshot({ ...copy, ...more }, signal))
    expect(await fault({})).toBe('invalid')
    const [foreign] = await ports.source.kms.keys(signal)
    expect(await fault({ kmsKeyArn: foreign?.arn })).toBe('key')
    for (const key of world.region(target).keys.values()) key.enabled = false
    expect(await fault({ kmsKeyArn: SCENE.keyAlias })).toBe('key')
    const cluster = scene('cluster', false)
    const unencrypted = { ...copy, kind: 'cluster', sourceArn: snapshotArn(cluster.world) } as const
    const encrypting = { ...unencrypted, kmsKeyArn: SCENE.keyAlias }
    expect(await faultOfCall(cluster.ports.target.rds.copySnapshot(encrypting, signal))).toBe('invalid')
    expect(await faultOfCall(cluster.ports.target.rds.copySnapshot(unencrypted, signal))).toBeUndefined()
  })

  test('need the source region, and room in the quota', async () => {
    const { world, ports } = scene()
    const copy = {
      kind: 'instance',
      sourceArn: snapshotArn(world),
      kmsKeyArn: SCENE.keyAlias,
      tags: {},
    } as const
    world.region(target).quotas.set('ManualSnapshots', 0)
    expect(await faultOfCall(ports.target.rds.copySnapshot({ ...copy, id: 'x' }, signal))).toBe('quota')
    world.region(source).dead = true
    expect(await faultOfCall(ports.target.rds.copySnapshot({ ...copy, id: 'x' }, signal))).toBe('unavailable')
  })
})

describe('a global database', () => {
  test('switches over while its primary is well, and fails over when it is not', async () => {
    const { world, ports } = scene('cluster')
    const move = {
      id: SCENE.globalCluster('shop'),
      targetArn: `arn:aws:rds:${target}:111122223333:cluster:shop`,
    }
    world.region(source).dead = true
    expect(await faultOfCall(ports.target.rds.switchoverGlobalCluster(move, signal))).toBe('unavailable')
    await ports.target.rds.failoverGlobalCluster(move, signal)
    expect((await ports.target.rds.globalCluster(move.id, signal))?.failover).toMatchObject({
      status: 'pending',
      dataLossAllowed: true,
    })
    world.time.pass(30_000)
    expect((await ports.target.rds.globalCluster(move.id, signal))?.failover?.status).toBe('failing-over')
    world.time.pass(5 * MINUTE)
    const global = await ports.target.rds.globalCluster(move.id, signal)
    expect(global?.failover).toBeUndefined()
    expect(global?.members.map(({ region, writer }) => [region, writer])).toEqual([
      [source, false],
      [target, true],
    ])
    expect(await ports.database.writable({ host: global?.endpoint ?? '', port: 3306 }, signal)).toBe(
      'writable',
    )
  })
})

describe('calls that go wrong', () => {
  test('so many of them, and a lost answer is carried out', async () => {
    const { world, ports } = scene()
    world.strike(parseStrike('throttled:rds:DescribeDBInstances:2'))
    const look = () => faultOfCall(ports.target.rds.instance('x', signal))
    expect([await look(), await look(), await look()]).toEqual(['throttled', 'throttled', undefined])
    world.strike(parseStrike('lost-answer:rds:CreateDBSnapshot'))
    const snapshot = { kind: 'instance', id: 'x', sourceId: 'shop', tags: {} } as const
    expect(await faultOfCall(ports.source.rds.createSnapshot(snapshot, signal))).toBe('unavailable')
    expect(await faultOfCall(ports.source.rds.createSnapshot(snapshot, signal))).toBe('exists')
    expect(() => parseStrike('nonsense:rds:X:1')).toThrow(/FAULT:OPERATION:TIMES/)
  })

  test('what a port gives is a copy: nobody changes the cloud through it', async () => {
    const { ports } = scene()
    const seen = await ports.source.rds.instance('shop', signal)
    Object.assign(seen ?? {}, { status: 'failed' })
    expect((await ports.source.rds.instance('shop', signal))?.status).toBe('available')
    expect(seen).not.toHaveProperty('visibleMs')
  })
})

describe('DNS', () => {
  test('is pending, then in sync; a record that is not as given guards its replacement', async () => {
    const { world, ports } = scene()
    const { route53 } = ports
    const [record] = await route53.records(SCENE.zone, signal)
    if (record === undefined) throw new Error('the scene has no record')
    const moved = { ...record, values: ['new.example.test'] }
    const replace = [
      { action: 'delete', record },
      { action: 'create', record: moved },
    ] as const
    const { changeId } = await route53.change(SCENE.zone, replace, 'cutover', signal)
    expect(await route53.changeStatus(changeId, signal)).toBe('pending')
    world.time.pass(MINUTE)
    expect(await route53.changeStatus(changeId, signal)).toBe('insync')
    expect(await route53.records(SCENE.zone, signal)).toEqual([moved])
    expect(await faultOfCall(route53.change(SCENE.zone, replace, 'again', signal))).toBe('invalid')
    world.region('us-east-1').dead = true
    expect(await faultOfCall(route53.zones(signal))).toBe('unavailable')
  })
})
