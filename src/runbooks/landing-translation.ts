import type { LandingZone } from './landing-zone.ts'
import type { SecurityGroup } from './ports/ec2.ts'
import type { SubnetGroup } from './ports/rds-groups.ts'
import type { PlannedRule } from './prepare-facts.ts'

/**
 * Subnets of the other region that stand for those of a group: of the same names; where the group has every subnet of its VPC,
 * every one of the VPC of the same name, or of the default VPC for that without a name. Undefined where that does not give two zones: private ones can't be guessed.
 */
export function subnetsFor(
  group: SubnetGroup,
  from: LandingZone,
  to: LandingZone,
): { readonly vpcId: string; readonly ids: readonly string[] } | undefined {
  const old = from.vpcs.find(({ id }) => id === group.vpcId)
  const vpcs = to.vpcs.filter(({ name, isDefault }) =>
    old?.name === undefined
      ? old?.isDefault === true && isDefault
      : name !== undefined && name === translate(old.name, from, to),
  )
  const [vpc] = vpcs
  if (vpc === undefined || vpcs.length > 1) return undefined
  const own = from.subnets.filter(({ id }) => group.subnets.some((each) => each.id === id))
  const names = new Set(own.map(({ name }) => translate(name, from, to)))
  const there = to.subnets.filter(({ vpcId }) => vpcId === vpc.id)
  const all = from.subnets.filter(({ vpcId }) => vpcId === group.vpcId)
  const same = there.filter(({ name }) => name !== undefined && names.has(name))
  const found = same.length > 0 ? same : own.length === all.length ? there : []
  const zones = new Set(found.map(({ zone }) => zone))
  return zones.size < 2 ? undefined : { vpcId: vpc.id, ids: found.map(({ id }) => id) }
}

function translate(name: string | undefined, from: LandingZone, to: LandingZone): string | undefined {
  return name?.replaceAll(from.region, to.region)
}

/** The rules of a group as the other region has to have them, and which of them can't be had there. */
export function rulesFor(
  group: SecurityGroup,
  {
    from,
    to,
    vpcId,
    made,
  }: {
    readonly from: LandingZone
    readonly to: LandingZone
    readonly vpcId: string
    /** Names of groups that are about to be made. */
    readonly made: ReadonlySet<string>
  },
): { readonly rules: readonly PlannedRule[]; readonly left: readonly string[] } {
  const rules: PlannedRule[] = []
  const left: string[] = []
  const oldCidr = from.vpcs.find(({ id }) => id === group.vpcId)?.cidr
  const newCidr = to.vpcs.find(({ id }) => id === vpcId)?.cidr
  for (const rule of group.inbound) {
    const { peer } = rule
    if (peer.startsWith('sg-')) {
      const name = from.securityGroups.find(({ id }) => id === peer)?.name
      const there =
        name !== undefined &&
        (made.has(name) || to.securityGroups.some((each) => each.vpcId === vpcId && each.name === name))
      if (there) rules.push({ ...rule, peer: name, peerIsName: true })
      else
        left.push(
          `Security group ${group.name} lets ${name ?? peer} in, of which ${vpcId} has none: let in who takes its place.`,
        )
    } else if (peer.startsWith('pl-')) {
      left.push(`Security group ${group.name} lets prefix list ${peer} in, which is of ${from.region} only.`)
    } else {
      const moved = peer === oldCidr && newCidr !== undefined ? newCidr : peer
      rules.push({ ...rule, peer: moved, peerIsName: false })
    }
  }
  return { rules, left }
}

/** The policy of the source's key, for a key of the other region; without one, the account decides by IAM. */
export function keyPolicyFor(
  key: { readonly managedBy: 'customer' | 'aws'; readonly policy?: string } | undefined,
  {
    account,
    partition,
    source,
    target,
  }: Readonly<Record<'account' | 'partition' | 'source' | 'target', string>>,
): string {
  if (key?.managedBy === 'customer' && key.policy !== undefined && key.policy.includes('"Statement"'))
    return key.policy.replaceAll(source, target)
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'account',
        Effect: 'Allow',
        Principal: { AWS: `arn:${partition}:iam::${account}:root` },
        Action: 'kms:*',
        Resource: '*',
      },
    ],
  })
}
