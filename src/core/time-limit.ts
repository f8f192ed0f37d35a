/**
 * The same signal, aborted after that time at the latest, for work of several steps. Node 24 forgets that one of
 * AbortSignal.any has been aborted, if nobody listened at that moment (between two steps) and it is collected as garbage:
 * the steps that follow would have no limit any more. So somebody always listens.
 */
export function withTimeLimit(signal: AbortSignal, timeoutMs: number): AbortSignal {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  limited.addEventListener('abort', () => undefined, { once: true })
  return limited
}
