import { setTimeout as pause } from 'node:timers/promises'
import type { LifeboatError } from '../../core/errors.ts'

/** What the promise gives, if it does so in time; otherwise throws. What is waited for is not stopped by it. */
export async function within<T>(
  promise: Promise<T>,
  timeoutMs: number,
  late: () => LifeboatError,
): Promise<T> {
  const timer = new AbortController()
  const timeUp = pause(timeoutMs, undefined, { signal: timer.signal }).then(() => {
    throw late()
  })
  timeUp.catch(() => undefined)
  try {
    return await Promise.race([promise, timeUp])
  } finally {
    timer.abort()
  }
}
