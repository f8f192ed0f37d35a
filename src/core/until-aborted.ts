import type { Bytes } from './bytes.ts'
import { abortReason, throwIfAborted } from './errors.ts'

/**
 * The same stream, which throws the signal's reason as soon as it is aborted, even while its producer is stuck: a
 * generator that waits answers `return()` only after its wait, so it is told to close but not waited for.
 */
export async function* untilAborted(input: Bytes, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const iterator = input[Symbol.asyncIterator]()
  let open = true
  try {
    for (;;) {
      throwIfAborted(signal)
      let result: IteratorResult<Uint8Array>
      try {
        result = await orAborted(iterator.next(), signal)
      } catch (thrown) {
        open = signal.aborted
        throw thrown
      }
      if (result.done === true) {
        open = false
        return
      }
      yield result.value
    }
  } finally {
    // An error while giving up is not news: whoever gives up says why.
    if (open) iterator.return?.().catch(() => undefined)
  }
}

/** What the promise gives, or the signal's reason if that comes first. What is waited for is not stopped by it. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(abortReason(signal))
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
