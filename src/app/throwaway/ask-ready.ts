import type { Engine } from '../../core/engine.ts'
import { LifeboatError } from '../../core/errors.ts'
import type { AskReady, ThrowawayServer } from './throwaway-server.ts'

/**
 * An image sets its server up by a first one, on the same socket but without a network, which then goes away: whoever took
 * that for the real one would lose his connection in the middle of a restore. A local server has no network from the start.
 */
const LISTENS: Readonly<Record<string, { readonly query: string; readonly no: readonly string[] }>> = {
  mysql: { query: 'SELECT @@skip_networking', no: ['1', 'ON'] },
  postgres: { query: "SELECT current_setting('listen_addresses')", no: [''] },
}

export function createAskReady(
  open: (server: ThrowawayServer) => Promise<Engine>,
  listens = false,
): AskReady {
  return async (server, model, signal) => {
    await using engine = await open(server)
    if (engine.query === undefined) {
      throw new LifeboatError('unsupported', `unable to ask ${engine.name} whether it is ready`)
    }
    const question = LISTENS[model.engine]
    const rows = await engine.query(undefined, question?.query ?? 'SELECT 1', signal)
    return !listens || question?.no.includes(String(rows[0]?.[0])) !== true
  }
}
