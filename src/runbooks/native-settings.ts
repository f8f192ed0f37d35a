import type { LifeboatError } from '../core/errors.ts'
import type { Endpoint, RdsInstance } from './ports/rds.ts'
import type { SnapshotKind } from './ports/rds-backups.ts'
import type { ClusterSettings } from './ports/rds-clusters.ts'
import type { Tags } from './ports.ts'
import { classesOf, instancesOf, type RestoreLandingOptions } from './restore-landing.ts'
import type { SourceModel } from './source-model.ts'

/** Null is as the source has it, from its own control plane or an inventory that stands for it. */
export interface NativeOptions extends RestoreLandingOptions {
  readonly source: string
  readonly target: string
  readonly db: string
  /** Dump the old one first, and restore just that. */
  readonly dumpNow: boolean
  /** Whom to dump, where its region does not say so. */
  readonly from: Endpoint | null
  readonly engine: string | null
  readonly engineVersion: string | null
  readonly storageGib: number | null
  readonly masterUser: string | null
  readonly kmsKey: string | null
}

/** The new database, with every gap filled. */
export interface NativeSettings {
  /** An instance stays one, and so does a cluster of Aurora. */
  readonly kind: SnapshotKind
  readonly engine: string
  readonly engineVersion: string
  readonly classes: readonly string[]
  /** Of an instance. */
  readonly storage: RdsInstance['storage'] | null
  readonly masterUser: string
  /** Of Oracle: its SID. */
  readonly databaseName: string | null
  readonly subnetGroup: string
  readonly parameterGroup: string | null
  readonly optionGroup: string | null
  readonly multiAz: boolean
  /** Of a cluster. */
  readonly instances: number
  readonly port: number | null
  readonly iamAuthentication: boolean
  readonly logExports: readonly string[]
  readonly backupRetentionDays: number
  readonly serverless: NonNullable<ClusterSettings['serverless']> | null
  readonly tags: Tags
  readonly licenseModel: string | null
  readonly characterSet: string | null
  readonly timeZone: string | null
  readonly storageType: string | null
}

export type Close = (reason: string, hint: string) => LifeboatError

export const TELL =
  'Give --inventory FILE, which lifeboat inventory export --plain has written, or all of --engine, --engine-version, --class, --storage-gib (not of Aurora) and --master-user.'

/** Pure: what the operator says anew with --resume holds. */
export function settleNative(
  options: NativeOptions,
  model: SourceModel | null,
  close: Close,
): NativeSettings {
  const engine = options.engine ?? model?.engine
  const engineVersion = options.engineVersion ?? model?.engineVersion
  const masterUser = options.masterUser ?? model?.masterUser ?? undefined
  const classes = classesOf(options, model)
  if (engine === undefined || engineVersion === undefined || masterUser === undefined || classes.length === 0)
    throw close(`${options.source} does not know it`, TELL)
  const kind = kindOf(engine, model, close)
  const gib = options.storageGib ?? model?.storage?.gib
  if (kind === 'instance' && gib === undefined) throw close('its size is not known', TELL)
  return {
    ...{ kind, engine, engineVersion, masterUser, classes },
    storage: gib === undefined ? null : { ...(model?.storage ?? { type: 'gp3' }), gib },
    databaseName: engine.startsWith('oracle') ? (model?.databaseName ?? null) : null,
    subnetGroup: options.subnetGroup ?? model?.subnetGroup ?? '',
    parameterGroup: options.parameterGroup ?? model?.parameterGroup ?? null,
    optionGroup: kind === 'cluster' ? null : (options.optionGroup ?? model?.optionGroup ?? null),
    multiAz: options.multiAz ?? model?.multiAz ?? true,
    instances: instancesOf(options, model),
    port: model?.port ?? null,
    iamAuthentication: model?.iamAuthentication ?? false,
    logExports: model?.logExports ?? [],
    backupRetentionDays: options.backupDays ?? Math.max(model?.backupRetentionDays ?? 7, 1),
    serverless: model?.serverless ?? null,
    tags: model?.tags ?? {},
    licenseModel: model?.licenseModel ?? null,
    characterSet: model?.characterSet ?? null,
    timeZone: model?.timeZone ?? null,
    storageType: model?.storageType ?? null,
  }
}

/** Groups, log exports and settings of the one mean nothing to the other. */
function kindOf(engine: string, model: SourceModel | null, close: Close): SnapshotKind {
  const kind = engine.startsWith('aurora') ? 'cluster' : 'instance'
  if (model === null) return kind
  if (model.clusterId !== null)
    throw close(
      `it is an instance of cluster ${model.clusterId}`,
      `Name the cluster: --db ${model.clusterId}`,
    )
  if (model.kind === kind) return kind
  if (!model.engine.startsWith('aurora') && model.kind === 'cluster')
    throw close(
      'it is a Multi-AZ DB cluster, and this way makes instances of RDS and clusters of Aurora',
      'Make one by hand in the target region, then restore into it: lifeboat restore --into DATABASE-URL.',
    )
  throw close(
    `it is of ${model.engine}, and this way makes ${kind === 'cluster' ? 'a cluster only of a cluster' : 'an instance only of an instance'}`,
    `Leave out --engine ${engine}; or make a database of it by hand, then restore into that: lifeboat restore --into DATABASE-URL.`,
  )
}

/** Whose dumps can be loaded into which. */
export function familyOf(engine: string): string {
  if (/mysql|mariadb/.test(engine)) return 'mysql'
  if (engine.includes('postgres')) return 'postgres'
  return engine.split('-')[0] ?? engine
}
