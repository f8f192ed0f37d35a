import { faultOf } from '../core/cloud-fault.ts'
import { LifeboatError } from '../core/errors.ts'
import { rdsArn } from './aws-cli.ts'
import type { Endpoint, RdsInstance } from './ports/rds.ts'
import type { CloudPorts, RegionPorts } from './ports.ts'

export interface PromoteReplicaOptions {
  readonly source: string
  readonly target: string
  readonly db: string
  readonly replica: string | null
  readonly backupDays: number | null
  readonly maxLagSeconds: number | null
  readonly recreateReplica: boolean
  readonly kmsKey: string | null
  readonly acceptSplitBrain: boolean
}

export interface PromoteReplicaFacts {
  readonly account: string
  /** Of the caller; absent in journals from before it was kept. */
  readonly partition?: string
  readonly replica: string
  readonly engine: string
  readonly encrypted: boolean
  readonly multiAz: boolean
  /** Null where the source region gives no answer. */
  readonly primary: {
    readonly endpoint: Endpoint | null
    readonly multiAz: boolean
    readonly deletionProtection: boolean
    readonly backupRetentionDays: number
    readonly instanceClass: string
    readonly subnetGroup: string | null
    readonly securityGroups: readonly string[]
    readonly otherReplicas: readonly string[]
    /** Absent in journals from before they were asked for. */
    readonly iamAuthentication?: boolean
    /** Those that the replica does not export yet. */
    readonly logExports?: readonly string[]
  } | null
}

/** What the plan depends on: asked once, kept in the journal. */
export async function gatherPromoteReplica(
  options: PromoteReplicaOptions,
  { source, target, iam, remembered }: CloudPorts,
  signal: AbortSignal,
): Promise<PromoteReplicaFacts> {
  const { account, partition } = await iam.caller(signal)
  const primaryArn = rdsArn(options.source, account, 'db', options.db, partition)
  const there = await target.rds.instances(signal)
  const replicas = there.filter(({ replicaOf }) => replicaOf === primaryArn)
  const chosen = replicas.filter(({ id }) => options.replica === null || id === options.replica)
  const [replica] = chosen
  if (replica === undefined || chosen.length > 1) throw noReplica(options, replicas)
  const primary = await lookAtPrimary(options.db, { source, remembered }, signal)
  return {
    ...{ account, partition, replica: replica.id, engine: replica.engine },
    ...{ encrypted: replica.encrypted, multiAz: replica.multiAz },
    primary:
      primary === undefined
        ? null
        : {
            endpoint: primary.endpoint ?? null,
            multiAz: primary.multiAz,
            deletionProtection: primary.deletionProtection,
            backupRetentionDays: primary.backupRetentionDays,
            instanceClass: primary.instanceClass,
            iamAuthentication: primary.iamAuthentication,
            logExports: primary.logExports.filter((name) => !replica.logExports.includes(name)),
            subnetGroup: primary.subnetGroup ?? null,
            securityGroups: primary.securityGroups,
            otherReplicas: primary.replicas.filter((name) => name !== replica.arn),
          },
  }
}

/**
 * One question, and no answer is an answer, as is a refusal: the way is for when that region is dead, and needs nothing of it. Then
 * an inventory may know.
 */
async function lookAtPrimary(
  id: string,
  { source, remembered }: { source: RegionPorts; remembered: RegionPorts | undefined },
  signal: AbortSignal,
): Promise<RdsInstance | undefined> {
  try {
    return await source.rds.instance(id, signal)
  } catch (thrown) {
    if (faultOf(thrown) === undefined) throw thrown
    if (remembered === undefined) return undefined
    return await lookAtPrimary(id, { source: remembered, remembered: undefined }, signal)
  }
}

function noReplica(
  { db, replica, target }: PromoteReplicaOptions,
  all: readonly RdsInstance[],
): LifeboatError {
  const ids = all.map(({ id }) => id)
  const reason =
    ids.length === 0
      ? `it has no read replica in ${target}`
      : replica === null
        ? `it has several replicas in ${target}: ${ids.join(', ')}`
        : `'${replica}' is no replica of it in ${target}; those are ${ids.join(', ')}`
  return new LifeboatError('step-failed', `unable to promote a replica of '${db}': ${reason}`, {
    hint:
      ids.length === 0
        ? 'This way is closed. If it was promoted before, that run goes on with --resume RUN.'
        : `Name one of them with --replica, for example --replica ${ids[0]}.`,
  })
}
