import { faultOf, isTransient } from '../core/cloud-fault.ts'
import { LifeboatError, messageOf } from '../core/errors.ts'
import { rdsArn } from './aws-cli.ts'
import type { Endpoint } from './ports/rds.ts'
import type { GlobalCluster, RdsCluster } from './ports/rds-clusters.ts'
import type { CloudPorts, RegionPorts } from './ports.ts'

export interface AuroraFailoverOptions {
  readonly source: string
  readonly target: string
  readonly db: string
  readonly maxLagSeconds: number | null
  readonly backupDays: number | null
  /** Fail over, though a switchover looks possible. */
  readonly failover: boolean
  readonly acceptDataLoss: boolean
  readonly acceptSplitBrain: boolean
}

export interface AuroraFailoverFacts {
  readonly account: string
  readonly global: { readonly id: string; readonly arn: string }
  readonly primaryArn: string
  /** Of the writer; from the global database's own where the source region gives no answer. */
  readonly endpoint: Endpoint | null
  /** Null for one that a switchover can be asked of; else what is wrong with it. */
  readonly impaired: string | null
  readonly secondary: { readonly id: string; readonly arn: string; readonly backupRetentionDays: number }
  /** Regions of further secondaries. */
  readonly others: readonly string[]
}

export async function gatherAuroraFailover(
  options: AuroraFailoverOptions,
  { source, target, iam }: CloudPorts,
  signal: AbortSignal,
): Promise<AuroraFailoverFacts> {
  const { db } = options
  const { account, partition } = await iam.caller(signal)
  const primaryArn = rdsArn(options.source, account, 'cluster', db, partition)
  const globals = await target.rds.globalClusters(signal)
  const global = globals.find(({ members }) => members.some(({ clusterArn }) => clusterArn === primaryArn))
  if (global === undefined) {
    const hint = 'This way is closed: take copy-snapshot or restore-snapshot, or check --db and --source.'
    throw closed(options, `${target.region} knows no global database that it is in`, hint)
  }
  const member = global.members.find(({ region }) => region === target.region)
  const secondary = member && (await target.rds.cluster(idOf(member.clusterArn), signal))
  if (member === undefined || secondary === undefined) {
    const regions = global.members.map(({ region }) => region).join(', ')
    throw closed(options, `${global.id} has no secondary in ${target.region}`, `It is in ${regions}.`)
  }
  if (member.writer)
    throw closed(
      options,
      `${target.region} is its primary already`,
      'There is nothing to do; a run that has stopped goes on with --resume RUN.',
    )
  const writer = global.members.find((each) => each.writer)
  if (writer !== undefined && writer.clusterArn !== primaryArn)
    throw closed(
      options,
      `its primary is ${idOf(writer.clusterArn)} in ${writer.region}`,
      `Name that one with --source and --db.`,
    )
  const { primary, impaired } = await judge(options, global, source, signal)
  const host = primary?.writerHost ?? global.endpoint
  return {
    ...{ account, primaryArn, impaired, global: { id: global.id, arn: global.arn } },
    endpoint: host === undefined ? null : { host, port: primary?.port ?? secondary.port },
    secondary: {
      ...{ id: secondary.id, arn: secondary.arn, backupRetentionDays: secondary.backupRetentionDays },
    },
    others: global.members.flatMap(({ region, clusterArn }) =>
      clusterArn === primaryArn || region === target.region ? [] : [region],
    ),
  }
}

/** Without data loss accepted a region that gives no answer is asked again, by whoever calls: it may be well in a moment. */
async function judge(
  options: AuroraFailoverOptions,
  global: GlobalCluster,
  source: RegionPorts,
  signal: AbortSignal,
): Promise<{ readonly primary: RdsCluster | undefined; readonly impaired: string | null }> {
  try {
    const primary = await source.rds.cluster(options.db, signal)
    const impaired = wrongWithPrimary(primary, global)
    if (impaired !== null && !options.acceptDataLoss) throw closed(options, impaired, LOSS_HINT)
    return { primary, impaired }
  } catch (thrown) {
    // Who may not look there can't tell either whether it is well.
    const isDenied = faultOf(thrown) === 'denied'
    if (!isDenied && (!isTransient(thrown) || faultOf(thrown) === 'throttled')) throw thrown
    const reason = `${source.region} ${isDenied ? 'does not let this account look' : 'gives no answer'}: ${messageOf(thrown)}`
    if (options.acceptDataLoss) return { primary: undefined, impaired: reason }
    throw new LifeboatError('step-failed', `unable to switch over '${options.db}': ${reason}`, {
      ...{ hint: LOSS_HINT, cause: thrown },
      details: { ...(thrown instanceof LifeboatError && thrown.details), opens: true },
    })
  }
}

const LOSS_HINT =
  'While the primary is not well only a failover can help: --accept data-loss, after a look at the lag.'

/** Null where a switchover, which loses nothing, can be asked of it. */
export function wrongWithPrimary(primary: RdsCluster | undefined, global: GlobalCluster): string | null {
  if (primary === undefined) return 'its primary is not there'
  if (/fail|inaccessible|incompatible|stopp/.test(primary.status)) return `its primary is ${primary.status}`
  return global.status === 'available' ? null : `the global database is ${global.status}`
}

export function idOf(clusterArn: string): string {
  return clusterArn.split(':').at(-1) ?? clusterArn
}

function closed({ db }: AuroraFailoverOptions, reason: string, hint: string): LifeboatError {
  return new LifeboatError('step-failed', `unable to fail over '${db}': ${reason}`, { hint })
}
