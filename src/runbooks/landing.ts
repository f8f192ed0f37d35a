import type { LifeboatError } from '../core/errors.ts'
import type { SnapshotKind } from './ports/rds-backups.ts'
import type { RegionPorts } from './ports.ts'

/** Where none was named, and none was settled. */
export const SECURITY_GROUP_HINT =
  'Name one of the target region, like --security-group sg-0123456789abcdef0: without it the default group would hold. What lifeboat migrate prepare has settled is taken by itself.'

export interface LandingGroups {
  readonly subnetGroup: string
  readonly parameterGroup: string | null
  readonly optionGroup: string | null
}

/** Before anything is made: are the groups there? Throws what `closed` makes of the first that is not. */
export async function findGroups(
  { subnetGroup, parameterGroup, optionGroup }: LandingGroups,
  kind: SnapshotKind,
  { rds, region }: RegionPorts,
  closed: (reason: string, hint: string) => LifeboatError,
  signal: AbortSignal,
): Promise<void> {
  const lacks = (what: string, flag: string) =>
    closed(`${region} has no ${what}`, `Create it there, or name another with ${flag}.`)
  if ((await rds.subnetGroup(subnetGroup, signal)) === undefined)
    throw lacks(`subnet group '${subnetGroup}'`, '--subnet-group')
  const isOwn = parameterGroup !== null && !parameterGroup.startsWith('default.')
  if (isOwn && (await rds.parameterGroup(kind, parameterGroup, signal)) === undefined)
    throw lacks(`parameter group '${parameterGroup}'`, '--parameter-group')
  if (optionGroup !== null && (await rds.optionGroup(optionGroup, signal)) === undefined)
    throw lacks(`option group '${optionGroup}'`, '--option-group')
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
