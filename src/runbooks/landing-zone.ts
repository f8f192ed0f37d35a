import { ownGroup } from './landing.ts'
import type { SecurityGroup, Subnet, Vpc } from './ports/ec2.ts'
import type { KmsKey } from './ports/kms.ts'
import type { RdsInstance } from './ports/rds.ts'
import type { RdsCluster } from './ports/rds-clusters.ts'
import type { OptionGroup, ParameterGroup, SubnetGroup } from './ports/rds-groups.ts'

/** What a database lands in. An inventory has both regions in this form, too. */
export interface LandingZone {
  readonly region: string
  readonly vpcs: readonly Vpc[]
  readonly subnets: readonly Subnet[]
  readonly subnetGroups: readonly SubnetGroup[]
  readonly securityGroups: readonly SecurityGroup[]
  readonly instanceParameterGroups: readonly ParameterGroup[]
  readonly clusterParameterGroups: readonly ParameterGroup[]
  readonly optionGroups: readonly OptionGroup[]
  readonly keys: readonly (KmsKey & { readonly policy?: string })[]
}

/** What of it one database refers to; plain JSON. */
export interface LandingNeeds {
  readonly id: string
  readonly kind: 'instance' | 'cluster'
  readonly subnetGroup: string | null
  readonly securityGroups: readonly string[]
  /** None of AWS's own, which are in every region. */
  readonly parameterGroup: string | null
  readonly optionGroup: string | null
  readonly kmsKeyArn: string | null
  readonly encrypted: boolean
  readonly roles: readonly string[]
}

/** What the operator has chosen of the target region; null where a thing of the same name stands for it. */
export interface LandingChoice {
  readonly subnetGroup: string | null
  readonly securityGroups: readonly string[]
  readonly parameterGroup: string | null
  readonly optionGroup: string | null
  readonly kmsKey: string | null
}

export const NO_CHOICE: LandingChoice = {
  subnetGroup: null,
  securityGroups: [],
  parameterGroup: null,
  optionGroup: null,
  kmsKey: null,
}

export interface LandingEntry {
  readonly kind: 'subnet-group' | 'security-group' | 'parameter-group' | 'option-group' | 'key' | 'role'
  /** Name, id or ARN in the source region. */
  readonly source: string
  /** Name, id or ARN in the target region; null where there is none. */
  readonly target: string | null
  /** Why there is none. */
  readonly missing: string | null
}

export function needsOfInstance(instance: RdsInstance): LandingNeeds {
  return {
    ...{ id: instance.id, kind: 'instance', encrypted: instance.encrypted, roles: instance.roles },
    subnetGroup: instance.subnetGroup ?? null,
    securityGroups: instance.securityGroups,
    parameterGroup: ownGroup(instance.parameterGroups[0]?.name),
    optionGroup: ownGroup(instance.optionGroups[0]?.name),
    kmsKeyArn: instance.kmsKeyArn ?? null,
  }
}

export function needsOfCluster(cluster: RdsCluster): LandingNeeds {
  return {
    ...{ id: cluster.id, kind: 'cluster', encrypted: cluster.encrypted, roles: cluster.roles },
    subnetGroup: cluster.subnetGroup ?? null,
    securityGroups: cluster.securityGroups,
    parameterGroup: ownGroup(cluster.parameterGroup),
    optionGroup: null,
    kmsKeyArn: cluster.kmsKeyArn ?? null,
  }
}

/**
 * What of the target region stands for what the database refers to in the source's: what was chosen, else what has the same
 * name. Pure: `assess` asks it of an inventory, and an entry without a target closes the ways that make a new database.
 */
export function mapLandingZone(
  needs: LandingNeeds,
  source: LandingZone,
  target: LandingZone,
  choice: LandingChoice,
): readonly LandingEntry[] {
  const { subnetGroup, parameterGroup, optionGroup } = needs
  const landing = target.subnetGroups.find(({ name }) => name === (choice.subnetGroup ?? subnetGroup))
  return [
    ...(subnetGroup === null
      ? []
      : [entry('subnet-group', subnetGroup, landing?.name, `${target.region} has no such subnet group`)]),
    ...needs.securityGroups.map((id) => securityEntry(id, source, target, choice, landing?.vpcId)),
    ...(parameterGroup === null ? [] : [parameterEntry(needs.kind, parameterGroup, source, target, choice)]),
    ...(optionGroup === null ? [] : [optionEntry(optionGroup, target, choice)]),
    ...(needs.encrypted ? [keyEntry(needs, source, target, choice)] : []),
    // IAM knows no regions.
    ...needs.roles.map((role) => entry('role', role, role, '')),
  ]
}

export function isComplete(entries: readonly LandingEntry[]): boolean {
  return entries.every(({ target }) => target !== null)
}

function entry(
  kind: LandingEntry['kind'],
  source: string,
  target: string | undefined,
  reason: string,
): LandingEntry {
  return { kind, source, target: target ?? null, missing: target === undefined ? reason : null }
}

function securityEntry(
  id: string,
  source: LandingZone,
  target: LandingZone,
  { securityGroups: chosen }: LandingChoice,
  vpcId: string | undefined,
): LandingEntry {
  if (chosen.length > 0) {
    const gone = chosen.find((each) => !target.securityGroups.some((group) => group.id === each))
    return entry(
      'security-group',
      id,
      gone === undefined ? chosen.join(',') : undefined,
      `${target.region} has no security group ${gone}`,
    )
  }
  const name = source.securityGroups.find((group) => group.id === id)?.name
  if (name === undefined) return entry('security-group', id, undefined, 'its name is not known')
  const same = target.securityGroups.filter(
    (group) => group.name === name && (vpcId === undefined || group.vpcId === vpcId),
  )
  const [first, second] = same
  if (second !== undefined)
    return entry('security-group', id, undefined, `${target.region} has several named ${name}`)
  const where = vpcId === undefined ? target.region : `${vpcId} of ${target.region}`
  return entry('security-group', id, first?.id, `${where} has no security group ${name}`)
}

function parameterEntry(
  kind: LandingNeeds['kind'],
  name: string,
  source: LandingZone,
  target: LandingZone,
  choice: LandingChoice,
): LandingEntry {
  const groups = ({ instanceParameterGroups, clusterParameterGroups }: LandingZone) =>
    kind === 'instance' ? instanceParameterGroups : clusterParameterGroups
  const wanted = choice.parameterGroup ?? name
  const family = groups(source).find((group) => group.name === name)?.family
  const found = groups(target).find((group) => group.name === wanted)
  if (found === undefined)
    return entry('parameter-group', name, undefined, `${target.region} has no parameter group ${wanted}`)
  if (family !== undefined && found.family !== family) {
    const reason = `${wanted} of ${target.region} is of family ${found.family}, not ${family}`
    return entry('parameter-group', name, undefined, reason)
  }
  return entry('parameter-group', name, wanted, '')
}

function optionEntry(name: string, target: LandingZone, choice: LandingChoice): LandingEntry {
  const wanted = choice.optionGroup ?? name
  const found = target.optionGroups.find((group) => group.name === wanted)
  return entry('option-group', name, found?.name, `${target.region} has no option group ${wanted}`)
}

function keyEntry(
  { kmsKeyArn }: LandingNeeds,
  source: LandingZone,
  target: LandingZone,
  { kmsKey }: LandingChoice,
): LandingEntry {
  const own = source.keys.find(({ arn }) => arn === kmsKeyArn)
  const aliases = own?.managedBy === 'customer' ? own.aliases : []
  const names = kmsKey === null ? aliases : [kmsKey]
  const found = target.keys.find(
    (key) =>
      names.includes(key.id) || names.includes(key.arn) || key.aliases.some((each) => names.includes(each)),
  )
  const name = kmsKeyArn ?? "AWS's own key"
  if (found === undefined) {
    const wanted =
      names.length === 0 ? 'key of which it is known that it stands for this one' : `key ${names.join(', ')}`
    return entry('key', name, undefined, `${target.region} has no ${wanted}`)
  }
  const usable = found.enabled && found.managedBy === 'customer' && found.spec === 'SYMMETRIC_DEFAULT'
  return entry(
    'key',
    name,
    usable ? found.arn : undefined,
    `${found.arn} can not be used: its state is ${found.state}`,
  )
}
