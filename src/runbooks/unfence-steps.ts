import type { GateClient } from '../core/gate.ts'
import type { Observation, Step } from '../core/runbook.ts'
import { aws, awsCheck, mayLook, rdsArn } from './aws-cli.ts'
import { groupsQuery, lookAt, wordsOf } from './fence-network.ts'
import { clientLine } from './fence-sql.ts'
import type { CloudPorts } from './ports.ts'
import { sameGroups, type UnfenceFacts, type UnfenceOptions } from './unfence-facts.ts'

const MINUTE = 60_000
/** An opened security group lets in at once, as far as anybody has seen; a resolver or a server may take a little. */
const MOST_LOOKS = 8
/** The last look waits for nothing that has to be done: who gets nowhere from here at all need not be kept. */
const LAST_LOOKS = 4
const LAST_POLL_MS = 5_000

export function backToOwnGroups(
  { source, fenced: { db } }: UnfenceOptions,
  { account }: UnfenceFacts,
  { kind, securityGroups, group }: NonNullable<UnfenceFacts['network']>,
): Step<CloudPorts> {
  const { modify, describe, id } = wordsOf(kind)
  const shown = [`available ${securityGroups.length}`, ...securityGroups.map(() => 'active')]
  return {
    id: 'unfence-network',
    title: `put ${db} behind its own security groups again`,
    effect: 'switch',
    usualMs: 2 * MINUTE,
    command: () => [
      aws(source, 'rds', modify, {
        ...{ [id]: db, 'vpc-security-group-ids': securityGroups, 'apply-immediately': true },
      }),
    ],
    check: () => awsCheck(source, 'rds', describe, { [id]: db }, groupsQuery(kind), shown.join(' ')),
    permissions: () => [
      mayLook('rds:DescribeDBInstances', 'rds:DescribeDBClusters', 'ec2:DescribeSecurityGroups'),
      {
        actions: [kind === 'cluster' ? 'rds:ModifyDBCluster' : 'rds:ModifyDBInstance'],
        resources: [rdsArn(source, account ?? '*', kind === 'cluster' ? 'cluster' : 'db', db)],
      },
    ],
    async observe({ source: ports }, signal): Promise<Observation> {
      const there = await lookAt(ports, kind, db, signal)
      if (there === undefined)
        return {
          ...{ state: 'blocked', reason: `${db} is not there any more` },
          hint: 'There is nothing to put back.',
        }
      if (there.status !== 'available') return { state: 'running', reason: `status ${there.status}` }
      const groups = there.securityGroups
      if (sameGroups(groups, securityGroups)) return { state: 'done', seen: { groups: groups.join(' ') } }
      if (sameGroups(groups, [group])) return { state: 'todo' }
      return {
        state: 'blocked',
        reason: `somebody has put it behind ${groups.join(' ')}`,
        hint: 'Ask who and why; a new run of unfence says what is otherwise than the fence has left it.',
      }
    },
    async apply({ source: ports }, signal) {
      const change = { securityGroups }
      if (kind === 'cluster') await ports.rds.modifyCluster(db, change, signal)
      else await ports.rds.modifyInstance(db, change, signal)
    },
  }
}

export function unfenceBySql(
  { fenced: { endpoint }, acceptChanged }: UnfenceOptions,
  undo: readonly string[],
  client: GateClient,
): Step<CloudPorts> {
  let looks = 0
  let standing: readonly string[] = []
  return {
    id: 'unfence-sql',
    title: `unlock accounts and take writes again at ${endpoint.host}`,
    effect: 'switch',
    usualMs: 5_000,
    command: () => undo.map((statement) => clientLine(client, endpoint, statement)),
    check: () => undefined,
    permissions: () => [],
    async observe({ database }, signal): Promise<Observation> {
      const plan = await database.planUnfence(endpoint, signal)
      if (plan === undefined) {
        looks += 1
        const reason = 'nobody could log in to lift it'
        if (looks < MOST_LOOKS) return { state: 'running', reason }
        return {
          ...{ state: 'blocked', reason },
          hint: `Give the account that fenced with --login and --password, from a machine that its security groups let in; by hand: ${undo.join('; ')}`,
        }
      }
      const gone = undo.filter((each) => ![...plan.standing, ...plan.lifted].includes(each))
      if (gone.length > 0 && !acceptChanged)
        return {
          state: 'blocked',
          reason: `what these are about is not there any more: ${gone.join('; ')}`,
          hint: 'Ask who has removed it; --accept changed-fence lifts the rest.',
        }
      standing = undo.filter((each) => plan.standing.includes(each))
      if (standing.length > 0) return { state: 'todo', reason: `${standing.length} statements` }
      return { state: 'done', seen: { lifted: undo.length - gone.length } }
    },
    apply: ({ database }, signal) => database.unfence(endpoint, standing, signal),
  }
}

export function checkUnfenced(
  { fenced: { endpoint } }: UnfenceOptions,
  { undo }: UnfenceFacts,
): Step<CloudPorts> {
  let looks = 0
  return {
    id: 'check-unfenced',
    title: `look whether ${endpoint.host} takes writes`,
    effect: 'read',
    pollMs: LAST_POLL_MS,
    command: () => [],
    check: () => undefined,
    permissions: () => [],
    async observe({ database }, signal): Promise<Observation> {
      const state = await database.writable(endpoint, signal)
      if (state === 'writable') return { state: 'done', seen: { writable: true } }
      if (state === 'read-only' && undo.length === 0)
        return {
          ...{ state: 'done', reason: 'it takes none, and no fence by SQL stood' },
          seen: { writable: false },
        }
      if (state === 'read-only')
        return {
          ...{ state: 'blocked', reason: 'it still takes no writes' },
          hint: 'Something else keeps it so: another fence, its parameter group, or that it is a replica.',
        }
      if (state === 'unreachable' && ++looks < LAST_LOOKS)
        return { state: 'running', reason: 'not reachable from here' }
      const reason =
        state === 'unreachable' ? 'not reachable from here' : 'it answers; nobody could log in to ask'
      return {
        state: 'done',
        reason: `${reason}: look from an application host (lifeboat migrate verify --to ${endpoint.host}:${endpoint.port})`,
        seen: { writable: null },
      }
    },
    apply: () => Promise.resolve(),
  }
}
