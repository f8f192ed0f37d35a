import type { CliLine } from '../core/runbook.ts'
import { aws } from './aws-cli.ts'
import { differing, type ParityCheck, widest } from './parity.ts'
import {
  type FoundDatabase,
  type InboundRule,
  type Posture,
  parameterGroupOf,
  tlsParameter,
} from './posture.ts'

export interface Weakness {
  readonly region: string
  readonly found: FoundDatabase
  readonly source: Partial<Posture>
  readonly target: Partial<Posture>
}

/** RDS: "You can modify a maximum of 20 parameters in a single request." */
const MOST_PARAMETERS = 20

/** What makes the target as strong as the source in this; empty where no one call can. */
export function mendLines(name: ParityCheck, weakness: Weakness): readonly CliLine[] {
  const { source, target } = weakness
  switch (name) {
    case 'encryption':
      // Only a copy of a snapshot can be encrypted: nothing mends the database itself.
      return []
    case 'public-access':
      return closeLines(weakness)
    case 'tls-forced':
      return parameterLines(weakness, [[tlsParameter(weakness.found.database.engine), '1']])
    case 'security-groups':
      return (target.inbound ?? [])
        .filter((rule) => widest([rule]) < widest(source.inbound ?? []))
        .map((rule) => revokeLine(weakness.region, rule))
    case 'deletion-protection':
      return [modify(weakness, { 'deletion-protection': true })]
    case 'backup-retention':
      return [modify(weakness, { 'backup-retention-period': source.backupDays })]
    case 'log-exports': {
      const missing = (source.logExports ?? []).filter((each) => !target.logExports?.includes(each))
      return [modify(weakness, { 'cloudwatch-logs-export-configuration': logWords(missing) })]
    }
    case 'iam-authentication':
      return [modify(weakness, { 'enable-iam-database-authentication': true })]
    case 'parameters': {
      const was = source.parameters ?? {}
      const names = differing(was, target.parameters ?? {})
      return parameterLines(
        weakness,
        names.map((each) => [each, was[each] ?? '']),
      )
    }
  }
}

/** As the line takes it; what is exported already stays. */
export function logWords(names: readonly string[]): string {
  return JSON.stringify({ EnableLogTypes: names })
}

function modify({ region, found }: Weakness, change: Parameters<typeof aws>[3]): CliLine {
  const { kind, database } = found
  const now = { ...change, 'apply-immediately': true }
  return kind === 'cluster'
    ? aws(region, 'rds', 'modify-db-cluster', { 'db-cluster-identifier': database.id, ...now })
    : aws(region, 'rds', 'modify-db-instance', { 'db-instance-identifier': database.id, ...now })
}

function closeLines({ region, found: { kind, database } }: Weakness): readonly CliLine[] {
  const ids = kind === 'cluster' ? database.members.map(({ instanceId }) => instanceId) : [database.id]
  return ids.map((id) =>
    aws(region, 'rds', 'modify-db-instance', {
      ...{ 'db-instance-identifier': id, 'publicly-accessible': false, 'apply-immediately': true },
    }),
  )
}

/** AWS's own group can't be changed: then there is no line. Static parameters need a restart, and so all get one. */
function parameterLines(
  { region, found }: Weakness,
  values: readonly (readonly [string, string])[],
): readonly CliLine[] {
  const group = parameterGroupOf(found)
  if (group === undefined || group.startsWith('default.')) return []
  const { kind, database } = found
  const batches = Array.from({ length: Math.ceil(values.length / MOST_PARAMETERS) }, (_, index) =>
    values.slice(index * MOST_PARAMETERS, (index + 1) * MOST_PARAMETERS),
  )
  const [command, option] =
    kind === 'cluster'
      ? (['modify-db-cluster-parameter-group', 'db-cluster-parameter-group-name'] as const)
      : (['modify-db-parameter-group', 'db-parameter-group-name'] as const)
  const ids = kind === 'cluster' ? database.members.map(({ instanceId }) => instanceId) : [database.id]
  return [
    ...batches.map((batch) =>
      aws(region, 'rds', command, {
        [option]: group,
        parameters: JSON.stringify(
          batch.map(([ParameterName, ParameterValue]) => ({
            ...{ ParameterName, ParameterValue, ApplyMethod: 'pending-reboot' },
          })),
        ),
      }),
    ),
    ...ids.map((id) => aws(region, 'rds', 'reboot-db-instance', { 'db-instance-identifier': id })),
  ]
}

function revokeLine(region: string, { groupId, protocol, fromPort, toPort, peer }: InboundRule): CliLine {
  const range = peer.includes(':') ? { Ipv6Ranges: [{ CidrIpv6: peer }] } : { IpRanges: [{ CidrIp: peer }] }
  const ports = fromPort === undefined ? {} : { FromPort: fromPort, ToPort: toPort ?? fromPort }
  return aws(region, 'ec2', 'revoke-security-group-ingress', {
    'group-id': groupId,
    'ip-permissions': JSON.stringify([{ IpProtocol: protocol, ...ports, ...range }]),
  })
}
