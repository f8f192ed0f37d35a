import { LifeboatError } from '../core/errors.ts'
import type { SnapshotKind } from './ports/rds-backups.ts'
import type { RegionPorts } from './ports.ts'
import { need, type WayFlags } from './way-flags.ts'

/** Where a new database is to stand, where nothing can be asked of the old one: all of it is the operator's word. */
export interface LandingOptions {
  readonly targetId: string | null
  readonly subnetGroup: string
  readonly securityGroups: readonly string[]
  readonly parameterGroup: string | null
  readonly optionGroup: string | null
  /** In order of preference, at least one. */
  readonly classes: readonly string[]
  readonly zones: readonly string[]
  readonly multiAz: boolean
  readonly backupDays: number
}

const BACKUP_DAYS = 7

export function chooseLanding(flags: WayFlags): LandingOptions {
  const securityGroups = flags.securityGroup ?? []
  const classes = flags.class ?? []
  if (securityGroups.length === 0)
    throw missing('--security-group', 'sg-0123456789abcdef0', 'without it the default group would hold')
  if (classes.length === 0)
    throw missing('--class', 'db.r6g.large', 'the source is not asked, and no backup knows its class')
  if (flags.subnetGroup === undefined)
    throw missing('--subnet-group', 'private', 'the source is not asked which one it has')
  return {
    targetId: flags.targetId === undefined ? null : need(flags.targetId, '--target-id', 'shop'),
    subnetGroup: flags.subnetGroup,
    securityGroups,
    parameterGroup: flags.parameterGroup ?? null,
    optionGroup: flags.optionGroup ?? null,
    classes,
    zones: flags.zone ?? [],
    multiAz: flags.multiAz ?? true,
    backupDays: flags.backupDays ?? BACKUP_DAYS,
  }
}

/** Before anything is made: are the groups there? Throws what `closed` makes of the first that is not. */
export async function findGroups(
  {
    subnetGroup,
    parameterGroup,
    optionGroup,
  }: Pick<LandingOptions, 'subnetGroup' | 'parameterGroup' | 'optionGroup'>,
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

function missing(flag: string, example: string, why: string): LifeboatError {
  return new LifeboatError('usage', `unable to plan: ${flag} is missing`, {
    hint: `Name one of the target region, like ${flag} ${example}: ${why}.`,
  })
}
