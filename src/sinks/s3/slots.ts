import { abortReason, throwIfAborted } from '../../core/errors.ts'

/** A counting semaphore: bounds how many parts are under way, and with them the memory. */
export interface Slots {
  /** Waits for a free slot and returns how to give it back. */
  take(signal: AbortSignal): Promise<() => void>
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
  return {
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
  }
}
