import { LifeboatError } from '../core/errors.ts'
import type { GateClient } from '../core/gate.ts'
import { nameOf } from '../core/runbook.ts'
import { accountOf, type FencedNetwork, type FenceFacts, lookUp } from './fence-facts.ts'
import type { Endpoint } from './ports/rds.ts'
import type { CloudPorts } from './ports.ts'

/** What a run of `fence` has done, from its journal. Plain JSON. */
export interface Fenced {
  readonly run: string
  readonly db: string
  readonly endpoint: Endpoint
  /** In the order in which they must be lifted; null where nothing was done by SQL. */
  readonly sql: { readonly client: GateClient; readonly undo: readonly string[] } | null
  /** Null where it was put behind no closed group. */
  readonly network: FencedNetwork | null
}

export interface UnfenceOptions {
  readonly source: string
  readonly target: string
  readonly fenced: Fenced
  /** The database that has taken over, where there is one. */
  readonly to: Endpoint | null
  readonly acceptSplitBrain: boolean
  readonly acceptChanged: boolean
}

export interface UnfenceFacts {
  readonly account: FenceFacts['account']
  /** What is still to be put back. */
  readonly network: (FencedNetwork & { readonly group: string }) | null
  /** What stands of it, or may stand: behind a closed group nobody can look. */
  readonly undo: readonly string[]
  /** What is otherwise than the fence has left it: taken by name, and left. */
  readonly changed: readonly string[]
}

/** Lifting is right only where all is as the fence has left it: what else has changed, somebody had a reason for. */
export async function gatherUnfence(
  { fenced, acceptChanged }: UnfenceOptions,
  { iam, source, database }: CloudPorts,
  signal: AbortSignal,
): Promise<UnfenceFacts> {
  const account = await accountOf(iam, fenced.network === null, signal)
  const network = await lookAtNetwork(fenced, source, signal)
  const sql = await lookAtSql(fenced, database, signal)
  const standing = { account, network: network.standing, undo: sql.standing }
  const isLifted = network.standing === null && sql.standing.length === 0
  if (isLifted && network.changed.length === 0 && sql.gone.length === 0) return { ...standing, changed: [] }
  const back = network.isBack ? [`${fenced.db} has its own security groups again`] : []
  const changed = [...network.changed, ...back, ...sql.lifted, ...sql.gone]
  if (changed.length > 0 && !acceptChanged) throw hasChanged(fenced, changed)
  return { ...standing, changed }
}

interface NetworkLook {
  readonly standing: UnfenceFacts['network']
  readonly isBack: boolean
  readonly changed: readonly string[]
}

async function lookAtNetwork(
  { db, network, run }: Fenced,
  ports: CloudPorts['source'],
  signal: AbortSignal,
): Promise<NetworkLook> {
  if (network === null) return { standing: null, isBack: false, changed: [] }
  const there = (await lookUp('unfence', db, ports, false, signal))?.network?.securityGroups ?? []
  const own = network.securityGroups
  if (sameGroups(there, own)) return { standing: null, isBack: true, changed: [] }
  const known = await ports.ec2.securityGroups(undefined, signal)
  const name = nameOf({ id: run }, 'fence')
  const closed = known.find((group) => group.name === name && group.vpcId === network.vpcId)
  if (closed === undefined || !sameGroups(there, [closed.id])) {
    const behind = there.map((id) => `${id}${labelOf(known.find((group) => group.id === id)?.name)}`)
    return {
      ...{ standing: null, isBack: false },
      changed: [
        `${db} is behind ${behind.join(' ')}, neither behind ${name} nor in its own groups ${own.join(' ')}`,
      ],
    }
  }
  const gone = own.filter((id) => !known.some((group) => group.id === id))
  if (gone.length > 0) throw groupsGone(db, gone)
  const opened =
    closed.inbound.length === 0 ? [] : [`somebody has put ${closed.inbound.length} rules into ${closed.id}`]
  return { standing: { ...network, group: closed.id }, isBack: false, changed: opened }
}

async function lookAtSql(
  { sql, endpoint }: Fenced,
  database: CloudPorts['database'],
  signal: AbortSignal,
): Promise<Record<'standing' | 'lifted' | 'gone', readonly string[]>> {
  if (sql === null) return { standing: [], lifted: [], gone: [] }
  const plan = await database.planUnfence(endpoint, signal)
  // Behind a closed group nobody gets there, to look or to change anything.
  if (plan === undefined) return { standing: sql.undo, lifted: [], gone: [] }
  const lifted = sql.undo.filter((each) => plan.lifted.includes(each) && !endsByItself(each))
  const gone = sql.undo.filter((each) => ![...plan.standing, ...plan.lifted].includes(each))
  return {
    standing: sql.undo.filter((each) => plan.standing.includes(each)),
    lifted: lifted.map((each) => `'${each}' is done already`),
    gone: gone.map((each) => `'${each}' is about something that is not there any more`),
  }
}

/** A restart of MySQL's or MariaDB's server lifts it. */
function endsByItself(statement: string): boolean {
  return statement.startsWith('SET GLOBAL ')
}

export function sameGroups(some: readonly string[], others: readonly string[]): boolean {
  return some.toSorted().join() === others.toSorted().join()
}

function labelOf(name: string | undefined): string {
  return name === undefined ? '' : ` (${name})`
}

function hasChanged({ run, db }: Fenced, changed: readonly string[]): LifeboatError {
  return new LifeboatError(
    'step-failed',
    `unable to unfence '${db}': since run ${run} it was changed: ${changed.join('; ')}`,
    {
      hint: 'If a run of unfence has begun it, go on with that one by --resume; else ask who has changed it, and why: --accept changed-fence leaves that as it is and lifts the rest.',
    },
  )
}

function groupsGone(db: string, gone: readonly string[]): LifeboatError {
  return new LifeboatError(
    'step-failed',
    `unable to unfence '${db}': its own security group ${gone.join(' ')} is not there any more`,
    {
      hint: 'Put it behind others by hand (aws rds modify-db-instance --vpc-security-group-ids); then --accept changed-fence lifts the rest.',
    },
  )
}
