import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../../src/core/clock.ts'
import { abortReason, throwIfAborted } from '../../src/core/errors.ts'

/** Time that stands still until a test moves it, for several machines whose clocks may disagree. */
export interface MovableTime {
  now(): Date
  /** A machine's own clock, which is wrong by so much. */
  clock(skewMs?: number): Clock
  /** Wakes each sleeper in its turn, and lets what it then does settle. */
  advance(ms: number): Promise<void>
  /** As when the machines' suspended sleep ends: all that time passes before the first of them wakes. */
  jump(ms: number): Promise<void>
  /** Moves time on, second by second, until the work is done: for work that also waits for what no clock moves. */
  passUntil<T>(work: Promise<T>): Promise<T>
}

interface Sleeper {
  readonly atMs: number
  wake(): void
}

export function createMovableTime(start = '2026-11-22T21:00:00Z'): MovableTime {
  const startMs = Date.parse(start)
  let ms = 0
  const sleepers = new Set<Sleeper>()

  async function wakeUntil(target: number): Promise<void> {
    for (;;) {
      await settle()
      const next = [...sleepers].sort((a, b) => a.atMs - b.atMs).find(({ atMs }) => atMs <= target)
      if (next === undefined) break
      ms = Math.max(ms, next.atMs)
      sleepers.delete(next)
      next.wake()
    }
  }

  async function advance(by: number): Promise<void> {
    const target = ms + by
    await wakeUntil(target)
    ms = target
  }

  return {
    now: () => new Date(startMs + ms),
    clock: (skewMs = 0) => ({
      now: () => new Date(startMs + ms + skewMs),
      monotonicMs: () => ms,
      sleep: (sleepMs, signal) =>
        new Promise((resolve, reject) => {
          throwIfAborted(signal)
          const onAbort = () => {
            sleepers.delete(sleeper)
            reject(abortReason(signal))
          }
          const sleeper: Sleeper = {
            atMs: ms + sleepMs,
            wake() {
              signal.removeEventListener('abort', onAbort)
              resolve()
            },
          }
          sleepers.add(sleeper)
          signal.addEventListener('abort', onAbort, { once: true })
        }),
    }),
    advance,
    async passUntil(work) {
      let done = false
      const end = () => {
        done = true
      }
      work.then(end, end)
      for (await settle(); !done; ) await advance(1000)
      return work
    },
    async jump(by) {
      await settle()
      ms += by
      await wakeUntil(ms)
    },
  }
}

/** Work in memory takes promises only: a few turns of the loop end all of it. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await setImmediate()
}
