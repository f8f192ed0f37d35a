import { isTransient } from '../core/cloud-fault.ts'
import { LifeboatError } from '../core/errors.ts'
import { nameOf, RUN_TAG, type Runbook, type RunName, type Step, type Way } from '../core/runbook.ts'
import { aws, awsCheck, mayLook, rdsArn, tagWords } from './aws-cli.ts'
import { fenceCheck } from './fence-check.ts'
import type { Endpoint, RdsInstance } from './ports/rds.ts'
import type { CloudPorts } from './ports.ts'
import { ownInstance, protectInstance } from './protect-instance.ts'
import { accepted, needOneDb, needRegions, type WayFlags } from './way-flags.ts'

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
  } | null
}

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
  gather,
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
      },
    },
  },
}

async function gather(
  options: PromoteReplicaOptions,
  { source, target, iam }: CloudPorts,
  signal: AbortSignal,
): Promise<PromoteReplicaFacts> {
  const { account } = await iam.caller(signal)
  const primaryArn = rdsArn(options.source, account, 'db', options.db)
  const there = await target.rds.instances(signal)
  const replicas = there.filter(({ replicaOf }) => replicaOf === primaryArn)
  const chosen = replicas.filter(({ id }) => options.replica === null || id === options.replica)
  const [replica] = chosen
  if (replica === undefined || chosen.length > 1) throw noReplica(options, replicas)
  const primary = await lookAtPrimary(options.db, source, signal)
  return {
    ...{ account, replica: replica.id, engine: replica.engine },
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
            subnetGroup: primary.subnetGroup ?? null,
            securityGroups: primary.securityGroups,
            otherReplicas: primary.replicas.filter((name) => name !== replica.arn),
          },
  }
}

/** One question, and no answer is an answer: the way is for when that region is dead. */
async function lookAtPrimary(
  id: string,
  source: CloudPorts['source'],
  signal: AbortSignal,
): Promise<RdsInstance | undefined> {
  try {
    return await source.rds.instance(id, signal)
  } catch (thrown) {
    if (isTransient(thrown)) return undefined
    throw thrown
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

function plan(options: PromoteReplicaOptions, facts: PromoteReplicaFacts, run: RunName): Runbook<CloudPorts> {
  const { source, target, db, recreateReplica, acceptSplitBrain } = options
  const { account, replica, primary } = facts
  const backupDays = options.backupDays ?? Math.max(primary?.backupRetentionDays ?? 7, 1)
  const steps: Step<CloudPorts>[] = [
    lookAtReplica(options, facts),
    fenceCheck(primary?.endpoint ?? undefined, acceptSplitBrain, 'promote'),
    promote(options, facts, backupDays),
    protectInstance({
      ...{ region: target, account, id: replica },
      wanted: {
        ...{ backupRetentionDays: backupDays, deletionProtection: true, publiclyAccessible: false },
        ...(primary?.multiAz === true && { multiAz: true }),
      },
    }),
    ...(recreateReplica ? [newReplica(options, facts, run)] : []),
  ]
  const others = primary?.otherReplicas ?? []
  return {
    way: 'promote-replica',
    steps,
    warnings: [
      'Promotion can not be taken back: the replica never follows the old primary again.',
      ...(primary === null
        ? [`${source} gives no answer: what ${db} was set to there (Multi-AZ, backups) is not known.`]
        : []),
      ...(others.length === 0 ? [] : [`These still follow the old primary: ${others.join(', ')}.`]),
    ],
    afterwards: [
      `The database has another endpoint: that of ${replica} in ${target}.`,
      `Parameter and option group stay those of the replica: compare them with the old primary's.`,
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
    check: () =>
      awsCheck(
        target,
        'rds',
        'describe-db-instances',
        instance,
        'DBInstances[0].DBInstanceStatus',
        'available',
      ),
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
  { account, replica, primary, encrypted }: PromoteReplicaFacts,
  run: RunName,
): Step<CloudPorts> {
  const id = nameOf(run, 'replica')
  const sourceArn = rdsArn(target, account, 'db', replica)
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
        'publicly-accessible': false,
        tags: tagWords(tags),
      }),
    ],
    check: () =>
      awsCheck(
        ...([source, 'rds', 'describe-db-instances', { 'db-instance-identifier': id }] as const),
        'DBInstances[0].DBInstanceStatus',
        'available',
      ),
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
