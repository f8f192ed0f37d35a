import { describe, expect, test } from 'vitest'
import type { OnEvent } from '../../../src/app/run-event.ts'
import { type RunOutcome, watchRun } from '../../../src/app/run-watch.ts'
import type { Probe } from '../../../src/core/engine.ts'
import { LifeboatError } from '../../../src/core/errors.ts'
import { createMovableTime } from '../../testbed/movable-clock.ts'

const backup = { id: 'x', started: new Date(0), plainBytes: 2, storedBytes: 1 }

async function watched(work: (onEvent: OnEvent) => Promise<unknown>, stop = new AbortController()) {
  const told: (string | Partial<RunOutcome>)[] = []
  const events: string[] = []
  const watcher = {
    started: (job: string) => told.push(`started ${job}`),
    ended: ({ exitCode, code, backup: made }: RunOutcome) =>
      told.push({ exitCode, ...(code && { code }), ...(made && { backup: made }) }),
    settled: () => Promise.resolve(),
  }
  const onEvent: OnEvent = ({ kind }) => void events.push(kind)
  const clock = createMovableTime().clock()
  const request = { job: 'shop', watchers: [watcher], clock, onEvent, backupOf: () => backup }
  const result = await watchRun(request, work, stop.signal).catch((thrown: unknown) => thrown)
  return { told, events, result }
}

describe('watchRun', () => {
  test('tells of the start once the database was looked at, and of the end', async () => {
    const { told, events, result } = await watched(async (onEvent) => {
      onEvent({ kind: 'step', message: 'waiting' })
      onEvent({ kind: 'probed', probe: {} as Probe })
      return 7
    })
    expect(told).toEqual(['started shop', { exitCode: 0, backup }])
    expect(events).toEqual(['step', 'probed'])
    expect(result).toBe(7)
  })

  test('one that another run holds up has not begun', async () => {
    const locked = new LifeboatError('locked', 'another run')
    const { told, result } = await watched(() => Promise.reject(locked))
    expect(told).toEqual([{ exitCode: 40, code: 'locked' }])
    expect(result).toBe(locked)
  })

  test('after a signal the news is the signal', async () => {
    const stop = new AbortController()
    stop.abort(new LifeboatError('terminated', 'SIGTERM'))
    const { told } = await watched(() => Promise.reject(new LifeboatError('tool-failed', 'died')), stop)
    expect(told).toEqual([{ exitCode: 143, code: 'terminated' }])
  })
})
