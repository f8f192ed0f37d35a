import type { Step } from '../core/runbook.ts'
import { shellLine } from '../core/shell-line.ts'
import type { Endpoint } from './ports/rds.ts'
import type { CloudPorts } from './ports.ts'

/** What is to be fenced, as far as the way knows it by its name. */
export interface FencedDatabase {
  readonly source: string
  readonly target: string
  readonly db: string
}

/**
 * No step may make a second writer while the first still takes writes: what is written there from now on would be lost.
 * Whether it does is asked of the database itself, whatever its control plane says.
 */
export function fenceCheck(
  endpoint: Endpoint | undefined,
  isAccepted: boolean,
  guards: string,
  about?: FencedDatabase,
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
        return { state: 'blocked', reason, hint: hintOf(about, endpoint) }
      }
      const state = await database.writable(endpoint, signal)
      if (state === 'unreachable')
        return {
          state: 'done',
          reason: 'not reachable from here; whether it is from elsewhere, nobody has asked',
          seen: { fenced: 'unreachable' },
        }
      if (state === 'read-only') return { state: 'done', seen: { fenced: true } }
      const reason =
        state === 'writable' ? 'it still takes writes' : 'nobody could log in to ask whether it takes writes'
      if (isAccepted) return { state: 'done', reason: `${reason}: accepted`, seen: { fenced: false } }
      return { state: 'blocked', reason, hint: hintOf(about, endpoint) }
    },
    apply: () => Promise.resolve(),
  }
}

function hintOf(about: FencedDatabase | undefined, endpoint: Endpoint | undefined): string {
  return `Fence it first (${fenceLine(about, endpoint)}), or stop the applications; --accept-split-brain goes on all the same, and loses what is written there from now on.`
}

function fenceLine(about: FencedDatabase | undefined, endpoint: Endpoint | undefined): string {
  if (about === undefined) return 'lifeboat migrate fence --help'
  const { source, target, db } = about
  return shellLine({
    argv: [
      ...['lifeboat', 'migrate', 'fence', '--source', source, '--target', target, '--db', db],
      ...['--from', endpoint === undefined ? 'HOST:PORT' : `${endpoint.host}:${endpoint.port}`],
      ...['--login', 'URL', '--password', 'prompt:', '--confirm'],
    ],
  })
}
