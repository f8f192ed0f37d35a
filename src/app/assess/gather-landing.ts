import { idsOf, type KeptLanding, keptTarget } from '../../runbooks/kept-landing.ts'
import type { LandingEntry } from '../../runbooks/landing-zone.ts'
import type { SecurityGroup } from '../../runbooks/ports/ec2.ts'
import type { SnapshotKind } from '../../runbooks/ports/rds-backups.ts'
import type { OptionGroup, ParameterGroup } from '../../runbooks/ports/rds-groups.ts'
import { wrongWithTrust } from '../../runbooks/role-trust.ts'
import { type Inventory, sourceOf } from '../inventory/record.ts'
import { inventoryLanding } from '../kept-landing.ts'
import { findPrepared } from '../prepared-landings.ts'
import { type Answer, known, mapAnswer, together, unknown } from './answer.ts'
import type { Ask } from './ask.ts'
import {
  GLOBAL_REGION,
  type Identity,
  type Landing,
  type Needed,
  type RoleSeen,
  type SecurityGroupsSeen,
  type SnapshotSeen,
} from './evidence.ts'
import type { GatherRequest } from './gather.ts'
import type { DatabaseSubject } from './gather-database.ts'

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

interface Wanted {
  readonly identity: Answer<Identity>
  readonly kept: KeptLanding | null
  readonly kind: SnapshotKind
}

function kindOf(identity: Answer<Identity>, snapshots: Answer<readonly SnapshotSeen[]>): SnapshotKind {
  if (identity.known) return identity.value.kind
  return (snapshots.known ? snapshots.value[0]?.kind : undefined) ?? 'instance'
}

type Kept = Exclude<LandingEntry['kind'], 'security-group' | 'role'>

/**
 * What was named, else what was settled for that which the source has, else what is called the same. Where nobody knows what the
 * source has, all that was settled. Null where none is needed, undefined where nobody knows.
 */
function nameFor(
  { identity, kept }: Wanted,
  kind: Kept,
  named: string | undefined,
  own: (identity: Identity) => string | null,
): string | null | undefined {
  if (named !== undefined) return named
  const entries = kept?.entries ?? []
  if (!identity.known)
    return entries.find((entry) => entry.kind === kind && entry.target !== null)?.target ?? undefined
  const source = own(identity.value)
  return source === null ? null : (keptTarget(entries, kind, source) ?? source)
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

const UNKNOWN_OWN = unknown('not-asked', 'what it has in the source region is not known')

async function parameterGroupOf(
  wanted: Wanted,
  { flags, ports: { source, target }, inventory }: GatherRequest,
  ask: Ask,
): Promise<Answer<Needed | null>> {
  const { identity, kind } = wanted
  const name = nameFor(wanted, 'parameter-group', flags.parameterGroup, (own) => own.parameterGroup)
  if (name === undefined) return UNKNOWN_OWN
  if (name === null) return known(null)
  const at = { service: 'rds', region: target.region } as const
  const own = identity.known ? identity.value.parameterGroup : null
  const [found, versions, before] = await Promise.all([
    ask(at, async (signal) => (await target.rds.parameterGroup(kind, name, signal)) ?? null),
    identity.known
      ? ask(at, (signal) => target.rds.engineVersions(identity.value.engine, signal))
      : UNKNOWN_OWN,
    own === null
      ? known(null)
      : identity.known && identity.asOf !== null && inventory !== undefined
        ? known(keptGroups(inventory, kind).find((group) => group.name === own) ?? null)
        : ask({ service: 'rds', region: source.region }, async (signal) => {
            return (await source.rds.parameterGroup(kind, own, signal)) ?? null
          }),
  ])
  return mapAnswer(found, (group) => {
    const family = versions.known
      ? versions.value.find(({ version }) => identity.known && version === identity.value.engineVersion)
          ?.family
      : undefined
    return {
      ...{ name, there: group !== null },
      wrong:
        group === null || family === undefined || group.family === family
          ? null
          : `it is of family ${group.family}, and its version needs ${family}`,
      differs: group === null || !before.known ? [] : differing(before.value, group),
    }
  })
}

function keptGroups(inventory: Inventory, kind: SnapshotKind): readonly ParameterGroup[] {
  const { instanceParameterGroups, clusterParameterGroups } = sourceOf(inventory)
  return kind === 'instance' ? instanceParameterGroups : clusterParameterGroups
}

function differing(before: ParameterGroup | null, after: ParameterGroup): readonly string[] {
  const set = new Map(after.parameters.map(({ name, value }) => [name, value]))
  return (before?.parameters ?? [])
    .filter(({ name, value }) => set.get(name) !== value)
    .map(({ name }) => name)
}

async function optionGroupOf(
  wanted: Wanted,
  { flags, ports: { target } }: GatherRequest,
  ask: Ask,
): Promise<Answer<Needed | null>> {
  const { identity } = wanted
  const name = nameFor(wanted, 'option-group', flags.optionGroup, (own) => own.optionGroup)
  if (name === undefined) return UNKNOWN_OWN
  if (name === null) return known(null)
  const found = await ask(
    { service: 'rds', region: target.region },
    async (signal) => (await target.rds.optionGroup(name, signal)) ?? null,
  )
  return mapAnswer(found, (group) => ({
    ...{ name, there: group !== null, differs: [] },
    wrong:
      group === null || !identity.known || isForVersion(group, identity.value)
        ? null
        : `it is of ${group.engine} ${group.majorVersion}, and not of ${identity.value.engine} ${identity.value.engineVersion}`,
  }))
}

/** `8.0` stands for 8.0.40, `16` for 16.4, `15.00` for 15.00.4073.23.v1. */
function isForVersion(group: OptionGroup, { engine, engineVersion }: Identity): boolean {
  return group.engine === engine && `${engineVersion}.`.startsWith(`${group.majorVersion}.`)
}

async function securityGroupsOf(
  { identity, kept }: Wanted,
  subnetGroup: Landing['subnetGroup'],
  { securityGroups }: DatabaseSubject['regions'],
  { flags, ports: { source }, inventory }: GatherRequest,
  ask: Ask,
): Promise<Landing['securityGroups']> {
  const settled = (kept?.entries ?? []).filter(({ kind }) => kind === 'security-group')
  if (flags.securityGroup !== undefined && flags.securityGroup.length > 0)
    return thereOf(flags.securityGroup, securityGroups)
  if (!identity.known) {
    const ids = settled.flatMap(({ target }) => (target === null ? [] : idsOf(target)))
    return ids.length === 0
      ? unknown('not-asked', 'name some with --security-group')
      : thereOf([...new Set(ids)], securityGroups)
  }
  const { securityGroups: ids } = identity.value
  const before = new Map(ids.map((id) => [id, keptTarget(settled, 'security-group', id)]))
  const open = ids.filter((id) => before.get(id) === undefined)
  const ready = thereOf(
    [...new Set([...before.values()].flatMap((target) => (target === undefined ? [] : idsOf(target))))],
    securityGroups,
  )
  if (open.length === 0) return ready
  const vpcId = subnetGroup.known ? subnetGroup.value?.vpcId : undefined
  if (vpcId == null) return unknown('not-asked', 'which VPC it will be in is not known')
  const own: Answer<readonly Pick<SecurityGroup, 'id' | 'name'>[]> =
    identity.asOf !== null && inventory !== undefined
      ? known(sourceOf(inventory).securityGroups, identity.asOf)
      : await ask({ service: 'ec2', region: source.region }, (signal) =>
          source.ec2.securityGroups(open, signal),
        )
  if (!own.known) return own
  if (!ready.known) return ready
  return mapAnswer(securityGroups, (all) => {
    const pairs = open.map((id) => {
      const name = own.value.find((group) => group.id === id)?.name ?? id
      return { name, there: all.find((group) => group.name === name && group.vpcId === vpcId) }
    })
    const ids = [...ready.value.ids, ...pairs.flatMap(({ there }) => there?.id ?? [])]
    return {
      ids,
      shut: shutOf(ids, all),
      missing: [
        ...ready.value.missing,
        ...pairs.flatMap(({ name, there }) => (there === undefined ? [name] : [])),
      ],
    }
  })
}

/** What was named holds as long as nobody can look. */
function thereOf(
  ids: readonly string[],
  securityGroups: Answer<readonly SecurityGroup[]>,
): Answer<SecurityGroupsSeen> {
  if (!securityGroups.known) return known({ ids, missing: [], shut: [] })
  const there = new Set(securityGroups.value.map(({ id }) => id))
  return known({
    ids: ids.filter((id) => there.has(id)),
    missing: ids.filter((id) => !there.has(id)),
    shut: shutOf(ids, securityGroups.value),
  })
}

function shutOf(ids: readonly string[], all: readonly SecurityGroup[]): readonly string[] {
  return ids.filter((id) => all.find((group) => group.id === id)?.inbound.length === 0)
}

async function keyAliasesOf(
  { identity, kept }: Wanted,
  { flags, ports: { source }, inventory }: GatherRequest,
  ask: Ask,
): Promise<Answer<readonly string[]>> {
  const arn = identity.known ? identity.value.kmsKeyArn : null
  if (flags.kmsKey !== undefined || arn === null) return known([])
  if (keptTarget(kept?.entries ?? [], 'key', arn) !== undefined) return known([])
  if (identity.known && identity.asOf !== null && inventory !== undefined) {
    const key = sourceOf(inventory).keys.find((each) => each.arn === arn)
    return known(key?.aliases ?? [], identity.asOf)
  }
  return ask(
    { service: 'kms', region: source.region },
    async (signal) => (await source.kms.key(arn, signal))?.aliases ?? [],
  )
}

/** IAM's control plane is where it is for all regions, which may be the dead one. */
async function rolesOf(
  { identity }: Wanted,
  { ports: { iam, target } }: GatherRequest,
  ask: Ask,
): Promise<Answer<readonly RoleSeen[]>> {
  if (!identity.known) return UNKNOWN_OWN
  const { roles, arn: own } = identity.value
  const account = own.split(':')[4] ?? ''
  const found = await Promise.all(
    roles.map((arn) =>
      ask({ service: 'iam', region: GLOBAL_REGION }, async (signal) => {
        const role = await iam.role(arn, signal)
        const wrong = role === undefined ? 'there is none such' : wrongWithTrust(role, target.region, account)
        return [{ arn, wrong }]
      }),
    ),
  )
  return together(found)
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
