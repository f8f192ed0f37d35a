import { orAborted } from '../../core/until-aborted.ts'

/** Lets so many run at once; the others wait their turn. */
export function createSlots(count: number): <T>(work: () => Promise<T>, signal: AbortSignal) => Promise<T> {
  const waiting: (() => void)[] = []
  let free = count

  function release(): void {
    const next = waiting.shift()
    if (next === undefined) free += 1
    else next()
  }

  async function acquire(signal: AbortSignal): Promise<void> {
    if (free > 0) {
      free -= 1
      return
    }
    const turn = Promise.withResolvers<void>()
    waiting.push(turn.resolve)
    try {
      await orAborted(turn.promise, signal)
    } catch (thrown) {
      const position = waiting.indexOf(turn.resolve)
      // Its turn may have come in the same moment: then it is given on.
      if (position === -1) release()
      else waiting.splice(position, 1)
      throw thrown
    }
  }

  return async (work, signal) => {
    await acquire(signal)
    try {
      return await work()
    } finally {
      release()
    }
  }
}
