import type { Clock } from '../../core/clock.ts'
import { LifeboatError } from '../../core/errors.ts'
import type { NotifyRequest } from './notification.ts'

export interface SendLimits {
  /** Of each attempt. */
  readonly timeoutMs: number
  readonly attempts: number
  readonly pauseMs: number
}

/**
 * Posts it, and resolves once it was taken. Tries again what may pass; rejects when that was in vain. No message names
 * the address, which is a secret.
 */
export async function send(
  request: NotifyRequest,
  { timeoutMs, attempts, pauseMs }: SendLimits,
  clock: Clock,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const failure = await post(request, timeoutMs)
    if (failure === undefined) return
    if (!failure.passing || attempt >= attempts) throw new LifeboatError('sink-unavailable', failure.reason)
    await clock.sleep(pauseMs * attempt, new AbortController().signal)
  }
}

/** Undefined where it was taken. */
async function post(
  { url, headers, body }: NotifyRequest,
  timeoutMs: number,
): Promise<{ reason: string; passing: boolean } | undefined> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'user-agent': 'lifeboat', ...headers },
      body,
      // A place that has moved would get its secret address from nobody but its owner.
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    })
    const { ok, status } = response
    await response.body?.cancel()
    if (ok) return undefined
    return { reason: `it answered ${status}`, passing: status === 429 || status >= 500 }
  } catch (thrown) {
    return { reason: reasonOf(thrown, timeoutMs), passing: true }
  }
}

/** Of "fetch failed" only the cause's code says why; its message may hold the address. */
function reasonOf(thrown: unknown, timeoutMs: number): string {
  if (thrown instanceof DOMException && thrown.name === 'TimeoutError')
    return `no answer within ${timeoutMs / 1000} s`
  const cause = thrown instanceof Error ? thrown.cause : undefined
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
  return code === undefined ? 'it could not be reached' : `it could not be reached (${code})`
}
