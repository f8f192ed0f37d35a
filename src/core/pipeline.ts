import type { Bytes } from './bytes.ts'
import { abortReason } from './errors.ts'

/** A transform of a stream: lazy, closing its input when it is closed. */
export type Transform = (input: Bytes, signal: AbortSignal) => Bytes

/**
 * Runs source → transforms → last, and returns what `last` returns. The first failure anywhere is the one that is
 * thrown; everything else is aborted and closed before this settles, so nothing runs on behind the caller's back.
 * Pull-driven: nothing moves faster than `last` consumes.
 */
export async function runPipeline<T>(
  source: (signal: AbortSignal) => Bytes,
  transforms: readonly Transform[],
  last: (input: Bytes, signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const failed = new AbortController()
  const both = AbortSignal.any([signal, failed.signal])
  if (signal.aborted) throw abortReason(signal)
  const head = guard(source(both))
  const bytes = transforms.reduce<Bytes>((input, transform) => transform(input, both), head.bytes)
  try {
    return await last(bytes, both)
  } catch (thrown) {
    // The source knows best why it ended: a sink that saw its body fail may only know that it did.
    const cause = head.failure() ?? thrown
    failed.abort(cause)
    if (signal.aborted) throw abortReason(signal)
    throw cause
  } finally {
    failed.abort(new Error('the pipeline has ended'))
    await head.close()
  }
}

/** Remembers why the source failed, and closes it once even where a transform forgot to. */
function guard(source: Bytes): { bytes: Bytes; failure(): unknown; close(): Promise<void> } {
  const iterator = source[Symbol.asyncIterator]()
  let failure: unknown
  let open = true
  async function close(): Promise<void> {
    if (!open) return
    open = false
    // An error while giving up is not news: the failure that led here is reported already.
    await iterator.return?.().catch(() => undefined)
  }
  const bytes: Bytes = {
    [Symbol.asyncIterator]: () => ({
      async next() {
        try {
          const result = await iterator.next()
          if (result.done === true) open = false
          return result
        } catch (thrown) {
          open = false
          failure = thrown
          throw thrown
        }
      },
      async return() {
        await close()
        return { done: true, value: undefined }
      },
    }),
  }
  return { bytes, failure: () => failure, close }
}
