import type { Step } from '../core/runbook.ts'
import type { Endpoint } from './ports/rds.ts'
import type { CloudPorts } from './ports.ts'

/**
 * No step may make a second writer while the first still takes writes: what is written there from now on would be lost.
 * Whether it does is asked of the database itself, whatever its control plane says.
 */
export function fenceCheck(
  endpoint: Endpoint | undefined,
  isAccepted: boolean,
  guards: string,
): Step<CloudPorts> {
  const where = endpoint === undefined ? 'the old primary' : `${endpoint.host}:${endpoint.port}`
  return {
    id: 'check-fence',
    title: `make sure that ${where} takes no more writes`,
    effect: 'read',
    guards,
    command: () => [],
    check: () => undefined,
    permissions: () => [],
    async observe({ database }, signal) {
      if (endpoint === undefined) {
        const reason = 'its endpoint is not known, since the source region gave no answer'
        if (isAccepted) return { state: 'done', reason: `${reason}: accepted`, seen: { fenced: null } }
        return { state: 'blocked', reason, hint: HINT }
      }
      const state = await database.writable(endpoint, signal)
      if (state === 'unreachable')
        return { state: 'done', reason: 'not reachable from here', seen: { fenced: 'unreachable' } }
      if (state === 'read-only') return { state: 'done', seen: { fenced: true } }
      const reason =
        state === 'writable' ? 'it still takes writes' : 'nobody could log in to ask whether it takes writes'
      if (isAccepted) return { state: 'done', reason: `${reason}: accepted`, seen: { fenced: false } }
      return { state: 'blocked', reason, hint: HINT }
    },
    apply: () => Promise.resolve(),
  }
}

const HINT =
  'Fence it first (lifeboat migrate fence --help), or stop the applications; --accept-split-brain goes on all the same, and loses what is written there from now on.'
