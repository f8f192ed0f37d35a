import { idsOf, keptTarget } from '../../runbooks/kept-landing.ts'
import type { SecurityGroup } from '../../runbooks/ports/ec2.ts'
import { wrongWithTrust } from '../../runbooks/role-trust.ts'
import { sourceOf } from '../inventory/record.ts'
import { type Answer, known, mapAnswer, together, unknown } from './answer.ts'
import type { Ask } from './ask.ts'
import { GLOBAL_REGION, type Landing, type RoleSeen, type SecurityGroupsSeen } from './evidence.ts'
import type { GatherRequest } from './gather.ts'
import type { DatabaseSubject } from './gather-database.ts'
import { UNKNOWN_OWN, type Wanted } from './landing-name.ts'

export async function securityGroupsOf(
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

export async function keyAliasesOf(
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
export async function rolesOf(
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
