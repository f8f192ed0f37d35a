import type { Alarm } from '../../runbooks/ports/cloudwatch.ts'
import type { SecurityGroup } from '../../runbooks/ports/ec2.ts'
import type { Snapshot, SnapshotKind } from '../../runbooks/ports/rds-backups.ts'
import type { RegionPorts } from '../../runbooks/ports.ts'
import type { Asker, Question } from './asker.ts'
import type { RegionInventory, Section } from './record.ts'
import { arnsOf, type Databases, groupsOf, idsOf, peersOf, unique } from './related.ts'
import type { InventoryKey } from './zone-schema.ts'

/** All of a region that its databases are made of and refer to, and nothing else of it. */
export async function takeSource(
  ports: RegionPorts,
  databases: Databases,
  asker: Asker,
): Promise<RegionInventory> {
  const { region, rds, ec2, cloudwatch } = ports
  const names = groupsOf(databases)
  const at = (what: Section, of?: string): Question => ({
    region,
    what,
    service: serviceOf(what),
    ...(of !== undefined && { of }),
  })
  const arns = new Set(arnsOf(databases))
  const ids = new Set(idsOf(databases))

  /** Each by its name: there may be hundreds of others. */
  async function named<T>(
    what: Section,
    wanted: readonly string[],
    look: (name: string, signal: AbortSignal) => Promise<T | undefined>,
  ): Promise<T[]> {
    const found = await Promise.all(
      wanted.map((name) =>
        asker
          .ask(at(what, name), async (signal) => ({ it: await look(name, signal) }))
          .then((answer) => {
            if (answer !== undefined && answer.it === undefined)
              asker.note(at(what, name), 'there is none such')
            return answer?.it
          }),
      ),
    )
    return found.filter((each) => each !== undefined) as T[]
  }
  /** One look at all, and those of it that are wanted. */
  async function listed<T>(
    what: Section,
    look: (signal: AbortSignal) => Promise<readonly T[]>,
    keep: (thing: T) => boolean,
  ): Promise<T[]> {
    return ((await asker.ask(at(what), look)) ?? []).filter(keep)
  }

  const [subnetGroups, optionGroups, instanceParameterGroups, clusterParameterGroups] = await Promise.all([
    named('subnetGroups', names.subnetGroups, (name, signal) => rds.subnetGroup(name, signal)),
    named('optionGroups', names.optionGroups, (name, signal) => rds.optionGroup(name, signal)),
    named('instanceParameterGroups', names.instanceParameterGroups, (name, signal) =>
      rds.parameterGroup('instance', name, signal),
    ),
    named('clusterParameterGroups', names.clusterParameterGroups, (name, signal) =>
      rds.parameterGroup('cluster', name, signal),
    ),
  ])
  const vpcIds = unique([...names.vpcs, ...subnetGroups.map(({ vpcId }) => vpcId)])
  const groupIds = unique([
    ...names.securityGroups,
    ...optionGroups.flatMap(({ options }) => options.flatMap(({ securityGroups }) => securityGroups)),
  ])
  const [vpcs, subnets, securityGroups, globalClusters, replicatedBackups, snapshots, alarms] =
    await Promise.all([
      vpcIds.length === 0
        ? []
        : listed(
            'vpcs',
            (signal) => ec2.vpcs(signal),
            ({ id }) => vpcIds.includes(id),
          ),
      subnetsOf(ports, vpcIds, asker),
      securityGroupsOf(ports, groupIds, asker),
      databases.clusters.some(({ globalClusterId }) => globalClusterId !== undefined)
        ? listed(
            'globalClusters',
            (signal) => rds.globalClusters(signal),
            ({ members }) => members.some(({ clusterArn }) => arns.has(clusterArn)),
          )
        : [],
      listed(
        'replicatedBackups',
        (signal) => rds.replicatedBackups(signal),
        ({ instanceArn }) => arns.has(instanceArn),
      ),
      snapshotsOf(ports, databases, asker),
      listed(
        'alarms',
        (signal) => cloudwatch.alarms(signal),
        () => true,
      ),
    ])
  return {
    ...{
      region,
      ...databases,
      globalClusters,
      snapshots,
      replicatedBackups,
      subnetGroups,
      subnets,
      vpcs,
      securityGroups,
    },
    ...{ instanceParameterGroups, clusterParameterGroups, optionGroups },
    keys: await keysOf(ports, [...databases.instances, ...databases.clusters, ...snapshots], asker),
    alarms: alarmsOf(alarms, ids),
  }
}

export function serviceOf(what: Section): Question['service'] {
  switch (what) {
    case 'subnets':
    case 'vpcs':
    case 'securityGroups':
      return 'ec2'
    case 'keys':
      return 'kms'
    case 'alarms':
      return 'cloudwatch'
    default:
      return 'rds'
  }
}

async function subnetsOf({ region, ec2 }: RegionPorts, vpcIds: readonly string[], asker: Asker) {
  const found = await Promise.all(
    vpcIds.map((vpc) =>
      asker.ask({ region, what: 'subnets', of: vpc, service: 'ec2' }, (signal) => ec2.subnets(vpc, signal)),
    ),
  )
  return found.flatMap((each) => each ?? [])
}

async function securityGroupsOf(
  { region, ec2 }: RegionPorts,
  ids: readonly string[],
  asker: Asker,
): Promise<SecurityGroup[]> {
  const look = async (wanted: readonly string[]) => {
    if (wanted.length === 0) return []
    const question = { region, what: 'securityGroups', service: 'ec2' } as const
    return (await asker.ask(question, (signal) => ec2.securityGroups(wanted, signal))) ?? []
  }
  const own = await look(ids)
  const failed = asker.unknown.some((each) => each.region === region && each.what === 'securityGroups')
  for (const id of ids) {
    if (!failed && !own.some((group) => group.id === id))
      asker.note({ region, what: 'securityGroups', of: id }, 'there is none such')
  }
  const peers = await look(peersOf(own).filter((id) => !own.some((group) => group.id === id)))
  return [...own, ...peers]
}

/** Of each database by its name, where that is fewer calls than looking at all of the region. */
export async function snapshotsOf(
  { region, rds }: Pick<RegionPorts, 'region' | 'rds'>,
  { instances, clusters }: Databases,
  asker: Asker,
): Promise<Snapshot[]> {
  const look = (kind: SnapshotKind, of: string | undefined) =>
    asker.ask({ region, what: 'snapshots', service: 'rds', ...(of !== undefined && { of }) }, (signal) =>
      rds.snapshots(kind, of, signal),
    )
  const wanted = {
    instance: instances.filter(({ clusterId }) => clusterId === undefined).map(({ id }) => id),
    cluster: clusters.map(({ id }) => id),
  }
  const found = await Promise.all(
    (['instance', 'cluster'] as const).flatMap((kind) =>
      wanted[kind].length > MOST_NAMED
        ? [
            look(kind, undefined).then((all) =>
              all?.filter(({ sourceId }) => wanted[kind].includes(sourceId)),
            ),
          ]
        : wanted[kind].map((id) => look(kind, id)),
    ),
  )
  return found.flatMap((each) => each ?? [])
}

const MOST_NAMED = 20

/** With policy and tags. A key of another region, or one that AWS manages, has none that is of use. */
async function keysOf(
  { region, kms }: RegionPorts,
  users: readonly { readonly kmsKeyArn?: string }[],
  asker: Asker,
): Promise<InventoryKey[]> {
  const arns = unique(users.flatMap(({ kmsKeyArn }) => kmsKeyArn ?? [])).filter(
    (arn) => arn.split(':')[3] === region,
  )
  const found = await Promise.all(
    arns.map(async (arn): Promise<InventoryKey | undefined> => {
      const question = { region, what: 'keys', of: arn, service: 'kms' } as const
      const answer = await asker.ask(question, async (signal) => ({ key: await kms.key(arn, signal) }))
      if (answer === undefined) return undefined
      const { key } = answer
      if (key === undefined) {
        asker.note(question, 'there is none such')
        return undefined
      }
      if (key.managedBy === 'aws') return key
      const [policy, tags] = await Promise.all([
        asker.ask({ ...question, of: `policy of ${arn}` }, (signal) => kms.policy(key.id, signal)),
        asker.ask({ ...question, of: `tags of ${arn}` }, (signal) => kms.tags(key.id, signal)),
      ])
      return { ...key, ...(policy !== undefined && { policy }), ...(tags !== undefined && { tags }) }
    }),
  )
  return found.filter((key) => key !== undefined)
}

/** Those on the databases, and those that are composed of them. */
export function alarmsOf(alarms: readonly Alarm[], ids: ReadonlySet<string>): Alarm[] {
  const kept = new Set(
    alarms.filter(({ dimensions }) => Object.values(dimensions).some((value) => ids.has(value))),
  )
  for (let before = -1; before !== kept.size; ) {
    before = kept.size
    for (const alarm of alarms) {
      const rule = alarm.definition.AlarmRule
      if (typeof rule !== 'string') continue
      if (
        [...kept].some(
          ({ name, arn }) => rule.includes(`"${name}"`) || rule.includes(`(${name})`) || rule.includes(arn),
        )
      )
        kept.add(alarm)
    }
  }
  return alarms.filter((alarm) => kept.has(alarm))
}
