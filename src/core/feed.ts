import type { Bytes } from './bytes.ts'
import { abortReason, throwIfAborted } from './errors.ts'

/** A stream that is read by hand, by code that can't stand in a `for await`. */
export interface Feed {
  /** The next piece, never empty; undefined at the end. Rejects at once when the signal is aborted. */
  next(): Promise<Uint8Array | undefined>
  /** Closes the input. Safe at any time, also while a `next` is under way. */
  close(): Promise<void>
}

export function createFeed(input: Bytes, signal: AbortSignal): Feed {
  const iterator = input[Symbol.asyncIterator]()
  let open = true
  let pending = false

  function pull(): Promise<IteratorResult<Uint8Array>> {
    return new Promise((resolve, reject) => {
      const stop = () => reject(abortReason(signal))
      signal.addEventListener('abort', stop, { once: true })
      const settle = () => {
        pending = false
        signal.removeEventListener('abort', stop)
      }
      pending = true
      iterator.next().then(
        (result) => {
          settle()
          if (result.done === true) open = false
          resolve(result)
        },
        (thrown) => {
          settle()
          open = false
          reject(thrown)
        },
      )
    })
  }

  return {
    async next() {
      while (open) {
        throwIfAborted(signal)
        const result = await pull()
        if (result.done === true) return undefined
        if (result.value.length > 0) return result.value
      }
      return undefined
    },
    async close() {
      if (!open) return
      open = false
      // An error while giving up is not news: the failure that led here is reported already.
      const closed = iterator.return?.().then(undefined, () => undefined)
      // A generator queues return() behind its pending next(), which may be waiting for a stalled source.
      if (!pending) await closed
    },
  }
}
