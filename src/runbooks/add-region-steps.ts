import { RUN_TAG, type RunName, type Step } from '../core/runbook.ts'
import type { AuroraAddRegionFacts } from './aurora-add-region-facts.ts'
import {
  aws,
  awsCheck,
  clusterAvailable,
  mayEncrypt,
  mayLook,
  partitionOf,
  rdsArn,
  tagWords,
} from './aws-cli.ts'
import type { ClusterSettings } from './ports/rds-clusters.ts'
import type { CloudPorts } from './ports.ts'
import { ownCluster } from './restore-cluster.ts'

const MINUTE = 60_000

export function globalArn(region: string, account: string, id: string): string {
  return `arn:${partitionOf(region)}:rds::${account}:global-cluster:${id}`
}

/** Around the cluster as it is: it goes on meanwhile. */
export function createGlobal(
  source: string,
  { account, primaryArn }: AuroraAddRegionFacts,
  id: string,
  run: RunName,
): Step<CloudPorts> {
  const where = { 'global-cluster-identifier': id }
  return {
    id: 'create-global',
    title: `make a global database ${id} around ${primaryArn}`,
    effect: 'create',
    usualMs: MINUTE,
    command: () => [
      aws(source, 'rds', 'create-global-cluster', {
        ...{ ...where, 'source-db-cluster-identifier': primaryArn },
        tags: tagWords({ [RUN_TAG]: run.id }),
      }),
    ],
    check: () =>
      awsCheck(
        ...([source, 'rds', 'describe-global-clusters', where] as const),
        'GlobalClusters[0].Status',
        'available',
      ),
    permissions: () => [
      mayLook('rds:DescribeGlobalClusters'),
      {
        actions: ['rds:CreateGlobalCluster', 'rds:AddTagsToResource'],
        resources: [globalArn(source, account, id), primaryArn],
      },
    ],
    async observe({ source: { rds } }, signal) {
      const seen = await rds.globalCluster(id, signal)
      if (seen === undefined) return { state: 'todo' }
      if (!seen.members.some(({ clusterArn }) => clusterArn === primaryArn))
        return { state: 'blocked', reason: `there is a global database ${id} already, of something else` }
      if (seen.status !== 'available') return { state: 'running', reason: `status ${seen.status}` }
      return { state: 'done', seen: { arn: seen.arn } }
    },
    apply: ({ source: { rds } }, signal) =>
      rds.createGlobalCluster({ id, primaryArn, tags: { [RUN_TAG]: run.id } }, signal),
  }
}

export interface SecondaryPlan {
  readonly region: string
  readonly account: string
  readonly id: string
  readonly globalId: string
  readonly engine: string
  readonly engineVersion: string
  readonly settings: ClusterSettings
  readonly kmsKeyArn: string | null
  readonly backupRetentionDays: number
}

/** The cluster alone: it has no instance yet, and a failover to one without can't be. */
export function createSecondary(plan: SecondaryPlan, run: RunName): Step<CloudPorts> {
  const { region, account, id, globalId, engine, engineVersion, settings, kmsKeyArn } = plan
  const { backupRetentionDays } = plan
  const { serverless } = settings
  const tags = { [RUN_TAG]: run.id }
  return {
    id: 'create-cluster',
    title: `create secondary cluster ${id} in ${region}`,
    effect: 'create',
    usualMs: 10 * MINUTE,
    command: () => [
      aws(region, 'rds', 'create-db-cluster', {
        'db-cluster-identifier': id,
        'global-cluster-identifier': globalId,
        engine,
        'engine-version': engineVersion,
        'db-subnet-group-name': settings.subnetGroup,
        'vpc-security-group-ids': settings.securityGroups,
        'db-cluster-parameter-group-name': settings.parameterGroup,
        'kms-key-id': kmsKeyArn ?? undefined,
        'storage-encrypted': kmsKeyArn === null ? undefined : true,
        'deletion-protection': settings.deletionProtection,
        'enable-iam-database-authentication': settings.iamAuthentication,
        'enable-cloudwatch-logs-exports': settings.logExports?.length ? settings.logExports : undefined,
        'backup-retention-period': backupRetentionDays,
        'copy-tags-to-snapshot': true,
        port: settings.port,
        'serverless-v2-scaling-configuration':
          serverless && `MinCapacity=${serverless.minCapacity},MaxCapacity=${serverless.maxCapacity}`,
        tags: tagWords(tags),
      }),
    ],
    check: () => clusterAvailable(region, id),
    permissions: () => [
      mayLook('rds:DescribeDBClusters'),
      {
        actions: ['rds:CreateDBCluster', 'rds:AddTagsToResource'],
        resources: [
          rdsArn(region, account, 'cluster', id),
          globalArn(region, account, globalId),
          rdsArn(region, account, 'subgrp', settings.subnetGroup),
          rdsArn(region, account, 'cluster-pg', settings.parameterGroup ?? '*'),
        ],
      },
      ...mayEncrypt(kmsKeyArn),
    ],
    observe: async ({ target: { rds } }, signal) =>
      ownCluster(await rds.cluster(id, signal), run) ?? { state: 'todo' },
    apply: ({ target: { rds } }, signal) =>
      rds.createCluster(
        {
          ...{ ...settings, id, engine, engineVersion, globalClusterId: globalId, backupRetentionDays, tags },
          ...(kmsKeyArn !== null && { kmsKeyArn }),
        },
        signal,
      ),
  }
}

/** A secondary is one only once it follows. */
export function checkFollows(region: string, globalId: string, clusterArn: string): Step<CloudPorts> {
  const where = { 'global-cluster-identifier': globalId }
  const [, , , , , , id = ''] = clusterArn.split(':')
  return {
    id: 'check-follows',
    title: `wait until ${id} follows the primary`,
    effect: 'read',
    pollMs: 30_000,
    command: () => [aws(region, 'rds', 'describe-global-clusters', where)],
    check: () =>
      awsCheck(
        ...([region, 'rds', 'describe-global-clusters', where] as const),
        `GlobalClusters[0].GlobalClusterMembers[?DBClusterArn=='${clusterArn}'].SynchronizationStatus|[0]`,
        'connected',
      ),
    permissions: () => [mayLook('rds:DescribeGlobalClusters', 'cloudwatch:GetMetricStatistics')],
    async observe({ target: { rds, cloudwatch } }, signal) {
      const global = await rds.globalCluster(globalId, signal)
      const member = global?.members.find((each) => each.clusterArn === clusterArn)
      if (member === undefined)
        return {
          state: 'blocked',
          reason: `${globalId} does not have it`,
          hint: 'Delete it, then start a new run.',
        }
      if (member.synchronization === 'pending-resync')
        return { state: 'running', reason: 'it is being brought up to date' }
      const lag = await cloudwatch.latest(
        {
          ...{ namespace: 'AWS/RDS', metric: 'AuroraGlobalDBReplicationLag' },
          dimensions: { DBClusterIdentifier: id },
        },
        signal,
      )
      const seen = { lagSeconds: lag === undefined ? null : lag.value / 1000 }
      return { state: 'done', reason: member.synchronization ?? 'AWS does not say how it follows', seen }
    },
    apply: () => Promise.resolve(),
  }
}
