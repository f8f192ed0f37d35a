import type { Tags } from '../ports.ts'
import type { RoleFeature } from './rds.ts'

export interface RdsCluster {
  readonly id: string
  readonly arn: string
  readonly status: string
  readonly engine: string
  readonly engineVersion: string
  /** `provisioned`, `serverless` … */
  readonly engineMode?: string
  readonly members: readonly { readonly instanceId: string; readonly writer: boolean }[]
  readonly port: number
  readonly writerHost?: string
  readonly readerHost?: string
  readonly customEndpoints: readonly CustomEndpoint[]
  readonly zones: readonly string[]
  /** By which its VPC is known: RDS does not say that of a cluster. */
  readonly subnetGroup?: string
  readonly securityGroups: readonly string[]
  readonly parameterGroup?: string
  readonly encrypted: boolean
  readonly kmsKeyArn?: string
  readonly deletionProtection: boolean
  readonly backupRetentionDays: number
  readonly backupWindow?: string
  readonly maintenanceWindow?: string
  readonly latestRestorable?: Date
  readonly iamAuthentication: boolean
  readonly logExports: readonly string[]
  readonly masterUser?: string
  readonly databaseName?: string
  readonly roles: readonly string[]
  readonly roleFeatures?: readonly RoleFeature[]
  readonly storageType?: string
  readonly backtrackSeconds?: number
  /** Of Secrets Manager, where RDS keeps the master password. */
  readonly masterSecretArn?: string
  readonly resourceId: string
  readonly serverless?: { readonly minCapacity: number; readonly maxCapacity: number }
  readonly globalClusterId?: string
  readonly replicaOf?: string
  readonly tags: Tags
}

/** On the port of its cluster. */
export interface CustomEndpoint {
  readonly id: string
  readonly host: string
  /** `READER`, `ANY` */
  readonly type?: string
  /** Instances that it leads to; else all but those of `excluded`. */
  readonly members?: readonly string[]
  readonly excluded?: readonly string[]
}

export interface ClusterSettings {
  readonly subnetGroup: string
  readonly securityGroups: readonly string[]
  readonly parameterGroup?: string
  readonly deletionProtection: boolean
  readonly iamAuthentication?: boolean
  readonly logExports?: readonly string[]
  readonly port?: number
  readonly serverless?: { readonly minCapacity: number; readonly maxCapacity: number }
}

export interface NewCluster extends ClusterSettings {
  readonly id: string
  readonly engine: string
  readonly engineVersion: string
  /** Joins as a secondary; then master user and database come from the primary. */
  readonly globalClusterId?: string
  readonly masterUser?: string
  readonly databaseName?: string
  /** `aurora` where it is left out, or `aurora-iopt1`. */
  readonly storageType?: string
  /** Without one it is encrypted all the same, under a key of AWS's own; a secondary is only where its primary is. */
  readonly kmsKeyArn?: string
  readonly backupRetentionDays: number
  readonly tags: Tags
}

export interface ClusterChange extends Partial<Omit<ClusterSettings, 'subnetGroup'>> {
  readonly backupRetentionDays?: number
  readonly backupWindow?: string
}

export interface GlobalCluster {
  readonly id: string
  readonly arn: string
  readonly status: string
  readonly engine: string
  readonly engineVersion: string
  readonly encrypted: boolean
  readonly deletionProtection: boolean
  /** Of the writer, whichever region it is in. */
  readonly endpoint?: string
  readonly members: readonly {
    readonly clusterArn: string
    readonly region: string
    readonly writer: boolean
    /** `connected`, `pending-resync` */
    readonly synchronization?: string
  }[]
  /** Only while one is under way. */
  readonly failover?: {
    readonly status: 'pending' | 'failing-over' | 'cancelling'
    readonly fromArn?: string
    readonly toArn?: string
    readonly dataLossAllowed: boolean
  }
}

export interface RdsClusters {
  cluster(id: string, signal: AbortSignal): Promise<RdsCluster | undefined>
  clusters(signal: AbortSignal): Promise<readonly RdsCluster[]>
  /** Has no instances yet. */
  createCluster(input: NewCluster, signal: AbortSignal): Promise<void>
  modifyCluster(id: string, change: ClusterChange, signal: AbortSignal): Promise<void>
  deleteCluster(id: string, signal: AbortSignal): Promise<void>
  globalCluster(id: string, signal: AbortSignal): Promise<GlobalCluster | undefined>
  globalClusters(signal: AbortSignal): Promise<readonly GlobalCluster[]>
  /** Around a cluster that is there, which becomes its primary. */
  createGlobalCluster(
    input: { readonly id: string; readonly primaryArn: string; readonly tags: Tags },
    signal: AbortSignal,
  ): Promise<void>
  /** Planned, of a healthy one: nothing is lost. Fails while the primary's region is impaired. */
  switchoverGlobalCluster(
    input: { readonly id: string; readonly targetArn: string },
    signal: AbortSignal,
  ): Promise<void>
  /** Always with data loss allowed: without that it would be a switchover, which can't help in an outage. */
  failoverGlobalCluster(
    input: { readonly id: string; readonly targetArn: string },
    signal: AbortSignal,
  ): Promise<void>
  /** The cluster stands by itself afterwards and takes writes. */
  removeFromGlobalCluster(
    input: { readonly id: string; readonly clusterArn: string },
    signal: AbortSignal,
  ): Promise<void>
  deleteGlobalCluster(id: string, signal: AbortSignal): Promise<void>
}
