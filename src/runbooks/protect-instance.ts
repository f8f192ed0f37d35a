import { type Observation, RUN_TAG, type RunName, type Step } from '../core/runbook.ts'
import { aws, awsCheck, mayLook, rdsArn } from './aws-cli.ts'
import { logWords } from './mend-lines.ts'
import type { InstanceChange, RdsInstance } from './ports/rds.ts'
import type { CloudPorts } from './ports.ts'

export interface Protection {
  readonly region: string
  readonly account: string
  readonly id: string
  /** What the instance must at least have; what is left out is left alone. */
  readonly wanted: Pick<
    InstanceChange,
    'backupRetentionDays' | 'deletionProtection' | 'multiAz' | 'iamAuthentication' | 'logExports'
  > & {
    readonly publiclyAccessible: false
  }
}

/** Backups on, protected, as available as the source was, never public: what promotion and restore leave as it comes. */
export function protectInstance({ region, account, id, wanted }: Protection): Step<CloudPorts> {
  const { backupRetentionDays, deletionProtection, multiAz, publiclyAccessible } = wanted
  const { iamAuthentication, logExports } = wanted
  return {
    id: 'protect',
    title: `set backups and protection of ${id}`,
    effect: 'create',
    usualMs: 5 * 60_000,
    command: () => [
      aws(region, 'rds', 'modify-db-instance', {
        'db-instance-identifier': id,
        'backup-retention-period': backupRetentionDays,
        'deletion-protection': deletionProtection,
        'multi-az': multiAz,
        'publicly-accessible': publiclyAccessible,
        'enable-iam-database-authentication': iamAuthentication,
        'cloudwatch-logs-export-configuration': logExports?.length ? logWords(logExports) : undefined,
        'apply-immediately': true,
      }),
    ],
    check: () =>
      awsCheck(
        region,
        'rds',
        'describe-db-instances',
        { 'db-instance-identifier': id },
        'DBInstances[0].[DBInstanceStatus,BackupRetentionPeriod]',
        `available ${backupRetentionDays ?? '…'}`,
      ),
    permissions: () => [
      mayLook('rds:DescribeDBInstances'),
      { actions: ['rds:ModifyDBInstance'], resources: [rdsArn(region, account, 'db', id)] },
    ],
    async observe({ target }, signal) {
      const instance = await target.rds.instance(id, signal)
      if (instance === undefined) return { state: 'blocked', reason: `there is no instance ${id}` }
      const lacking = Object.entries(wanted).flatMap(([name, value]) =>
        isMet(instance, name as keyof typeof wanted, value) ? [] : [name],
      )
      const seen = {
        backupRetentionDays: instance.backupRetentionDays,
        deletionProtection: instance.deletionProtection,
        multiAz: instance.multiAz,
        publiclyAccessible: instance.publiclyAccessible,
        ...(iamAuthentication !== undefined && { iamAuthentication: instance.iamAuthentication }),
        ...(logExports !== undefined && { logExports: instance.logExports.join(', ') }),
      }
      if (instance.status !== 'available') return { state: 'running', reason: `status ${instance.status}` }
      if (lacking.length === 0) return { state: 'done', seen }
      return { state: 'todo', reason: `to be set: ${lacking.join(', ')}` }
    },
    async apply({ target }, signal) {
      if (logExports === undefined) return target.rds.modifyInstance(id, wanted, signal)
      // What it exports by itself stays.
      const own = (await target.rds.instance(id, signal))?.logExports ?? []
      const all = [...new Set([...own, ...logExports])]
      await target.rds.modifyInstance(id, { ...wanted, logExports: all }, signal)
    },
  }
}

/** More days of backups, more zones, more logs are no lack. */
function isMet(instance: RdsInstance, name: keyof Protection['wanted'], value: unknown): boolean {
  if (value === undefined) return true
  if (name === 'backupRetentionDays') return instance.backupRetentionDays >= (value as number)
  if (name === 'logExports')
    return (value as readonly string[]).every((each) => instance.logExports.includes(each))
  if (name === 'multiAz' || name === 'deletionProtection' || name === 'iamAuthentication')
    return instance[name] || value === false
  return instance[name] === value
}

/** Is it there and ready, still coming, or a stranger's of the same name? Undefined where there is none. */
export function ownInstance(instance: RdsInstance | undefined, run: RunName): Observation | undefined {
  if (instance === undefined) return undefined
  if (instance.tags[RUN_TAG] !== run.id) {
    return {
      state: 'blocked',
      reason: `there is an instance ${instance.id} already, which this run has not made`,
      hint: 'Choose another name with --target-id.',
    }
  }
  if (DEAD.has(instance.status))
    return { state: 'blocked', reason: `its status is ${instance.status}`, hint: 'Delete it, then go on.' }
  const seen = {
    arn: instance.arn,
    resourceId: instance.resourceId,
    instanceClass: instance.instanceClass,
    ...(instance.endpoint !== undefined && {
      endpoint: `${instance.endpoint.host}:${instance.endpoint.port}`,
    }),
  }
  if (instance.status !== 'available') return { state: 'running', reason: `status ${instance.status}` }
  return { state: 'done', seen }
}

/** Of which RDS itself finds no way out. */
const DEAD = new Set([
  'failed',
  'incompatible-restore',
  'incompatible-network',
  'restore-error',
  'storage-full',
])
