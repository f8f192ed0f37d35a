import { expect, test } from 'vitest'
import { undoing } from '../../src/app/cutover.ts'
import { LifeboatError } from '../../src/core/errors.ts'
import { createCutover } from '../../src/runbooks/cutover.ts'
import type { RecordChange } from '../../src/runbooks/record-change.ts'
import { simulatedPorts } from '../../src/simulation/cloud.ts'
import { furnish, SCENE } from '../../src/simulation/scene.ts'
import type { World } from '../../src/simulation/world.ts'
import { createRunbookScene, RUN, type RunbookHarness } from '../testbed/runbook-scene.ts'
import { describeRunbook } from './runbook-suite.ts'

const regions = { source: 'eu-west-1', target: 'eu-central-1' }
const OLD = 'shop.c1sim.eu-west-1.rds.amazonaws.com'
const NEW = 'shop-replica.c1sim.eu-central-1.rds.amazonaws.com'
const NAME = 'shop.example.internal'
const PUBLIC = 'Z1111111111111'
const before = { name: NAME, type: 'CNAME', ttlSeconds: 300, values: [OLD] }
const weighted = {
  ...{ name: 'db.example.com', type: 'CNAME', ttlSeconds: 30, values: [`${OLD.toUpperCase()}.`] },
  ...{ setIdentifier: 'primary', routing: { Weight: 100 }, healthCheckId: 'hc-1' },
}
const after = { ...before, ttlSeconds: 60, values: [NEW] }

function scene(world: World): void {
  furnish(world, { ...regions, db: 'shop', kind: 'instance' })
  world.databases.set(NEW, 'writable')
  world.databases.set(OLD, 'read-only')
  world.zones.set(PUBLIC, {
    zone: { id: PUBLIC, name: 'example.com', private: false, vpcs: [] },
    records: [
      weighted,
      { ...weighted, setIdentifier: 'other', values: ['elsewhere.example.com'] },
      { name: 'note.example.com', type: 'TXT', ttlSeconds: 60, values: [`"${OLD}"`] },
    ],
  })
}
const recordsOf = (world: World, zone: string) => world.zones.get(zone)?.records ?? []

const ends = { from: `${OLD}:3306`, to: `${NEW}:3306` }
const run: RunbookHarness = {
  way: createCutover('run'),
  flags: { ...regions, ...ends },
  furnish: scene,
  expectDone(world) {
    expect(recordsOf(world, SCENE.zone)).toEqual([after])
    expect(recordsOf(world, PUBLIC)).toContainEqual({ ...weighted, values: [NEW] })
    expect(recordsOf(world, PUBLIC)).toHaveLength(3)
    expect(new Set(world.dnsChanges.values())).toEqual(new Set(['insync']))
  },
}
describeRunbook('cutover run', run)

const second = { ...before, name: 'reports.example.internal', ttlSeconds: 900 }
describeRunbook('cutover prepare', {
  way: createCutover('prepare'),
  flags: { ...regions, from: ends.from },
  furnish(world) {
    scene(world)
    world.zones.get(SCENE.zone)?.records.push(second)
  },
  expectDone(world) {
    const lowered = [before, second].map((record) => ({ ...record, ttlSeconds: 60 }))
    expect(recordsOf(world, SCENE.zone)).toEqual(lowered)
    expect(recordsOf(world, PUBLIC)).toContainEqual(weighted)
  },
})

const ALARM = `lifeboat-cutover-${OLD}`
const failover: RunbookHarness = {
  way: createCutover('prepare'),
  flags: { ...regions, ...ends, failoverRecords: true },
  tooShortMs: 10_000,
  furnish: scene,
  expectDone(world) {
    const check = '00000000-0000-4000-8000-000000000001'
    const pair = { name: NAME, type: 'CNAME', ttlSeconds: 60 }
    const [primary, secondary] = ['PRIMARY', 'SECONDARY'].map((Failover) => ({
      ...{ ...pair, setIdentifier: Failover.toLowerCase(), routing: { Failover } },
    }))
    expect(recordsOf(world, SCENE.zone)).toEqual([
      { ...primary, values: [OLD], healthCheckId: check },
      { ...secondary, values: [NEW] },
    ])
    // It has routing of its own, which stays.
    expect(recordsOf(world, PUBLIC)).toContainEqual(weighted)
    expect([...world.healthChecks.values()]).toEqual([
      { id: check, alarm: { region: regions.target, name: ALARM } },
    ])
    expect(world.region(regions.target).alarms).toMatchObject([{ name: ALARM, metric: 'cutover' }])
  },
}
describeRunbook('cutover prepare --failover-records', failover)

test('a pair is told how to switch, and what was not made one', async () => {
  await using staged = await createRunbookScene(failover)
  const { runbook } = await staged.plan()
  expect(runbook.afterwards.join('\n')).toMatch(
    /aws cloudwatch put-metric-data --region eu-central-1 .*--value 1[\s\S]*--value 0/,
  )
  expect(runbook.warnings.join('\n')).toMatch(/db\.example\.com has records with routing of their own/)
})

test('an alarm that is off, or of somebody else, stops it before a record is touched', async () => {
  const alarm = { name: ALARM, arn: 'arn', metric: 'cutover', dimensions: { from: OLD }, definition: {} }
  const put =
    (state: string, metric = 'cutover') =>
    (world: World) => {
      world.region(regions.target).alarms.push({ ...alarm, state, metric })
    }
  const inAlarm = await failure(failover, put('ALARM'))
  expect(inAlarm.error.message).toMatch(/in alarm: a pair would send clients away at once/)
  expect(inAlarm.error.hint).toMatch(/--value 0/)
  const strange = await failure(failover, put('OK', 'CPUUtilization'))
  expect(strange.error.message).toMatch(/is on another metric \(CPUUtilization\)/)
  expect([...inAlarm.changes, ...strange.changes]).toEqual([])
})

test('a second run finds the health check, and makes no other', async () => {
  await using staged = await createRunbookScene(failover)
  const old = { id: 'hc-old', alarm: { region: regions.target, name: ALARM } }
  staged.world.healthChecks.set('earlier', old)
  await staged.run()
  expect(staged.world.healthChecks.size).toBe(1)
  expect(recordsOf(staged.world, SCENE.zone)[0]).toMatchObject({ healthCheckId: 'hc-old' })
})

test('a cutover of a pair switches its first record, and leaves the other', async () => {
  await using staged = await createRunbookScene(failover)
  await staged.run()
  const ports = simulatedPorts(staged.world, regions.source, regions.target)
  await using switching = await createRunbookScene(run)
  const settings = { ports, clock: staged.world.time.clock }
  expect((await switching.run(settings)).outcome).toBe('done')
  expect(recordsOf(staged.world, SCENE.zone)).toMatchObject([
    { setIdentifier: 'secondary', values: [NEW] },
    { setIdentifier: 'primary', values: [NEW], routing: { Failover: 'PRIMARY' } },
  ])
})

const kept: readonly RecordChange[] = [
  { zoneId: SCENE.zone, zoneName: 'example.internal', private: true, before, after },
]
const rollback: RunbookHarness = {
  way: createCutover('rollback'),
  flags: { ...regions, from: ends.to, to: ends.from, kept },
  furnish(world) {
    scene(world)
    world.databases.set(NEW, 'read-only')
    world.databases.set(OLD, 'writable')
    const zone = world.zones.get(SCENE.zone)
    if (zone !== undefined) zone.records = [after]
  },
  expectDone: (world) => expect(recordsOf(world, SCENE.zone)).toEqual([before]),
}
describeRunbook('cutover rollback', rollback)

async function failure(
  harness: RunbookHarness,
  prepare: (world: World) => void,
  flags: RunbookHarness['flags'] = harness.flags,
): Promise<{ error: LifeboatError; changes: readonly string[] }> {
  await using staged = await createRunbookScene({ ...harness, flags })
  prepare(staged.world)
  const thrown = await staged.run().then(
    () => new Error('it has not failed'),
    (reason: unknown) => reason,
  )
  if (!(thrown instanceof LifeboatError)) throw thrown
  return { error: thrown, changes: staged.changes() }
}

test.each<[string, (world: World) => void, RegExp]>([
  [
    'an old database that takes writes',
    (world) => world.databases.set(OLD, 'writable'),
    /still takes writes/,
  ],
  ['a new one that is read-only', (world) => world.databases.set(NEW, 'read-only'), /it is read-only/],
  ['a new one that is not there', (world) => world.databases.delete(NEW), /not reachable from here/],
])('%s stops it before anything is switched', async (_, prepare, reason) => {
  const { error, changes } = await failure(run, prepare)
  expect(error).toMatchObject({ code: 'step-failed', message: expect.stringMatching(reason) })
  expect(error.hint).toMatch(/accept/)
  expect(changes).toEqual([])
})

test('each of these dangers can be taken by name', async () => {
  const flags = { ...run.flags, accept: ['split-brain', 'unseen-target'] }
  await using staged = await createRunbookScene({ ...run, flags })
  staged.world.databases.set(OLD, 'writable')
  staged.world.databases.delete(NEW)
  expect((await staged.run()).outcome).toBe('done')
})

test('a record that somebody has changed since it was found is not overwritten', async () => {
  await using staged = await createRunbookScene(run)
  await staged.run({ confirm: false }).catch(() => undefined)
  const zone = staged.world.zones.get(SCENE.zone)
  if (zone !== undefined) zone.records = [{ ...before, values: ['third.example.com'] }]
  await expect(staged.run()).rejects.toMatchObject({
    code: 'step-failed',
    message: expect.stringMatching(/neither as it was .* nor as it is to be, but CNAME third\.example\.com/),
  })
  expect(recordsOf(staged.world, SCENE.zone)).toEqual([{ ...before, values: ['third.example.com'] }])
})

test('a record changed between the look and the change is refused by the batch itself', async () => {
  await using staged = await createRunbookScene(run)
  const zone = staged.world.zones.get(SCENE.zone)
  const stolen = { ...before, values: ['third.example.com'] }
  const onStep = ({ step, state }: { step: string; state: string }) => {
    if (step === 'switch-1' && state === 'applying' && zone !== undefined) zone.records = [stolen]
  }
  await expect(staged.run({ onStep })).rejects.toMatchObject({ details: { fault: 'invalid' } })
  expect(recordsOf(staged.world, SCENE.zone)).toEqual([stolen])
})

test('a resolver that never lets go of the old answer ends it in bounded time, and is named', async () => {
  const { error, changes } = await failure(run, (world) => {
    const held = { values: [OLD], untilMs: Number.POSITIVE_INFINITY }
    world.dnsCache.set(`${NAME}/CNAME`, held)
  })
  expect(error.message).toMatch(/still the old answer at 10\.0\.0\.2, 10\.1\.0\.2/)
  expect(error.hint).toMatch(/flush that resolver/)
  expect(changes).toHaveLength(2)
})

test('what names the old database otherwise is left, and said', async () => {
  await using staged = await createRunbookScene({
    ...run,
    flags: {
      ...run.flags,
      record: [NAME],
      template: ['DB={host}:{port} was {old-host}:{old-port}'],
      service: ['shop.service'],
    },
  })
  const { runbook } = await staged.plan()
  expect(runbook.warnings.join('\n')).toMatch(/note\.example\.com .*type TXT is not changed/)
  expect(runbook.warnings.join('\n')).toMatch(/db\.example\.com .*not named with --record/)
  expect(runbook.warnings.join('\n')).toMatch(/TTL of 300 s/)
  expect(runbook.afterwards).toContain(`Set: DB=${NEW}:3306 was ${OLD}:3306`)
  expect(runbook.afterwards).toContain('Restart: shop.service')
  expect(runbook.afterwards.join('\n')).toMatch(/TLS: .*real endpoint[\s\S]*IAM tokens are signed/)
})

test('with nothing that points at the old endpoint it is closed', async () => {
  const flags = { ...run.flags, from: 'other.example.com:3306' }
  expect((await failure(run, () => undefined, flags)).error).toMatchObject({
    code: 'step-failed',
    message: expect.stringMatching(/no record in Route 53 points at it/),
  })
})

test('a batch is typed as the API takes it, routing and all', async () => {
  await using staged = await createRunbookScene(run)
  const { runbook } = await staged.plan()
  const line = runbook.steps.find(({ id }) => id === 'switch-2')?.command()[0]
  const batch = JSON.parse(line?.argv[(line?.argv.indexOf('--change-batch') ?? 0) + 1] ?? '')
  expect(batch.Changes).toMatchObject([
    { Action: 'DELETE', ResourceRecordSet: { Weight: 100, SetIdentifier: 'primary', HealthCheckId: 'hc-1' } },
    { Action: 'CREATE', ResourceRecordSet: { Weight: 100, ResourceRecords: [{ Value: NEW }], TTL: 30 } },
  ])
})

test('what a run has switched is put back from its journal, and only that', async () => {
  await using staged = await createRunbookScene(run)
  // The second record was never switched.
  staged.world.crashAt(0)
  await staged.run().catch(() => undefined)
  staged.world.revive()
  const onStep = ({ step, state }: { step: string; state: string }) => {
    if (step === 'switch-1' && state === 'done') staged.world.crashAt(0)
  }
  await staged.run({ onStep }).catch(() => undefined)
  staged.world.revive()
  expect(recordsOf(staged.world, SCENE.zone)).toEqual([after])

  const events = { stateFolder: staged.folder, onEvent: () => undefined }
  const { signal } = new AbortController()
  const flags = await undoing(events, RUN.id, signal)
  expect(flags).toMatchObject({ ...regions, from: ends.to, to: ends.from })
  expect(flags.kept?.map((change) => change.before.name)).toEqual([NAME])

  const back = createCutover('rollback')
  const options = back.choose(flags)
  const ports = simulatedPorts(staged.world, regions.source, regions.target)
  const plan = back.plan(options, await back.gather(options, ports, signal), { id: `${RUN.id}b` })
  expect(plan.warnings).toEqual([])
  const change = plan.steps.find(({ id }) => id === 'switch-1')
  expect(await change?.observe(ports, signal)).toMatchObject({ state: 'todo' })
  await change?.apply(ports, signal)
  expect(recordsOf(staged.world, SCENE.zone)).toEqual([before])
  await expect(undoing(events, '20261122T210500Z-none', signal)).rejects.toMatchObject({ code: 'usage' })
})

/** Two of three of a name point at the old database. */
function group(world: World): void {
  scene(world)
  const zone = world.zones.get(PUBLIC)
  const slow = { ...weighted, ttlSeconds: 300 }
  if (zone !== undefined)
    zone.records = [
      slow,
      { ...slow, setIdentifier: 'second' },
      { ...slow, setIdentifier: 'other', values: ['elsewhere.example.com'] },
    ]
}

test('records of one name have one TTL: prepare lowers all of them at once, run leaves it', async () => {
  await using prepared = await createRunbookScene({
    ...{ way: createCutover('prepare'), flags: { ...regions, from: ends.from }, furnish: group },
    expectDone: () => undefined,
  })
  const { runbook } = await prepared.plan()
  expect(runbook.steps.map(({ title }) => title).join('\n')).toMatch(/to 60 s, 3 records in one batch/)
  expect((await prepared.run()).outcome).toBe('done')
  const lowered = recordsOf(prepared.world, PUBLIC)
  expect(lowered.map(({ ttlSeconds }) => ttlSeconds)).toEqual([60, 60, 60])
  expect(prepared.changes()).toHaveLength(2)
  await using switched = await createRunbookScene({ ...run, furnish: group })
  expect((await switched.run()).outcome).toBe('done')
  expect(recordsOf(switched.world, PUBLIC)).toMatchObject([
    { setIdentifier: 'other', values: ['elsewhere.example.com'], ttlSeconds: 300 },
    { setIdentifier: 'primary', values: [NEW], ttlSeconds: 300 },
    { setIdentifier: 'second', values: [NEW], ttlSeconds: 300 },
  ])
})

test('of several records of a name each is a right answer but the old one', async () => {
  await using staged = await createRunbookScene({ ...run, furnish: group })
  await staged.run()
  const titles = staged.events.map(({ title }) => title)
  expect(titles).toContain(`wait until no resolver answers ${OLD} for db.example.com`)
})

test('what can not be switched, or need not be, is told one by one', async () => {
  const writer = 'shop.cluster-c1sim.eu-west-1.rds.amazonaws.com'
  const readers = 'shop.cluster-ro-c1sim.eu-west-1.rds.amazonaws.com'
  const cname = (name: string, value: string) => ({ name, type: 'CNAME', ttlSeconds: 60, values: [value] })
  await using staged = await createRunbookScene({
    ...run,
    flags: { ...run.flags, from: `${writer}:3306` },
    furnish(world) {
      scene(world)
      world.databases.set(writer, 'read-only')
      world.zones.set(PUBLIC, {
        zone: {
          id: PUBLIC,
          name: 'example.com',
          private: true,
          vpcs: [{ id: 'vpc-1', region: 'eu-west-1' }],
        },
        records: [
          cname('db.example.com', writer),
          cname('old.example.com', 'db.example.com'),
          {
            ...{ name: 'also.example.com', type: 'CNAME', values: [] },
            alias: { zoneId: PUBLIC, host: 'db.example.com', evaluateHealth: false },
          },
          cname('read.example.com', readers),
          cname('stranger.example.com', 'shop.cluster-ro-zzzz.eu-west-1.rds.amazonaws.com'),
          {
            ...{ ...cname('policy.example.com', writer), setIdentifier: 'p' },
            routing: { TrafficPolicyInstanceId: '1' },
          },
        ],
      })
    },
  })
  const { runbook } = await staged.plan()
  expect(runbook.steps.filter(({ id }) => id.startsWith('switch'))).toHaveLength(1)
  const said = runbook.warnings.join('\n')
  expect(said).toMatch(/old\.example\.com .*it follows db\.example\.com by itself/)
  expect(said).toMatch(/also\.example\.com .*it follows db\.example\.com by itself/)
  expect(said).toMatch(/read\.example\.com .*another endpoint of the same cluster.*--from shop\.cluster-ro-/)
  expect(said).toMatch(/policy\.example\.com .*a traffic policy makes it/)
  expect(said).not.toContain('stranger')
  expect(said).toMatch(
    /Private zone example\.com is answered in no VPC of eu-central-1: .*associate-vpc-with-hosted-zone/,
  )
})
