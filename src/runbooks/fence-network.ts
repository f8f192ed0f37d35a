import { nameOf, type Observation, RUN_TAG, type RunName, type Step } from '../core/runbook.ts'
import { aws, awsCheck, mayLook, partitionOf, rdsArn } from './aws-cli.ts'
import type { FencedNetwork, FenceFacts, FenceOptions } from './fence-facts.ts'
import type { SecurityGroup } from './ports/ec2.ts'
import type { CloudPorts, RegionPorts } from './ports.ts'

const MINUTE = 60_000

/** Tag of the closed group: the groups from before, so that they can be put back where the journal is lost. */
export const FENCED_FROM = 'lifeboat:fenced-from'

/** Of the characters that a value of a tag may have, and a shell leaves alone. */
const BETWEEN = '/'

export function groupsOfTag(value: string): readonly string[] {
  return value.split(BETWEEN)
}

export function closedGroup(
  { source }: FenceOptions,
  { vpcId, securityGroups }: FencedNetwork,
  run: RunName,
): Step<CloudPorts> {
  const name = nameOf(run, 'fence')
  const description = 'lets nobody in: fenced by lifeboat'
  const tags = { [RUN_TAG]: run.id, [FENCED_FROM]: securityGroups.join(BETWEEN) }
  const tagged = Object.entries(tags).map(([key, value]) => `{Key=${key},Value=${value}}`)
  return {
    id: 'closed-group',
    title: `create security group ${name}, which lets nobody in`,
    effect: 'create',
    command: () => [
      {
        ...aws(source, 'ec2', 'create-security-group', {
          ...{ 'group-name': name, description, 'vpc-id': vpcId },
          'tag-specifications': `ResourceType=security-group,Tags=[${tagged.join(',')}]`,
          ...{ query: 'GroupId', output: 'text' },
        }),
        assign: 'FENCE',
      },
    ],
    check: () =>
      awsCheck(
        ...([source, 'ec2', 'describe-security-groups'] as const),
        { filters: [`Name=group-name,Values=${name}`, `Name=vpc-id,Values=${vpcId}`] },
        'SecurityGroups[0].[GroupName,length(IpPermissions)]',
        `${name} 0`,
      ),
    permissions: () => [
      mayLook('ec2:DescribeSecurityGroups'),
      {
        actions: ['ec2:CreateSecurityGroup', 'ec2:CreateTags'],
        resources: [`arn:${partitionOf(source)}:ec2:${source}:*:*/*`],
      },
    ],
    async observe({ source: ports }, signal): Promise<Observation> {
      const group = await findGroup(ports, name, vpcId, signal)
      if (group === undefined) return { state: 'todo' }
      if (group.inbound.length === 0) return { state: 'done', seen: { group: group.id } }
      return {
        state: 'blocked',
        reason: `somebody has put ${group.inbound.length} rules into ${group.id}`,
        hint: 'Remove them: a fence lets nobody in.',
      }
    },
    apply: async ({ source: { ec2 } }, signal) => {
      await ec2.createSecurityGroup({ name, description, vpcId, tags }, signal)
    },
  }
}

export function moveToGroup(
  { source, db }: FenceOptions,
  { account }: FenceFacts,
  { kind, vpcId }: FencedNetwork,
  run: RunName,
): Step<CloudPorts> {
  const name = nameOf(run, 'fence')
  const { modify, describe, id } = wordsOf(kind)
  return {
    id: 'fence-network',
    title: `put ${db} behind it, and nothing else`,
    effect: 'switch',
    usualMs: 2 * MINUTE,
    command: () => [
      aws(source, 'rds', modify, { [id]: db, 'vpc-security-group-ids': '$FENCE', 'apply-immediately': true }),
    ],
    check: () => awsCheck(source, 'rds', describe, { [id]: db }, groupsQuery(kind), 'available 1 active'),
    permissions: () => [
      mayLook('rds:DescribeDBInstances', 'rds:DescribeDBClusters', 'ec2:DescribeSecurityGroups'),
      {
        actions: [kind === 'cluster' ? 'rds:ModifyDBCluster' : 'rds:ModifyDBInstance'],
        resources: [rdsArn(source, account ?? '*', kind === 'cluster' ? 'cluster' : 'db', db)],
      },
    ],
    async observe({ source: ports }, signal): Promise<Observation> {
      const group = await findGroup(ports, name, vpcId, signal)
      const there = await lookAt(ports, kind, db, signal)
      if (there === undefined) return { state: 'done', reason: `${db} is not there any more` }
      if (group === undefined) return { state: 'blocked', reason: `security group ${name} is gone` }
      const behind = there.securityGroups.length === 1 && there.securityGroups[0] === group.id
      if (there.status !== 'available') return { state: 'running', reason: `status ${there.status}` }
      return behind ? { state: 'done', seen: { group: group.id } } : { state: 'todo' }
    },
    async apply({ source: ports }, signal) {
      const group = await findGroup(ports, name, vpcId, signal)
      if (group === undefined) return
      const change = { securityGroups: [group.id] }
      if (kind === 'cluster') await ports.rds.modifyCluster(db, change, signal)
      else await ports.rds.modifyInstance(db, change, signal)
    },
  }
}

export async function isBehind(
  ports: RegionPorts,
  { kind, vpcId }: FencedNetwork,
  db: string,
  name: string,
  signal: AbortSignal,
): Promise<boolean> {
  const group = await findGroup(ports, name, vpcId, signal)
  const there = await lookAt(ports, kind, db, signal)
  return group !== undefined && there?.securityGroups.join() === group.id
}

export async function findGroup(
  { ec2 }: RegionPorts,
  name: string,
  vpcId: string,
  signal: AbortSignal,
): Promise<SecurityGroup | undefined> {
  const groups = await ec2.securityGroups(undefined, signal)
  return groups.find((group) => group.name === name && group.vpcId === vpcId)
}

export function lookAt({ rds }: RegionPorts, kind: 'instance' | 'cluster', db: string, signal: AbortSignal) {
  return kind === 'cluster' ? rds.cluster(db, signal) : rds.instance(db, signal)
}

export function wordsOf(kind: 'instance' | 'cluster') {
  return kind === 'cluster'
    ? {
        ...{ modify: 'modify-db-cluster', describe: 'describe-db-clusters' },
        ...{ id: 'db-cluster-identifier', path: 'DBClusters[0]', status: 'Status' },
      }
    : {
        ...{ modify: 'modify-db-instance', describe: 'describe-db-instances' },
        ...{ id: 'db-instance-identifier', path: 'DBInstances[0]', status: 'DBInstanceStatus' },
      }
}

/** How it is, how many groups it has, and how each of them is. */
export function groupsQuery(kind: 'instance' | 'cluster'): string {
  const { path, status } = wordsOf(kind)
  return `[${path}.[${status},length(VpcSecurityGroups)],${path}.VpcSecurityGroups[].Status][]`
}

export function backLine(
  { source, db }: Pick<FenceOptions, 'source' | 'db'>,
  { kind, securityGroups }: FencedNetwork,
): string {
  const { modify, id } = wordsOf(kind)
  const options = { [id]: db, 'vpc-security-group-ids': securityGroups, 'apply-immediately': true }
  return aws(source, 'rds', modify, options).argv.join(' ')
}
