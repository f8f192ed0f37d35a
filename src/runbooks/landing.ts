import { faultOf } from '../core/cloud-fault.ts'
import type { LifeboatError } from '../core/errors.ts'
import type { SnapshotKind } from './ports/rds-backups.ts'
import type { SubnetGroup } from './ports/rds-groups.ts'
import type { RegionPorts } from './ports.ts'

/** Where none was named, and none was settled. */
export const SECURITY_GROUP_HINT =
  'Name one of the target region, like --security-group sg-0123456789abcdef0: without it the default group would hold. What lifeboat migrate prepare has settled is taken by itself.'

export interface LandingGroups {
  readonly subnetGroup: string
  readonly securityGroups: readonly string[]
  readonly parameterGroup: string | null
  readonly optionGroup: string | null
}

type Closed = (reason: string, hint: string) => LifeboatError

/** Before anything is made: are the groups there? Throws what `closed` makes of the first that is not. */
export async function findGroups(
  { subnetGroup, securityGroups, parameterGroup, optionGroup }: LandingGroups,
  kind: SnapshotKind,
  target: RegionPorts,
  closed: Closed,
  signal: AbortSignal,
): Promise<void> {
  const { rds, region } = target
  const lacks = (what: string, flag: string) =>
    closed(`${region} has no ${what}`, `Create it there, or name another with ${flag}.`)
  const subnets = await rds.subnetGroup(subnetGroup, signal)
  if (subnets === undefined) throw lacks(`subnet group '${subnetGroup}'`, '--subnet-group')
  await findSecurityGroups(securityGroups, subnets, target, closed, signal)
  const isOwn = parameterGroup !== null && !parameterGroup.startsWith('default.')
  if (isOwn && (await rds.parameterGroup(kind, parameterGroup, signal)) === undefined)
    throw lacks(`parameter group '${parameterGroup}'`, '--parameter-group')
  if (optionGroup !== null && (await rds.optionGroup(optionGroup, signal)) === undefined)
    throw lacks(`option group '${optionGroup}'`, '--option-group')
}

/** RDS looks at them only when it restores, hours after a copy was begun. */
async function findSecurityGroups(
  ids: readonly string[],
  { name, vpcId }: SubnetGroup,
  { ec2, region }: RegionPorts,
  closed: Closed,
  signal: AbortSignal,
): Promise<void> {
  let all: Awaited<ReturnType<typeof ec2.securityGroups>>
  try {
    all = await ec2.securityGroups(undefined, signal)
  } catch (thrown) {
    const fault = faultOf(thrown)
    if (fault === undefined || fault === 'throttled') throw thrown
    // Another service than the one that restores: where it does not answer, or may not be asked, the restore will say.
    return
  }
  for (const id of ids) {
    const found = all.find((group) => group.id === id)
    if (found?.vpcId === vpcId) continue
    const reason =
      found === undefined
        ? `${region} has no security group '${id}'`
        : `security group '${id}' is of ${found.vpcId}, and subnet group '${name}' of ${vpcId}`
    const fit = all
      .filter((group) => group.vpcId === vpcId && group.name !== 'default')
      .slice(0, 5)
      .map((group) => `${group.id} (${group.name})`)
    throw closed(
      reason,
      fit.length === 0
        ? `${vpcId} has none but the default one: create one there, or let lifeboat migrate prepare do it, and name it with --security-group.`
        : `Name one of ${vpcId} with --security-group: ${fit.join(', ')}.`,
    )
  }
}

/** For the quotas. */
export function newOnes(
  kind: SnapshotKind,
  clusterInstances: number,
  snapshots: number,
): { readonly instances: number; readonly clusters: number; readonly snapshots: number } {
  return kind === 'instance'
    ? { instances: 1, clusters: 0, snapshots }
    : { instances: clusterInstances, clusters: 1, snapshots }
}

/** AWS's default groups are named `default.…` and `default:…`, and are in every region. */
export function ownGroup(group: string | undefined): string | null {
  return group === undefined || /^default[.:]/.test(group) ? null : group
}
