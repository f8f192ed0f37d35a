import type { SnapshotKind } from '../../runbooks/ports/rds-backups.ts'
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
  const [parameterGroup, optionGroup, zones] = await Promise.all([
    needed(flags.parameterGroup, identity, 'parameterGroup', (name) =>
      ask(at, async (signal) => (await rds.parameterGroup(kind, name, signal)) !== undefined),
    ),
    needed(flags.optionGroup, identity, 'optionGroup', (name) =>
      ask(at, async (signal) => (await rds.optionGroup(name, signal)) !== undefined),
    ),
    zonesOf(identity, snapshots, request, ask),
  ])
  return {
    ...{ subnetGroup, parameterGroup, optionGroup, zones, instancesLeft: regions.instancesLeft },
    securityGroups: securityGroupsOf(subnetGroup, flags.securityGroup, regions),
  }
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

function securityGroupsOf(
  subnetGroup: Landing['subnetGroup'],
  named: readonly string[] | undefined,
  { securityGroups }: DatabaseSubject['regions'],
): Landing['securityGroups'] {
  if (named !== undefined && named.length > 0) return known(null)
  const vpcId = subnetGroup.known ? subnetGroup.value?.vpcId : undefined
  if (vpcId == null) return unknown('not-asked', 'which VPC it will be in is not known')
  return mapAnswer(securityGroups, (all) =>
    all.filter((group) => group.vpcId === vpcId && group.name !== 'default').map(({ id }) => id),
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
