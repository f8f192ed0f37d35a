import type { Clock } from '../../../src/core/clock.ts'
import { parseDatabaseUrl } from '../../../src/core/database-url.ts'
import type { Engine, EngineContext } from '../../../src/core/engine.ts'
import { Secret } from '../../../src/core/secret.ts'
import { createOracleEngine } from '../../../src/engines/oracle/index.ts'
import type { ScriptedOracle } from './server.ts'

export const PASSWORD = 's3cret-0racle'

const unwaiting: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  sleep: async (_ms, signal) => signal.throwIfAborted(),
}

/** The engine, with a scripted server in the place of the network and a clock that does not wait. */
export function engineFor(
  oracle: ScriptedOracle,
  options = '',
  context: Partial<EngineContext> = {},
  clock: Clock = unwaiting,
): Engine {
  const url = parseDatabaseUrl(`oracle://${oracle.user}@db.test/PDB1?tls=disable${options}`)
  const password = async () => new Secret(PASSWORD)
  return createOracleEngine(
    url,
    { searchPath: '', password, ...context },
    {
      source: oracle.source({ user: url.user, password }),
      clock,
    },
  )
}
