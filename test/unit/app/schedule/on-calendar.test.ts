import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Cron } from 'croner'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toOnCalendar } from '../../../../src/app/schedule/on-calendar.ts'
import { parseCron } from '../../../../src/config/cron-expression.ts'
import { lacks } from '../../../testbed/requirement.ts'

const run = promisify(execFile)
const FIRINGS = 8

describe('toOnCalendar', () => {
  test.for([
    ['30 3 * * *', ['*-*-* 03:30:00']],
    ['@hourly', ['*-*-* *:00:00']],
    ['0 3 * * mon-fri', ['Mon,Tue,Wed,Thu,Fri *-*-* 03:00:00']],
    ['0 3 1 * 0', ['*-*-01 03:00:00', 'Sun *-*-* 03:00:00']],
    ['5,6,8-11 0 * 3 *', ['*-03-* 00:05,06,08..11:00']],
  ] as const)('%s', ([cron, lines]) => {
    expect(toOnCalendar(cron)).toEqual(lines)
  })
})

describe.skipIf(lacks('systemd'))('systemd fires when cron does', () => {
  const field = (least: number, most: number) =>
    fc.oneof(
      { weight: 2, arbitrary: fc.constant('*') },
      { weight: 1, arbitrary: fc.integer({ min: 2, max: 9 }).map((step) => `*/${step}`) },
      {
        weight: 3,
        arbitrary: fc
          .array(fc.integer({ min: least, max: most }), { minLength: 1, maxLength: 3 })
          .map((values) => values.join(',')),
      },
      {
        weight: 1,
        arbitrary: fc
          .tuple(fc.integer({ min: least, max: most }), fc.integer({ min: least, max: most }))
          .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
      },
    )
  const expression = fc
    .tuple(field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6))
    .map((fields) => fields.join(' '))
    .filter((text) => {
      try {
        parseCron(text)
        return true
      } catch {
        return false
      }
    })

  test('at the same times', async () => {
    await fc.assert(
      fc.asyncProperty(expression, async (text) => {
        const from = new Date('2027-01-30T23:45:00Z')
        const expected = new Cron(text, { timezone: 'UTC' }).nextRuns(FIRINGS, from)
        const found = await Promise.all(toOnCalendar(text).map((line) => firings(line, from)))
        const merged = [...new Set(found.flat())].toSorted().slice(0, FIRINGS)
        expect(merged, text).toEqual(expected.map((date) => date.toISOString()))
      }),
      { numRuns: 30 },
    )
  }, 60_000)
})

async function firings(line: string, from: Date): Promise<string[]> {
  const base = from.toISOString().replace('T', ' ').replace('.000Z', ' UTC')
  const { stdout } = await run(
    'systemd-analyze',
    ['calendar', `--iterations=${FIRINGS}`, `--base-time=${base}`, `${line} UTC`],
    { env: { PATH: process.env.PATH, TZ: 'UTC' } },
  )
  return [...stdout.matchAll(/\w{3} (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) UTC/g)].map(
    ([, day, time]) => `${day}T${time}.000Z`,
  )
}
