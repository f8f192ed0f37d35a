import { abortReason, throwIfAborted } from './errors.ts'

/** A counting semaphore: bounds what is under way at once, and with it memory, connections or a server's limit. */
export interface Slots {
  /** Waits for a free slot and returns how to give it back. */
  take(signal: AbortSignal): Promise<() => void>
  /** Runs the work in a slot. */
  run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>
}

export function createSlots(count: number): Slots {
  let free = count
  const waiting = new Set<() => void>()
  const release = () => {
    const [next] = waiting
    if (next === undefined) free += 1
    else {
      waiting.delete(next)
      next()
    }
  }
  const slots: Slots = {
    async take(signal) {
      throwIfAborted(signal)
      if (free > 0) {
        free -= 1
        return release
      }
      return new Promise((resolve, reject) => {
        const onAbort = () => {
          waiting.delete(onFree)
          reject(abortReason(signal))
        }
        const onFree = () => {
          signal.removeEventListener('abort', onAbort)
          resolve(release)
        }
        waiting.add(onFree)
        signal.addEventListener('abort', onAbort, { once: true })
      })
    },
    async run(work, signal) {
      const giveBack = await slots.take(signal)
      try {
        return await work()
      } finally {
        giveBack()
      }
    },
  }
  return slots
}
