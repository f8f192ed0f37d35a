import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Expectation, judge, runChecks, toTime } from '../../../../src/app/drill/check.ts'
import type { Engine } from '../../../../src/core/engine.ts'
import { LifeboatError } from '../../../../src/core/errors.ts'

const NOW = new Date('2026-11-23T05:00:00Z')
const equals = (value: string | number | boolean): Expectation => ({ kind: 'equals', value })
const compares = (by: '>=' | '<=' | '>' | '<', value: number): Expectation => ({
  kind: 'compares',
  by,
  value,
})
const maxAge: Expectation = { kind: 'max-age', mostMs: 26 * 3_600_000, text: '26h' }

describe('a check', () => {
  test.for([
    [[['2000']], equals(2000), 'passed'],
    [[[2000n]], equals(2000), 'passed'],
    [[['1999']], equals(2000), 'failed'],
    [[['open']], equals('open'), 'passed'],
    [[[Buffer.from('open')]], equals('open'), 'passed'],
    [[['t']], equals(true), 'passed'],
    [[[0]], equals(false), 'passed'],
    [[[0]], equals(true), 'failed'],
    [[['']], equals(0), 'failed'],
    [[[10]], compares('>=', 10), 'passed'],
    [[['9.99']], compares('>=', 10), 'failed'],
    [[[10]], compares('>', 10), 'failed'],
    [[['-3']], compares('<', 0), 'passed'],
    [[['many']], compares('>', 0), 'failed'],
    [[['x']], { kind: 'not-empty' }, 'passed'],
    [[], { kind: 'not-empty' }, 'failed'],
    [[[null]], { kind: 'not-empty' }, 'failed'],
    [[[null]], equals(0), 'failed'],
    [[], compares('<', 10), 'failed'],
    [[['2026-11-22 03:00:00']], maxAge, 'passed'],
    [[['2026-11-22 02:59:59.999']], maxAge, 'failed'],
    [[['2026-11-22 04:59:00+02']], maxAge, 'failed'],
    [[['2026-11-22 05:00:00+02']], maxAge, 'passed'],
    [[[Date.parse('2026-11-22T03:00:00Z') / 1000]], maxAge, 'passed'],
    [[[new Date('2026-11-20T03:00:00Z')]], maxAge, 'failed'],
    [[['yesterday']], maxAge, 'failed'],
  ] as const)('%o, expected %o: %s', ([rows, expected, outcome]) => {
    expect(judge(rows, expected, NOW).outcome).toBe(outcome)
  })

  test('tells no text of the database but to the operator', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }),
        fc.constantFrom(equals('other'), maxAge, compares('>', 1)),
        (text, wanted) => {
          const { found } = judge([[text]], wanted, NOW)
          expect(found === undefined || typeof found === 'number' || !Number.isNaN(Date.parse(found))).toBe(
            true,
          )
        },
      ),
    )
  })

  test('reads any time back, in whatever zone it is written', () => {
    const time = fc.integer({ min: 0, max: 4_102_444_800_000 })
    fc.assert(
      fc.property(time, fc.integer({ min: -14, max: 14 }), (ms, hours) => {
        const zone = `${hours < 0 ? '-' : '+'}${String(Math.abs(hours)).padStart(2, '0')}`
        const local = new Date(ms + hours * 3_600_000).toISOString().replace('T', ' ').replace('Z', zone)
        expect(toTime(local)).toBe(ms)
        expect(toTime(new Date(ms).toISOString())).toBe(ms)
      }),
    )
  })

  test('that the server refuses fails, and holds up no other; an abort ends all', async () => {
    const engine = {
      name: 'mysql',
      query: async (_database: string | undefined, sql: string) => {
        if (sql === 'bad') throw new LifeboatError('tool-failed', "unable to ask: no such table 'secret'")
        return [[1]]
      },
    } as unknown as Engine
    const check = (query: string) => ({ name: query, database: undefined, query, expect: equals(1) })
    const results = await runChecks(engine, [check('bad'), check('good')], NOW, new AbortController().signal)
    expect(results).toMatchObject([
      { outcome: 'failed', reason: expect.stringContaining('secret') },
      { outcome: 'passed', found: 1 },
    ])
    const stopped = AbortSignal.abort(new LifeboatError('terminated', 'enough'))
    await expect(runChecks(engine, [check('bad')], NOW, stopped)).rejects.toThrow()
  })
})
