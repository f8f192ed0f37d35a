import { RUN_TAG, type RunName, type Step } from '../core/runbook.ts'
import { aws, awsCheck, mayLook, rdsArn, tagWords } from './aws-cli.ts'
import type { NativeFacts } from './native-facts.ts'
import { firstWithRoom, type Placement } from './placement.ts'
import type { InstanceSettings } from './ports/rds.ts'
import type { CloudPorts } from './ports.ts'
import { ownInstance } from './protect-instance.ts'
import { groupArns, settingWords } from './restore-instance.ts'

const MINUTE = 60_000

/** Before hours of loading: is it still the newest, and how old is it? */
export function checkBackup({ backup }: NativeFacts, guards: string): Step<CloudPorts> {
  return {
    id: 'check-backup',
    title: `look at backup ${backup.id} at ${backup.sink}`,
    effect: 'read',
    guards,
    command: () => [{ argv: ['lifeboat', 'verify', backup.id, '--at', backup.sink, '--job', backup.job] }],
    check: () => undefined,
    permissions: () => [],
    async observe({ native }, signal) {
      const newest = await native?.newest(signal)
      if (newest === undefined)
        return {
          state: 'blocked',
          reason: 'there is no backup any more',
          hint: 'Look with lifeboat list --at SINK.',
        }
      const seen = { ended: backup.ended, plainBytes: backup.plainBytes }
      if (newest.id === backup.id) return { state: 'done', seen }
      return {
        state: 'done',
        reason: `there is a newer one by now, ${newest.id}: a new run takes that`,
        seen,
      }
    },
    apply: () => Promise.resolve(),
  }
}

export interface CreatePlan {
  readonly region: string
  readonly id: string
  readonly settings: Omit<InstanceSettings, 'instanceClass' | 'zone'>
  readonly choices: readonly Placement[]
}

export function createInstance(plan: CreatePlan, facts: NativeFacts, run: RunName): Step<CloudPorts> {
  const { region, id, settings, choices } = plan
  const { account, engine, engineVersion, storage, masterUser, databaseName, kmsKeyArn } = facts
  const tags = { [RUN_TAG]: run.id }
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
        'storage-encrypted': true,
        'kms-key-id': kmsKeyArn ?? undefined,
        'master-username': masterUser,
        // Nobody sees it, and it is on no command line: it lies in Secrets Manager.
        'manage-master-user-password': true,
        'db-name': databaseName ?? undefined,
        'backup-retention-period': facts.backupRetentionDays,
        ...settingWords(settings, choices[0]),
        tags: tagWords(tags),
      }),
    ],
    check: () =>
      awsCheck(
        ...([region, 'rds', 'describe-db-instances', { 'db-instance-identifier': id }] as const),
        'DBInstances[0].DBInstanceStatus',
        'available',
      ),
    permissions: () => [
      mayLook('rds:DescribeDBInstances'),
      {
        actions: ['rds:CreateDBInstance', 'rds:AddTagsToResource'],
        resources: [rdsArn(region, account, 'db', id), ...groupArns({ region, account }, settings)],
      },
      // RDS puts the master password there, in the caller's name.
      {
        actions: ['secretsmanager:CreateSecret', 'secretsmanager:TagResource', 'kms:DescribeKey'],
        resources: ['*'],
      },
      ...(kmsKeyArn === null
        ? []
        : [
            {
              actions: ['kms:DescribeKey', 'kms:CreateGrant', 'kms:Decrypt', 'kms:GenerateDataKey*'],
              resources: [kmsKeyArn],
            },
          ]),
    ],
    observe: async ({ target: { rds } }, signal) =>
      ownInstance(await rds.instance(id, signal), run) ?? { state: 'todo' },
    apply: ({ target: { rds } }, signal) =>
      firstWithRoom(choices, (place) =>
        rds.createInstance(
          {
            ...{ ...settings, ...place, id, engine, engineVersion, storage, masterUser, tags },
            backupRetentionDays: facts.backupRetentionDays,
            ...(databaseName !== null && { databaseName }),
            ...(kmsKeyArn !== null && { kmsKeyArn }),
          },
          signal,
        ),
      ),
  }
}

/** By lifeboat itself, which counts all rows afterwards: AWS is asked only where the instance is. */
export function restoreNative(
  { region, id }: CreatePlan,
  { backup, masterUser }: NativeFacts,
): Step<CloudPorts> {
  const scheme = backup.engine
  return {
    id: 'restore-backup',
    title: `restore backup ${backup.id} into ${id}`,
    effect: 'create',
    usualMs: Math.max(5 * MINUTE, Math.round(backup.plainBytes / 20_000)),
    command: () => [
      {
        argv: [
          ...['lifeboat', 'restore', backup.id, '--from', backup.sink, '--job', backup.job],
          ...['--into', `${scheme}://${masterUser}@ENDPOINT-OF-${id}`, '--password', 'prompt:'],
          ...['--key', 'KEY-FILE'],
        ],
      },
    ],
    check: () => undefined,
    permissions: () => [mayLook('rds:DescribeDBInstances')],
    async observe({ target: { rds }, native }, signal) {
      const endpoint = (await rds.instance(id, signal))?.endpoint
      if (endpoint === undefined) return { state: 'running', reason: 'it has no endpoint yet' }
      if (native === undefined) {
        const hint = 'Name them again: --backups SINK --key FILE --login URL --password REF.'
        return { state: 'blocked', reason: 'no backups were named', hint }
      }
      const { state, reason, hint, percent, tables, rows, verified } = await native.look(
        backup.id,
        endpoint,
        signal,
      )
      const shown = { ...(reason !== undefined && { reason }), ...(percent !== undefined && { percent }) }
      switch (state) {
        case 'none':
          return { state: 'todo' }
        case 'running':
          return { state: 'running', ...shown }
        case 'failed': {
          const password = `Its password: aws secretsmanager get-secret-value --region ${region} --query SecretString --secret-id with what aws rds describe-db-instances --region ${region} --db-instance-identifier ${id} --query DBInstances[0].MasterUserSecret.SecretArn prints.`
          return { state: 'blocked', ...shown, hint: `${hint ?? 'Mend the cause.'} ${password}` }
        }
        case 'done':
          return {
            state: 'done',
            seen: { tables: tables ?? null, rows: rows ?? null, verified: verified ?? null },
          }
      }
    },
    async apply({ target: { rds }, native }, signal) {
      const endpoint = (await rds.instance(id, signal))?.endpoint
      if (endpoint !== undefined) await native?.begin(backup.id, endpoint, signal)
    },
  }
}

/** Name, port, TLS, login, a read, and a write into a scratch table. */
export function checkDatabase({ region, id }: CreatePlan): Step<CloudPorts> {
  const instance = { 'db-instance-identifier': id }
  return {
    id: 'check-database',
    title: `log in to ${id}, read and write`,
    effect: 'read',
    command: () => [aws(region, 'rds', 'describe-db-instances', instance)],
    check: () =>
      awsCheck(
        ...([region, 'rds', 'describe-db-instances', instance] as const),
        'DBInstances[0].DBInstanceStatus',
        'available',
      ),
    permissions: () => [mayLook('rds:DescribeDBInstances')],
    async observe({ target: { rds }, database }, signal) {
      const endpoint = (await rds.instance(id, signal))?.endpoint
      if (endpoint === undefined) return { state: 'blocked', reason: `${id} has no endpoint any more` }
      const { rungs } = await database.look(endpoint, true, signal)
      const failed = rungs.find(({ outcome }) => outcome === 'failed')
      const seen = Object.fromEntries(rungs.map(({ rung, outcome }) => [rung, outcome]))
      if (failed === undefined) return { state: 'done', seen }
      return {
        ...{ state: 'blocked', reason: `${failed.rung}: ${failed.reason ?? 'it failed'}`, seen },
        hint: 'Look at security group, account and certificate; then go on.',
      }
    },
    apply: () => Promise.resolve(),
  }
}

/** What gp3 has by itself RDS reports, and refuses to be asked for on small volumes. */
function beyondIncluded(type: string, amount: number | undefined, included: number): number | undefined {
  return type === 'gp3' && amount !== undefined && amount <= included ? undefined : amount
}
