import { faultOf } from '../core/cloud-fault.ts'
import type { Step } from '../core/runbook.ts'
import { shellLine } from '../core/shell-line.ts'
import { mayLook } from './aws-cli.ts'
import type { Endpoint } from './ports/rds.ts'
import type { CloudPorts, RegionPorts } from './ports.ts'
import { findDatabase } from './posture.ts'
import { hostLine } from './verify-step.ts'

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
    command: () => (endpoint === undefined ? [] : [hostLine(where, undefined)]),
    // By hand: as long as its `write` is well, it takes writes.
    check: () => undefined,
    permissions: () =>
      about === undefined
        ? []
        : [mayLook('rds:DescribeDBClusters', 'rds:DescribeDBInstances', 'ec2:DescribeSecurityGroups')],
    async observe({ database, source }, signal) {
      if (endpoint === undefined) {
        const reason = 'its endpoint is not known, since the source region gave no answer'
        if (isAccepted) return { state: 'done', reason: `${reason}: accepted`, seen: { fenced: null } }
        return { state: 'blocked', reason, hint: hintOf(about, endpoint) }
      }
      const state = await database.writable(endpoint, signal)
      if (state === 'unreachable' && (about === undefined || !(await mayServe(about, source, signal)))) {
        const reason = 'not reachable from here; whether it is from elsewhere, nobody has asked'
        return { state: 'done', reason, seen: { fenced: 'unreachable' } }
      }
      if (state === 'read-only') return { state: 'done', seen: { fenced: true } }
      const reason = REASONS[state]
      if (isAccepted) return { state: 'done', reason: `${reason}: accepted`, seen: { fenced: false } }
      return { state: 'blocked', reason, hint: hintOf(about, endpoint) }
    },
    apply: () => Promise.resolve(),
  }
}

const REASONS = {
  writable: 'it still takes writes',
  unreachable:
    'it is not reachable from here, but its region says that it is available: applications may write to it',
  unknown: 'nobody could log in to ask whether it takes writes',
} as const

/**
 * A machine with no way into its VPC reaches no database, however well that is: where its region says that it runs, and it is behind
 * no group that lets nobody in, it may serve whoever is nearer.
 */
async function mayServe({ db }: FencedDatabase, source: RegionPorts, signal: AbortSignal): Promise<boolean> {
  try {
    const found = await findDatabase(source, db, signal)
    if (found === undefined || found.database.status !== 'available') return false
    const groups = await source.ec2.securityGroups(found.database.securityGroups, signal)
    return groups.length === 0 || groups.some(({ inbound }) => inbound.length > 0)
  } catch (thrown) {
    const fault = faultOf(thrown)
    if (fault === undefined || fault === 'throttled') throw thrown
    return false
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
