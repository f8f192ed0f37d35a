import type { Bytes } from '../core/bytes.ts'
import { LifeboatError } from '../core/errors.ts'

/**
 * Throws `timed-out` when the source gives nothing for that long: a tool that waits for a lock, a server that is gone
 * without a word. Only waiting for the source counts; a slow sink has limits of its own.
 * `onGivenUp` is told when the source, which may still be stuck then, has closed: only an abort of its signal gets it there.
 */
export async function* withStallTimeout(
  input: Bytes,
  what: string,
  timeoutMs: number,
  onGivenUp?: (closed: Promise<unknown>) => void,
): AsyncGenerator<Uint8Array> {
  const iterator = input[Symbol.asyncIterator]()
  let ended = false
  try {
    while (true) {
      const next = await limited(iterator.next(), what, timeoutMs)
      if (next.done === true) break
      yield next.value
    }
    ended = true
  } catch (thrown) {
    ended = true
    // Told to close but not waited for here: a stuck next() settles only once the pipeline has aborted the source.
    const closed = Promise.resolve(iterator.return?.()).catch(() => undefined)
    onGivenUp?.(closed)
    throw thrown
  } finally {
    if (!ended) await iterator.return?.()
  }
}

async function limited<T>(promise: Promise<T>, what: string, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const stalled = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(stall(what, timeoutMs)), timeoutMs)
  })
  try {
    return await Promise.race([promise, stalled])
  } finally {
    clearTimeout(timer)
  }
}

function stall(what: string, timeoutMs: number): LifeboatError {
  return new LifeboatError(
    'timed-out',
    `unable to go on with ${what}: it has sent nothing for ${timeoutMs / 1000} s`,
    {
      hint: 'Look for a lock or a dead connection on the server; --stall-timeout sets how long lifeboat waits.',
    },
  )
}
