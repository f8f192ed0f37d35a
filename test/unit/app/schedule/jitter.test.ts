import { describe, expect, test } from 'vitest'
import { waitJitter } from '../../../../src/app/schedule/jitter.ts'
import { systemClock } from '../../../../src/core/clock.ts'
import { LifeboatError } from '../../../../src/core/errors.ts'

const silent = () => undefined

describe('waitJitter', () => {
  test.for([
    [0, 0],
    [0.5, 150_000],
    [0.999_999, 299_999],
  ] as const)('waits a share of the time: %d', async ([share, expected]) => {
    const waits: number[] = []
    const clock = { ...systemClock, sleep: async (ms: number) => void waits.push(ms) }
    const request = { mostMs: 300_000, random: () => share, clock, onEvent: silent }
    await waitJitter(request, new AbortController().signal)
    expect(waits).toEqual([expected])
  })

  test('ends at once when the run is stopped', async () => {
    const stop = new AbortController()
    const request = { mostMs: 3_600_000, random: () => 0.9, clock: systemClock, onEvent: silent }
    const waiting = waitJitter(request, stop.signal)
    stop.abort(new LifeboatError('terminated', 'stopped'))
    await expect(waiting).rejects.toMatchObject({ code: 'terminated' })
  })
})
