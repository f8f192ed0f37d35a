import { faultOf } from '../core/cloud-fault.ts'
import { LifeboatError } from '../core/errors.ts'
import { landingDifferences } from './landing-differences.ts'
import { keyPolicyFor, rulesFor, subnetsFor } from './landing-translation.ts'
import {
  type LandingChoice,
  type LandingEntry,
  type LandingNeeds,
  type LandingZone,
  mapLandingZone,
  needsOfCluster,
  needsOfInstance,
} from './landing-zone.ts'
import type { SecurityRule } from './ports/ec2.ts'
import type { GroupOption, GroupParameter } from './ports/rds-groups.ts'
import type { CloudPorts, RegionPorts } from './ports.ts'
import { wrongWithTrust } from './role-trust.ts'
import { needOneDb, needRegions, type WayFlags } from './way-flags.ts'

export interface PrepareOptions extends LandingChoice {
  readonly source: string
  readonly target: string
  readonly db: string
}

/** A rule whose peer is a group has the name of that group, which is looked up in the VPC when the rule is written. */
export interface PlannedRule extends SecurityRule {
  readonly peerIsName: boolean
}

/** What there is, and what has to be made; plain JSON. */
export interface PrepareFacts {
  readonly account: string
  readonly partition: string
  readonly kind: LandingNeeds['kind']
  /** Where a group stands already. */
  readonly landing: readonly LandingEntry[]
  readonly vpcId: string
  readonly subnetGroup: {
    readonly name: string
    readonly description: string
    readonly subnetIds: readonly string[]
  } | null
  readonly securityGroups: readonly {
    readonly name: string
    readonly description: string
    readonly rules: readonly PlannedRule[]
  }[]
  readonly parameterGroup: {
    readonly name: string
    readonly family: string
    readonly description: string
    readonly parameters: readonly GroupParameter[]
  } | null
  readonly optionGroup: {
    readonly name: string
    readonly engine: string
    readonly majorVersion: string
    readonly description: string
    readonly options: readonly GroupOption[]
  } | null
  readonly key: { readonly alias: string; readonly policy: string } | null
  /** What of the source has no counterpart, in whole sentences. */
  readonly left: readonly string[]
}

export function choosePrepare(flags: WayFlags): PrepareOptions {
  return {
    ...needRegions(flags),
    db: needOneDb(flags, 'prepare'),
    subnetGroup: flags.subnetGroup ?? null,
    securityGroups: flags.securityGroup ?? [],
    parameterGroup: flags.parameterGroup ?? null,
    optionGroup: flags.optionGroup ?? null,
    kmsKey: flags.kmsKey ?? null,
  }
}

export async function gatherPrepare(
  options: PrepareOptions,
  { source, target, iam }: CloudPorts,
  signal: AbortSignal,
): Promise<PrepareFacts> {
  const { account, partition } = await iam.caller(signal)
  const needs = await needsOf(options, source, signal)
  const from = await sourceZone(needs, source, signal)
  const to = await targetZone(needs, options, target, signal)
  const roles = await rolesOf(needs, iam, { region: target.region, account }, signal)
  const landing = mapLandingZone(needs, from, to, options, { roles })
  const missing = (kind: LandingEntry['kind']) =>
    landing.filter((each) => each.kind === kind && each.target === null)
  refuseChosen(options, landing)
  const own = from.subnetGroups[0]
  const there = to.subnetGroups.find(({ name }) => name === (options.subnetGroup ?? needs.subnetGroup))
  const subnets = there === undefined && own !== undefined ? subnetsFor(own, from, to) : undefined
  const vpcId = there?.vpcId ?? subnets?.vpcId
  if (vpcId === undefined) {
    throw closed(
      options,
      `${target.region} has no VPC and subnets that stand for those of subnet group '${needs.subnetGroup}'`,
      'Make a VPC of the same name there, with subnets in two zones that have the names of the source; or make a subnet group and name it with --subnet-group.',
    )
  }
  const groups = missing('security-group').map(({ source: id }) => {
    const group = from.securityGroups.find((each) => each.id === id)
    if (group === undefined)
      throw closed(
        options,
        `${source.region} has no security group ${id}`,
        'Take it off the database, or name one of the target with --security-group.',
      )
    return group
  })
  const made = new Set(groups.map(({ name }) => name))
  const translated = groups.map((group) => ({ group, ...rulesFor(group, { from, to, vpcId, made }) }))
  const parameters = missing('parameter-group').length === 0 ? undefined : parametersOf(needs, from)
  const optionGroup = missing('option-group').length === 0 ? undefined : from.optionGroups[0]
  const key = from.keys[0]
  const alias = key?.managedBy === 'customer' ? key.aliases[0] : undefined
  return {
    ...{ account, partition, kind: needs.kind, landing, vpcId },
    subnetGroup:
      subnets === undefined || own === undefined
        ? null
        : { name: own.name, description: own.description, subnetIds: subnets.ids },
    securityGroups: translated.map(({ group: { name, description }, rules }) => ({
      name,
      description,
      rules,
    })),
    parameterGroup: parameters ?? null,
    optionGroup: optionGroup === undefined ? null : withoutGroups(optionGroup),
    key:
      missing('key').length === 0
        ? null
        : {
            alias: alias ?? `alias/${needs.id}`,
            policy: keyPolicyFor(key, { account, partition, source: source.region, target: target.region }),
          },
    left: [
      ...translated.flatMap(({ left }) => left),
      ...landingDifferences(needs, landing, from, to),
      ...missing('role').map(
        (entry) =>
          `${entry.missing}: mend that before the database is to reach through it what it reaches now.`,
      ),
      ...(optionGroup?.options ?? []).flatMap(({ name, securityGroups }) =>
        securityGroups.length === 0
          ? []
          : [
              `Option ${name} has security groups of ${source.region}, which are not set: choose some of ${target.region}.`,
            ],
      ),
    ],
  }
}

/** What the operator has named has to be there: nothing is made in its place. */
function refuseChosen(options: PrepareOptions, landing: readonly LandingEntry[]): void {
  const chosen: Readonly<Partial<Record<LandingEntry['kind'], boolean>>> = {
    'subnet-group': options.subnetGroup !== null,
    'security-group': options.securityGroups.length > 0,
    'parameter-group': options.parameterGroup !== null,
    'option-group': options.optionGroup !== null,
    key: options.kmsKey !== null,
  }
  // A thing of the same name that can't stand for it is not overwritten either.
  const wrong = landing.find(
    ({ kind, missing }) =>
      missing !== null && (chosen[kind] === true || / is of |several named|can not be used/.test(missing)),
  )
  if (wrong !== undefined)
    throw closed(options, wrong.missing ?? '', 'Mend it there, or name another one with the option for it.')
}

/** IAM's control plane is in one region, which may be the dead one: what it does not say is not known, and holds up nothing. */
async function rolesOf(
  { roles }: LandingNeeds,
  iam: CloudPorts['iam'],
  { region, account }: { readonly region: string; readonly account: string },
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string | null>> {
  const found = new Map<string, string | null>()
  for (const arn of roles) {
    try {
      const role = await iam.role(arn, signal)
      found.set(arn, role === undefined ? 'there is none such' : wrongWithTrust(role, region, account))
    } catch (thrown) {
      if (faultOf(thrown) === undefined) throw thrown
    }
  }
  return found
}

async function needsOf({ db, source: region }: PrepareOptions, { rds }: RegionPorts, signal: AbortSignal) {
  const instance = await rds.instance(db, signal)
  if (instance !== undefined && instance.clusterId === undefined) return needsOfInstance(instance)
  const cluster = await rds.cluster(instance?.clusterId ?? db, signal)
  if (cluster !== undefined) return needsOfCluster(cluster)
  throw new LifeboatError(
    'step-failed',
    `unable to prepare for '${db}': ${region} has no such instance or cluster`,
    { hint: 'Check --db and --source.' },
  )
}

async function sourceZone(
  needs: LandingNeeds,
  { region, rds, ec2, kms }: RegionPorts,
  signal: AbortSignal,
): Promise<LandingZone> {
  const { kind, subnetGroup, parameterGroup, optionGroup, kmsKeyArn } = needs
  const subnets = subnetGroup === null ? undefined : await rds.subnetGroup(subnetGroup, signal)
  const parameters =
    parameterGroup === null ? undefined : await rds.parameterGroup(kind, parameterGroup, signal)
  const options = optionGroup === null ? undefined : await rds.optionGroup(optionGroup, signal)
  const key = kmsKeyArn === null ? undefined : await kms.key(kmsKeyArn, signal)
  const policy = key?.managedBy === 'customer' ? await kms.policy(key.id, signal) : undefined
  const groups = await ec2.securityGroups(needs.securityGroups, signal)
  const peers = groups
    .flatMap(({ inbound }) => inbound.map(({ peer }) => peer))
    .filter((peer) => peer.startsWith('sg-'))
  const others = peers.length === 0 ? [] : await ec2.securityGroups([...new Set(peers)], signal)
  return {
    region,
    vpcs: await ec2.vpcs(signal),
    subnets: subnets === undefined ? [] : await ec2.subnets(subnets.vpcId, signal),
    subnetGroups: listOf(subnets),
    securityGroups: [...groups, ...others.filter(({ id }) => !needs.securityGroups.includes(id))],
    instanceParameterGroups: kind === 'instance' ? listOf(parameters) : [],
    clusterParameterGroups: kind === 'cluster' ? listOf(parameters) : [],
    optionGroups: listOf(options),
    keys: key === undefined ? [] : [{ ...key, ...(policy !== undefined && { policy }) }],
  }
}

async function targetZone(
  { kind, parameterGroup, optionGroup }: LandingNeeds,
  choice: LandingChoice,
  { region, rds, ec2, kms }: RegionPorts,
  signal: AbortSignal,
): Promise<LandingZone> {
  const parameters = choice.parameterGroup ?? parameterGroup
  const options = choice.optionGroup ?? optionGroup
  const found = parameters === null ? undefined : await rds.parameterGroup(kind, parameters, signal)
  return {
    region,
    vpcs: await ec2.vpcs(signal),
    subnets: await ec2.subnets(undefined, signal),
    subnetGroups: await rds.subnetGroups(signal),
    securityGroups: await ec2.securityGroups(undefined, signal),
    instanceParameterGroups: kind === 'instance' ? listOf(found) : [],
    clusterParameterGroups: kind === 'cluster' ? listOf(found) : [],
    optionGroups: listOf(options === null ? undefined : await rds.optionGroup(options, signal)),
    keys: await kms.keys(signal),
  }
}

function parametersOf({ kind }: LandingNeeds, from: LandingZone): PrepareFacts['parameterGroup'] {
  const [group] = kind === 'instance' ? from.instanceParameterGroups : from.clusterParameterGroups
  return group === undefined ? null : group
}

function withoutGroups(group: LandingZone['optionGroups'][number]): NonNullable<PrepareFacts['optionGroup']> {
  const { name, engine, majorVersion, description, options } = group
  return {
    ...{ name, engine, majorVersion, description },
    options: options.map((option) => ({ ...option, securityGroups: [] })),
  }
}

function listOf<T>(thing: T | undefined): readonly T[] {
  return thing === undefined ? [] : [thing]
}

function closed({ db }: PrepareOptions, reason: string, hint: string): LifeboatError {
  return new LifeboatError('step-failed', `unable to prepare for '${db}': ${reason}`, { hint })
}
