import { faultOf } from '../core/cloud-fault.ts'
import type { Observation, Step } from '../core/runbook.ts'
import {
  type AuroraFailoverFacts,
  type AuroraFailoverOptions,
  wrongWithPrimary,
} from './aurora-failover-facts.ts'
import { aws, awsCheck, clusterAvailable, mayLook } from './aws-cli.ts'
import type { CloudPorts } from './ports.ts'

export type MoveMode = 'switchover' | 'failover'

const MINUTE = 60_000

/** A secondary that can take over, how far it is behind, and whether the primary is as it was thought to be. */
export function checkSecondary(
  options: AuroraFailoverOptions,
  { global, secondary }: AuroraFailoverFacts,
  mode: MoveMode,
): Step<CloudPorts> {
  const { source, target, db, maxLagSeconds } = options
  const cluster = { 'db-cluster-identifier': secondary.id }
  return {
    id: 'check-secondary',
    title: `look at secondary ${secondary.id} of ${target} and its lag`,
    effect: 'read',
    guards: mode,
    command: () => [aws(target, 'rds', 'describe-db-clusters', cluster)],
    check: () => clusterAvailable(target, secondary.id),
    permissions: () => [
      mayLook('rds:DescribeDBClusters', 'rds:DescribeGlobalClusters', 'cloudwatch:GetMetricStatistics'),
    ],
    async observe(ports, signal) {
      const { rds } = ports.target
      const [seen, whole] = [
        await rds.cluster(secondary.id, signal),
        await rds.globalCluster(global.id, signal),
      ]
      if (seen === undefined || whole === undefined)
        return { state: 'blocked', reason: 'it is not there any more', hint: 'Take another way out.' }
      if (seen.members.length === 0) {
        const hint = `Give it one first: aws rds create-db-instance --region ${target} --db-cluster-identifier ${secondary.id} --db-instance-identifier ${secondary.id}-1 --engine ${seen.engine} --db-instance-class CLASS`
        return { state: 'blocked', reason: 'it has no instance, and so nobody could write to it', hint }
      }
      if (/fail|inaccessible|incompatible|stopp/.test(seen.status))
        return { state: 'blocked', reason: `its status is ${seen.status}`, hint: 'Take another way out.' }
      if (seen.status !== 'available') return { state: 'running', reason: `status ${seen.status}` }
      if (mode === 'switchover' && minorOf(seen.engineVersion) !== minorOf(whole.engineVersion)) {
        return {
          ...{
            state: 'blocked',
            reason: `it is of version ${seen.engineVersion}, the primary of ${whole.engineVersion}`,
          },
          hint: 'Bring both to one version: a switchover wants that.',
        }
      }
      const ms = await lagOf(ports, secondary.id, maxLagSeconds !== null, signal)
      const lagSeconds = ms === undefined ? null : ms / 1000
      const shown = lagSeconds === null ? 'lag not known' : `lag ${lagSeconds} s`
      const facts = { lagSeconds, version: seen.engineVersion, instances: seen.members.length }
      if (maxLagSeconds !== null && (lagSeconds === null || lagSeconds > maxLagSeconds)) {
        return {
          ...{ state: 'blocked', reason: `${shown}, and --max-lag allows ${maxLagSeconds} s`, seen: facts },
          hint: 'Wait for the secondary to catch up, or give a higher --max-lag if that loss is acceptable.',
        }
      }
      const well =
        mode === 'failover' && !options.failover && (await isWell(ports, options, global.id, signal))
      if (well) {
        return {
          ...{
            state: 'blocked',
            reason: `${db} in ${source} is well again, and a switchover loses nothing`,
            seen: facts,
          },
          hint: 'Start a new run, which switches over; --failover fails over all the same.',
        }
      }
      return { state: 'done', reason: shown, seen: facts }
    },
    apply: () => Promise.resolve(),
  }
}

/** `8.0.mysql_aurora.3.08.0` and `15.4` up to their last number, which is the patch. */
function minorOf(version: string): string {
  return version.includes('aurora') ? version.replace(/\.\d+$/, '') : version
}

/** A failed look at it holds up nothing, unless there is a limit to hold it to. */
async function lagOf(
  { target: { cloudwatch } }: CloudPorts,
  clusterId: string,
  isNeeded: boolean,
  signal: AbortSignal,
): Promise<number | undefined> {
  const name = {
    namespace: 'AWS/RDS',
    metric: 'AuroraGlobalDBReplicationLag',
    dimensions: { DBClusterIdentifier: clusterId },
  }
  try {
    return (await cloudwatch.latest(name, signal))?.value
  } catch (thrown) {
    if (isNeeded || faultOf(thrown) === undefined) throw thrown
    return undefined
  }
}

/** No answer, or one that says otherwise, is a no. */
async function isWell(
  { source, target }: CloudPorts,
  { db }: AuroraFailoverOptions,
  globalId: string,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const global = await target.rds.globalCluster(globalId, signal)
    const primary = await source.rds.cluster(db, signal)
    return global !== undefined && wrongWithPrimary(primary, global) === null
  } catch (thrown) {
    if (faultOf(thrown) === undefined) throw thrown
    return false
  }
}

/** The secondary becomes the writer of all regions. */
export function movePrimary(
  { target }: AuroraFailoverOptions,
  { global, secondary, primaryArn }: AuroraFailoverFacts,
  mode: MoveMode,
): Step<CloudPorts> {
  const where = { 'global-cluster-identifier': global.id }
  const isFailover = mode === 'failover'
  return {
    id: mode,
    title: isFailover
      ? `fail over ${global.id} to ${target}, with loss of what is not there`
      : `switch over ${global.id} to ${target}`,
    effect: 'switch',
    usualMs: (isFailover ? 5 : 10) * MINUTE,
    command: () => [
      aws(target, 'rds', isFailover ? 'failover-global-cluster' : 'switchover-global-cluster', {
        ...where,
        'target-db-cluster-identifier': secondary.arn,
        // Without it RDS takes it for a switchover, which can't help in an outage.
        'allow-data-loss': isFailover ? true : undefined,
      }),
    ],
    check: () =>
      awsCheck(
        ...([target, 'rds', 'describe-global-clusters', where] as const),
        'GlobalClusters[0].[FailoverState.Status,GlobalClusterMembers[?IsWriter].DBClusterArn|[0]]',
        `None ${secondary.arn}`,
      ),
    permissions: () => [
      mayLook('rds:DescribeGlobalClusters'),
      {
        actions: [isFailover ? 'rds:FailoverGlobalCluster' : 'rds:SwitchoverGlobalCluster'],
        resources: [global.arn, secondary.arn, primaryArn],
      },
    ],
    async observe({ target: { rds } }, signal): Promise<Observation> {
      const seen = await rds.globalCluster(global.id, signal)
      if (seen === undefined)
        return { state: 'blocked', reason: `there is no global database ${global.id} any more` }
      if (seen.failover !== undefined)
        return {
          state: 'running',
          reason: `status ${seen.failover.status}`,
          queued: seen.failover.status === 'pending',
        }
      const member = seen.members.find(({ clusterArn }) => clusterArn === secondary.arn)
      if (member === undefined) {
        const hint = `If it was removed to stand by itself, it takes writes: look with aws rds describe-db-clusters --region ${target} --db-cluster-identifier ${secondary.id}`
        return { state: 'blocked', reason: `${secondary.id} is not in ${global.id} any more`, hint }
      }
      if (!member.writer) return { state: 'todo' }
      return { state: 'done', seen: { writer: secondary.arn, endpoint: seen.endpoint ?? null } }
    },
    apply: ({ target: { rds } }, signal) => {
      const move = { id: global.id, targetArn: secondary.arn }
      return isFailover ? rds.failoverGlobalCluster(move, signal) : rds.switchoverGlobalCluster(move, signal)
    },
  }
}

/** How the rest of it follows: AWS itself rebuilds the old side, once its region is well. */
export function lookAtOldSide(
  { source, target }: AuroraFailoverOptions,
  { global, primaryArn }: AuroraFailoverFacts,
): Step<CloudPorts> {
  const where = { 'global-cluster-identifier': global.id }
  return {
    id: 'look-at-old-side',
    title: `look how ${source} follows`,
    effect: 'read',
    command: () => [aws(target, 'rds', 'describe-global-clusters', where)],
    check: () =>
      awsCheck(
        ...([target, 'rds', 'describe-global-clusters', where] as const),
        'GlobalClusters[0].Status',
        'available',
      ),
    permissions: () => [mayLook('rds:DescribeGlobalClusters')],
    async observe({ target: { rds } }, signal) {
      const seen = await rds.globalCluster(global.id, signal)
      const old = seen?.members.find(({ clusterArn }) => clusterArn === primaryArn)
      const synchronization = old?.synchronization ?? null
      const reason =
        old === undefined
          ? 'it is not in the global database any more'
          : synchronization === 'connected'
            ? 'it follows'
            : `it does not follow yet: ${synchronization ?? 'AWS does not say how it stands'}`
      return { state: 'done', reason, seen: { oldSide: old === undefined ? 'removed' : synchronization } }
    },
    apply: () => Promise.resolve(),
  }
}
