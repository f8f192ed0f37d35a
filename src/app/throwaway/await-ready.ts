import type { Clock } from '../../core/clock.ts'
import { LifeboatError, messageOf, throwIfAborted } from '../../core/errors.ts'
import type { ServerProcess } from './server-process.ts'
import type { AskReady, ServerModel, ThrowawayServer } from './throwaway-server.ts'

/** An image may have to be fetched, and a slow disk initialised. */
export const START_MS = 10 * 60_000
const PAUSE_MS = 100

/** Asks until the server answers; gives up when it ends, or after so long. */
export async function awaitReady(
  server: ThrowawayServer,
  model: ServerModel,
  { child, ask, clock }: { readonly child: ServerProcess; readonly ask: AskReady; readonly clock: Clock },
  signal: AbortSignal,
): Promise<void> {
  const over = new AbortController()
  const either = AbortSignal.any([signal, over.signal])
  const deadline = clock.monotonicMs() + START_MS
  const attempt = async () => {
    for (;;) {
      throwIfAborted(either)
      let reason = 'it is still being set up'
      try {
        if (await ask(server, model, either)) return
      } catch (thrown) {
        throwIfAborted(either)
        reason = messageOf(thrown)
      }
      if (clock.monotonicMs() > deadline) {
        throw new LifeboatError(
          'timed-out',
          `unable to reach the throwaway server within ${START_MS / 60_000} min: ${reason}`,
          {
            hint: 'Start such a server by hand to see what holds it up, or give a scratch server with --into.',
          },
        )
      }
      await clock.sleep(PAUSE_MS, either)
    }
  }
  try {
    await Promise.race([attempt(), child.ended])
  } finally {
    over.abort()
  }
}
