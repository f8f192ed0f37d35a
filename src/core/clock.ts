import { setTimeout as delay } from 'node:timers/promises'
import { abortReason } from './errors.ts'

/** Time as the rest of the code sees it, so that tests can move it. */
export interface Clock {
  now(): Date
  /** Monotonic milliseconds: durations come from here, never from `now()`. */
  monotonicMs(): number
  /** Rejects with the signal's reason when it is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  sleep: async (ms, signal) => {
    try {
      await delay(ms, undefined, { signal })
    } catch (thrown) {
      if (signal.aborted) throw abortReason(signal)
      throw thrown
    }
  },
}
