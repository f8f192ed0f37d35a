import { appendFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { lockRun, runMigration } from '../../../src/app/migrate.ts'
import { openRunbookJournal } from '../../../src/app/runbook-journal.ts'
import { copySnapshot } from '../../../src/runbooks/copy-snapshot.ts'
import { promoteReplica } from '../../../src/runbooks/promote-replica.ts'
import { simulatedPorts } from '../../../src/simulation/cloud.ts'
import { furnish, SCENE } from '../../../src/simulation/scene.ts'
import { createMemorySink } from '../../testbed/memory-sink.ts'
import { createRunbookScene, RUN, type RunbookHarness } from '../../testbed/runbook-scene.ts'
import { withFaults } from '../../testbed/sink-faults.ts'

const { signal } = new AbortController()
const regions = { source: 'eu-west-1', target: 'eu-central-1' }

const promote: RunbookHarness = {
  way: promoteReplica,
  flags: { ...regions, db: ['shop'] },
  furnish: (world) => furnish(world, { ...regions, db: 'shop', kind: 'instance' }),
  expectDone: () => undefined,
}
const securityGroup = [SCENE.securityGroup(regions.target)]
const copy: RunbookHarness = {
  ...promote,
  way: copySnapshot,
  flags: { ...promote.flags, securityGroup, kmsKey: SCENE.keyAlias, targetId: 'shop-new' },
}

describe('promote-replica', () => {
  test.each([
    [120, /lag 120 s, and --max-lag allows 30 s/],
    [-1, /lag not known, and --max-lag/],
  ])('a lag of %i s is above the limit', async (lag, reason) => {
    await using scene = await createRunbookScene({
      ...promote,
      flags: { ...promote.flags, maxLagSeconds: 30 },
    })
    scene.world.region(regions.target).metrics.set(`ReplicaLag/${SCENE.replica('shop')}`, lag)
    await expect(scene.run()).rejects.toThrow(reason)
    expect(scene.changes()).toEqual([])
  })

  test('without a replica the way is closed', async () => {
    await using scene = await createRunbookScene(promote)
    scene.world.region(regions.target).instances.clear()
    await expect(scene.plan()).rejects.toThrow(/has no read replica in eu-central-1/)
  })

  test('it waits for a backup that is being made, however long that takes', async () => {
    await using scene = await createRunbookScene({
      ...promote,
      flags: { ...promote.flags, accept: ['split-brain'] },
    })
    const replica = scene.world.region(regions.target).instances.get(SCENE.replica('shop'))
    if (replica === undefined) throw new Error('the scene has no replica')
    replica.status = 'backing-up'
    scene.world.time.after(40 * 60_000, () => {
      replica.status = 'available'
    })
    const report = await scene.run({ deadlineMs: 2 * 3_600_000 })
    expect(report.steps.find(({ id }) => id === 'promote')).toMatchObject({ state: 'done', applied: true })
    expect(scene.changes()[0]).toBe('rds:PromoteReadReplica')
  })
})

describe('copy-snapshot', () => {
  test('a copy that is queued is told apart, and hours of waiting are no end', async () => {
    await using scene = await createRunbookScene({
      ...copy,
      furnish: (world) => furnish(world, { ...regions, db: 'shop', kind: 'instance', gib: 1000 }),
    })
    const { rds } = simulatedPorts(scene.world, regions.source, regions.target).target
    const sourceArn = [...scene.world.region(regions.source).snapshots.values()][0]?.arn ?? ''
    const key = { kmsKeyArn: SCENE.keyAlias, tags: {} }
    await rds.copySnapshot({ kind: 'instance', sourceArn, id: 'of-somebody-else', ...key }, signal)
    await scene.run()
    const states = scene.events.flatMap(({ step, state }) => (step === 'copy-snapshot' ? [state] : []))
    expect([...new Set(states)]).toEqual(['applying', 'applied', 'queued', 'running', 'done'])
    const percents = scene.events.flatMap(({ state, percent }) =>
      state === 'running' ? (percent ?? []) : [],
    )
    expect(percents).toEqual(percents.toSorted((a, b) => a - b))
    expect(new Set(percents).size).toBeGreaterThan(20)
    expect(scene.world.time.nowMs()).toBeGreaterThan(4 * 3_600_000)
  })

  test('where there is no room it tries the other classes and zones, and says so where all are full', async () => {
    await using scene = await createRunbookScene({
      ...copy,
      flags: {
        ...copy.flags,
        multiAz: false,
        zone: ['eu-central-1a', 'eu-central-1b'],
        class: [SCENE.otherClass],
      },
    })
    const { exhausted, instances } = scene.world.region(regions.target)
    exhausted.add(SCENE.instanceClass).add(SCENE.otherClass)
    await expect(scene.run()).rejects.toMatchObject({
      details: { fault: 'capacity', step: 'restore' },
      hint: expect.stringMatching(/--class and --zone/),
    })
    exhausted.delete(SCENE.otherClass)
    exhausted.add(`${SCENE.otherClass}/eu-central-1a`)
    await scene.run()
    expect(instances.get('shop-new')).toMatchObject({
      instanceClass: SCENE.otherClass,
      zone: 'eu-central-1b',
    })
    expect(scene.changes().filter((each) => each === 'rds:CopyDBSnapshot')).toHaveLength(1)
  })

  test("a stranger's instance of the same name is not taken for its own", async () => {
    await using scene = await createRunbookScene(copy)
    const { instances } = scene.world.region(regions.target)
    const replica = instances.get(SCENE.replica('shop'))
    if (replica === undefined) throw new Error('the scene has no replica')
    instances.set('shop-new', { ...replica, id: 'shop-new', tags: {} })
    await expect(scene.run()).rejects.toThrow(/shop-new already, which this run has not made/)
  })

  test.each([
    [{ state: 'PendingDeletion', enabled: false }, /it will be deleted/],
    [{ state: 'Disabled', enabled: false }, /its state is Disabled/],
    [{ spec: 'RSA_2048' }, /its spec is RSA_2048/],
    [{ managedBy: 'aws' as const }, /AWS manages it/],
  ])('a key that is %o is refused before anything is copied', async (change, reason) => {
    await using scene = await createRunbookScene(copy)
    for (const key of scene.world.region(regions.target).keys.values()) Object.assign(key, change)
    await expect(scene.run()).rejects.toThrow(reason)
    expect(scene.changes()).toEqual([])
  })

  test.each([
    ['encrypted', true, {}, /no key of the target region was named/],
    ['unencrypted', false, {}, /it is not encrypted, and would not be/],
  ])('%s without a key it is closed', async (_, encrypted, _more, reason) => {
    const { kmsKey: _key, ...flags } = copy.flags
    await using scene = await createRunbookScene({
      ...copy,
      flags,
      furnish: (world) => furnish(world, { ...regions, db: 'shop', kind: 'instance', encrypted }),
    })
    await expect(scene.plan()).rejects.toThrow(reason)
  })

  test('an unencrypted cluster needs the danger accepted by name', async () => {
    await using scene = await createRunbookScene({
      ...copy,
      furnish: (world) => furnish(world, { ...regions, db: 'shop', kind: 'cluster', encrypted: false }),
    })
    await expect(scene.plan()).rejects.toMatchObject({
      hint: expect.stringMatching(/--accept unencrypted-copy/),
    })
  })

  test('while the source region is dead it is closed, and the native way offered', async () => {
    await using scene = await createRunbookScene(copy)
    scene.world.region(regions.source).dead = true
    await expect(scene.run()).rejects.toMatchObject({ code: 'step-failed', details: { offer: 'native' } })
    expect(scene.changes()).toEqual([])
  })
})

describe('the journal', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lifeboat-runbook-journal-'))
  })
  afterEach(() => rm(folder, { recursive: true }))
  const at = '2026-11-22T21:05:00.000Z'
  const ended = (outcome: string) => ({ event: 'ended', at, outcome }) as const

  test('a line that a crash has cut is dropped, and the next starts a line of its own', async () => {
    const open = () => openRunbookJournal({ folder, run: RUN.id, onEvent: () => undefined }, signal)
    const first = await open()
    await first.append(ended('one'), signal)
    await appendFile(first.path, '{"event":"ended","at":"2026')
    const second = await open()
    expect(second.records).toEqual([ended('one')])
    await second.append(ended('two'), signal)
    expect((await open()).records).toEqual([ended('one'), ended('two')])
    await appendFile(first.path, 'neither\n')
    await expect(open()).rejects.toMatchObject({ code: 'integrity' })
  })

  test('another machine takes it from the sink', async () => {
    const sink = createMemorySink()
    const there = await openRunbookJournal({ folder, run: RUN.id, sink, onEvent: () => undefined }, signal)
    await there.append(ended('one'), signal)
    const other = join(folder, 'other')
    const here = await openRunbookJournal(
      { folder: other, run: RUN.id, sink, onEvent: () => undefined },
      signal,
    )
    expect(here.records).toEqual([ended('one')])
    await here.append(ended('two'), signal)
    expect((await readFile(here.path, 'utf8')).trim().split('\n')).toHaveLength(2)
  })

  test('a sink that fails is told once and holds up nothing', async () => {
    const events: { kind: string }[] = []
    const sink = withFaults(createMemorySink(), [{ on: 'write', kind: 'refuse' }])
    const journal = await openRunbookJournal(
      { folder, run: RUN.id, sink, onEvent: (event) => events.push(event) },
      signal,
    )
    await journal.append(ended('one'), signal)
    await journal.append(ended('two'), signal)
    expect(events.map(({ kind }) => kind)).toEqual(['warning'])
    expect((await readFile(journal.path, 'utf8')).trim().split('\n')).toHaveLength(2)
  })
})

describe('resuming', () => {
  let stateFolder: string
  beforeEach(async () => {
    stateFolder = await mkdtemp(join(tmpdir(), 'lifeboat-migrate-'))
  })
  afterEach(() => rm(stateFolder, { recursive: true }))

  function start(more: Partial<Parameters<typeof runMigration>[0]> = {}) {
    const runs: string[] = []
    const done = runMigration(
      {
        ...{ way: 'promote-replica', simulate: 'instance', faults: [], stateFolder, confirm: true },
        flags: { ...regions, db: ['shop'], accept: ['split-brain'] },
        ...{ onEvent: () => undefined, onStep: () => undefined, onStart: (run) => runs.push(run) },
        ...more,
      },
      signal,
    )
    return { runs, done }
  }

  test('a run that nobody knows, one of another way, one of another database', async () => {
    await expect(start({ resume: RUN.id }).done).rejects.toMatchObject({ code: 'usage' })
    await expect(start({ resume: '../x' }).done).rejects.toMatchObject({ code: 'usage' })
    const first = start({ confirm: false })
    await expect(first.done).rejects.toMatchObject({ code: 'confirmation-required' })
    const resume = first.runs[0] ?? ''
    await expect(start({ resume, way: 'copy-snapshot', flags: {} }).done).rejects.toThrow(
      /one of way 'promote/,
    )
    await expect(start({ resume, flags: { db: ['other'] } }).done).rejects.toThrow(/about another db/)
    const report = await start({ resume, flags: {} }).done
    expect(report).toMatchObject({ run: resume, outcome: 'done', attempts: 2 })
  })

  test('not while another process is at it', async () => {
    const first = start({ confirm: false })
    await expect(first.done).rejects.toMatchObject({ code: 'confirmation-required' })
    const resume = first.runs[0] ?? ''
    const folder = join(stateFolder, 'simulated')
    {
      await using _ = await lockRun(folder, resume)
      await expect(start({ resume }).done).rejects.toMatchObject({ code: 'locked' })
      await expect(start().done).resolves.toMatchObject({ outcome: 'done' })
    }
    await expect(start({ resume }).done).resolves.toMatchObject({ outcome: 'done' })
    expect(await readdir(join(folder, 'runbook-locks'))).toEqual([])
  })
})

describe('before there is a plan', () => {
  test('a control plane that does not answer is asked for three minutes, and each time said why', async () => {
    await using scene = await createRunbookScene(promote)
    scene.world.region(regions.target).dead = true
    await expect(scene.run()).rejects.toMatchObject({ code: 'step-failed', details: { offer: 'native' } })
    expect(scene.retries.length).toBeGreaterThan(3)
    expect(scene.retries[0]).toMatch(/no answer; asking again for up to 1\d\d s$/)
  })
})
