import type { RunName, Step } from '../core/runbook.ts'
import { aws, mayLook } from './aws-cli.ts'
import type { CreatePlan } from './native-create.ts'
import { backupOf } from './native-dump.ts'
import type { NativeFacts } from './native-facts.ts'
import type { Endpoint, RdsPort } from './ports/rds.ts'
import type { CloudPorts } from './ports.ts'

const MINUTE = 60_000

/** Before hours of loading: is it still the newest, and how old is it? */
export function checkBackup(backup: NonNullable<NativeFacts['backup']>, guards: string): Step<CloudPorts> {
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

/** By lifeboat itself, which counts all rows afterwards: AWS is asked only where the new database is. */
export function restoreNative(plan: CreatePlan, facts: NativeFacts, run: RunName): Step<CloudPorts> {
  const { id, made } = plan
  const { backup, dump } = facts
  const stored = backup ?? dump
  return {
    id: 'restore-backup',
    title: `restore ${backup === null ? 'that dump' : `backup ${backup.id}`} into ${id}`,
    effect: 'create',
    usualMs: backup === null ? 60 * MINUTE : Math.max(5 * MINUTE, Math.round(backup.plainBytes / 20_000)),
    command: () => [
      {
        argv: [
          ...['lifeboat', 'restore', backup?.id ?? 'latest', '--from', stored?.sink ?? 'SINK'],
          ...['--job', stored?.job ?? 'JOB'],
          ...['--into', `${stored?.engine}://${made.masterUser}@ENDPOINT-OF-${id}`, '--password', 'prompt:'],
          ...['--key', 'KEY-FILE'],
        ],
      },
    ],
    check: () => undefined,
    permissions: () => [lookOf(plan)],
    async observe({ target: { rds }, native }, signal) {
      const endpoint = await endpointOf(plan, rds, signal)
      if (endpoint === undefined) return { state: 'running', reason: 'it has no endpoint yet' }
      if (native === undefined) {
        const hint = 'Name them again: --backups SINK --key FILE --login URL --password REF.'
        return { state: 'blocked', reason: 'no backups were named', hint }
      }
      const which = await backupOf(facts, native, run, signal)
      if (which === undefined) {
        const hint =
          'Go on where the dump was made, or start a new run without --dump-now, which takes the newest backup.'
        return { state: 'blocked', reason: 'which backup this run has made is not known here', hint }
      }
      const { state, reason, hint, percent, tables, rows, verified } = await native.look(
        which.id,
        endpoint,
        signal,
      )
      const shown = { ...(reason !== undefined && { reason }), ...(percent !== undefined && { percent }) }
      switch (state) {
        case 'none':
          return { state: 'todo' }
        case 'running':
          return { state: 'running', ...shown }
        case 'failed':
          return { state: 'blocked', ...shown, hint: `${hint ?? 'Mend the cause.'} ${whereSecretLies(plan)}` }
        case 'done':
          return {
            state: 'done',
            seen: {
              backup: which.id,
              ...{ tables: tables ?? null, rows: rows ?? null, verified: verified ?? null },
            },
          }
      }
    },
    async apply({ target: { rds }, native }, signal) {
      const endpoint = await endpointOf(plan, rds, signal)
      const which = native === undefined ? undefined : await backupOf(facts, native, run, signal)
      if (endpoint !== undefined && which !== undefined) await native?.begin(which.id, endpoint, signal)
    },
  }
}

function whereSecretLies(plan: CreatePlan): string {
  const { argv } = looking(plan, `${answerOf(plan)}.MasterUserSecret.SecretArn`)
  return `Its password: aws secretsmanager get-secret-value --region ${plan.region} --query SecretString --secret-id with what ${argv.join(' ')} prints.`
}

/** Of a cluster that of its writer. */
async function endpointOf(
  { id, made }: CreatePlan,
  rds: RdsPort,
  signal: AbortSignal,
): Promise<Endpoint | undefined> {
  if (made.kind === 'instance') return (await rds.instance(id, signal))?.endpoint
  const cluster = await rds.cluster(id, signal)
  return cluster?.writerHost === undefined ? undefined : { host: cluster.writerHost, port: cluster.port }
}

function lookOf({ made }: CreatePlan) {
  return mayLook(made.kind === 'cluster' ? 'rds:DescribeDBClusters' : 'rds:DescribeDBInstances')
}

function answerOf({ made }: CreatePlan): string {
  return made.kind === 'cluster' ? 'DBClusters[0]' : 'DBInstances[0]'
}

function looking({ region, id, made }: CreatePlan, query?: string, output?: string) {
  return made.kind === 'cluster'
    ? aws(region, 'rds', 'describe-db-clusters', { 'db-cluster-identifier': id, query, output })
    : aws(region, 'rds', 'describe-db-instances', { 'db-instance-identifier': id, query, output })
}
