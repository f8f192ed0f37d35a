import { expect, test } from 'vitest'
import { hasWayOut } from '../../../../src/app/assess/assess.ts'
import type { NativeBackup, Service } from '../../../../src/app/assess/evidence.ts'
import { takeInventory } from '../../../../src/app/inventory/take-inventory.ts'
import { LifeboatError } from '../../../../src/core/errors.ts'
import { simulatedPorts } from '../../../../src/simulation/cloud.ts'
import type { World } from '../../../../src/simulation/world.ts'
import { assessWorld, FLAGS, furnished, requestOf, SOURCE, states, strike, TARGET, wayOf } from './scene.ts'

const MINUTE = 60_000

function planeOf(assessment: Awaited<ReturnType<typeof assessWorld>>, service: Service, region: string) {
  return assessment.planes.find((plane) => plane.service === service && plane.region === region)
}

test('of an instance: the replica that lags least in time and data is the best', async () => {
  const found = await assessWorld(furnished())
  expect(found.problem).toBeNull()
  expect(found.planes.map(({ state }) => state)).toEqual(found.planes.map(() => 'reachable'))
  const [best] = found.databases[0]?.ways ?? []
  expect(best).toMatchObject({
    ...{ way: 'promote-replica', state: 'open', rpo: { leastMs: 4000, mostMs: 4000 } },
    command: `lifeboat migrate promote-replica --source ${SOURCE} --target ${TARGET} --db shop`,
  })
  expect(best?.first).toEqual([expect.stringMatching(/still takes connections/)])
  expect(wayOf(found, 'restore-replicated-backup').rpo.mostMs).toBeGreaterThanOrEqual(6 * MINUTE)
  expect(wayOf(found, 'aurora-failover')).toMatchObject({ state: 'closed', command: null, first: [] })
  expect(hasWayOut(found)).toBe(true)
})

test('of a cluster: a switchover that loses nothing, and a failover once its region is dead', async () => {
  const well = wayOf(await assessWorld(furnished('cluster')), 'aurora-failover')
  expect(well).toMatchObject({ state: 'open', rpo: { mostMs: 0 } })
  expect(well.command).not.toContain('--accept')
  const world = furnished('cluster')
  world.region(SOURCE).dead = true
  const found = await assessWorld(world)
  expect(wayOf(found, 'aurora-failover')).toMatchObject({ state: 'open', rpo: { mostMs: 1000 } })
  expect(wayOf(found, 'aurora-failover').command).toMatch(/ --accept data-loss$/)
  expect(wayOf(found, 'aurora-add-region')).toMatchObject({ state: 'closed' })
})

test('nothing is changed', async () => {
  for (const kind of ['instance', 'cluster'] as const) {
    const world = furnished(kind)
    await assessWorld(world, { databases: undefined })
    expect(world.calls.filter((call) => call.kind === 'change')).toEqual([])
    expect(world.calls.length).toBeGreaterThan(20)
  }
})

test('what the source can not say, an inventory does; it never stands in for what answers', async () => {
  const quiet = furnished()
  const signal = new AbortController().signal
  const inventory = await takeInventory(
    {
      ports: simulatedPorts(quiet, SOURCE, TARGET),
      ...{ both: true, databases: undefined, id: '20261122T210500Z-k3f9', job: 'inventory' },
      ...{ clock: quiet.time.clock, timeoutMs: 60_000 },
    },
    signal,
  )
  const alive = await assessWorld(furnished(), { inventory })
  expect(alive.inventory).toBeNull()
  const world = furnished()
  world.region(SOURCE).dead = true
  const blind = await assessWorld(world)
  expect(wayOf(blind, 'restore-snapshot')).toMatchObject({ state: 'unknown' })
  expect(wayOf(blind, 'restore-snapshot').command).toMatch(/ SUBNET-GROUP .* CLASS$/)
  const found = await assessWorld(world, { inventory, databases: undefined })
  expect(found.inventory).toMatchObject({ id: inventory.id })
  expect(found.databases.map(({ id }) => id)).toEqual(['shop'])
  expect(found.databases[0]).toMatchObject({
    identity: { known: true, asOf: inventory.ended, value: { engine: 'mysql', subnetGroup: 'private' } },
    look: { known: true },
  })
  expect(wayOf(found, 'restore-snapshot')).toMatchObject({ state: 'open' })
  expect(wayOf(found, 'restore-snapshot').command).toContain('--subnet-group private')
  expect(wayOf(found, 'copy-snapshot')).toMatchObject({ state: 'closed' })
  // A way takes from a file that the operator has what it does not ask of the source.
  expect(wayOf(found, 'restore-snapshot').breaks.join()).toMatch(/--inventory FILE/)
  const byFile = await assessWorld(world, { inventory, flags: { inventory: '/offline/x.json' } })
  for (const way of ['restore-snapshot', 'restore-replicated-backup'] as const) {
    expect(wayOf(byFile, way).command).toMatch(/ --inventory \/offline\/x.json$/)
    expect(wayOf(byFile, way).breaks.join()).not.toMatch(/--inventory/)
  }
})

test('without an inventory, what is across tells which databases there were', async () => {
  const world = furnished()
  world.region(SOURCE).dead = true
  const found = await assessWorld(world, { databases: undefined })
  expect(found.databases.map(({ id }) => id)).toEqual(['shop'])
  expect(wayOf(found, 'promote-replica')).toMatchObject({ state: 'open', rpo: { mostMs: 4000 } })
  world.region(TARGET).dead = true
  const none = await assessWorld(world, { databases: undefined })
  expect(none).toMatchObject({ databases: [], problem: expect.stringMatching(/name a database with --db/) })
  expect(hasWayOut(none)).toBe(false)
})

test('a name that the source does not have is likely a typo', async () => {
  const found = await assessWorld(furnished(), { databases: ['shopp'] })
  expect(found.databases[0]?.identity).toMatchObject({
    known: false,
    obstacle: 'refused',
    reason: `${SOURCE} has no such instance or cluster (did you mean shop?)`,
  })
  expect(Object.values(states(found, 'shopp'))).not.toContain('open')
})

test.each([
  ['unavailable', 'ECONNREFUSED', 'dead', 'refused'],
  ['unavailable', 'ENOTFOUND', 'dead', 'name-not-found'],
  ['unavailable', 'TimeoutError', 'dead', 'no-answer'],
  ['unavailable', 'ECONNRESET', 'dead', 'cut'],
  ['unavailable', 'HTTP 503', 'dead', 'server-error'],
  ['unavailable', 'InternalFailure', 'dead', 'server-error'],
  ['throttled', 'Throttling', 'throttled', null],
  ['denied', 'AccessDenied', 'denied', null],
] as const)(
  'a control plane with %s (%s) is %s, %s, and no other is',
  async (fault, code, state, silence) => {
    for (const [service, region] of [
      ...(['rds', 'kms', 's3', 'sts'] as const).flatMap((each) =>
        [SOURCE, TARGET].map((where) => [each, where] as const),
      ),
      ['cloudwatch', TARGET],
      ['ec2', TARGET],
    ] as const) {
      const world = furnished()
      strike(world, service, region, fault, code)
      const found = await assessWorld(world)
      expect(planeOf(found, service, region), service).toMatchObject({
        ...{ state, silence, reason: expect.stringContaining(code) },
      })
      const others = found.planes.filter((each) => each.service !== service || each.region !== region)
      expect(others.map((plane) => plane.state)).toEqual(others.map(() => 'reachable'))
    }
  },
)

test('RDS of the target dead closes every way by API, denied or throttled leaves them unknown', async () => {
  for (const [fault, state] of [
    ['unavailable', 'closed'],
    ['denied', 'unknown'],
    ['throttled', 'unknown'],
  ] as const) {
    const world = furnished()
    strike(world, 'rds', TARGET, fault, 'X')
    const { native, ...others } = states(await assessWorld(world))
    expect(native).toBe('open')
    for (const way of ['promote-replica', 'restore-replicated-backup', 'restore-snapshot', 'copy-snapshot'])
      expect(others[way], `${way} ${fault}`).toBe(state)
  }
})

test('whoever has no credentials has asked nobody, and nothing is called dead or impaired for it', async () => {
  const world = furnished('lone-cluster')
  for (const service of ['rds', 'kms', 's3', 'sts', 'ec2', 'cloudwatch', 'route53'])
    for (const region of [SOURCE, TARGET, 'us-east-1'])
      strike(world, service, region, 'denied', 'CredentialsProviderError')
  const found = await assessWorld(world)
  expect(planeOf(found, 'rds', SOURCE)).toMatchObject({ state: 'no-credentials', silence: null })
  expect(Object.values(states(found))).not.toContain('closed')
  for (const { reasons } of found.databases[0]?.ways ?? [])
    expect(reasons.join()).not.toMatch(/impaired|answers/)
})

test('a source that does not let these credentials look is not called impaired', async () => {
  const world = furnished('cluster')
  strike(world, 'rds', SOURCE, 'denied', 'AccessDenied')
  const found = await assessWorld(world)
  expect(wayOf(found, 'aurora-failover').first.join()).toContain(
    'It is a failover, since whether its primary is well is not known',
  )
})

test('a blip is no outage, and a throttled call is asked again', async () => {
  const world = furnished()
  world.strike({ operation: 'rds:DescribeDBInstances', region: SOURCE, fault: 'unavailable', times: 1 })
  world.strike({ operation: 'kms:ListKeys', region: TARGET, fault: 'throttled', times: 2 })
  const found = await assessWorld(world)
  expect(found.planes.map(({ state }) => state)).toEqual(found.planes.map(() => 'reachable'))
  expect(found.keys.known).toBe(true)
})

test('of a lag that nobody can tell, the loss is not known', async () => {
  const world = furnished()
  strike(world, 'cloudwatch', TARGET, 'denied', 'AccessDenied')
  const promote = wayOf(await assessWorld(world), 'promote-replica')
  expect(promote).toMatchObject({ state: 'open', rpo: { leastMs: null, mostMs: null } })
  expect(promote.rpo.basis).toMatch(/AccessDenied/)
  const stopped = furnished()
  stopped.region(TARGET).metrics.set('ReplicaLag/shop-replica', -1)
  expect(wayOf(await assessWorld(stopped), 'promote-replica').rpo.mostMs).toBeNull()
})

test('what the operator names wins; else what is called as in the source stands for it, and its lack closes', async () => {
  const world = furnished()
  const own = await assessWorld(world, { flags: {} })
  expect(wayOf(own, 'copy-snapshot').state).toBe('open')
  expect(wayOf(own, 'copy-snapshot').command).toContain(`--security-group ${FLAGS.securityGroup[0]}`)
  expect(wayOf(own, 'copy-snapshot').command).toContain('--kms-key alias/databases')
  for (const group of world.region(TARGET).securityGroups.values()) group.inbound = []
  const shut = wayOf(await assessWorld(world, { flags: {} }), 'restore-snapshot')
  expect(shut).toMatchObject({ state: 'open' })
  expect(shut.first.join()).toMatch(/lets nobody in/)
  world.region(TARGET).securityGroups.clear()
  const lacking = await assessWorld(world, { flags: {} })
  expect(wayOf(lacking, 'restore-snapshot')).toMatchObject({
    ...{ state: 'closed', reasons: [expect.stringMatching(/no security group database in that VPC/)] },
  })
  const flags = { ...FLAGS, subnetGroup: 'elsewhere' }
  const named = await assessWorld(furnished(), { flags })
  expect(wayOf(named, 'copy-snapshot').reasons).toEqual([
    expect.stringMatching(/no subnet group 'elsewhere'/),
  ])
})

test('a replica that has failed, a key that will be deleted, a full quota close what needs them', async () => {
  const world = furnished()
  const target = world.region(TARGET)
  const replica = target.instances.get('shop-replica')
  if (replica !== undefined) replica.status = 'incompatible-restore'
  for (const key of target.keys.values()) Object.assign(key, { state: 'PendingDeletion', enabled: false })
  const found = await assessWorld(world)
  expect(wayOf(found, 'promote-replica').reasons).toEqual(['replica shop-replica is incompatible-restore'])
  for (const way of ['restore-snapshot', 'restore-replicated-backup', 'copy-snapshot'] as const)
    expect(wayOf(found, way)).toMatchObject({ state: 'closed', reasons: [expect.stringMatching(/delet/)] })
  const full = furnished()
  full.region(TARGET).quotas.set('DBInstances', 1)
  expect(wayOf(await assessWorld(full), 'copy-snapshot').reasons.join()).toMatch(/quota/)
  expect(wayOf(await assessWorld(full), 'promote-replica').state).toBe('open')
})

function backup(given: Partial<NativeBackup>): NativeBackup {
  return {
    ...{ sink: 'frankfurt', job: 'shop', id: '20261122T200500Z-k3f9', started: '2026-11-22T20:05:00Z' },
    ...{ dumpMs: 10 * MINUTE, plainBytes: 1, storedBytes: 1, engine: 'mysql', passedOver: [], drill: null },
    ...given,
  }
}

const sinkOf = (...backups: NativeBackup[]) => ({ name: 'frankfurt', look: () => Promise.resolve(backups) })

function darkWorld(): World {
  const world = furnished()
  for (const region of [SOURCE, TARGET]) world.region(region).dead = true
  world.databases.clear()
  return world
}

test('with every control plane dead, a backup at a sink is a way out', async () => {
  const found = await assessWorld(darkWorld(), { sinks: [sinkOf(backup({}))] })
  const native = wayOf(found, 'native')
  expect(native).toMatchObject({
    ...{ state: 'open', rto: { leastMs: 10 * MINUTE, mostMs: 40 * MINUTE } },
    command:
      'lifeboat restore 20261122T200500Z-k3f9 --from frankfurt --job shop --into DATABASE-URL --key KEY-FILE',
  })
  expect(native.rpo.mostMs).toBeGreaterThanOrEqual(60 * MINUTE)
  expect(native.first.join()).toMatch(/have a server elsewhere/)
  expect(Object.values(states(found)).filter((state) => state === 'open')).toHaveLength(1)
  const drilled = backup({
    plainBytes: 3e9,
    drill: { at: '2026-11-20T00:00:00Z', rtoMs: 3 * MINUTE, restoreMs: 2 * MINUTE, plainBytes: 3e9 },
  })
  const measured = wayOf(await assessWorld(darkWorld(), { sinks: [sinkOf(drilled)] }), 'native')
  expect(measured.rto).toMatchObject({
    ...{ leastMs: 3 * MINUTE, basis: expect.stringMatching(/measured/) },
    rests: { on: 'measured', at: '2026-11-20T00:00:00Z' },
  })
  expect(measured.reasons).toEqual([
    expect.stringMatching(/, 60(\.\d)? min old; restored at 25 MB\/s by the drill of 2026-11-20T00:00:00Z$/),
  ])
  // Twice as large by now: what was loading takes twice as long, the rest does not.
  const grown = wayOf(
    await assessWorld(darkWorld(), { sinks: [sinkOf({ ...drilled, plainBytes: 6e9 })] }),
    'native',
  )
  expect(grown.rto.leastMs).toBe(5 * MINUTE)
})

test('no backup yet, of a database that answers: native makes one now, into a new instance where one can be made', async () => {
  const { command } = wayOf(await assessWorld(furnished(), { sinks: [sinkOf()] }), 'native')
  expect(command).toContain(
    'lifeboat migrate native --source eu-west-1 --target eu-central-1 --db shop --backups frankfurt',
  )
  expect(command).toContain(
    '--job shop --dump-now --login DATABASE-URL --dump-password prompt: --recipient PUBLIC-KEY-FILE --key KEY-FILE',
  )
  const world = furnished()
  world.region('eu-central-1').dead = true
  const elsewhere = wayOf(await assessWorld(world, { sinks: [sinkOf()] }), 'native')
  expect(elsewhere.command).toMatch(/^lifeboat dump --from DATABASE-URL --to frankfurt/)
})

test('no backup and no database: native is closed; a silent sink leaves it unknown', async () => {
  const closed = wayOf(await assessWorld(darkWorld(), { sinks: [sinkOf()] }), 'native')
  expect(closed).toMatchObject({ state: 'closed', command: null })
  const look = () => Promise.reject(new LifeboatError('sink-unavailable', 'unable to list: ECONNREFUSED'))
  const silent = wayOf(await assessWorld(darkWorld(), { sinks: [{ name: 'frankfurt', look }] }), 'native')
  expect(silent).toMatchObject({ state: 'unknown', reasons: [expect.stringMatching(/frankfurt: ECONN/)] })
})

test('of several jobs, that of the same name is meant, or else nobody knows', async () => {
  const two = [sinkOf(backup({ job: 'other' }), backup({ job: 'shop', id: '20261122T190500Z-aaaa' }))]
  expect(wayOf(await assessWorld(darkWorld(), { sinks: two }), 'native').command).toContain('T190500Z-aaaa')
  const neither = [sinkOf(backup({ job: 'a' }), backup({ job: 'b' }))]
  expect(wayOf(await assessWorld(darkWorld(), { sinks: neither }), 'native')).toMatchObject({
    ...{ state: 'unknown', reasons: [expect.stringMatching(/--job \(a, b\)/)] },
  })
  // Of another engine none is meant.
  const postgres = [sinkOf(backup({ job: 'b', engine: 'postgres' }), backup({ job: 'a' }))]
  expect(wayOf(await assessWorld(furnished(), { sinks: postgres }), 'native').reasons).toEqual([
    expect.stringMatching(/of job a /),
  ])
})

test('an account that is given logs in, or tells why not', async () => {
  const probe = () => Promise.reject(new LifeboatError('unsupported', 'unable to log in: Access denied'))
  const failed = await assessWorld(furnished(), { login: { endpoint: null, probe } })
  expect(failed.databases[0]?.login).toMatchObject({ known: false, reason: 'Access denied' })
  const login = { endpoint: null, probe: () => Promise.resolve('MySQL 8.0.40') }
  expect((await assessWorld(furnished(), { login })).databases[0]?.login).toMatchObject({
    value: 'MySQL 8.0.40',
  })
})

test('a question that never ends holds up no other, and the whole ends', async () => {
  const request = requestOf(furnished(), {
    timeoutMs: 600,
    sinks: [{ name: 'hole', look: () => new Promise(() => undefined) }],
  })
  const began = performance.now()
  const found = await assessWorld(furnished(), request)
  expect(performance.now() - began).toBeLessThan(3_000)
  expect(found.sinks[0]?.backups).toMatchObject({ known: false, silence: 'no-answer' })
  expect(wayOf(found, 'promote-replica').state).toBe('open')
})
