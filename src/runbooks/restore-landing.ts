import { LifeboatError } from '../core/errors.ts'
import { givable } from './give-role.ts'
import { SECURITY_GROUP_HINT } from './landing.ts'
import type { RegionPorts } from './ports.ts'
import { readModel, type SourceModel } from './source-model.ts'
import { need, type WayFlags } from './way-flags.ts'

/** Where a new database is to stand, as far as the operator has said so. Null is as the source has it, or its inventory. */
export interface RestoreLandingOptions {
  readonly targetId: string | null
  readonly subnetGroup: string | null
  readonly securityGroups: readonly string[]
  readonly parameterGroup: string | null
  readonly optionGroup: string | null
  /** In order of preference. */
  readonly classes: readonly string[]
  readonly zones: readonly string[]
  readonly multiAz: boolean | null
  readonly backupDays: number | null
}

/** All of it, once the inventory has filled the gaps: what no backup knows. */
export interface RestoreLanding {
  readonly subnetGroup: string
  readonly securityGroups: readonly string[]
  readonly parameterGroup: string | null
  readonly optionGroup: string | null
  /** At least one. */
  readonly classes: readonly string[]
  readonly zones: readonly string[]
  readonly multiAz: boolean
  /** Of a cluster. */
  readonly instances: number
  readonly backupDays: number
  readonly port: number | null
}

const BACKUP_DAYS = 7

export function chooseRestoreLanding(flags: WayFlags): RestoreLandingOptions {
  const securityGroups = flags.securityGroup ?? []
  if (securityGroups.length === 0) throw usage('--security-group', SECURITY_GROUP_HINT)
  return {
    targetId: flags.targetId === undefined ? null : need(flags.targetId, '--target-id', 'shop'),
    subnetGroup: flags.subnetGroup ?? null,
    securityGroups,
    parameterGroup: flags.parameterGroup ?? null,
    optionGroup: flags.optionGroup ?? null,
    classes: flags.class ?? [],
    zones: flags.zone ?? [],
    multiAz: flags.multiAz ?? null,
    backupDays: flags.backupDays ?? null,
  }
}

/** Pure: what the operator says anew with --resume holds. */
export function settleLanding(options: RestoreLandingOptions, model: SourceModel | null): RestoreLanding {
  const { securityGroups, zones } = options
  const classes = classesOf(options, model)
  const subnetGroup = options.subnetGroup ?? model?.subnetGroup ?? undefined
  const lacks = (flag: string, example: string) =>
    usage(
      flag,
      `Name one of the target region, like ${flag} ${example}, or give --inventory FILE: the source is not asked, and no backup knows it.`,
    )
  if (classes.length === 0) throw lacks('--class', 'db.r6g.large')
  if (subnetGroup === undefined) throw lacks('--subnet-group', 'private')
  return {
    ...{ subnetGroup, securityGroups, classes, zones },
    parameterGroup: options.parameterGroup ?? model?.parameterGroup ?? null,
    optionGroup: options.optionGroup ?? model?.optionGroup ?? null,
    multiAz: options.multiAz ?? model?.multiAz ?? true,
    instances: instancesOf(options, model),
    backupDays: options.backupDays ?? (model === null ? BACKUP_DAYS : Math.max(model.backupRetentionDays, 1)),
    port: model?.port ?? null,
  }
}

/** What was named first, then what it had. */
export function classesOf(
  { classes }: { readonly classes: readonly string[] },
  model: SourceModel | null,
): readonly string[] {
  const own = model?.instanceClass ?? null
  return own === null ? classes : [...new Set([...classes, own])]
}

/** Of Aurora, to be in two zones is to have two instances. */
export function instancesOf(
  { multiAz }: { readonly multiAz: boolean | null },
  model: SourceModel | null,
): number {
  const had = model?.instances ?? 2
  if (multiAz === null) return had
  return multiAz ? Math.max(had, 2) : 1
}

/** Only of an inventory: the region itself is not asked. Null where none was given. */
export async function modelOfInventory(
  { db }: { readonly db: string },
  source: RegionPorts,
  closed: (reason: string, hint: string) => LifeboatError,
  signal: AbortSignal,
): Promise<SourceModel | null> {
  if (source.inventory === undefined) return null
  const model = await readModel(db, source, signal)
  if (model !== undefined) return model
  throw closed(
    `inventory ${source.inventory} does not know it`,
    'Name the --inventory that has it, or leave that out and say all with options.',
  )
}

/** A group for a cluster's instances has no option of its own: where the target region lacks it, AWS's own holds. */
export async function instanceGroupOf(
  model: SourceModel | null,
  { rds }: RegionPorts,
  signal: AbortSignal,
): Promise<string | null> {
  const name = model?.instanceParameterGroup ?? null
  return name !== null && (await rds.parameterGroup('instance', name, signal)) !== undefined ? name : null
}

/** Of what the old one had, and the new one has not got by this way. */
export function unlike(
  model: SourceModel | null,
  instanceGroup: string | null,
): { readonly warnings: readonly string[]; readonly afterwards: readonly string[] } {
  if (model === null) return { warnings: [], afterwards: [] }
  const { instanceParameterGroup, kind } = model
  const given = givable(model)
  const roles = model.roles.filter((role) => !given.includes(role)).map(({ role }) => role)
  return {
    warnings:
      instanceParameterGroup !== null && instanceGroup === null
        ? [
            `Its instances had parameter group ${instanceParameterGroup}, which is not in the target region: the new ones have the parameters of AWS.`,
          ]
        : [],
    afterwards: [
      ...(given.length === 0
        ? []
        : [
            `The roles that it had may name buckets, functions or keys of the old region: look at the policies of ${[...new Set(given.map(({ role }) => role))].join(', ')}.`,
          ]),
      ...(roles.length === 0
        ? []
        : [
            `It had roles, which let it reach other services, and what they are for is not known: ${roles.join(', ')}. Add each with aws rds add-role-to-db-${kind}.`,
          ]),
    ],
  }
}

function usage(flag: string, hint: string): LifeboatError {
  return new LifeboatError('usage', `unable to plan: ${flag} is missing`, { hint })
}
