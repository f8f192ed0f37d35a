import { LifeboatError } from '../core/errors.ts'
import { rdsArn } from './aws-cli.ts'
import { findGroups, ownGroup } from './landing.ts'
import type { GlobalCluster, RdsCluster } from './ports/rds-clusters.ts'
import type { CloudPorts, RegionPorts } from './ports.ts'

export interface AuroraAddRegionOptions {
  readonly source: string
  readonly target: string
  readonly db: string
  readonly targetId: string | null
  readonly kmsKey: string | null
  readonly subnetGroup: string | null
  readonly securityGroups: readonly string[]
  readonly parameterGroup: string | null
  readonly classes: readonly string[]
  readonly zones: readonly string[]
  readonly multiAz: boolean | null
  readonly backupDays: number | null
}

export interface AuroraAddRegionFacts {
  readonly account: string
  readonly primaryArn: string
  /** Null where the cluster is in none yet. */
  readonly global: { readonly id: string; readonly arn: string } | null
  readonly engine: string
  readonly engineVersion: string
  readonly encrypted: boolean
  readonly kmsKeyArn: string | null
  readonly subnetGroup: string
  readonly parameterGroup: string | null
  readonly instanceClass: string
  readonly instances: number
  readonly port: number
  readonly iamAuthentication: boolean
  readonly logExports: readonly string[]
  readonly backupRetentionDays: number
  readonly serverless: { readonly minCapacity: number; readonly maxCapacity: number } | null
}

/** A global database has one primary and so many others. */
const MOST_SECONDARIES = 10

/** The primary is asked and has to be well: while its region is impaired nothing can be added to it. */
export async function gatherAuroraAddRegion(
  options: AuroraAddRegionOptions,
  { source, target, iam }: CloudPorts,
  signal: AbortSignal,
): Promise<AuroraAddRegionFacts> {
  const { account, partition } = await iam.caller(signal)
  const primaryArn = rdsArn(options.source, account, 'cluster', options.db, partition)
  const primary = await source.rds.cluster(options.db, signal)
  if (primary === undefined)
    throw closed(options, `${source.region} has no such cluster`, 'Check --db and --source.')
  refuseUnfit(options, primary)
  const globals = await source.rds.globalClusters(signal)
  const global = globals.find(({ members }) => members.some(({ clusterArn }) => clusterArn === primaryArn))
  if (global !== undefined) refuseFull(options, global, primaryArn)
  if (primary.encrypted && options.kmsKey === null) {
    const hint = 'Name a customer-managed key of the target region with --kms-key.'
    throw closed(options, 'it is encrypted, and no key of the target region was named', hint)
  }
  const groups = {
    ...options,
    subnetGroup: options.subnetGroup ?? primary.subnetGroup ?? '',
    parameterGroup: options.parameterGroup ?? ownGroup(primary.parameterGroup),
    optionGroup: null,
  }
  await findGroups(groups, 'cluster', target, (reason, hint) => closed(options, reason, hint), signal)
  const key = options.kmsKey === null ? undefined : await target.kms.key(options.kmsKey, signal)
  return {
    ...{ account, primaryArn, engine: primary.engine, engineVersion: primary.engineVersion },
    ...{ subnetGroup: groups.subnetGroup, parameterGroup: groups.parameterGroup },
    ...{ encrypted: primary.encrypted, port: primary.port, iamAuthentication: primary.iamAuthentication },
    ...{ logExports: primary.logExports, backupRetentionDays: primary.backupRetentionDays },
    global: global === undefined ? null : { id: global.id, arn: global.arn },
    // A key that is not there is what the first step says.
    kmsKeyArn: primary.encrypted ? (key?.arn ?? options.kmsKey) : null,
    instanceClass: await classOf(primary, source, signal),
    instances: Math.max(primary.members.length, 1),
    serverless: primary.serverless ?? null,
  }
}

async function classOf(primary: RdsCluster, { rds }: RegionPorts, signal: AbortSignal): Promise<string> {
  const writer = primary.members.find((member) => member.writer) ?? primary.members[0]
  const instance = writer === undefined ? undefined : await rds.instance(writer.instanceId, signal)
  return instance?.instanceClass ?? 'db.r6g.large'
}

function refuseUnfit(options: AuroraAddRegionOptions, { status, engine, engineMode }: RdsCluster): void {
  if (!engine.startsWith('aurora'))
    throw closed(
      options,
      `it is of engine ${engine}`,
      'Only Aurora has global databases: take copy-snapshot.',
    )
  if (engineMode === 'serverless')
    throw closed(options, 'it is of Aurora Serverless v1, which can not be global', 'Take copy-snapshot.')
  if (status !== 'available')
    throw closed(
      options,
      `its status is ${status}`,
      'Wait until it is available; if it will not be, take restore-snapshot.',
    )
}

function refuseFull(options: AuroraAddRegionOptions, global: GlobalCluster, primaryArn: string): void {
  const { members, id, status } = global
  const writer = members.find((member) => member.writer)
  if (writer !== undefined && writer.clusterArn !== primaryArn) {
    const [, , , , , , name] = writer.clusterArn.split(':')
    throw closed(
      options,
      `the primary of ${id} is ${name} in ${writer.region}`,
      'Name that one with --source and --db.',
    )
  }
  const there = members.find(({ region }) => region === options.target)
  if (there !== undefined)
    throw closed(
      options,
      `${id} is in ${options.target} already: ${there.clusterArn}`,
      'Take aurora-failover to move there.',
    )
  if (members.length > MOST_SECONDARIES)
    throw closed(
      options,
      `${id} has ${members.length - 1} secondaries, and AWS allows ${MOST_SECONDARIES}`,
      'Remove one, or take copy-snapshot.',
    )
  if (status !== 'available') throw closed(options, `${id} is ${status}`, 'Wait until it is available.')
}

function closed({ db, target }: AuroraAddRegionOptions, reason: string, hint: string): LifeboatError {
  return new LifeboatError('step-failed', `unable to add ${target} to '${db}': ${reason}`, { hint })
}
