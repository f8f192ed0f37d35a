import { type Observation, RUN_TAG, type RunName, type Step } from '../core/runbook.ts'
import { aws, awsCheck, clusterAvailable, instanceAvailable, mayLook, rdsArn, tagWords } from './aws-cli.ts'
import { firstWithRoom, type Placement } from './placement.ts'
import type { ClusterSettings, RdsCluster } from './ports/rds-clusters.ts'
import type { CloudPorts, Tags } from './ports.ts'
import { ownInstance } from './protect-instance.ts'

export interface ClusterRestorePlan {
  readonly region: string
  readonly account: string
  readonly id: string
  readonly snapshotId: string
  readonly engine: string
  readonly engineVersion: string
  readonly settings: ClusterSettings
  /** Only where the snapshot itself is not encrypted: else the snapshot's key is kept. */
  readonly kmsKeyArn?: string
  /** That the old one had. */
  readonly tags?: Tags
}

/** The cluster alone: it answers nobody before it has an instance. */
export function restoreCluster(plan: ClusterRestorePlan, run: RunName): Step<CloudPorts> {
  const { region, account, id, snapshotId, engine, engineVersion, settings, kmsKeyArn } = plan
  const tags = { ...plan.tags, [RUN_TAG]: run.id }
  return {
    id: 'restore',
    title: `restore cluster ${id} in ${region}`,
    effect: 'create',
    usualMs: 20 * 60_000,
    command: () => [
      aws(region, 'rds', 'restore-db-cluster-from-snapshot', {
        'db-cluster-identifier': id,
        'snapshot-identifier': snapshotId,
        engine,
        'engine-version': engineVersion,
        'kms-key-id': kmsKeyArn,
        ...clusterWords(settings),
        tags: tagWords(tags),
      }),
    ],
    check: () => clusterAvailable(region, id),
    permissions: () => [
      mayLook('rds:DescribeDBClusters'),
      {
        actions: ['rds:RestoreDBClusterFromSnapshot', 'rds:AddTagsToResource'],
        resources: [
          rdsArn(region, account, 'cluster', id),
          rdsArn(region, account, 'cluster-snapshot', snapshotId),
          rdsArn(region, account, 'subgrp', settings.subnetGroup),
          rdsArn(region, account, 'cluster-pg', settings.parameterGroup ?? '*'),
        ],
      },
    ],
    observe: async ({ target: { rds } }, signal) =>
      ownCluster(await rds.cluster(id, signal), run) ?? { state: 'todo' },
    apply: ({ target: { rds } }, signal) =>
      rds.restoreCluster(
        {
          ...{ ...settings, id, snapshotId, engine, engineVersion, tags },
          ...(kmsKeyArn !== undefined && { kmsKeyArn }),
        },
        signal,
      ),
  }
}

/** Everything set explicitly: RDS's own defaults are an open security group and a default parameter group. */
export function clusterWords(settings: ClusterSettings): Parameters<typeof aws>[3] {
  const { serverless } = settings
  return {
    'db-subnet-group-name': settings.subnetGroup,
    'vpc-security-group-ids': settings.securityGroups,
    'db-cluster-parameter-group-name': settings.parameterGroup,
    'deletion-protection': settings.deletionProtection,
    'enable-iam-database-authentication': settings.iamAuthentication,
    'enable-cloudwatch-logs-exports': settings.logExports?.length ? settings.logExports : undefined,
    'copy-tags-to-snapshot': true,
    port: settings.port,
    'serverless-v2-scaling-configuration':
      serverless && `MinCapacity=${serverless.minCapacity},MaxCapacity=${serverless.maxCapacity}`,
  }
}

export interface ClusterInstancePlan {
  readonly region: string
  readonly account: string
  readonly clusterId: string
  readonly engine: string
  /** From 1, the writer. */
  readonly number: number
  readonly choices: readonly Placement[]
  readonly parameterGroup?: string
  /** That the old one had. */
  readonly tags?: Tags
}

export function clusterInstance(plan: ClusterInstancePlan, run: RunName): Step<CloudPorts> {
  const { region, account, clusterId, engine, number, choices, parameterGroup } = plan
  const id = `${clusterId}-${number}`
  const tags = { ...plan.tags, [RUN_TAG]: run.id }
  const [first] = choices
  return {
    id: `create-instance-${number}`,
    title: `create instance ${id} of the cluster`,
    effect: 'create',
    usualMs: 10 * 60_000,
    command: () => [
      aws(region, 'rds', 'create-db-instance', {
        'db-instance-identifier': id,
        'db-cluster-identifier': clusterId,
        engine,
        'db-instance-class': first?.instanceClass,
        'availability-zone': first?.zone,
        'db-parameter-group-name': parameterGroup,
        'publicly-accessible': false,
        tags: tagWords(tags),
      }),
    ],
    check: () => instanceAvailable(region, id),
    permissions: () => [
      mayLook('rds:DescribeDBInstances'),
      {
        actions: ['rds:CreateDBInstance', 'rds:AddTagsToResource'],
        resources: [
          rdsArn(region, account, 'db', id),
          rdsArn(region, account, 'cluster', clusterId),
          ...(parameterGroup === undefined ? [] : [rdsArn(region, account, 'pg', parameterGroup)]),
        ],
      },
    ],
    observe: async ({ target: { rds } }, signal) =>
      ownInstance(await rds.instance(id, signal), run) ?? { state: 'todo' },
    apply: ({ target: { rds } }, signal) =>
      firstWithRoom(choices, (place) =>
        rds.createClusterInstance(
          {
            ...{ ...place, id, clusterId, engine, publiclyAccessible: false, tags },
            ...(parameterGroup !== undefined && { parameterGroup }),
          },
          signal,
        ),
      ),
  }
}

export function ownCluster(cluster: RdsCluster | undefined, run: RunName): Observation | undefined {
  if (cluster === undefined) return undefined
  if (cluster.tags[RUN_TAG] !== run.id) {
    return {
      state: 'blocked',
      reason: `there is a cluster ${cluster.id} already, which this run has not made`,
      hint: 'Choose another name with --target-id.',
    }
  }
  if (/fail|incompatible|inaccessible/.test(cluster.status))
    return { state: 'blocked', reason: `its status is ${cluster.status}`, hint: 'Delete it, then go on.' }
  if (cluster.status !== 'available') return { state: 'running', reason: `status ${cluster.status}` }
  const endpoint = cluster.writerHost === undefined ? null : `${cluster.writerHost}:${cluster.port}`
  return { state: 'done', seen: { arn: cluster.arn, resourceId: cluster.resourceId, endpoint } }
}

/** Days of backups, which a restore can't be told. */
export function protectCluster({
  region,
  account,
  id,
  days,
}: {
  region: string
  account: string
  id: string
  days: number
}): Step<CloudPorts> {
  return {
    id: 'protect',
    title: `set backups and protection of ${id}`,
    effect: 'create',
    usualMs: 60_000,
    command: () => [
      aws(region, 'rds', 'modify-db-cluster', {
        'db-cluster-identifier': id,
        'backup-retention-period': days,
        'deletion-protection': true,
        'apply-immediately': true,
      }),
    ],
    check: () =>
      awsCheck(
        ...([region, 'rds', 'describe-db-clusters', { 'db-cluster-identifier': id }] as const),
        'DBClusters[0].[Status,BackupRetentionPeriod,DeletionProtection]',
        `available ${days} True`,
      ),
    permissions: () => [
      mayLook('rds:DescribeDBClusters'),
      { actions: ['rds:ModifyDBCluster'], resources: [rdsArn(region, account, 'cluster', id)] },
    ],
    async observe({ target: { rds } }, signal) {
      const cluster = await rds.cluster(id, signal)
      if (cluster === undefined) return { state: 'blocked', reason: `there is no cluster ${id}` }
      if (cluster.status !== 'available') return { state: 'running', reason: `status ${cluster.status}` }
      const { backupRetentionDays, deletionProtection } = cluster
      if (backupRetentionDays >= days && deletionProtection)
        return { state: 'done', seen: { backupRetentionDays, deletionProtection } }
      return { state: 'todo' }
    },
    apply: ({ target: { rds } }, signal) =>
      rds.modifyCluster(id, { backupRetentionDays: days, deletionProtection: true }, signal),
  }
}
