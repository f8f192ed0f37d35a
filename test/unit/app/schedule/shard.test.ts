import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isInShard, parseShard } from '../../../../src/app/schedule/shard.ts'

describe('a shard', () => {
  test('each job is in exactly one, whatever other jobs there are', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.integer({ min: 1, max: 50 }), (job, count) => {
        const owners = Array.from({ length: count }, (_, index) => isInShard(job, { index, count }))
        expect(owners.filter(Boolean)).toHaveLength(1)
      }),
    )
  })

  test('is the same in every version of lifeboat: two that differ would leave a job to nobody', () => {
    const jobs = ['shop', 'ledger', 'crm', 'wiki', 'mail', 'billing']
    expect(jobs.map((job) => [0, 1, 2].find((index) => isInShard(job, { index, count: 3 })))).toEqual([
      2, 1, 1, 0, 2, 2,
    ])
  })

  test('divides many jobs about evenly', () => {
    const jobs = Array.from({ length: 800 }, (_, number) => `job-${number}`)
    for (const index of [0, 1, 2, 3, 4, 5, 6, 7]) {
      const own = jobs.filter((job) => isInShard(job, { index, count: 8 })).length
      expect(own).toBeGreaterThan(60)
      expect(own).toBeLessThan(140)
    }
  })

  test('is written as i/n, from 0', () => {
    expect(parseShard('0/1')).toEqual({ index: 0, count: 1 })
    expect(parseShard('7/8')).toEqual({ index: 7, count: 8 })
  })

  test.for(['8/8', '1/0', '-1/2', '1', '1/2/3', 'a/b', '', '$(JOB_COMPLETION_INDEX)/3', '1/99999'])(
    'refuses %s',
    (text) => {
      expect(() => parseShard(text)).toThrow(
        expect.objectContaining({ code: 'usage', hint: expect.stringContaining('from 0 to n-1') }),
      )
    },
  )
})
