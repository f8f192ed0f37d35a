import type { KeptLanding } from '../../runbooks/kept-landing.ts'
import { inventoryLanding } from '../kept-landing.ts'
import { findPrepared } from '../prepared-landings.ts'
import { type Answer, known, mapAnswer, unknown } from './answer.ts'
import type { Ask } from './ask.ts'
import type { Identity, Landing, SnapshotSeen } from './evidence.ts'
import type { GatherRequest } from './gather.ts'
import type { DatabaseSubject } from './gather-database.ts'
import { keyAliasesOf, rolesOf, securityGroupsOf } from './gather-landing-access.ts'
import { optionGroupOf, parameterGroupOf } from './gather-landing-groups.ts'
import { kindOf, nameFor, type Wanted } from './landing-name.ts'

/** What has to be in the target region for the database to be made there: what the operator named, or what the source has. */
export async function gatherLanding(
  subject: DatabaseSubject,
  snapshots: Answer<readonly SnapshotSeen[]>,
  request: GatherRequest,
  ask: Ask,
): Promise<Landing> {
  const { identity, regions } = subject
  const { flags } = request
  const kept = keptOf(subject, request)
  const wanted: Wanted = { identity, kept, kind: kindOf(identity, snapshots) }
  const subnetGroup = subnetGroupOf(wanted, regions, flags.subnetGroup)
  const [parameterGroup, optionGroup, zones, securityGroups, keyAliases, roles] = await Promise.all([
    parameterGroupOf(wanted, request, ask),
    optionGroupOf(wanted, request, ask),
    zonesOf(identity, snapshots, request, ask),
    securityGroupsOf(wanted, subnetGroup, regions, request, ask),
    keyAliasesOf(wanted, request, ask),
    rolesOf(wanted, request, ask),
  ])
  const { instancesLeft } = regions
  return {
    ...{ kept, subnetGroup, parameterGroup, optionGroup, zones, instancesLeft, securityGroups },
    ...{ keyAliases, roles },
  }
}

/** By a run of prepare on this machine, else as the inventory has it. */
function keptOf(
  { id }: DatabaseSubject,
  { ports: { source, target }, prepared, inventory }: GatherRequest,
): KeptLanding | null {
  const wanted = { source: source.region, target: target.region, db: id }
  const found = findPrepared(prepared, wanted) ?? inventoryLanding(inventory, wanted)
  return found === undefined ? null : { from: found.from, at: found.at, entries: found.entries }
}

function subnetGroupOf(
  wanted: Wanted,
  { subnetGroups }: DatabaseSubject['regions'],
  named: string | undefined,
): Landing['subnetGroup'] {
  const name = nameFor(wanted, 'subnet-group', named, ({ subnetGroup }) => subnetGroup)
  if (name === undefined) return unknown('not-asked', 'name one with --subnet-group')
  if (name === null) return known(null)
  return mapAnswer(subnetGroups, (all) => {
    const group = all.find((each) => each.name === name)
    return { name, there: group !== undefined, vpcId: group?.vpcId ?? null }
  })
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
