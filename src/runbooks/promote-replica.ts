import { nameOf, RUN_TAG, type Runbook, type RunName, type Step, type Way } from '../core/runbook.ts'
import { aws, awsCheck, instanceAvailable, mayLook, rdsArn, tagWords } from './aws-cli.ts'
import { fenceCheck } from './fence-check.ts'
import type { CloudPorts } from './ports.ts'
import {
  gatherPromoteReplica,
  type PromoteReplicaFacts,
  type PromoteReplicaOptions,
} from './promote-replica-facts.ts'
import { ownInstance, protectInstance } from './protect-instance.ts'
import { accepted, needOneDb, needRegions, type WayFlags } from './way-flags.ts'

const MINUTE = 60_000

export const promoteReplica: Way<WayFlags, PromoteReplicaOptions, PromoteReplicaFacts, CloudPorts> = {
  name: 'promote-replica',
  title: 'promote a cross-region read replica (RDS)',
  deadlineMs: 45 * MINUTE,
  page: {
    open: [
      'There is a read replica of the database in the target region, and the RDS API of the target region answers.',
      'The source region may be dead: nothing of it is needed. Not for Aurora, which has a way of its own.',
    ],
    costs: [
      'Data: what the replica had not yet got. The lag is shown first, and `--max-lag` sets a limit.',
      'Time: mostly 5 to 15 minutes; the replica restarts. A backup of it that is just being made has to end first.',
      'Money: nothing beyond the replica itself; Multi-AZ doubles it.',
    ],
  },
  choose: (flags) => ({
    ...needRegions(flags),
    db: needOneDb(flags, 'promote-replica'),
    replica: flags.replica ?? null,
    backupDays: flags.backupDays ?? null,
    maxLagSeconds: flags.maxLagSeconds ?? null,
    recreateReplica: flags.recreateReplica ?? false,
    kmsKey: flags.kmsKey ?? null,
    acceptSplitBrain: accepted(flags).includes('split-brain'),
  }),
  gather: gatherPromoteReplica,
  plan,
  example: {
    options: {
      ...{ source: 'eu-west-1', target: 'eu-central-1', db: 'shop', replica: null, backupDays: null },
      ...{ maxLagSeconds: null, recreateReplica: false, kmsKey: null, acceptSplitBrain: false },
    },
    facts: {
      ...{
        account: '111122223333',
        replica: 'shop-replica',
        engine: 'mysql',
        encrypted: true,
        multiAz: false,
      },
      primary: {
        endpoint: { host: 'shop.c1sim.eu-west-1.rds.amazonaws.com', port: 3306 },
        ...{ multiAz: true, deletionProtection: true, backupRetentionDays: 7, instanceClass: 'db.r6g.large' },
        ...{ subnetGroup: 'private', securityGroups: ['sg-0123456789abcdef0'], otherReplicas: [] },
        ...{ iamAuthentication: true, logExports: ['error'] },
      },
    },
  },
}

function plan(options: PromoteReplicaOptions, facts: PromoteReplicaFacts, run: RunName): Runbook<CloudPorts> {
  const { source, target, db, recreateReplica, acceptSplitBrain } = options
  const { account, replica, primary } = facts
  const backupDays = options.backupDays ?? Math.max(primary?.backupRetentionDays ?? 7, 1)
  const steps: Step<CloudPorts>[] = [
    lookAtReplica(options, facts),
    fenceCheck(primary?.endpoint ?? undefined, acceptSplitBrain, 'promote', options),
    promote(options, facts, backupDays),
    protectInstance({
      ...{ region: target, account, id: replica },
      wanted: {
        ...{ backupRetentionDays: backupDays, deletionProtection: true, publiclyAccessible: false },
        ...(primary?.multiAz === true && { multiAz: true }),
        ...(primary?.iamAuthentication === true && { iamAuthentication: true }),
        ...(primary?.logExports?.length && { logExports: primary.logExports }),
      },
    }),
    ...(recreateReplica ? [newReplica(options, facts, run)] : []),
  ]
  const others = primary?.otherReplicas ?? []
  return {
    way: 'promote-replica',
    steps,
    makes: { kind: 'instance', id: replica, takesWrites: true },
    carries: {
      through: [{ name: replica, encrypted: facts.encrypted }],
      ...{ encrypted: facts.encrypted, asOf: null },
    },
    gathers: ['rds:DescribeDBInstances', 'rds:ListTagsForResource'],
    warnings: [
      'Promotion can not be taken back: the replica never follows the old primary again.',
      ...(primary === null
        ? [`${source} gives no answer: what ${db} was set to there (Multi-AZ, backups) is not known.`]
        : []),
      ...(others.length === 0 ? [] : [`These still follow the old primary: ${others.join(', ')}.`]),
    ],
    afterwards: [
      `The database has another endpoint: that of ${replica} in ${target}.`,
      `Parameter and option group stay those of the replica: its parameters are compared with the old primary's, its options are not.`,
      `What the old primary takes from now on is lost. When ${source} is back, keep applications away from ${db} there.`,
      ...(recreateReplica
        ? []
        : [
            `There is no replica in another region any more: --recreate-replica makes one in ${source}, once that is well again.`,
          ]),
    ],
    rollback: [
      `Before the step 'promote' nothing has changed.`,
      `Afterwards only by a new replica in ${source} that follows ${replica}, and its promotion.`,
    ],
  }
}

function lookAtReplica(options: PromoteReplicaOptions, { replica }: PromoteReplicaFacts): Step<CloudPorts> {
  const { target, maxLagSeconds } = options
  const instance = { 'db-instance-identifier': replica }
  return {
    id: 'check-replica',
    title: `look at replica ${replica} and its lag`,
    effect: 'read',
    guards: 'promote',
    command: () => [aws(target, 'rds', 'describe-db-instances', instance)],
    check: () => instanceAvailable(target, replica),
    permissions: () => [mayLook('rds:DescribeDBInstances', 'cloudwatch:GetMetricStatistics')],
    async observe({ target: { rds, cloudwatch } }, signal) {
      const seen = await rds.instance(replica, signal)
      if (seen === undefined)
        return { state: 'blocked', reason: 'it is not there any more', hint: 'Take another way out.' }
      if (seen.replicaOf === undefined) return { state: 'done', reason: 'promoted already' }
      const lag = await cloudwatch.latest(
        { namespace: 'AWS/RDS', metric: 'ReplicaLag', dimensions: { DBInstanceIdentifier: replica } },
        signal,
      )
      // RDS says -1 where it can't tell: replication has stopped.
      const lagSeconds = lag === undefined || lag.value < 0 ? null : lag.value
      const facts = {
        lagSeconds,
        lagMeasured: lag?.at.toISOString() ?? null,
        replication: seen.replicationError ?? 'ok',
      }
      const shown = lagSeconds === null ? 'lag not known' : `lag ${lagSeconds} s`
      if (maxLagSeconds !== null && (lagSeconds === null || lagSeconds > maxLagSeconds)) {
        return {
          ...{ state: 'blocked', reason: `${shown}, and --max-lag allows ${maxLagSeconds} s`, seen: facts },
          hint: 'Wait for the replica to catch up, or give a higher --max-lag if that loss is acceptable.',
        }
      }
      return { state: 'done', reason: shown, seen: facts }
    },
    apply: () => Promise.resolve(),
  }
}

function promote(
  { target }: PromoteReplicaOptions,
  { account, replica }: PromoteReplicaFacts,
  backupDays: number,
): Step<CloudPorts> {
  const instance = { 'db-instance-identifier': replica }
  return {
    id: 'promote',
    title: `promote ${replica}`,
    effect: 'switch',
    usualMs: 10 * MINUTE,
    command: () => [
      aws(target, 'rds', 'promote-read-replica', { ...instance, 'backup-retention-period': backupDays }),
    ],
    check: () =>
      awsCheck(
        ...([target, 'rds', 'describe-db-instances', instance] as const),
        'DBInstances[0].[DBInstanceStatus,ReadReplicaSourceDBInstanceIdentifier]',
        'available None',
      ),
    permissions: () => [
      mayLook('rds:DescribeDBInstances'),
      { actions: ['rds:PromoteReadReplica'], resources: [rdsArn(target, account, 'db', replica)] },
    ],
    async observe({ target: { rds } }, signal) {
      const seen = await rds.instance(replica, signal)
      if (seen === undefined) return { state: 'blocked', reason: 'it is not there any more' }
      if (seen.status !== 'available') return { state: 'running', reason: `status ${seen.status}` }
      if (seen.replicaOf !== undefined) return { state: 'todo' }
      const endpoint = seen.endpoint === undefined ? null : `${seen.endpoint.host}:${seen.endpoint.port}`
      return { state: 'done', seen: { endpoint, resourceId: seen.resourceId } }
    },
    apply: ({ target: { rds } }, signal) =>
      rds.promoteReplica({ id: replica, backupRetentionDays: backupDays }, signal),
  }
}

function newReplica(
  { source, target, kmsKey }: PromoteReplicaOptions,
  { account, partition, replica, primary, encrypted }: PromoteReplicaFacts,
  run: RunName,
): Step<CloudPorts> {
  const id = nameOf(run, 'replica')
  const sourceArn = rdsArn(target, account, 'db', replica, partition)
  const instanceClass = primary?.instanceClass ?? 'db.r6g.large'
  const settings = { instanceClass, publiclyAccessible: false, deletionProtection: false }
  const tags = { [RUN_TAG]: run.id }
  return {
    id: 'recreate-replica',
    title: `create replica ${id} in ${source}`,
    effect: 'create',
    usualMs: 40 * MINUTE,
    command: () => [
      aws(source, 'rds', 'create-db-instance-read-replica', {
        'db-instance-identifier': id,
        'source-db-instance-identifier': sourceArn,
        'db-instance-class': instanceClass,
        'db-subnet-group-name': primary?.subnetGroup ?? undefined,
        'vpc-security-group-ids': primary?.securityGroups,
        'kms-key-id': kmsKey ?? undefined,
        'publicly-accessible': settings.publiclyAccessible,
        'deletion-protection': settings.deletionProtection,
        'copy-tags-to-snapshot': true,
        tags: tagWords(tags),
      }),
    ],
    check: () => instanceAvailable(source, id),
    permissions: () => [
      mayLook('rds:DescribeDBInstances'),
      {
        actions: ['rds:CreateDBInstanceReadReplica', 'rds:AddTagsToResource'],
        resources: [rdsArn(source, account, 'db', id), sourceArn, rdsArn(source, account, 'subgrp', '*')],
      },
    ],
    async observe({ source: { rds } }, signal) {
      if (encrypted && kmsKey === null)
        return {
          ...{ state: 'blocked', reason: `an encrypted replica needs a key of ${source}` },
          hint: `Name one with --kms-key, for example --kms-key alias/databases.`,
        }
      return ownInstance(await rds.instance(id, signal), run) ?? { state: 'todo' }
    },
    apply: ({ source: { rds } }, signal) =>
      rds.createReplica(
        {
          ...{ ...settings, id, sourceArn, tags },
          ...(primary?.subnetGroup != null && { subnetGroup: primary.subnetGroup }),
          ...(primary !== null && { securityGroups: primary.securityGroups }),
          ...(kmsKey !== null && { kmsKeyArn: kmsKey }),
        },
        signal,
      ),
  }
}
