import type { CheckRow, MadeDatabase, Step } from '../core/runbook.ts'
import { shellLine } from '../core/shell-line.ts'
import { aws, mayLook } from './aws-cli.ts'
import { mendLines } from './mend-lines.ts'
import { compareParity } from './parity.ts'
import type { CloudPorts } from './ports.ts'
import { findDatabase, readPosture } from './posture.ts'
import { readSourcePosture, type SourcePosture } from './source-posture.ts'

export interface ParityPlan {
  readonly target: string
  /** The old one. */
  readonly db: string
  readonly made: MadeDatabase
  readonly source: SourcePosture
  readonly accepted: readonly string[]
}

/** The new database has to meet or exceed the old one in every protection, unless somebody has taken what is weaker by its name. */
export function parityStep({ target, db, made, source, accepted }: ParityPlan): Step<CloudPorts> {
  const { kind, id } = made
  return {
    id: 'parity',
    title: `compare the protection of ${id} in ${target} with that of the old database`,
    effect: 'read',
    command: () => [
      kind === 'cluster'
        ? aws(target, 'rds', 'describe-db-clusters', { 'db-cluster-identifier': id, query: CLUSTER_QUERY })
        : aws(target, 'rds', 'describe-db-instances', {
            'db-instance-identifier': id,
            query: INSTANCE_QUERY,
          }),
    ],
    check: () => undefined,
    permissions: () => [mayLook(...LOOKS)],
    async observe(ports, signal) {
      const found = await findDatabase(ports.target, id, signal, kind)
      if (found === undefined) return { state: 'blocked', reason: `there is no ${kind} ${id}` }
      // An inventory that came with a later start says what nobody could tell when the run was planned.
      const was =
        source.reason === null || ports.remembered === undefined
          ? source
          : await readSourcePosture(db, ports, false, source.known, signal)
      const seen = await readPosture(found, ports.target, 'throws', signal)
      const weakness = { region: target, found, source: was.known, target: seen.known }
      const checks = compareParity(was.known, seen, accepted).map((row): CheckRow => {
        const lines = row.state === 'failed' ? mendLines(row.name, weakness).map(shellLine) : []
        return lines.length === 0 ? row : { ...row, lines }
      })
      const failed = checks.filter(({ state }) => state === 'failed')
      const unknown = checks.filter(({ state }) => state === 'unknown')
      if (failed.length === 0) {
        const reason = unknownReason(unknown, was.reason)
        return {
          state: 'done',
          checks,
          seen: { comparedWith: was.from },
          ...(reason !== undefined && { reason }),
        }
      }
      const { status } = found.database
      if (status !== 'available') return { state: 'running', reason: `status ${status}`, checks }
      return {
        state: 'blocked',
        reason: `weaker than ${db}: ${failed.map(({ name, found: is, source: old }) => `${name} (${is}; the source: ${old})`).join(', ')}`,
        hint: hintOf(failed),
        checks,
      }
    },
    apply: () => Promise.resolve(),
  }
}

/** What its plan says beforehand of a comparison that can't be whole. */
export function parityWarning({ db, source: { known, reason } }: ParityPlan): readonly string[] {
  if (reason === null) return []
  const much = Object.keys(known).length === 0 ? 'How' : 'In part, how'
  return [
    `${much} ${db} is protected is not known (${reason}): the new database can not be compared with it. --inventory FILE says it, with --resume too.`,
  ]
}

function unknownReason(unknown: readonly CheckRow[], why: string | null): string | undefined {
  if (unknown.length === 0) return undefined
  return `not compared, since not known of the source: ${unknown.map(({ name }) => name).join(', ')}${why === null ? '' : ` (${why})`}`
}

function hintOf(failed: readonly CheckRow[]): string {
  const lines = failed.flatMap((row) => row.lines ?? [])
  const names = failed.map(({ name }) => `--accept ${name}`).join(' ')
  return lines.length === 0
    ? `Make it as strong, or take it as it is: ${names}.`
    : `Type: ${lines.join(' ; ')} ; or take it as it is: ${names}.`
}

const LOOKS = [
  ...[
    'rds:DescribeDBInstances',
    'rds:DescribeDBClusters',
    'rds:DescribeDBParameters',
    'rds:ListTagsForResource',
  ],
  ...['rds:DescribeDBParameterGroups', 'rds:DescribeDBClusterParameterGroups'],
  ...['rds:DescribeDBClusterParameters', 'ec2:DescribeSecurityGroups'],
] as const

const INSTANCE_QUERY =
  'DBInstances[0].[StorageEncrypted,PubliclyAccessible,DeletionProtection,BackupRetentionPeriod,EnabledCloudwatchLogsExports,IAMDatabaseAuthenticationEnabled,VpcSecurityGroups,DBParameterGroups]'
const CLUSTER_QUERY =
  'DBClusters[0].[StorageEncrypted,DeletionProtection,BackupRetentionPeriod,EnabledCloudwatchLogsExports,IAMDatabaseAuthenticationEnabled,VpcSecurityGroups,DBClusterParameterGroup]'
