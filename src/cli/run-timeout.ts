import { abortReason, LifeboatError } from '../core/errors.ts'

/** A signal that is also aborted when the whole run has taken too long; no time is set unless somebody asks for it. */
export function withRunTimeout(
  signal: AbortSignal,
  timeoutMs: number | undefined,
  setting = 'timeouts.run',
): Disposable & { readonly signal: AbortSignal } {
  const own = new AbortController()
  const onAbort = () => own.abort(abortReason(signal))
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          own.abort(
            new LifeboatError(
              'timed-out',
              `the run took longer than the ${timeoutMs / 1000} s of ${setting}`,
              {
                hint: `What is not whole was cleared away; lifeboat list shows what is. Raise ${setting} where the database has grown.`,
              },
            ),
          )
        }, timeoutMs)
  return {
    signal: own.signal,
    [Symbol.dispose]() {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    },
  }
}
