import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Dated,
  fillToMinimum,
  hasRule,
  keptByRules,
  RETENTION_RULES,
  type Retention,
} from '../../../src/app/retention.ts'

const dated = (...times: readonly string[]): Dated[] =>
  times.map((time) => ({ id: time, at: new Date(`${time.replace(' ', 'T')}Z`) }))

/** What stays at a sink where nothing else holds a backup. */
function stays(backups: readonly Dated[], retention: Retention): Dated[] {
  const byRules = new Set(keptByRules(backups, retention).keys())
  const kept = new Set([...byRules, ...fillToMinimum(backups, byRules, retention.minimum ?? 0)])
  return backups.filter(({ id }) => kept.has(id))
}

describe('rules of retention', () => {
  test('the example of docs/retention.md is what the code says', async () => {
    const text = await readFile(new URL('../../../docs/retention.md', import.meta.url), 'utf8')
    const [, flags = ''] = /^With `(--keep[^`]*)`:$/m.exec(text) ?? []
    const retention = Object.fromEntries(
      [...flags.matchAll(/--keep-(\w+) (\d+)/g)].map(([, rule, most]) => [rule, Number(most)]),
    )
    expect(retention).toEqual({ last: 2, daily: 3, monthly: 2 })
    const rows = [...text.matchAll(/^\| (\d{4}-\d\d-\d\d \d\d:\d\d) \| (\w+) \| (.*) \|$/gm)]
    expect(rows).toHaveLength(7)
    const kept = keptByRules(dated(...rows.map(([, time = '']) => time)), retention)
    for (const [, time = '', fate, why] of rows) {
      expect([time, kept.get(time)?.join('; ') ?? 'no rule keeps it']).toEqual([time, why])
      expect(fate).toBe(kept.has(time) ? 'stays' : 'goes')
    }
  })

  test.each<[string, Retention, string[], string[]]>([
    ['nothing at all', {}, ['2026-11-22 02:00'], []],
    ['0 is no rule', { daily: 0, last: 0 }, ['2026-11-22 02:00'], []],
    [
      'the newest of an hour, also where it goes over midnight',
      { hourly: 2 },
      ['2026-11-21 23:00', '2026-11-21 23:59:59', '2026-11-22 00:00', '2026-11-22 00:01'],
      ['2026-11-21 23:59:59', '2026-11-22 00:01'],
    ],
    [
      'days without a backup do not count',
      { daily: 2 },
      ['2026-01-01 02:00', '2026-06-01 02:00', '2026-11-22 02:00'],
      ['2026-06-01 02:00', '2026-11-22 02:00'],
    ],
    [
      'a week begins on Monday',
      { weekly: 2 },
      ['2026-11-15 23:59', '2026-11-16 00:00', '2026-11-22 23:59', '2026-11-23 00:00'],
      ['2026-11-22 23:59', '2026-11-23 00:00'],
    ],
    [
      'a week at the turn of the year is one',
      { weekly: 1 },
      ['2024-12-30 00:00', '2024-12-31 00:00', '2025-01-05 23:00'],
      ['2025-01-05 23:00'],
    ],
    [
      'months and years',
      { monthly: 1, yearly: 3 },
      ['2024-02-29 02:00', '2025-12-31 23:59', '2026-01-01 00:00', '2026-11-01 00:00'],
      ['2024-02-29 02:00', '2025-12-31 23:59', '2026-11-01 00:00'],
    ],
    [
      'the minimum fills up with the newest',
      { daily: 1, minimum: 3 },
      ['2026-11-22 01:00', '2026-11-22 02:00', '2026-11-22 03:00', '2026-11-22 04:00'],
      ['2026-11-22 02:00', '2026-11-22 03:00', '2026-11-22 04:00'],
    ],
  ])('%s', (_, retention, times, expected) => {
    expect(stays(dated(...times), retention).map(({ id }) => id)).toEqual(expected)
  })

  test.each([
    ['2024-12-29 12:00', '2024-W52'],
    ['2024-12-30 12:00', '2025-W01'],
    ['2026-12-31 12:00', '2026-W53'],
    ['2027-01-03 23:59', '2026-W53'],
    ['1969-12-28 12:00', '1969-W52'],
  ])('%s is in week %s', (time, week) => {
    expect([...keptByRules(dated(time), { weekly: 1 }).values()]).toEqual([[`weekly ${week}`]])
  })

  test('a minimum alone is no rule', () => {
    expect([{}, { minimum: 3 }, { daily: 0 }, { yearly: 1 }].map(hasRule)).toEqual([
      false,
      false,
      false,
      true,
    ])
  })
})

describe('for any backups and rules', () => {
  const hour = 3_600_000
  const backups = fc
    .uniqueArray(fc.integer({ min: 0, max: 24 * 900 }), { maxLength: 60 })
    .chain((hours) => fc.shuffledSubarray(hours, { minLength: hours.length }))
    .map((hours) =>
      hours.map((hours_) => ({ id: `id-${hours_}`, at: new Date(Date.UTC(2024, 0) + hours_ * hour) })),
    )
  const amount = fc.integer({ min: 0, max: 8 })
  const rules = fc.record(
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
  const ids = (of: readonly Dated[]) => of.map(({ id }) => id).sort()

  test('twice is once', () => {
    fc.assert(
      fc.property(backups, rules, (all, retention) => {
        const once = stays(all, retention)
        expect(ids(stays(once, retention))).toEqual(ids(once))
      }),
    )
  })

  test('the order of a listing does not matter', () => {
    fc.assert(
      fc.property(backups, rules, (all, retention) => {
        expect(ids(stays([...all].reverse(), retention))).toEqual(ids(stays(all, retention)))
      }),
    )
  })

  test('never fewer than the minimum', () => {
    fc.assert(
      fc.property(backups, rules, (all, retention) => {
        expect(stays(all, retention).length).toBeGreaterThanOrEqual(
          Math.min(all.length, retention.minimum ?? 0),
        )
      }),
    )
  })

  test('a rule that keeps more loses nothing', () => {
    fc.assert(
      fc.property(
        backups,
        rules,
        fc.constantFrom(...RETENTION_RULES),
        fc.integer({ min: 1, max: 9 }),
        (all, retention, rule, more) => {
          const wider = { ...retention, [rule]: (retention[rule] ?? 0) + more }
          const kept = [...keptByRules(all, retention).keys()]
          expect([...keptByRules(all, wider).keys()]).toEqual(expect.arrayContaining(kept))
          expect(stays(all, wider).length).toBeGreaterThanOrEqual(stays(all, retention).length)
          const higher = { ...retention, minimum: (retention.minimum ?? 0) + more }
          expect(ids(stays(all, higher))).toEqual(expect.arrayContaining(ids(stays(all, retention))))
        },
      ),
    )
  })

  test('the newest stays under any rule, and no rule keeps more than it says', () => {
    fc.assert(
      fc.property(backups, rules, (all, retention) => {
        const kept = keptByRules(all, retention)
        const newest = [...all].sort((a, b) => b.at.getTime() - a.at.getTime())[0]
        if (newest !== undefined && hasRule(retention)) expect(kept.has(newest.id)).toBe(true)
        for (const rule of RETENTION_RULES) {
          const by = [...kept.values()].flat().filter((reason) => reason.startsWith(`${rule} `))
          expect(by.length).toBeLessThanOrEqual(retention[rule] ?? 0)
          expect(new Set(by).size).toBe(by.length)
        }
      }),
    )
  })
})
