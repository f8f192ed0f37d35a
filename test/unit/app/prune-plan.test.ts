import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type PlannedBackup, planPrune } from '../../../src/app/prune-plan.ts'
import type { Retention } from '../../../src/app/retention.ts'
import type { StockedBackup } from '../../../src/app/stock.ts'
import { layout } from '../../../src/core/backup-layout.ts'
import { VERIFIED_LEVELS, type Verified, type VerifiedLevel } from '../../../src/core/verified.ts'
import { createMemorySink } from '../../testbed/memory-sink.ts'
import { NOW } from '../../testbed/prune-runs.ts'

const { signal } = new AbortController()
const job = 'shop'
const HOUR_MS = 3_600_000

interface Drawn {
  readonly hour: number
  readonly verified: VerifiedLevel | undefined
  readonly marked: boolean
  readonly damaged: boolean
  readonly locked: 'held' | Date | undefined
}

const maybe = (weight: number) => fc.nat({ max: weight }).map((drawn) => drawn === 0)
const drawn: fc.Arbitrary<Drawn[]> = fc.uniqueArray(
  fc.record({
    hour: fc.integer({ min: -48, max: 24 * 400 }),
    verified: fc.option(fc.constantFrom(...VERIFIED_LEVELS), { nil: undefined, freq: 4 }),
    marked: maybe(9),
    damaged: maybe(3),
    locked: fc.constantFrom(
      ...([undefined, undefined, undefined, 'held', new Date('2020-01-01'), new Date('2030-01-01')] as const),
    ),
  }),
  { selector: ({ hour }) => hour, maxLength: 30 },
)
const amount = fc.integer({ min: 0, max: 5 })
const rules: fc.Arbitrary<Retention> = fc.record(
  {
    last: amount,
    hourly: amount,
    daily: amount,
    weekly: amount,
    monthly: amount,
    yearly: amount,
    minimum: amount,
  },
  { requiredKeys: [] },
)

const idOf = ({ hour }: Drawn) => `backup-${String(1_000_000 - hour)}`

async function plan(
  all: readonly Drawn[],
  retention: Retention,
  damaged: boolean,
): Promise<readonly PlannedBackup[]> {
  const sink = createMemorySink()
  const sorted = [...all].sort((a, b) => b.hour - a.hour)
  const backups = sorted.map((each): StockedBackup => {
    const data = [{ key: layout.object(job, idOf(each), '0001.sql'), bytes: 1, modified: new Date(0) }]
    for (const info of data) {
      const lock = each.locked === undefined ? {} : { lockedUntil: each.locked }
      sink.objects.set(info.key, { info: { ...info, ...lock }, data: undefined })
    }
    return {
      id: idOf(each),
      started: each.damaged ? undefined : new Date(Date.parse(NOW) - each.hour * HOUR_MS),
      problem: each.damaged ? 'damaged: it is' : undefined,
      data,
    }
  })
  const verified = new Map<string, Verified>()
  for (const each of all) {
    const id = idOf(each)
    const { verified: level } = each
    if (level !== undefined)
      verified.set(`${job}/${id}`, { format: 1, id, job, level, at: NOW, lifeboat: '0' })
  }
  const marks = new Map(all.filter(({ marked }) => marked).map((each) => [idOf(each), 'marked keep']))
  return planPrune({ sink, job, retention, damaged, backups, marks, verified, now: new Date(NOW) }, signal)
}

const kept = (planned: readonly PlannedBackup[]) => planned.filter(({ keep }) => keep).map(({ id }) => id)

describe('whatever lies at a sink', () => {
  test('the guards hold, and twice is once', async () => {
    await fc.assert(
      fc.asyncProperty(drawn, rules, fc.boolean(), async (all, retention, damaged) => {
        const planned = await plan(all, retention, damaged)
        const stay = new Set(kept(planned))
        const usable = all.filter((each) => !each.damaged && each.hour >= 0).sort((a, b) => a.hour - b.hour)
        const staying = (each: Drawn) => stay.has(idOf(each))
        expect(planned.every(({ reasons }) => reasons.length > 0)).toBe(true)
        // The newest usable, and the newest that was ever verified and that was verified furthest.
        for (const least of [undefined, ...VERIFIED_LEVELS]) {
          const from = least === undefined ? -1 : VERIFIED_LEVELS.indexOf(least)
          const newest = usable.find(
            ({ verified }) => (verified === undefined ? -1 : VERIFIED_LEVELS.indexOf(verified)) >= from,
          )
          if (newest !== undefined) expect(staying(newest)).toBe(true)
        }
        for (const each of all) {
          const locked = each.locked === 'held' || (each.locked?.getTime() ?? 0) > Date.parse(NOW)
          const ahead = !each.damaged && each.hour < 0
          const spared = each.damaged && (!damaged || usable.length === 0)
          if (each.marked || locked || ahead || spared) expect(staying(each)).toBe(true)
          else if (each.damaged) expect(staying(each)).toBe(false)
        }
        const least = Math.min(usable.length, retention.minimum ?? 0)
        expect(usable.filter(staying).length).toBeGreaterThanOrEqual(least)
        const again = await plan(all.filter(staying), retention, damaged)
        expect(new Set(kept(again))).toEqual(stay)
      }),
    )
  })

  test('damage never costs a good backup: without the damaged ones the good ones stay the same', async () => {
    await fc.assert(
      fc.asyncProperty(drawn, rules, fc.boolean(), async (all, retention, damaged) => {
        const good = all.filter((each) => !each.damaged)
        const ids = new Set(good.map(idOf))
        const among = kept(await plan(all, retention, damaged)).filter((id) => ids.has(id))
        expect(among).toEqual(kept(await plan(good, retention, damaged)))
      }),
    )
  })
})
