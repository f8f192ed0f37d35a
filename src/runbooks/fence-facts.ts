import { isTransient } from '../core/cloud-fault.ts'
import { LifeboatError, messageOf } from '../core/errors.ts'
import { plainHost } from './cutover-options.ts'
import type { Endpoint } from './ports/rds.ts'
import type { CloudPorts } from './ports.ts'

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
  readonly account: string
  readonly endpoint: Endpoint
  /** Null where nobody could log in. Kept before anything is done: `undo` lifts it. */
  readonly sql: {
    readonly statements: readonly string[]
    readonly undo: readonly string[]
    readonly limits: readonly string[]
  } | null
  /** Null where the API gives no answer. */
  readonly network: {
    readonly kind: 'instance' | 'cluster'
    readonly vpcId: string
    readonly securityGroups: readonly string[]
  } | null
}

export async function gatherFence(
  { source: region, db, from }: FenceOptions,
  { source, iam, database }: CloudPorts,
  signal: AbortSignal,
): Promise<FenceFacts> {
  const { account } = await iam.caller(signal)
  const found = await lookUp(db, source, from !== null, signal)
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

interface Found {
  readonly endpoint: Endpoint | undefined
  readonly network: FenceFacts['network']
}

async function lookUp(
  db: string,
  source: CloudPorts['source'],
  isEnough: boolean,
  signal: AbortSignal,
): Promise<Found | undefined> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask(db, source, signal)
    } catch (thrown) {
      if (!isTransient(thrown)) throw thrown
      // Without an endpoint nothing can be done: then it is asked for as long as anything is.
      if (!isEnough) throw silent(db, thrown)
      if (tries === MOST_TRIES) return undefined
    }
  }
}

async function ask(db: string, { rds, region }: CloudPorts['source'], signal: AbortSignal): Promise<Found> {
  const cluster = await rds.cluster(db, signal)
  if (cluster !== undefined) {
    const { writerHost, port, vpcId, securityGroups } = cluster
    return {
      endpoint: writerHost === undefined ? undefined : { host: writerHost, port },
      network: vpcId === undefined ? null : { kind: 'cluster', vpcId, securityGroups },
    }
  }
  const instance = await rds.instance(db, signal)
  if (instance === undefined) throw nothingThere(db, region)
  const { endpoint, vpcId, securityGroups } = instance
  return { endpoint, network: vpcId === undefined ? null : { kind: 'instance', vpcId, securityGroups } }
}

function silent(db: string, thrown: unknown): LifeboatError {
  return new LifeboatError('step-failed', `unable to fence '${db}': ${messageOf(thrown)}`, {
    hint: ENDPOINT_HINT,
    cause: thrown,
    details: { ...(thrown instanceof LifeboatError && thrown.details), opens: true },
  })
}

function nothingThere(db: string, region: string): LifeboatError {
  return new LifeboatError(
    'step-failed',
    `unable to fence '${db}': ${region} has no such instance or cluster`,
    {
      hint: 'Write --db as RDS names it; if it was renamed or deleted, there is nothing to fence.',
    },
  )
}
