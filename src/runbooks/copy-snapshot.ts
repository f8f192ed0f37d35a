import { nameOf, type Runbook, type RunName, type Step, type Way } from '../core/runbook.ts'
import { rdsArn } from './aws-cli.ts'
import { type CopySnapshotFacts, gatherCopySnapshot } from './copy-snapshot-facts.ts'
import { type CopySnapshotOptions, chooseCopySnapshot } from './copy-snapshot-options.ts'
import { keyCheck } from './key-check.ts'
import { newOnes } from './landing.ts'
import { type Placement, placements } from './placement.ts'
import type { CloudPorts } from './ports.ts'
import { protectInstance } from './protect-instance.ts'
import { clusterInstance, protectCluster, restoreCluster } from './restore-cluster.ts'
import { restoreInstance } from './restore-instance.ts'
import { copySnapshotAcross, SNAPSHOT_WORDS, takeSnapshot } from './snapshot-steps.ts'
import type { WayFlags } from './way-flags.ts'

export const copySnapshot: Way<WayFlags, CopySnapshotOptions, CopySnapshotFacts, CloudPorts> = {
  name: 'copy-snapshot',
  title: 'copy a snapshot to the other region and restore it (RDS and Aurora)',
  deadlineMs: 6 * 3_600_000,
  page: {
    open: [
      'The RDS API of **both** regions answers: while that of the source is dead this way is closed.',
      'There is a snapshot of the database, automated or not, or time to take one (`--snapshot new`).',
      'The target region has a subnet group, a security group, and a key for what is encrypted.',
    ],
    costs: [
      'Data: all since the snapshot. With `--snapshot new`, all since that one was begun.',
      'Time: hours for terabytes. AWS copies at most 20 snapshots at once into a region (5 of Aurora), and those of one database one after the other: a copy that is queued shows no progress.',
      'Money: the transfer between the regions for each GiB, the storage of the copy, the new instance.',
      'A restored instance loads its storage lazily: it is slow until all of it has been read once.',
    ],
  },
  choose: chooseCopySnapshot,
  gather: gatherCopySnapshot,
  plan,
  example: {
    options: {
      ...{ source: 'eu-west-1', target: 'eu-central-1', db: 'shop', snapshot: 'new', targetId: 'shop' },
      ...{ kmsKey: 'alias/databases', subnetGroup: 'private', securityGroups: ['sg-0123456789abcdef0'] },
      ...{ parameterGroup: null, optionGroup: null, classes: [], zones: [], multiAz: null, backupDays: null },
      ...{ acceptUnencrypted: false, acceptUnencryptedCopy: false },
    },
    facts: {
      ...{ account: '111122223333', kind: 'instance', snapshot: null, gib: 200, engine: 'mysql' },
      ...{ engineVersion: '8.0.40', encrypted: true, subnetGroup: 'private', parameterGroup: 'tuned' },
      sourceKeyArn: 'arn:aws:kms:eu-west-1:111122223333:key/11111111-1111-4111-8111-111111111111',
      kmsKeyArn: 'arn:aws:kms:eu-central-1:111122223333:key/22222222-2222-4222-8222-222222222222',
      ...{ optionGroup: 'standard', instanceClass: 'db.r6g.large', instances: 0, multiAz: true, port: 3306 },
      ...{ iamAuthentication: true, logExports: ['error'], backupRetentionDays: 7 },
    },
  },
}

function plan(options: CopySnapshotOptions, facts: CopySnapshotFacts, run: RunName): Runbook<CloudPorts> {
  const { source, target, db, kmsKey } = options
  const { account, kind, snapshot, kmsKeyArn, sourceKeyArn } = facts
  const copyId = nameOf(run, 'copy')
  const id = options.targetId ?? nameOf(run, '')
  const taken = nameOf(run, 'snapshot')
  const sourceArn = snapshot?.arn ?? rdsArn(source, account, SNAPSHOT_WORDS[kind].arn, taken, facts.partition)
  // Aurora's copy can't encrypt what was not: the restore does.
  const copyKey = kind === 'cluster' && !facts.encrypted ? null : kmsKeyArn
  const steps: Step<CloudPorts>[] = [
    ...(kmsKey === null ? [] : [keyCheck(target, kmsKeyArn ?? kmsKey, 'copy-snapshot')]),
    ...(snapshot === null
      ? [takeSnapshot({ kind, region: source, account, id: taken, sourceId: db }, run)]
      : []),
    copySnapshotAcross(
      {
        ...{ kind, region: target, account, id: copyId, sourceRegion: source, sourceArn },
        ...(copyKey !== null && { kmsKeyArn: copyKey }),
        ...(sourceKeyArn !== null && { sourceKeyArn }),
        ...(kind === 'instance' && facts.optionGroup !== null && { optionGroup: facts.optionGroup }),
      },
      run,
    ),
    ...(kind === 'instance' ? instanceSteps : clusterSteps)(options, facts, { run, id, copyId }),
  ]
  return {
    way: 'copy-snapshot',
    steps,
    makes: { kind, id, takesWrites: true },
    carries: {
      through: [{ name: copyId, encrypted: copyKey !== null }],
      ...{ encrypted: facts.encrypted || kmsKey !== null, asOf: snapshot?.created ?? null },
    },
    needs: {
      ...{ engine: facts.engine, engineVersion: facts.engineVersion, gib: facts.gib > 0 ? facts.gib : null },
      ...newOnes(facts.kind, facts.instances, snapshot === null ? 2 : 1),
      choices: choicesOf(options, facts),
      multiAz: kind === 'instance' && (options.multiAz ?? facts.multiAz),
    },
    moves: { from: source, to: target, gib: facts.gib > 0 ? facts.gib : null },
    gathers: [
      ...['rds:DescribeDBInstances', 'rds:DescribeDBClusters', 'rds:DescribeDBSnapshots'],
      ...['rds:DescribeDBClusterSnapshots', 'rds:DescribeDBSubnetGroups', 'rds:DescribeOptionGroups'],
      ...['rds:DescribeDBParameterGroups', 'rds:DescribeDBClusterParameterGroups', 'kms:DescribeKey'],
      ...['rds:DescribeDBParameters', 'rds:DescribeDBClusterParameters', 'rds:ListTagsForResource'],
    ],
    warnings: [
      snapshot === null
        ? `What ${db} takes after its new snapshot is not in the copy.`
        : `The snapshot is of ${snapshot.created ?? 'an unknown time'}: what ${db} has taken since is not in the copy.`,
      ...(facts.gib > 0 ? [`About ${facts.gib} GiB go from ${source} to ${target}, which AWS charges.`] : []),
      ...(facts.encrypted || kmsKey !== null ? [] : ['The new database is not encrypted.']),
    ],
    afterwards: [
      `The database has another endpoint, in ${target}. ${db} in ${source} goes on as it was: nothing has switched yet.`,
      'It has a new resource id: IAM policies of `rds-db:connect` must name that one.',
      'Replicas, replicated backups, alarms, roles and DNS names are not made by this way.',
      `The copy ${copyId} stays: delete it when nobody needs it.`,
    ],
    rollback: [
      `Nothing of ${source} was changed. Delete ${id} in ${target} (take off its deletion protection first), then the copy.`,
    ],
  }
}

function choicesOf(options: CopySnapshotOptions, facts: CopySnapshotFacts): readonly Placement[] {
  const multiAz = facts.kind === 'instance' && (options.multiAz ?? facts.multiAz)
  return placements([...new Set([facts.instanceClass, ...options.classes])], options.zones, multiAz)
}

interface Names {
  readonly run: RunName
  readonly id: string
  readonly copyId: string
}

function instanceSteps(
  { target, securityGroups, classes, zones, ...options }: CopySnapshotOptions,
  facts: CopySnapshotFacts,
  { run, id, copyId }: Names,
): readonly Step<CloudPorts>[] {
  const { account, subnetGroup, parameterGroup, optionGroup, iamAuthentication, logExports, port } = facts
  const multiAz = options.multiAz ?? facts.multiAz
  return [
    restoreInstance(
      {
        ...{ region: target, account, id, snapshotId: copyId },
        choices: placements([...new Set([facts.instanceClass, ...classes])], zones, multiAz),
        settings: {
          ...{ subnetGroup, securityGroups, multiAz, publiclyAccessible: false, deletionProtection: true },
          ...{ iamAuthentication, logExports },
          ...(parameterGroup !== null && { parameterGroup }),
          ...(optionGroup !== null && { optionGroup }),
          ...(port !== null && { port }),
        },
      },
      run,
    ),
    protectInstance({
      ...{ region: target, account, id },
      wanted: {
        backupRetentionDays: options.backupDays ?? Math.max(facts.backupRetentionDays, 1),
        ...{ deletionProtection: true, multiAz, publiclyAccessible: false },
      },
    }),
  ]
}

function clusterSteps(
  { target, securityGroups, classes, zones, ...options }: CopySnapshotOptions,
  facts: CopySnapshotFacts,
  { run, id, copyId }: Names,
): readonly Step<CloudPorts>[] {
  const { account, engine, engineVersion, subnetGroup, parameterGroup, iamAuthentication, logExports } = facts
  const choices = placements([...new Set([facts.instanceClass, ...classes])], zones, false)
  const shared = { region: target, account }
  return [
    restoreCluster(
      {
        ...{ ...shared, id, snapshotId: copyId, engine, engineVersion },
        settings: {
          ...{ subnetGroup, securityGroups, deletionProtection: true, iamAuthentication, logExports },
          ...(parameterGroup !== null && { parameterGroup }),
          ...(facts.port !== null && { port: facts.port }),
        },
        ...(!facts.encrypted && facts.kmsKeyArn !== null && { kmsKeyArn: facts.kmsKeyArn }),
      },
      run,
    ),
    ...Array.from({ length: facts.instances }, (_, index) =>
      clusterInstance({ ...shared, clusterId: id, engine, number: index + 1, choices }, run),
    ),
    protectCluster({ ...shared, id, days: options.backupDays ?? Math.max(facts.backupRetentionDays, 1) }),
  ]
}
