import { faultOf, isTransient } from '../core/cloud-fault.ts'
import { LifeboatError, messageOf } from '../core/errors.ts'
import type { FencePlan } from '../core/gate.ts'
import type { Endpoint } from './ports/rds.ts'
import type { CloudPorts } from './ports.ts'
import { plainHost } from './read-endpoint.ts'

/** Actions that the facts of a fence take, and of what lifts one. */
export const FENCE_LOOKS = [
  ...(['rds:DescribeDBClusters', 'rds:DescribeDBClusterEndpoints', 'rds:DescribeDBInstances'] as const),
  ...(['rds:DescribeDBSubnetGroups', 'rds:ListTagsForResource', 'ec2:DescribeSecurityGroups'] as const),
]
const MOST_TRIES = 4
const ENDPOINT_HINT =
  'Name its endpoint with --from HOST:PORT, and an account with --login: then SQL alone keeps writers out.'

export interface FenceOptions {
  readonly source: string
  readonly target: string
  readonly db: string
  /** For when its region gives no answer. */
  readonly from: Endpoint | null
}

export interface FenceFacts {
  /** Null where AWS does not say who calls: SQL needs nobody there. */
  readonly account: string | null
  readonly endpoint: Endpoint
  /** Null where nobody could log in. Kept before anything is done: `undo` lifts it. */
  readonly sql: FencePlan | null
  /** Null where the API gives no answer. */
  readonly network: FencedNetwork | null
}

export interface FencedNetwork {
  readonly kind: 'instance' | 'cluster'
  readonly vpcId: string
  /** Its own ones, from before the fence. */
  readonly securityGroups: readonly string[]
}

export async function gatherFence(
  { source: region, db, from }: FenceOptions,
  { source, iam, database }: CloudPorts,
  signal: AbortSignal,
): Promise<FenceFacts> {
  const account = await accountOf(iam, from !== null, signal)
  const found = await lookUp('fence', db, source, from !== null, signal)
  const endpoint = from ?? found?.endpoint
  if (endpoint === undefined) {
    throw new LifeboatError(
      'step-failed',
      `unable to fence '${db}': ${found === undefined ? `${region} gives no answer` : 'it has no endpoint'}, and no endpoint was given`,
      {
        hint: 'Name it with --from HOST:PORT, and an account with --login: then SQL alone keeps writers out.',
      },
    )
  }
  const sql = await database.planFence(endpoint, signal)
  const network = found?.network
  return {
    account,
    endpoint: { ...endpoint, host: plainHost(endpoint.host) },
    sql: sql ?? null,
    network: network ?? null,
  }
}

/** Null where it is not said, and what is to be done goes without (`isSpare`). */
export async function accountOf(
  iam: CloudPorts['iam'],
  isSpare: boolean,
  signal: AbortSignal,
): Promise<string | null> {
  for (let tries = 1; ; tries++) {
    try {
      return (await iam.caller(signal)).account
    } catch (thrown) {
      if (!isSpare) throw thrown
      if (faultOf(thrown) === 'denied') return null
      if (!isTransient(thrown)) throw thrown
      if (tries === MOST_TRIES) return null
    }
  }
}

export interface FoundDatabase {
  readonly endpoint: Endpoint | undefined
  readonly network: FencedNetwork | null
}

/** Undefined where its region gives this account no answer, and what is known without it is enough. */
export async function lookUp(
  deed: 'fence' | 'unfence',
  db: string,
  source: CloudPorts['source'],
  isEnough: boolean,
  signal: AbortSignal,
): Promise<FoundDatabase | undefined> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask(deed, db, source, signal)
    } catch (thrown) {
      // Who may not look has an account of the database all the same.
      if (deed === 'fence' && isEnough && faultOf(thrown) === 'denied') return undefined
      if (!isTransient(thrown)) throw thrown
      // Without an endpoint nothing can be done: then it is asked for as long as anything is.
      if (!isEnough) throw silent(deed, db, thrown)
      if (tries === MOST_TRIES) return undefined
    }
  }
}

async function ask(
  deed: string,
  db: string,
  { rds, region }: CloudPorts['source'],
  signal: AbortSignal,
): Promise<FoundDatabase> {
  const cluster = await rds.cluster(db, signal)
  if (cluster !== undefined) {
    const { writerHost, port, subnetGroup, securityGroups } = cluster
    const vpcId = subnetGroup === undefined ? undefined : (await rds.subnetGroup(subnetGroup, signal))?.vpcId
    return {
      endpoint: writerHost === undefined ? undefined : { host: writerHost, port },
      network: vpcId === undefined ? null : { kind: 'cluster', vpcId, securityGroups },
    }
  }
  const instance = await rds.instance(db, signal)
  if (instance === undefined) throw nothingThere(deed, db, region)
  const { endpoint, vpcId, securityGroups } = instance
  return { endpoint, network: vpcId === undefined ? null : { kind: 'instance', vpcId, securityGroups } }
}

function silent(deed: string, db: string, thrown: unknown): LifeboatError {
  return new LifeboatError('step-failed', `unable to ${deed} '${db}': ${messageOf(thrown)}`, {
    hint:
      deed === 'fence'
        ? ENDPOINT_HINT
        : 'Only its region can put its security groups back: repeat it once that answers.',
    cause: thrown,
    details: { ...(thrown instanceof LifeboatError && thrown.details), opens: true },
  })
}

function nothingThere(deed: string, db: string, region: string): LifeboatError {
  return new LifeboatError(
    'step-failed',
    `unable to ${deed} '${db}': ${region} has no such instance or cluster`,
    {
      hint: `Write --db as RDS names it; if it was renamed or deleted, there is nothing to ${deed}.`,
    },
  )
}
