import { type Clock, systemClock } from '../core/clock.ts'
import { LifeboatError, throwIfAborted } from '../core/errors.ts'
import type { Sink } from '../core/sink.ts'

export interface RetryOptions {
  /** Tries in all, the first included. */
  readonly attempts?: number
  /** No new try is begun after this long. */
  readonly totalMs?: number
  readonly firstDelayMs?: number
  readonly clock?: Clock
  /** In [0, 1): spreads the tries of many agents that saw the same outage. */
  readonly random?: () => number
}

/**
 * Repeats what can honestly be repeated: ranges, stat, listings and deletions, on errors that say that another try may
 * help. Never `write`, whose body can't be rewound, and never `sweep`, whose report would be lost.
 */
export function withRetry(sink: Sink, options: RetryOptions = {}): Sink {
  const {
    attempts = 4,
    totalMs = 60_000,
    firstDelayMs = 500,
    clock = systemClock,
    random = Math.random,
  } = options

  /** Counts the failures in a row of one call; resolves when it may be tried again, throws when not. */
  function createPatience(signal: AbortSignal) {
    const begunMs = clock.monotonicMs()
    let failures = 0
    return {
      async after(thrown: unknown): Promise<void> {
        throwIfAborted(signal)
        if (!(thrown instanceof LifeboatError) || !thrown.retryable) throw thrown
        failures += 1
        // Full jitter over the upper half: never at once, never two agents in step.
        const delayMs = firstDelayMs * 2 ** (failures - 1) * (0.5 + random() / 2)
        if (failures >= attempts || clock.monotonicMs() - begunMs + delayMs > totalMs) throw thrown
        await clock.sleep(delayMs, signal)
      },
    }
  }

  async function retried<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const patience = createPatience(signal)
    while (true) {
      try {
        return await call()
      } catch (thrown) {
        await patience.after(thrown)
      }
    }
  }

  return {
    scheme: sink.scheme,
    name: sink.name,
    traits: sink.traits,
    write: (key, body, writeOptions) => sink.write(key, body, writeOptions),
    read: (key, range, signal) => retried(() => sink.read(key, range, signal), signal),
    stat: (key, signal) => retried(() => sink.stat(key, signal), signal),
    async *list(prefix, signal) {
      let patience = createPatience(signal)
      let last: Buffer | undefined
      while (true) {
        try {
          for await (const info of sink.list(prefix, signal)) {
            const key = Buffer.from(info.key)
            // A listing is ordered by key, so a repeated one goes on behind the last that was given.
            if (last !== undefined && Buffer.compare(key, last) <= 0) continue
            last = key
            patience = createPatience(signal)
            yield info
          }
          return
        } catch (thrown) {
          await patience.after(thrown)
        }
      }
    },
    delete: (keys, signal) => retried(() => sink.delete(keys, signal), signal),
    ...(sink.purge !== undefined && {
      purge: (keys, signal) => retried(async () => sink.purge?.(keys, signal), signal),
    }),
    sweep: (prefix, olderThan, signal) => sink.sweep(prefix, olderThan, signal),
    byHand: (keys) => sink.byHand(keys),
    [Symbol.asyncDispose]: () => sink[Symbol.asyncDispose](),
  }
}
