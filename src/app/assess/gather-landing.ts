import type { SecurityGroup } from '../../runbooks/ports/ec2.ts'
import type { SnapshotKind } from '../../runbooks/ports/rds-backups.ts'
import { sourceOf } from '../inventory/record.ts'
import { type Answer, known, mapAnswer, unknown } from './answer.ts'
import type { Ask } from './ask.ts'
import type { Identity, Landing, Needed, SnapshotSeen } from './evidence.ts'
import type { GatherRequest } from './gather.ts'
import type { DatabaseSubject } from './gather-database.ts'

/** What has to be in the target region for the database to be made there: what the operator named, or what the source has. */
export async function gatherLanding(
  { identity, regions }: DatabaseSubject,
  snapshots: Answer<readonly SnapshotSeen[]>,
  request: GatherRequest,
  ask: Ask,
): Promise<Landing> {
  const { flags, ports } = request
  const { rds, region } = ports.target
  const at = { service: 'rds', region } as const
  const kind = kindOf(identity, snapshots)
  const subnetGroup = subnetGroupOf(identity, regions, flags.subnetGroup)
  const [parameterGroup, optionGroup, zones, securityGroups, keyAliases] = await Promise.all([
    needed(flags.parameterGroup, identity, 'parameterGroup', (name) =>
      ask(at, async (signal) => (await rds.parameterGroup(kind, name, signal)) !== undefined),
    ),
    needed(flags.optionGroup, identity, 'optionGroup', (name) =>
      ask(at, async (signal) => (await rds.optionGroup(name, signal)) !== undefined),
    ),
    zonesOf(identity, snapshots, request, ask),
    securityGroupsOf(identity, subnetGroup, regions, request, ask),
    keyAliasesOf(identity, request, ask),
  ])
  const { instancesLeft } = regions
  return { subnetGroup, parameterGroup, optionGroup, zones, instancesLeft, securityGroups, keyAliases }
}

function kindOf(identity: Answer<Identity>, snapshots: Answer<readonly SnapshotSeen[]>): SnapshotKind {
  if (identity.known) return identity.value.kind
  return (snapshots.known ? snapshots.value[0]?.kind : undefined) ?? 'instance'
}

function subnetGroupOf(
  identity: Answer<Identity>,
  { subnetGroups }: DatabaseSubject['regions'],
  named: string | undefined,
): Landing['subnetGroup'] {
  const name = named ?? (identity.known ? identity.value.subnetGroup : undefined)
  if (name === undefined) return unknown('not-asked', 'name one with --subnet-group')
  if (name === null) return known(null)
  return mapAnswer(subnetGroups, (all) => {
    const group = all.find((each) => each.name === name)
    return { name, there: group !== undefined, vpcId: group?.vpcId ?? null }
  })
}

async function needed(
  named: string | undefined,
  identity: Answer<Identity>,
  field: 'parameterGroup' | 'optionGroup',
  look: (name: string) => Promise<Answer<boolean>>,
): Promise<Answer<Needed | null>> {
  if (named === undefined && !identity.known) {
    return unknown('not-asked', 'what it has in the source region is not known')
  }
  const name = named ?? (identity.known ? identity.value[field] : null)
  if (name === null) return known(null)
  return mapAnswer(await look(name), (there) => ({ name, there }))
}

async function securityGroupsOf(
  identity: Answer<Identity>,
  subnetGroup: Landing['subnetGroup'],
  { securityGroups }: DatabaseSubject['regions'],
  { flags, ports: { source }, inventory }: GatherRequest,
  ask: Ask,
): Promise<Landing['securityGroups']> {
  if (flags.securityGroup !== undefined && flags.securityGroup.length > 0) return known(null)
  if (!identity.known) return unknown('not-asked', 'name some with --security-group')
  const vpcId = subnetGroup.known ? subnetGroup.value?.vpcId : undefined
  if (vpcId == null) return unknown('not-asked', 'which VPC it will be in is not known')
  const { securityGroups: ids } = identity.value
  const own: Answer<readonly Pick<SecurityGroup, 'id' | 'name'>[]> =
    identity.asOf !== null && inventory !== undefined
      ? known(sourceOf(inventory).securityGroups, identity.asOf)
      : ids.length === 0
        ? known([])
        : await ask({ service: 'ec2', region: source.region }, (signal) =>
            source.ec2.securityGroups(ids, signal),
          )
  if (!own.known) return own
  return mapAnswer(securityGroups, (all) => {
    const pairs = ids.map((id) => {
      const name = own.value.find((group) => group.id === id)?.name ?? id
      return { name, there: all.find((group) => group.name === name && group.vpcId === vpcId) }
    })
    return {
      ids: pairs.flatMap(({ there }) => there?.id ?? []),
      missing: pairs.flatMap(({ name, there }) => (there === undefined ? [name] : [])),
    }
  })
}

async function keyAliasesOf(
  identity: Answer<Identity>,
  { flags, ports: { source }, inventory }: GatherRequest,
  ask: Ask,
): Promise<Answer<readonly string[]>> {
  const arn = identity.known ? identity.value.kmsKeyArn : null
  if (flags.kmsKey !== undefined || arn === null) return known([])
  if (identity.known && identity.asOf !== null && inventory !== undefined) {
    const key = sourceOf(inventory).keys.find((each) => each.arn === arn)
    return known(key?.aliases ?? [], identity.asOf)
  }
  return ask(
    { service: 'kms', region: source.region },
    async (signal) => (await source.kms.key(arn, signal))?.aliases ?? [],
  )
}

async function zonesOf(
  identity: Answer<Identity>,
  snapshots: Answer<readonly SnapshotSeen[]>,
  { flags, ports: { target } }: GatherRequest,
  ask: Ask,
): Promise<Answer<readonly string[]>> {
  const of = identity.known ? identity.value : snapshots.known ? snapshots.value[0] : undefined
  if (of === undefined) return unknown('not-asked', 'engine and version are not known')
  const own = identity.known ? identity.value.instanceClass : null
  const classes = flags.class ?? (own === null ? [] : [own])
  if (classes.length === 0) return unknown('not-asked', 'name a class with --class')
  const { engine, engineVersion } = of
  return ask({ service: 'rds', region: target.region }, async (signal) => {
    const offers = await Promise.all(
      classes.map((instanceClass) => target.rds.orderable({ engine, engineVersion, instanceClass }, signal)),
    )
    const zones = new Set(offers.flat().flatMap((offer) => offer.zones))
    const wanted = flags.zone ?? []
    return [...zones].filter((zone) => wanted.length === 0 || wanted.includes(zone)).sort()
  })
}
