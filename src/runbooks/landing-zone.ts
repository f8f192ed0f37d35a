import { idsOf, keptTarget } from './kept-landing.ts'
import { wrongWith } from './key-check.ts'
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

/** What is known beside what the regions have. */
export interface LandingKnowledge {
  /** What was settled before for things of the source, as long as it is there. */
  readonly kept?: readonly LandingEntry[]
  /** What is wrong with a role; null where nothing is. One that is left out could not be asked for. */
  readonly roles?: ReadonlyMap<string, string | null>
}

/**
 * What of the target region stands for what the database refers to in the source's: what was chosen, else what was settled before,
 * else what has the same name. Pure: an entry without a target closes the ways that make a new database.
 */
export function mapLandingZone(
  needs: LandingNeeds,
  source: LandingZone,
  target: LandingZone,
  choice: LandingChoice,
  { kept = [], roles = new Map() }: LandingKnowledge = {},
): readonly LandingEntry[] {
  const { subnetGroup, parameterGroup, optionGroup } = needs
  const before = (kind: LandingEntry['kind'], of: string) => keptTarget(kept, kind, of)
  const wantedGroup =
    choice.subnetGroup ?? (subnetGroup === null ? null : (before('subnet-group', subnetGroup) ?? subnetGroup))
  const landing = target.subnetGroups.find(({ name }) => name === wantedGroup)
  return [
    ...(subnetGroup === null
      ? []
      : [
          entry(
            'subnet-group',
            subnetGroup,
            landing?.name,
            `${target.region} has no subnet group ${wantedGroup}`,
          ),
        ]),
    ...needs.securityGroups.map((id) => {
      const ids = choice.securityGroups.length > 0 ? choice.securityGroups : before('security-group', id)
      return ids === undefined
        ? securityEntry(id, source, target, landing?.vpcId)
        : chosenEntry(id, typeof ids === 'string' ? idsOf(ids) : ids, target)
    }),
    ...(parameterGroup === null
      ? []
      : [
          parameterEntry(needs.kind, parameterGroup, source, target, {
            wanted: choice.parameterGroup ?? before('parameter-group', parameterGroup) ?? parameterGroup,
          }),
        ]),
    ...(optionGroup === null
      ? []
      : [
          optionEntry(optionGroup, source, target, {
            wanted: choice.optionGroup ?? before('option-group', optionGroup) ?? optionGroup,
          }),
        ]),
    ...(needs.encrypted
      ? [
          keyEntry(needs, source, target, {
            wanted: choice.kmsKey ?? before('key', needs.kmsKeyArn ?? OWNED_KEY) ?? null,
          }),
        ]
      : []),
    // IAM knows no regions: the role is the same one, as long as RDS of the other region may assume it.
    ...needs.roles.map((role) => {
      const wrong = roles.get(role)
      const lacks = typeof wrong === 'string'
      return entry('role', role, lacks ? undefined : role, lacks ? `role ${role}: ${wrong}` : '')
    }),
  ]
}

/** Of storage that is encrypted under a key that nobody sees. */
const OWNED_KEY = "AWS's own key"

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

function chosenEntry(id: string, chosen: readonly string[], target: LandingZone): LandingEntry {
  const gone = chosen.find((each) => !target.securityGroups.some((group) => group.id === each))
  return entry(
    'security-group',
    id,
    gone === undefined ? chosen.join(',') : undefined,
    `${target.region} has no security group ${gone}`,
  )
}

function securityEntry(
  id: string,
  source: LandingZone,
  target: LandingZone,
  vpcId: string | undefined,
): LandingEntry {
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

interface Wanted<T> {
  /** Name of the thing of the target. */
  readonly wanted: T
}

function parameterEntry(
  kind: LandingNeeds['kind'],
  name: string,
  source: LandingZone,
  target: LandingZone,
  { wanted }: Wanted<string>,
): LandingEntry {
  const groups = ({ instanceParameterGroups, clusterParameterGroups }: LandingZone) =>
    kind === 'instance' ? instanceParameterGroups : clusterParameterGroups
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

function optionEntry(
  name: string,
  source: LandingZone,
  target: LandingZone,
  { wanted }: Wanted<string>,
): LandingEntry {
  const own = source.optionGroups.find((group) => group.name === name)
  const found = target.optionGroups.find((group) => group.name === wanted)
  const version = (group: Pick<OptionGroup, 'engine' | 'majorVersion'>) =>
    `${group.engine} ${group.majorVersion}`
  if (own !== undefined && found !== undefined && version(own) !== version(found)) {
    const reason = `${wanted} of ${target.region} is of ${version(found)}, not ${version(own)}`
    return entry('option-group', name, undefined, reason)
  }
  return entry('option-group', name, found?.name, `${target.region} has no option group ${wanted}`)
}

function keyEntry(
  { kmsKeyArn }: LandingNeeds,
  source: LandingZone,
  target: LandingZone,
  { wanted: kmsKey }: Wanted<string | null>,
): LandingEntry {
  const own = source.keys.find(({ arn }) => arn === kmsKeyArn)
  const aliases = own?.managedBy === 'customer' ? own.aliases : []
  const names = kmsKey === null ? aliases : [kmsKey]
  const found = target.keys.find(
    (key) =>
      names.includes(key.id) || names.includes(key.arn) || key.aliases.some((each) => names.includes(each)),
  )
  const name = kmsKeyArn ?? OWNED_KEY
  if (found === undefined) {
    const what =
      names.length === 0 ? 'key of which it is known that it stands for this one' : `key ${names.join(', ')}`
    return entry('key', name, undefined, `${target.region} has no ${what}`)
  }
  const wrong = wrongWith(found, found.arn, target.region)
  return entry(
    'key',
    name,
    wrong === undefined ? found.arn : undefined,
    `${found.arn} can not be used: ${wrong}`,
  )
}
