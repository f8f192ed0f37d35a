import type { Clock } from '../../core/clock.ts'
import type { OnEvent } from '../run-event.ts'

export interface JitterRequest {
  /** Milliseconds; no wait is longer. */
  readonly mostMs: number
  /** From 0 to 1. */
  readonly random: () => number
  readonly clock: Clock
  readonly onEvent: OnEvent
}

/** So that a fleet with one schedule does not begin in the same second. */
export async function waitJitter(
  { mostMs, random, clock, onEvent }: JitterRequest,
  signal: AbortSignal,
): Promise<void> {
  const waitMs = Math.floor(random() * mostMs)
  onEvent({ kind: 'step', message: `waiting ${Math.round(waitMs / 1000)} s before the start (--jitter)` })
  await clock.sleep(waitMs, signal)
}
