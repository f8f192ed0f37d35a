import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { layout } from '../../src/core/backup-layout.ts'
import { createMemorySink, type MemorySink } from '../testbed/memory-sink.ts'
import { lacks, type Requirement } from '../testbed/requirement.ts'
import { storeBackup } from '../testbed/stored-backup.ts'
import { runCampaign } from './campaign.ts'
import { checkPlace, JOB, orphansOf } from './check-place.ts'
import { type ChaosKeys, makeKeys } from './keys.ts'
import { PAIRINGS, type Pairing, planRun, planRuns } from './plan.ts'
import { describeViolations } from './report.ts'
import { newFolder } from './roots.ts'
import { sourceState } from './source.ts'
import { createViolations } from './violations.ts'

/** Always the same runs here; `npm run chaos` draws others. */
const SEED = 'npm test'

describe.each<[Pairing, number, readonly Requirement[]]>([
  ['memory/memory', 40, []],
  ['memory/file', 8, []],
  ['memory/ssh', 1, ['ssh']],
  ['mariadb/file', 1, ['mariadb']],
  ['postgres/file', 1, ['postgres']],
])('random faults, %s', (pairing, count, requires) => {
  if (lacks(...requires)) return test.skip(`needs ${requires.join(', ')}`, () => undefined)
  test(`violate nothing in ${count} runs`, { timeout: 180_000 }, async () => {
    const reports = await runCampaign({ plans: planRuns(SEED, count, [pairing]) })
    expect(describeViolations(reports)).toBe('')
    expect(reports).toHaveLength(count)
  })
})

describe('a plan', () => {
  test('is the same for the same seed and number, alone or among others', () => {
    const plans = planRuns('a', 200, PAIRINGS)
    expect(plans.map(({ run }) => planRun('a', run))).toEqual(plans)
    expect(planRuns('a', 20, ['memory/file'])).toEqual(
      planRuns('a', 200, PAIRINGS)
        .filter(({ engine, sink }) => engine === 'memory' && sink === 'file')
        .slice(0, 20),
    )
    expect(planRuns('b', 200, PAIRINGS)).not.toEqual(plans)
  })

  test('is of every pairing, and of every kind of fault, in time', () => {
    const plans = planRuns('a', 2_000, PAIRINGS)
    expect(new Set(plans.map(({ engine, sink }) => `${engine}/${sink}`))).toEqual(new Set(PAIRINGS))
    expect([...new Set(plans.map(({ fault }) => fault.kind))].sort()).toEqual([
      ...['clock', 'database', 'disk-full', 'interrupted', 'killed', 'network', 'none', 'race', 'reading'],
      ...['restore-killed', 'signal', 'sink', 'source', 'tool', 'vanishes'],
    ])
  })
})

describe('the checks see', () => {
  let folder: Awaited<ReturnType<typeof newFolder>>
  let keys: ChaosKeys
  beforeAll(async () => {
    folder = await newFolder('checks')
    keys = await makeKeys(folder.path)
  })
  afterAll(() => folder?.[Symbol.asyncDispose]())

  async function violationsOf(
    spoil: (sink: MemorySink, id: string) => void,
    more: { readonly committed?: string; readonly other?: true } = {},
  ): Promise<readonly string[]> {
    const sink = createMemorySink()
    const state = sourceState('checks', 1, [500, 2_000])
    const { id } = await storeBackup(sink, { job: JOB, signer: keys.signer, ...state })
    spoil(sink, id)
    const violations = createViolations()
    const contentOf = () => (more.other ? sourceState('checks', 2, [500, 2_000]) : state)
    const committed = new Set(more.committed === undefined ? [id] : [id, more.committed])
    const ids = await checkPlace({ sink, keys, signed: true, committed, contentOf, violations }, 'now')
    const orphans = orphansOf([...sink.objects.keys()], ids)
    return [...violations.found, ...orphans.map((name) => `orphan: ${name}`)]
  }
  const replace = (sink: MemorySink, key: string, data: Buffer) => {
    const object = sink.objects.get(key)
    if (object !== undefined) sink.objects.set(key, { info: { ...object.info, bytes: data.length }, data })
  }

  test('nothing where nothing is wrong', async () => {
    expect(await violationsOf(() => undefined)).toEqual([])
  })

  test.each<[string, (sink: MemorySink, id: string) => void, RegExp]>([
    [
      'a part that is gone',
      (sink, id) => sink.objects.delete(layout.object(JOB, id, '0001.sql')),
      /not verify/,
    ],
    [
      'a part that is cut',
      (sink, id) => replace(sink, layout.object(JOB, id, '0002.sql'), Buffer.alloc(1_999)),
      /not verify/,
    ],
    [
      'a part that was altered',
      (sink, id) => replace(sink, layout.object(JOB, id, '0002.sql'), Buffer.alloc(2_000)),
      /not verify/,
    ],
    [
      'a manifest that was altered',
      (sink, id) => replace(sink, layout.manifest(JOB, id), Buffer.from('{}')),
      /dam/,
    ],
    [
      'a lost signature',
      (sink, id) => sink.objects.delete(layout.signature(JOB, id)),
      /damaged: .*not signed/,
    ],
    ['a backup that is gone', (sink, id) => sink.objects.delete(layout.manifest(JOB, id)), /not listed/],
  ])('%s', async (_, spoil, expected) => {
    expect((await violationsOf(spoil)).join('\n')).toMatch(expected)
  })

  test('a backup that was promised and never made', async () => {
    const found = await violationsOf(() => undefined, { committed: '20261122T210500Z-k3f9' })
    expect(found.join('\n')).toMatch(/k3f9.* is not listed/)
  })

  test('a backup of something else', async () => {
    expect((await violationsOf(() => undefined, { other: true })).join('\n')).toMatch(/differ|not verify/)
  })

  test('what is left behind', async () => {
    const left = layout.object(JOB, '20261122T210500Z-k3f9', '0001.sql')
    const spoil = (sink: MemorySink) =>
      void sink.objects.set(left, {
        info: { key: left, bytes: 1, modified: new Date() },
        data: Buffer.from('x'),
      })
    expect(await violationsOf(spoil)).toEqual([`orphan: ${left}`])
  })
})
