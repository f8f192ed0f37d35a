import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { listBackups } from '../../../src/app/catalog.ts'
import { markKept, unmarkKept } from '../../../src/app/keep.ts'
import { recordVerified } from '../../../src/app/verified-record.ts'
import { layout } from '../../../src/core/backup-layout.ts'
import { once } from '../../../src/core/bytes.ts'
import { encodeLease, type LeaseRecord } from '../../../src/core/lease-record.ts'
import { currentOwner } from '../../../src/core/process-owner.ts'
import type { SignatureTrust, Signer } from '../../../src/core/signing.ts'
import type { VerifiedLevel } from '../../../src/core/verified.ts'
import { createSigner, createTrust, generateKey } from '../../../src/stages/openpgp/index.ts'
import { createMemorySink, type MemorySink } from '../../testbed/memory-sink.ts'
import { DAY_MS, journalOf, NOW, prune, reasonsOf, storeDaily } from '../../testbed/prune-runs.ts'
import { withFaults } from '../../testbed/sink-faults.ts'
import { clockAt, storeBackup } from '../../testbed/stored-backup.ts'

const { signal } = new AbortController()
const job = 'shop'

/** Of the memory sink. What is stored now is as old as the backup says only where a test sets it. */
let now: Date
let sink: MemorySink
beforeEach(() => {
  now = new Date(NOW)
  sink = createMemorySink({ now: () => now })
})

const keys = () => [...sink.objects.keys()].sort()
const put = (key: string, text: string) => sink.write(key, once(Buffer.from(text)), { signal })
const verified = (id: string, level: VerifiedLevel) =>
  recordVerified({ sink, clock: clockAt(NOW), onEvent: () => undefined }, { job, id }, level, signal)
const keep = (id: string, reason?: string) => markKept({ sink, job, id, reason, clock: clockAt(NOW) }, signal)

describe('prune', () => {
  test('removes what no rule keeps, whole, and says why the others stay', async () => {
    const ids = await storeDaily(sink, 4)
    await storeBackup(sink, { job: 'shop2', clock: clockAt('2026-01-01T00:00:00.000Z') })
    const before = keys()
    const look = await prune(sink, { retention: { daily: 2, last: 1 }, confirm: false })
    expect(keys()).toEqual(before)
    expect(look).toMatchObject({ confirmed: false, kept: ids.slice(2), gone: ids.slice(0, 2) })
    const done = await prune(sink, { retention: { daily: 2, last: 1 } })
    expect(done).toMatchObject({ confirmed: true, gone: ids.slice(0, 2), failures: [], error: undefined })
    expect(reasonsOf(done)).toEqual({
      [ids[0] ?? '']: ['no rule keeps it'],
      [ids[1] ?? '']: ['no rule keeps it'],
      [ids[2] ?? '']: ['daily 2026-11-21'],
      [ids[3] ?? '']: ['last 1 of 1', 'daily 2026-11-22', 'newest usable'],
    })
    expect(keys()).toEqual(before.filter((key) => !ids.slice(0, 2).some((id) => key.includes(id))))
    expect((await prune(sink, { retention: { daily: 2, last: 1 } })).gone).toEqual([])
  })

  test.each([{}, { minimum: 3 }, { last: 0, daily: 0 }])('refuses without a rule: %j', async (retention) => {
    await expect(prune(sink, { retention })).rejects.toMatchObject({
      code: 'usage',
      message: "unable to prune job 'shop': no rule says what to keep",
    })
  })

  test('the minimum holds where the rules would leave fewer; marked ones count', async () => {
    const ids = await storeDaily(sink, 5)
    await keep(ids[0] ?? '')
    const { kept } = await prune(sink, { retention: { last: 1, minimum: 3 } })
    expect(kept).toEqual([ids[0], ids[3], ids[4]])
  })
})

describe('what no rule removes', () => {
  test('the newest verified one, and the newest of each higher level', async () => {
    const ids = await storeDaily(sink, 6)
    await verified(ids[0] ?? '', 'restored')
    await verified(ids[1] ?? '', 'plain')
    await verified(ids[2] ?? '', 'plain')
    await verified(ids[4] ?? '', 'attested')
    await verified(ids[3] ?? '', 'attested')
    const report = await prune(sink)
    expect(report.kept).toEqual([ids[0], ids[2], ids[4], ids[5]])
    expect(reasonsOf(report)).toMatchObject({
      [ids[0] ?? '']: ['newest verified (restored)'],
      [ids[2] ?? '']: ['newest verified (plain)'],
      [ids[4] ?? '']: ['newest verified (attested)'],
    })
    expect(keys().filter((key) => key.startsWith('shop/verified/'))).toHaveLength(3)
  })

  test('what is marked, even by a mark that can not be read, until the mark is taken away', async () => {
    const ids = await storeDaily(sink, 4)
    await keep(ids[0] ?? '', 'before the migration')
    await put(layout.keep(job, ids[1] ?? ''), 'no JSON')
    await put(layout.keep(job, ids[2] ?? ''), 'x'.repeat(100_000))
    const report = await prune(sink)
    expect(report.kept).toEqual(ids)
    const reasons = reasonsOf(report)
    expect(reasons[ids[0] ?? '']).toEqual(['marked keep: before the migration'])
    expect(reasons[ids[1] ?? '']?.[0]).toMatch(/^marked keep \(unable to trust .* not JSON/)
    expect(reasons[ids[2] ?? '']).toEqual(['marked keep by a mark of 100000 bytes'])
    for (const id of ids.slice(0, 3)) expect(await unmarkKept({ sink, job, id }, signal)).toBe(true)
    expect(await unmarkKept({ sink, job, id: ids[0] ?? '' }, signal)).toBe(false)
    expect((await prune(sink)).kept).toEqual(ids.slice(3))
    await expect(keep(ids[0] ?? '')).rejects.toMatchObject({ code: 'sink-not-found' })
  })

  test('what is marked between the look and the removal', async () => {
    const ids = await storeDaily(sink, 3)
    const marking: MemorySink = {
      ...sink,
      async delete(some, abort) {
        if (some.includes(layout.manifest(job, ids[0] ?? ''))) await keep(ids[1] ?? '')
        return sink.delete(some, abort)
      },
    }
    const report = await prune(marking)
    expect(report).toMatchObject({ gone: [ids[0]], kept: ids.slice(1) })
    expect(reasonsOf(report)[ids[1] ?? '']).toEqual(['marked keep just now'])
  })

  test('what is locked: the manifest or any volume, by hold or for a time that is not over', async () => {
    const ids = await storeDaily(sink, 6)
    const lock = (key: string, lockedUntil: Date | 'held') => {
      const stored = sink.objects.get(key)
      if (stored === undefined) throw new Error(`there is no ${key}`)
      sink.objects.set(key, { ...stored, info: { ...stored.info, lockedUntil } })
    }
    const volume = (id: string) => keys().find((key) => key.startsWith(layout.object(job, id, '0001'))) ?? ''
    lock(layout.manifest(job, ids[0] ?? ''), 'held')
    lock(volume(ids[1] ?? ''), new Date('2026-12-24T00:00:00.000Z'))
    lock(volume(ids[2] ?? ''), new Date('2026-11-22T11:00:00.000Z'))
    const report = await prune(sink)
    expect(report.kept).toEqual([ids[0], ids[1], ids[5]])
    expect(reasonsOf(report)).toMatchObject({
      [ids[0] ?? '']: ['locked by a legal hold'],
      [ids[1] ?? '']: ['locked until 2026-12-24T00:00:00.000Z'],
    })
  })

  test('what is dated ahead of the clock, which does not push out the newest real one either', async () => {
    const ids = await storeDaily(sink, 2)
    const future = (await storeBackup(sink, { clock: clockAt('2031-01-01T00:00:00.000Z') })).id
    const report = await prune(sink)
    expect(report).toMatchObject({ gone: [ids[0]], kept: [ids[1], future] })
    expect(reasonsOf(report)[future]).toEqual(["dated ahead of this machine's clock"])
  })
})

describe('damaged backups', () => {
  /** Of six, the newest three are no good. Peers counted such as backups, and removed the real ones. */
  async function storeBroken(): Promise<string[]> {
    const ids = await storeDaily(sink, 6)
    const part = keys().find((key) => key.startsWith(layout.object(job, ids[3] ?? '', '0001'))) ?? ''
    await put(part, '')
    await put(layout.manifest(job, ids[4] ?? ''), '{}')
    await sink.delete([layout.object(job, ids[5] ?? '', 'index.json.gz')], signal)
    return ids
  }

  test('count for no rule, and stay', async () => {
    const ids = await storeBroken()
    const report = await prune(sink, { retention: { last: 2, daily: 2, minimum: 2 } })
    expect(report).toMatchObject({ gone: [ids[0]], kept: ids.slice(1) })
    expect(reasonsOf(report)).toMatchObject({
      [ids[2] ?? '']: ['last 1 of 2', 'daily 2026-11-19', 'newest usable'],
      [ids[3] ?? '']: [expect.stringMatching(/^damaged: '0001.* has 0 bytes, not \d+$/)],
      [ids[4] ?? '']: [expect.stringMatching(/^damaged: unable to trust/)],
      [ids[5] ?? '']: ["damaged: 'index.json.gz' is missing"],
    })
  })

  test('go where that is said, but never the last hope', async () => {
    const ids = await storeBroken()
    const report = await prune(sink, { retention: { last: 5 }, damaged: true })
    expect(report).toMatchObject({ gone: ids.slice(3), kept: ids.slice(0, 3) })
    expect(keys().filter((key) => ids.slice(3).some((id) => key.includes(id)))).toEqual([])
    for (const id of ids.slice(0, 3)) await put(layout.manifest(job, id), '{}')
    const again = await prune(sink, { damaged: true })
    expect(again).toMatchObject({ gone: [], kept: ids.slice(0, 3) })
    expect(reasonsOf(again)[ids[0] ?? '']?.[0]).toMatch(/; no usable backup is left$/)
  })

  test('of a format that is newer than this lifeboat: nothing is decided without them', async () => {
    const ids = await storeDaily(sink, 3)
    await put(layout.manifest(job, ids[2] ?? ''), '{"format":2}')
    await expect(prune(sink, { damaged: true })).rejects.toMatchObject({ code: 'unsupported' })
    expect(await sink.stat(layout.manifest(job, ids[0] ?? ''), signal)).toBeDefined()
  })

  test('a listing that lags behind makes none', async () => {
    const ids = await storeDaily(sink, 3)
    const lagging: MemorySink = {
      ...sink,
      async *list(prefix, abort) {
        for await (const info of sink.list(prefix, abort)) if (!info.key.includes('index')) yield info
      },
    }
    expect(await prune(lagging, { damaged: true, retention: { last: 2 } })).toMatchObject({
      gone: [ids[0]],
      kept: ids.slice(1),
    })
  })

  describe('and those that nobody vouches for', () => {
    let signer: Signer
    let trust: SignatureTrust
    beforeAll(async () => {
      const key = await generateKey({ name: 'ops', algorithm: 'ecc' })
      signer = await createSigner({ name: 'ops', bytes: Buffer.from(key.armoredSecret) }, undefined)
      trust = await createTrust([{ name: 'ops', bytes: Buffer.from(key.armoredPublic) }])
    })

    test('push out no signed one, and stay', async () => {
      const signed = await storeDaily(sink, 2, { signer })
      const forged = (await storeBackup(sink, { clock: clockAt('2026-11-22T11:00:00.000Z') })).id
      expect(await prune(sink, { trust })).toMatchObject({ gone: [signed[0]], kept: [signed[1], forged] })
      const report = await prune(sink, { trust, damaged: true })
      expect(report).toMatchObject({ gone: [forged], kept: [signed[1]] })
      expect(reasonsOf(report)[forged]?.[0]).toMatch(/^not trusted: .* it is not signed$/)
    })

    test('are all that is there: nothing goes', async () => {
      const ids = await storeDaily(sink, 3)
      expect(await prune(sink, { trust })).toMatchObject({ gone: [], kept: ids })
      expect(await prune(sink, { trust, damaged: true })).toMatchObject({ gone: [], kept: ids })
    })
  })
})

describe('what no backup owns', () => {
  const dead = '20261101T000000Z-dead'

  async function leave(id: string, age: number): Promise<string[]> {
    now = new Date(Date.parse(NOW) - age * DAY_MS)
    const left = [
      layout.object(job, id, '0001.sql.gz'),
      layout.signature(job, id),
      layout.verified(job, id),
      layout.keep(job, id),
    ]
    for (const key of left) await put(key, 'left')
    now = new Date(NOW)
    return left
  }

  test('goes once it is old enough, and nothing else does', async () => {
    const [id = ''] = await storeDaily(sink, 1)
    await verified(id, 'plain')
    const strange = ['shop/data/notes.txt', 'shop/data/mine/x.bin', 'shop/drill/x.json', 'shop/backups/x.txt']
    now = new Date('2026-01-01T00:00:00.000Z')
    for (const key of [...strange, `shop2/data/${dead}/0001.sql`]) await put(key, 'not ours')
    const stays = keys()
    await leave(dead, 4)
    const young = '20261120T000000Z-fast'
    stays.push(...(await leave(young, 2)))
    const look = await prune(sink, { confirm: false })
    expect(look.leftovers).toMatchObject([{ id: dead, bytes: 16 }])
    expect(await sink.stat(layout.keep(job, dead), signal)).toBeDefined()
    const report = await prune(sink)
    expect(report.leftovers.map(({ id: left, keys: gone }) => [left, gone.length])).toEqual([[dead, 4]])
    expect(keys()).toEqual(stays.sort())
    expect((await prune(sink, { sweepOlderThanMs: DAY_MS })).leftovers.map((each) => each.id)).toEqual([
      young,
    ])
  })

  test('one fresh object keeps its whole run: an upload that goes on for days', async () => {
    await storeDaily(sink, 1)
    await leave(dead, 30)
    await put(layout.object(job, dead, '0002.sql.gz'), 'just written')
    expect((await prune(sink)).leftovers).toEqual([])
    expect(keys().filter((key) => key.includes(dead))).toHaveLength(5)
  })

  test('the clock of the sink decides, not that of a machine that is days ahead', async () => {
    await storeDaily(sink, 1)
    await leave(dead, 1)
    const report = await prune(sink, { clock: clockAt('2026-12-24T00:00:00.000Z') })
    expect(report.leftovers).toEqual([])
    expect(keys().filter((key) => key.includes(dead))).toHaveLength(4)
    expect(keys().filter((key) => key.includes('tick'))).toEqual([])
  })

  test('is left to a run that is under way: by the journal of this machine', async () => {
    await storeDaily(sink, 1)
    await leave(dead, 30)
    const journal = journalOf([{ sink: sink.name, job, id: dead }])
    expect((await prune(sink, { journal, confirm: false })).leftovers).toEqual([])
    expect((await prune(sink, { journal })).leftovers).toEqual([])
    const others = journalOf([
      { sink: sink.name, job: 'other', id: dead },
      { sink: 'memory://elsewhere', job, id: dead },
    ])
    expect((await prune(sink, { journal: others })).leftovers.map(({ id }) => id)).toEqual([dead])
  })

  test('is left to a run that is under way: by its lease, until that has expired', async () => {
    await storeDaily(sink, 1)
    await leave(dead, 30)
    const record: LeaseRecord = {
      format: 1,
      job,
      run: dead,
      state: 'held',
      holder: { ...(await currentOwner()), host: 'elsewhere', boot: 'another' },
      lifeboat: '0.0.0',
      since: NOW,
      heldMs: 0,
      ttlMs: 900_000,
    }
    await sink.write(layout.lease(job, 1), once(encodeLease(record)), { signal })
    expect((await prune(sink)).leftovers).toEqual([])
    now = new Date(Date.parse(NOW) + 3_600_000)
    expect((await prune(sink)).leftovers.map(({ id }) => id)).toEqual([dead])
    expect(await sink.stat(layout.lease(job, 1), signal)).toBeDefined()
  })

  test('is no leftover if it is committed before its turn', async () => {
    const [id = ''] = await storeDaily(sink, 1)
    const manifest = sink.objects.get(layout.manifest(job, id))
    if (manifest === undefined) throw new Error('no manifest')
    sink.objects.delete(manifest.info.key)
    now = new Date(Date.parse(NOW) + 30 * DAY_MS)
    const committing: MemorySink = {
      ...sink,
      async write(key, body, options) {
        // The sink's clock is asked before anything goes.
        sink.objects.set(manifest.info.key, manifest)
        return sink.write(key, body, options)
      },
    }
    const report = await prune(committing, { clock: clockAt('2026-12-22T12:00:00.000Z') })
    expect(report.leftovers).toEqual([])
    expect((await listBackups(sink, job, signal)).map((entry) => entry.id)).toEqual([id])
  })

  test('unfinished writes go by the bound, and only of the dead while a run is under way', async () => {
    await storeDaily(sink, 1)
    await leave(dead, 30)
    const asked: [string, Date][] = []
    const sweeping: MemorySink = {
      ...sink,
      async sweep(prefix, olderThan) {
        asked.push([prefix, olderThan])
        return ['temp name']
      },
    }
    expect((await prune(sweeping, { confirm: false })).unfinished).toEqual([])
    expect(asked).toEqual([])
    const journal = journalOf([{ sink: sink.name, job, id: '20261101T000000Z-live' }])
    expect((await prune(sweeping, { journal })).unfinished).toEqual(['temp name'])
    expect((await prune(sweeping, { sweepOlderThanMs: DAY_MS })).unfinished).toEqual(['temp name'])
    expect(asked).toEqual([
      [layout.dataOf(job, dead), new Date(Date.parse(NOW) - 3 * DAY_MS)],
      ['shop/', new Date(Date.parse(NOW) - DAY_MS)],
    ])
  })
})

test('a backup that vanishes while it is listed is none, and no failure', async () => {
  const ids = await storeDaily(sink, 3)
  const vanishing: MemorySink = {
    ...sink,
    async stat(key, abort) {
      if (key === layout.manifest(job, ids[1] ?? '')) sink.objects.delete(key)
      return sink.stat(key, abort)
    },
  }
  expect((await listBackups(vanishing, job, signal)).map(({ id }) => id)).toEqual([ids[0], ids[2]])
})

test('what the sink refuses is told; the others go, and the first error is the outcome', async () => {
  const ids = await storeDaily(sink, 4)
  const { LifeboatError } = await import('../../../src/core/errors.ts')
  const denied = new LifeboatError('sink-denied', 'unable to delete: denied')
  const faulty = withFaults(sink, [
    { on: 'delete', kind: 'refuse', key: (key) => key.includes(ids[0] ?? ''), error: denied },
  ])
  const report = await prune(faulty)
  expect(report).toMatchObject({ gone: [ids[1], ids[2]], error: { code: 'sink-denied' }, failures: [denied] })
  expect(report.backups[0]).toMatchObject({ outcome: 'failed', error: denied })
  expect((await listBackups(sink, job, signal)).map(({ id }) => id)).toEqual([ids[0], ids[3]])
})

test('that a backup is none any more is told at once, also where the rest of it stays', async () => {
  const ids = await storeDaily(sink, 4)
  const faulty = withFaults(sink, [
    { on: 'delete', kind: 'refuse', key: (key) => key.startsWith(layout.dataOf(job, ids[0] ?? '')) },
  ])
  const removed: string[] = []
  const report = await prune(faulty, { onRemoved: (id) => removed.push(id) })
  expect(report.backups.map(({ outcome }) => outcome)).toEqual(['failed', 'left', 'left', 'kept'])
  expect(removed).toEqual([ids[0]])
  expect((await listBackups(sink, job, signal)).map(({ id }) => id)).toEqual(ids.slice(1))
})

test('no deletion names more objects than S3 takes at once', async () => {
  await storeDaily(sink, 1)
  now = new Date('2026-01-01T00:00:00.000Z')
  for (let part = 0; part < 2_100; part++) await put(`shop/data/20260101T000000Z-dead/${part}.sql`, 'x')
  now = new Date(NOW)
  const sizes: number[] = []
  const counting: MemorySink = {
    ...sink,
    async delete(some, abort) {
      sizes.push(some.length)
      return sink.delete(some, abort)
    },
  }
  expect((await prune(counting)).leftovers.map((left) => left.keys.length)).toEqual([2_100])
  expect(sizes.filter((size) => size > 1)).toEqual([1_000, 1_000, 100])
})

test('a sink that is down ends it: what was not tried is named', async () => {
  const ids = await storeDaily(sink, 4)
  const faulty = withFaults(sink, [{ on: 'delete', kind: 'refuse' }])
  const report = await prune(faulty)
  expect(report.backups.map(({ outcome }) => outcome)).toEqual(['failed', 'left', 'left', 'kept'])
  expect(report).toMatchObject({ gone: [], error: { code: 'sink-unavailable' }, leftovers: [] })
  expect(faulty.struck).toBe(1)
  expect(await listBackups(sink, job, signal)).toHaveLength(ids.length)
})
