import type { Clock } from '../core/clock.ts'
import { withTimeLimit } from '../core/time-limit.ts'

export interface HeartbeatRequest {
  readonly ttlMs: number
  readonly clock: Clock
  /** Renews the lease; a failure is tried again soon. */
  readonly beat: (signal: AbortSignal) => Promise<void>
  /** Once for each time that the lease has run out because no beat came through. */
  readonly onLapsed: (thrown: unknown) => void
}

export interface Heartbeat {
  /** Ends a beat that is under way. */
  stop(): Promise<void>
}

/** A beat that takes longer is as good as lost. */
const BEAT_MS = 30_000

/** Every third of the lease: two beats may fail in a row before it runs out. */
export function startHeartbeat({ ttlMs, clock, beat, onLapsed }: HeartbeatRequest): Heartbeat {
  const stopping = new AbortController()
  const { signal } = stopping
  const everyMs = ttlMs / 3

  async function run(): Promise<void> {
    let lastMs = clock.monotonicMs()
    let pauseMs = everyMs
    let lapsed = false
    for (;;) {
      await clock.sleep(pauseMs, signal)
      try {
        await beat(withTimeLimit(signal, Math.min(BEAT_MS, Math.ceil(everyMs))))
        lastMs = clock.monotonicMs()
        pauseMs = everyMs
        lapsed = false
      } catch (thrown) {
        if (signal.aborted) return
        pauseMs = everyMs / 10
        if (!lapsed && clock.monotonicMs() - lastMs >= ttlMs) {
          lapsed = true
          onLapsed(thrown)
        }
      }
    }
  }

  // It ends in no other way than by the signal: every failure of a beat is dealt with above.
  const running = run().catch((thrown: unknown) => {
    if (!signal.aborted) onLapsed(thrown)
  })
  return {
    async stop() {
      stopping.abort()
      await running
    },
  }
}
