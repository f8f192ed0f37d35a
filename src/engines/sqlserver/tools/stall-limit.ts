import type { Bytes } from '../../../core/bytes.ts'
import { LifeboatError } from '../../../core/errors.ts'

/** Ends a run in which nothing moves: freebcp is known to spin for ever on an answer that it doesn't expect. */
export interface StallLimit extends Disposable {
  /** Aborted when the caller's is, and when the tool has kept us waiting for too long. */
  readonly signal: AbortSignal
  /** Counts the time that the tool takes for its output, not what whoever reads it takes. */
  watchOutput(output: Bytes): Bytes
  /** Counts the time that the tool takes to want more, and at last to end. */
  watchInput(input: Bytes): Bytes
}

export function createStallLimit(tool: string, limitMs: number, outer: AbortSignal): StallLimit {
  const stalled = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const stop = () => clearTimeout(timer)
  const start = () => {
    stop()
    timer = setTimeout(() => {
      const minutes = Math.round(limitMs / 6000) / 10
      stalled.abort(
        new LifeboatError('timed-out', `unable to run '${tool}': nothing moved for ${minutes} minutes`, {
          hint: 'Look for locks on the table and at the network, then run again, or leave out tool=.',
        }),
      )
    }, limitMs)
  }
  start()
  return {
    signal: AbortSignal.any([outer, stalled.signal]),
    async *watchOutput(output) {
      start()
      for await (const piece of output) {
        stop()
        yield piece
        start()
      }
    },
    async *watchInput(input) {
      stop()
      for await (const piece of input) {
        start()
        yield piece
        stop()
      }
      start()
    },
    [Symbol.dispose]: stop,
  }
}
