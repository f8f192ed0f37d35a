import { setTimeout as pause } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test, vi } from 'vitest'
import { abortReason, LifeboatError } from '../../../src/core/errors.ts'
import { withTimeLimit } from '../../../src/core/time-limit.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

describe('a time limit', () => {
  test('ends what takes too long, as timed-out', async () => {
    const limited = withTimeLimit(new AbortController().signal, 10)
    await vi.waitFor(() => expect(limited.aborted).toBe(true))
    expect(abortReason(limited).code).toBe('timed-out')
  })

  test('passes on why the run was stopped', () => {
    const run = new AbortController()
    const limited = withTimeLimit(run.signal, 60_000)
    run.abort(new LifeboatError('interrupted', 'stopped'))
    expect(abortReason(limited).message).toBe('stopped')
    expect(withTimeLimit(run.signal, 60_000).aborted).toBe(true)
  })

  test('that was over while nobody listened is not forgotten', async () => {
    const run = new AbortController()
    const limited = Array.from({ length: 20 }, () => withTimeLimit(run.signal, 10))
    await pause(50)
    // What only weak references lead to is not gone after the first collections.
    for (let turn = 0; turn < 20; turn++) {
      await pause(1)
      collectGarbage()
    }
    expect(limited.filter(({ aborted }) => !aborted)).toEqual([])
  })
})
