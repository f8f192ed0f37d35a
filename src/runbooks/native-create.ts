import { RUN_TAG, type RunName, type Step } from '../core/runbook.ts'
import { aws, clusterAvailable, instanceAvailable, mayEncrypt, mayLook, rdsArn, tagWords } from './aws-cli.ts'
import type { NativeSettings } from './native-settings.ts'
import { firstWithRoom, type Placement } from './placement.ts'
import type { InstanceSettings } from './ports/rds.ts'
import type { ClusterSettings } from './ports/rds-clusters.ts'
import type { CloudPorts } from './ports.ts'
import { ownInstance } from './protect-instance.ts'
import { clusterWords, ownCluster } from './restore-cluster.ts'
import { groupArns, settingWords } from './restore-instance.ts'

const MINUTE = 60_000

export interface CreatePlan {
  readonly region: string
  readonly account: string
  readonly id: string
  readonly made: NativeSettings
  readonly securityGroups: readonly string[]
  readonly kmsKeyArn: string | null
  readonly choices: readonly Placement[]
}

type InstancePlan = CreatePlan & {
  readonly made: NativeSettings & { readonly storage: NonNullable<NativeSettings['storage']> }
}

export function isInstancePlan(plan: CreatePlan): plan is InstancePlan {
  return plan.made.kind === 'instance' && plan.made.storage !== null
}

export function createInstance(plan: InstancePlan, run: RunName): Step<CloudPorts> {
  const { region, account, id, made, choices, kmsKeyArn } = plan
  const { engine, engineVersion, storage, masterUser, databaseName, backupRetentionDays } = made
  const settings = instanceSettings(plan)
  const tags = { ...made.tags, [RUN_TAG]: run.id }
  return {
    id: 'create-instance',
    title: `create ${id} in ${region}, empty`,
    effect: 'create',
    usualMs: 15 * MINUTE,
    command: () => [
      aws(region, 'rds', 'create-db-instance', {
        'db-instance-identifier': id,
        engine,
        'engine-version': engineVersion,
        'allocated-storage': storage.gib,
        'storage-type': storage.type,
        iops: beyondIncluded(storage.type, storage.iops, 3_000),
        'storage-throughput': beyondIncluded(storage.type, storage.throughput, 125),
        ...originWords(plan),
        'db-name': databaseName ?? undefined,
        'license-model': made.licenseModel ?? undefined,
        'character-set-name': made.characterSet ?? undefined,
        timezone: made.timeZone ?? undefined,
        'backup-retention-period': backupRetentionDays,
        ...settingWords(settings, choices[0]),
        tags: tagWords(tags),
      }),
    ],
    check: () => instanceAvailable(region, id),
    permissions: () => [
      mayLook('rds:DescribeDBInstances'),
      {
        actions: ['rds:CreateDBInstance', 'rds:AddTagsToResource'],
        resources: [rdsArn(region, account, 'db', id), ...groupArns({ region, account }, settings)],
      },
      ...originPermissions(kmsKeyArn),
    ],
    observe: async ({ target: { rds } }, signal) =>
      ownInstance(await rds.instance(id, signal), run) ?? { state: 'todo' },
    apply: ({ target: { rds } }, signal) =>
      firstWithRoom(choices, (place) =>
        rds.createInstance(
          {
            ...{ ...settings, ...place, id, engine, engineVersion, storage, masterUser, tags },
            backupRetentionDays,
            ...(databaseName !== null && { databaseName }),
            ...(made.licenseModel !== null && { licenseModel: made.licenseModel }),
            ...(made.characterSet !== null && { characterSet: made.characterSet }),
            ...(made.timeZone !== null && { timeZone: made.timeZone }),
            ...(kmsKeyArn !== null && { kmsKeyArn }),
          },
          signal,
        ),
      ),
  }
}

/** Of Aurora, the cluster alone: it answers nobody before it has an instance. */
export function createCluster(plan: CreatePlan, run: RunName): Step<CloudPorts> {
  const { region, account, id, made, kmsKeyArn, securityGroups } = plan
  const { engine, engineVersion, masterUser, backupRetentionDays, parameterGroup, subnetGroup, port } = made
  const { iamAuthentication, logExports, serverless } = made
  const settings: ClusterSettings = {
    ...{ subnetGroup, securityGroups, deletionProtection: true, iamAuthentication, logExports },
    ...(parameterGroup !== null && { parameterGroup }),
    ...(port !== null && { port }),
    ...(serverless !== null && { serverless }),
  }
  const tags = { ...made.tags, [RUN_TAG]: run.id }
  return {
    id: 'create-cluster',
    title: `create cluster ${id} in ${region}, empty`,
    effect: 'create',
    usualMs: 5 * MINUTE,
    command: () => [
      aws(region, 'rds', 'create-db-cluster', {
        'db-cluster-identifier': id,
        engine,
        'engine-version': engineVersion,
        ...originWords(plan),
        'storage-type': made.storageType ?? undefined,
        'backup-retention-period': backupRetentionDays,
        ...clusterWords(settings),
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
          rdsArn(region, account, 'subgrp', subnetGroup),
          rdsArn(region, account, 'cluster-pg', parameterGroup ?? '*'),
        ],
      },
      ...originPermissions(kmsKeyArn),
    ],
    observe: async ({ target: { rds } }, signal) =>
      ownCluster(await rds.cluster(id, signal), run) ?? { state: 'todo' },
    apply: ({ target: { rds } }, signal) =>
      rds.createCluster(
        {
          ...{ ...settings, id, engine, engineVersion, masterUser, backupRetentionDays, tags },
          ...(made.storageType !== null && { storageType: made.storageType }),
          ...(kmsKeyArn !== null && { kmsKeyArn }),
        },
        signal,
      ),
  }
}

function instanceSettings({
  made,
  securityGroups,
}: CreatePlan): Omit<InstanceSettings, 'instanceClass' | 'zone'> {
  const { subnetGroup, multiAz, iamAuthentication, logExports, parameterGroup, optionGroup, port } = made
  return {
    ...{ subnetGroup, securityGroups, multiAz, publiclyAccessible: false, deletionProtection: true },
    ...{ iamAuthentication, logExports },
    ...(parameterGroup !== null && { parameterGroup }),
    ...(optionGroup !== null && { optionGroup }),
    ...(port !== null && { port }),
  }
}

/** What is not taken over from anything: encrypted always, and a password that nobody sees, which is on no command line. */
function originWords({ made, kmsKeyArn }: CreatePlan): Parameters<typeof aws>[3] {
  return {
    'storage-encrypted': true,
    'kms-key-id': kmsKeyArn ?? undefined,
    'master-username': made.masterUser,
    'manage-master-user-password': true,
  }
}

function originPermissions(kmsKeyArn: string | null) {
  return [
    // RDS puts the master password there, in the caller's name.
    {
      actions: ['secretsmanager:CreateSecret', 'secretsmanager:TagResource', 'kms:DescribeKey'],
      resources: ['*'],
    },
    ...mayEncrypt(kmsKeyArn),
  ]
}

/** What gp3 has by itself RDS reports, and refuses to be asked for on small volumes. */
function beyondIncluded(type: string, amount: number | undefined, included: number): number | undefined {
  return type === 'gp3' && amount !== undefined && amount <= included ? undefined : amount
}
