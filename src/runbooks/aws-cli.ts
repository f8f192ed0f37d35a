import type { CliLine, Permission, StatusCheck } from '../core/runbook.ts'

/** `aws rds describe-db-instances --region … --name value`; a list gives one word for each, `true` a bare flag. */
export function aws(
  region: string,
  service: string,
  command: string,
  options: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>,
): CliLine {
  const words = Object.entries(options).flatMap(([name, value]) => {
    if (value === undefined) return []
    if (typeof value === 'boolean') return [value ? `--${name}` : `--no-${name}`]
    return [`--${name}`, ...(typeof value === 'object' ? value : [String(value)])]
  })
  return { argv: ['aws', service, command, '--region', region, ...words] }
}

/** The same, which prints what `query` picks, and what it has to print. */
export function awsCheck(
  region: string,
  service: string,
  command: string,
  options: Parameters<typeof aws>[3],
  query: string,
  expect: string,
): StatusCheck {
  return { ...aws(region, service, command, { ...options, query, output: 'text' }), expect }
}

/** That an instance can be used. */
export function instanceAvailable(region: string, id: string): StatusCheck {
  const options = { 'db-instance-identifier': id }
  return awsCheck(region, 'rds', 'describe-db-instances', options, INSTANCE_STATUS, 'available')
}

/** That a cluster can; its instances are seen by themselves. */
export function clusterAvailable(region: string, id: string): StatusCheck {
  const options = { 'db-cluster-identifier': id }
  return awsCheck(region, 'rds', 'describe-db-clusters', options, CLUSTER_STATUS, 'available')
}

const INSTANCE_STATUS = 'DBInstances[0].DBInstanceStatus'
const CLUSTER_STATUS = 'DBClusters[0].Status'

/** As the CLI takes tags. */
export function tagWords(tags: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(tags).map(([name, value]) => `Key=${shorthand(name)},Value=${shorthand(value)}`)
}

/** Commas, quotes and blanks end a value of the CLI's shorthand, unless it is quoted. */
function shorthand(text: string): string {
  return /^[\w.:/@+-]*$/.test(text) ? text : `"${text.replace(/[\\"]/g, '\\$&')}"`
}

/** `partition` is that of the caller, which AWS itself says; without it, that by the region's name. */
export function rdsArn(
  region: string,
  account: string,
  type: string,
  name: string,
  partition: string = partitionOf(region),
): string {
  return `arn:${partition}:rds:${region}:${account}:${type}:${name}`
}

/** Each region is of one partition, and its name says of which, as far as it was known when this was written. */
export function partitionOf(region: string): string {
  return PARTITIONS.find(([prefix]) => region.startsWith(prefix))?.[1] ?? 'aws'
}

/** No account spans two partitions: whatever a caller may touch is of its own. What is no ARN stays. */
export function inPartition(partition: string, resource: string): string {
  return resource.replace(/^arn:[^:]*:/, `arn:${partition}:`)
}

const PARTITIONS = [
  ['cn-', 'aws-cn'],
  ['us-gov-', 'aws-us-gov'],
  ['us-iso-', 'aws-iso'],
  ['us-isob-', 'aws-iso-b'],
  ['eu-isoe-', 'aws-iso-e'],
  ['us-isof-', 'aws-iso-f'],
  ['eusc-', 'aws-eusc'],
] as const

/** The actions that describe things know no resources worth naming. */
export function mayLook(...actions: readonly string[]): Permission {
  return { actions, resources: ['*'] }
}

/** For RDS to encrypt a new database, in the caller's name; none where AWS's own key does, which needs none. */
export function mayEncrypt(kmsKeyArn: string | null): readonly Permission[] {
  if (kmsKeyArn === null) return []
  const grants = ['kms:DescribeKey', 'kms:CreateGrant', 'kms:Decrypt']
  const actions = [...grants, 'kms:GenerateDataKey', 'kms:GenerateDataKeyWithoutPlaintext']
  return [{ actions, resources: [kmsKeyArn] }]
}
