import { LifeboatError } from '../core/errors.ts'
import { nameOf, type Runbook, type RunName, type Step, type Way } from '../core/runbook.ts'
import { checkFollows, createGlobal, createSecondary } from './add-region-steps.ts'
import {
  type AuroraAddRegionFacts,
  type AuroraAddRegionOptions,
  gatherAuroraAddRegion,
} from './aurora-add-region-facts.ts'
import { rdsArn } from './aws-cli.ts'
import { keyCheck } from './key-check.ts'
import { newOnes, SECURITY_GROUP_HINT } from './landing.ts'
import { placements } from './placement.ts'
import type { CloudPorts } from './ports.ts'
import { clusterInstance } from './restore-cluster.ts'
import { need, needOneDb, needRegions, type WayFlags } from './way-flags.ts'

export const auroraAddRegion: Way<WayFlags, AuroraAddRegionOptions, AuroraAddRegionFacts, CloudPorts> = {
  name: 'aurora-add-region',
  title: 'give an Aurora cluster a secondary in the other region',
  deadlineMs: 6 * 3_600_000,
  page: {
    open: [
      'The cluster and the RDS API of **both** regions are well: while the region of the primary is impaired this way is closed.',
      'The cluster is in no global database yet, or the primary of one with fewer than 10 secondaries and none in the target region.',
      'The target region has a subnet group, a security group, and a key for what is encrypted, and offers the same engine version.',
    ],
    costs: [
      'Data: nothing. It moves nobody yet: with aurora-failover afterwards, a switchover loses nothing either.',
      'Time: half an hour to hours, by size; the primary goes on meanwhile.',
      'Money: a second cluster with its instances and storage, the transfer of all data between the regions once, and of all writes from then on.',
    ],
  },
  choose: (flags) => ({
    ...needRegions(flags),
    db: needOneDb(flags, 'aurora-add-region'),
    targetId: flags.targetId === undefined ? null : need(flags.targetId, '--target-id', 'shop'),
    kmsKey: flags.kmsKey ?? null,
    subnetGroup: flags.subnetGroup ?? null,
    securityGroups: securityGroupsOf(flags),
    parameterGroup: flags.parameterGroup ?? null,
    classes: flags.class ?? [],
    zones: flags.zone ?? [],
    multiAz: flags.multiAz ?? null,
    backupDays: flags.backupDays ?? null,
  }),
  gather: gatherAuroraAddRegion,
  plan,
  example: {
    options: {
      ...{
        source: 'eu-west-1',
        target: 'eu-central-1',
        db: 'shop',
        targetId: 'shop',
        kmsKey: 'alias/databases',
      },
      ...{ subnetGroup: null, securityGroups: ['sg-0123456789abcdef0'], parameterGroup: null, classes: [] },
      ...{ zones: [], multiAz: null, backupDays: null },
    },
    facts: {
      ...{
        account: '111122223333',
        primaryArn: 'arn:aws:rds:eu-west-1:111122223333:cluster:shop',
        global: null,
      },
      ...{ engine: 'aurora-mysql', engineVersion: '8.0.mysql_aurora.3.08.0', encrypted: true },
      kmsKeyArn: 'arn:aws:kms:eu-central-1:111122223333:key/22222222-2222-4222-8222-222222222222',
      ...{ subnetGroup: 'private', parameterGroup: 'tuned', instanceClass: 'db.r6g.large', instances: 2 },
      ...{
        port: 3306,
        iamAuthentication: true,
        logExports: ['error'],
        backupRetentionDays: 7,
        serverless: null,
      },
    },
  },
}

function securityGroupsOf({ securityGroup = [] }: WayFlags): readonly string[] {
  if (securityGroup.length > 0) return securityGroup
  throw new LifeboatError('usage', 'unable to plan: --security-group is missing', {
    hint: SECURITY_GROUP_HINT,
  })
}

function plan(
  options: AuroraAddRegionOptions,
  facts: AuroraAddRegionFacts,
  run: RunName,
): Runbook<CloudPorts> {
  const { source, target, db, securityGroups, multiAz } = options
  const { account, engine, engineVersion, subnetGroup, parameterGroup, serverless, kmsKeyArn } = facts
  const { port, iamAuthentication, logExports } = facts
  const id = options.targetId ?? nameOf(run, '')
  const globalId = facts.global?.id ?? nameOf(run, 'global')
  const clusterArn = rdsArn(target, account, 'cluster', id, facts.primaryArn.split(':')[1])
  const shared = { region: target, account }
  const choices = placements([...new Set([facts.instanceClass, ...options.classes])], options.zones, false)
  const instances = multiAz === null ? facts.instances : multiAz ? Math.max(facts.instances, 2) : 1
  const steps: Step<CloudPorts>[] = [
    ...(kmsKeyArn === null ? [] : [keyCheck(target, kmsKeyArn, 'create-cluster')]),
    ...(facts.global === null ? [createGlobal(source, facts, globalId, run)] : []),
    createSecondary(
      {
        ...{ ...shared, id, globalId, engine, engineVersion, kmsKeyArn },
        settings: {
          ...{ subnetGroup, securityGroups, deletionProtection: true, iamAuthentication, logExports, port },
          ...(parameterGroup !== null && { parameterGroup }),
          ...(serverless !== null && { serverless }),
        },
        backupRetentionDays: options.backupDays ?? Math.max(facts.backupRetentionDays, 1),
      },
      run,
    ),
    ...Array.from({ length: instances }, (_, index) =>
      clusterInstance({ ...shared, clusterId: id, engine, number: index + 1, choices }, run),
    ),
    checkFollows(target, globalId, clusterArn),
  ]
  return {
    way: 'aurora-add-region',
    steps,
    makes: { kind: 'cluster', id, takesWrites: false },
    carries: { through: [], encrypted: facts.encrypted, asOf: null },
    needs: {
      ...{ engine, engineVersion, choices, multiAz: false, gib: null },
      ...newOnes('cluster', instances, 0),
    },
    moves: { from: source, to: target, gib: null },
    gathers: [
      ...['rds:DescribeDBClusters', 'rds:DescribeDBInstances', 'rds:DescribeGlobalClusters'],
      ...['rds:DescribeDBSubnetGroups', 'rds:DescribeDBClusterParameterGroups', 'kms:DescribeKey'],
      ...['rds:DescribeDBClusterParameters', 'rds:ListTagsForResource'],
    ],
    warnings: [
      `All data of ${db} goes from ${source} to ${target} once, and all that it takes from then on, which AWS charges.`,
      ...(facts.encrypted ? [] : [`${db} is not encrypted, and so its secondary can not be.`]),
      ...(facts.global === null
        ? [
            `${db} becomes the primary of a global database: some changes to it are then those of all its regions.`,
          ]
        : []),
    ],
    afterwards: [
      `${id} in ${target} follows ${db} and takes no writes. To move there: lifeboat migrate aurora-failover --source ${source} --target ${target} --db ${db} --confirm`,
      'Alarms, roles and DNS names are not made by this way.',
    ],
    rollback: [
      `${db} in ${source} goes on as it was. To take the region out again: delete the instances of ${id} (take off its deletion protection first), then aws rds remove-from-global-cluster --region ${target} --global-cluster-identifier ${globalId} --db-cluster-identifier ${clusterArn}, then delete ${id}.`,
      ...(facts.global === null
        ? [`Then take ${db} out of ${globalId} in the same way, and delete that.`]
        : []),
    ],
  }
}
