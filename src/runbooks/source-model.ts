import { RUN_TAG } from '../core/runbook.ts'
import { ownGroup } from './landing.ts'
import type { Endpoint, RdsInstance, RdsPort } from './ports/rds.ts'
import type { SnapshotKind } from './ports/rds-backups.ts'
import type { ClusterSettings, RdsCluster } from './ports/rds-clusters.ts'
import type { RegionPorts, Tags } from './ports.ts'

/** What the old database is, for a new one that is to be like it. Plain JSON; null is not known, or has none. */
export interface SourceModel {
  readonly kind: SnapshotKind
  readonly engine: string
  readonly engineVersion: string
  /** Of a cluster that of its writer. */
  readonly instanceClass: string | null
  /** Of a cluster, the writer among them. */
  readonly instances: number
  readonly multiAz: boolean
  /** Aurora's grows by itself. */
  readonly storage: RdsInstance['storage'] | null
  readonly encrypted: boolean
  readonly subnetGroup: string | null
  /** Never AWS's own. */
  readonly parameterGroup: string | null
  /** Of a cluster's instances. */
  readonly instanceParameterGroup: string | null
  readonly optionGroup: string | null
  readonly endpoint: Endpoint | null
  readonly port: number | null
  readonly iamAuthentication: boolean
  readonly logExports: readonly string[]
  readonly backupRetentionDays: number
  readonly masterUser: string | null
  readonly databaseName: string | null
  readonly serverless: NonNullable<ClusterSettings['serverless']> | null
  /** Which another may have too. */
  readonly tags: Tags
  /** What each is for, as far as it is known: a cluster's may be for nothing that has a name. */
  readonly roles: readonly { readonly role: string; readonly feature: string | null }[]
  /** Of Oracle and SQL Server, what a new one has to be told and can't be changed later. */
  readonly licenseModel: string | null
  readonly characterSet: string | null
  readonly timeZone: string | null
  /** Of Aurora. */
  readonly storageType: string | null
  /** The cluster that an instance is one of. */
  readonly clusterId: string | null
}

/** Of the region itself, or of an inventory that stands for it. */
export async function readModel(
  db: string,
  { rds }: Pick<RegionPorts, 'rds'>,
  signal: AbortSignal,
): Promise<SourceModel | undefined> {
  const instance = await rds.instance(db, signal)
  if (instance !== undefined) return ofInstance(instance)
  const cluster = await rds.cluster(db, signal)
  return cluster === undefined ? undefined : ofCluster(cluster, rds, signal)
}

function ofInstance(instance: RdsInstance): SourceModel {
  const { endpoint, clusterId } = instance
  return {
    ...{ kind: 'instance', ...sharedOf(instance), instanceClass: instance.instanceClass, instances: 1 },
    ...{ multiAz: instance.multiAz, storage: instance.storage },
    parameterGroup: ownGroup(instance.parameterGroups[0]?.name),
    instanceParameterGroup: null,
    optionGroup: ownGroup(instance.optionGroups[0]?.name),
    ...{ endpoint: endpoint ?? null, port: endpoint?.port ?? null, serverless: null },
    clusterId: clusterId ?? null,
    // Of the other engines RDS refuses them, or there is only one.
    ...(isCommercial(instance.engine)
      ? {
          licenseModel: instance.licenseModel ?? null,
          characterSet: instance.characterSet ?? null,
          timeZone: instance.timeZone ?? null,
        }
      : UNSAID),
    storageType: null,
  }
}

async function ofCluster(cluster: RdsCluster, rds: RdsPort, signal: AbortSignal): Promise<SourceModel> {
  const { members, port, writerHost, serverless } = cluster
  const first = members.find(({ writer }) => writer) ?? members[0]
  const writer = first === undefined ? undefined : await rds.instance(first.instanceId, signal)
  return {
    ...{ kind: 'cluster', ...sharedOf(cluster), instanceClass: writer?.instanceClass ?? null },
    ...{ instances: Math.max(members.length, 1), multiAz: members.length > 1, storage: null },
    parameterGroup: ownGroup(cluster.parameterGroup),
    instanceParameterGroup: ownGroup(writer?.parameterGroups[0]?.name),
    optionGroup: null,
    endpoint: writerHost === undefined ? null : { host: writerHost, port },
    ...{ port, serverless: serverless ?? null, clusterId: null, ...UNSAID },
    // Where it is Aurora's usual one, RDS does not say so.
    storageType: cluster.storageType?.startsWith('aurora') === true ? cluster.storageType : null,
  }
}

function sharedOf(database: RdsInstance | RdsCluster) {
  const { engine, engineVersion, encrypted, iamAuthentication, logExports, backupRetentionDays } = database
  return {
    ...{ engine, engineVersion, encrypted, iamAuthentication, logExports, backupRetentionDays },
    subnetGroup: database.subnetGroup ?? null,
    masterUser: database.masterUser ?? null,
    databaseName: database.databaseName ?? null,
    tags: ownTags(database.tags),
    roles: rolesOf(database),
  }
}

const UNSAID = { licenseModel: null, characterSet: null, timeZone: null } as const

function isCommercial(engine: string): boolean {
  return /^(oracle|sqlserver|custom)/.test(engine)
}

function rolesOf({ roles, roleFeatures = [] }: RdsInstance | RdsCluster): SourceModel['roles'] {
  const named = new Set(roleFeatures.map(({ role }) => role))
  return [...roleFeatures, ...roles.flatMap((role) => (named.has(role) ? [] : [{ role, feature: null }]))]
}

/** AWS keeps `aws:` to itself; the tag of a run says who has made it. */
function ownTags(tags: Tags): Tags {
  return Object.fromEntries(
    Object.entries(tags).filter(([name]) => name !== RUN_TAG && !name.startsWith('aws:')),
  )
}
