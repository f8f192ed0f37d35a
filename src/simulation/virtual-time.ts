import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../core/clock.ts'
import { throwIfAborted } from '../core/errors.ts'

/** Time that passes only while somebody sleeps, and then at once: hours of waiting take no time. */
export interface VirtualTime {
  readonly clock: Clock
  /** Milliseconds since it began. */
  nowMs(): number
  pass(ms: number): void
  /** Calls back when it has come to that, in order. */
  after(ms: number, then: () => void): void
}

export function createVirtualTime(start = '2026-11-22T21:05:00Z'): VirtualTime {
  const startMs = Date.parse(start)
  let ms = 0
  let due: { readonly atMs: number; readonly then: () => void }[] = []
  function pass(by: number): void {
    const target = ms + by
    for (;;) {
      const next = due.toSorted((a, b) => a.atMs - b.atMs).find(({ atMs }) => atMs <= target)
      if (next === undefined) break
      due = due.filter((each) => each !== next)
      ms = Math.max(ms, next.atMs)
      next.then()
    }
    ms = target
  }
  return {
    nowMs: () => ms,
    pass,
    after: (by, then) => {
      due.push({ atMs: ms + by, then })
    },
    clock: {
      now: () => new Date(startMs + ms),
      monotonicMs: () => ms,
      async sleep(by, signal) {
        throwIfAborted(signal)
        pass(by)
        // Signals, timers and other work get their turn.
        await setImmediate()
        throwIfAborted(signal)
      },
    },
  }
}
