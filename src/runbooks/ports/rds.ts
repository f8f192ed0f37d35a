import type { Tags } from '../ports.ts'
import type { RdsBackups } from './rds-backups.ts'
import type { RdsClusters } from './rds-clusters.ts'
import type { RdsGroups } from './rds-groups.ts'

/** RDS and Aurora of one region. */
export interface RdsPort extends RdsInstances, RdsClusters, RdsBackups, RdsGroups {}

export interface RdsInstance {
  readonly id: string
  readonly arn: string
  /** As RDS words it: `available`, `creating`, `backing-up`, `rebooting`, `modifying` … A free text. */
  readonly status: string
  readonly engine: string
  readonly engineVersion: string
  readonly instanceClass: string
  readonly storage: {
    readonly type: string
    readonly gib: number
    readonly iops?: number
    readonly throughput?: number
    /** Up to which RDS enlarges it by itself. */
    readonly mostGib?: number
  }
  readonly multiAz: boolean
  readonly zone?: string
  /** Absent until there is one. */
  readonly endpoint?: Endpoint
  readonly subnetGroup?: string
  readonly vpcId?: string
  readonly securityGroups: readonly string[]
  readonly parameterGroups: readonly { readonly name: string; readonly status: string }[]
  readonly optionGroups: readonly { readonly name: string; readonly status: string }[]
  readonly encrypted: boolean
  /** Absent for storage under a key that AWS owns. */
  readonly kmsKeyArn?: string
  readonly publiclyAccessible: boolean
  readonly deletionProtection: boolean
  readonly backupRetentionDays: number
  readonly backupWindow?: string
  readonly maintenanceWindow?: string
  readonly latestRestorable?: Date
  readonly iamAuthentication: boolean
  readonly logExports: readonly string[]
  readonly certificateAuthority?: string
  readonly masterUser?: string
  readonly databaseName?: string
  readonly roles: readonly string[]
  /** What each role is for, without which it can't be added again: `s3Import` … */
  readonly roleFeatures?: readonly RoleFeature[]
  /** Metrics of the operating system, as often as `seconds`. */
  readonly monitoring?: { readonly roleArn: string; readonly seconds: number }
  readonly performanceInsights?: { readonly kmsKeyArn?: string; readonly retentionDays?: number }
  /** Of Oracle and SQL Server: `license-included`, `bring-your-own-license`. */
  readonly licenseModel?: string
  readonly characterSet?: string
  readonly timeZone?: string
  readonly autoMinorUpgrade?: boolean
  /** Of Secrets Manager, where RDS keeps the master password. */
  readonly masterSecretArn?: string
  /** Of Aurora: which instance takes over first, 0 to 15. */
  readonly promotionTier?: number
  /** `db-ABC…`, which IAM policies of `rds-db:connect` name. */
  readonly resourceId: string
  /** The source that it replicates from: an id in its own region, an ARN in another. */
  readonly replicaOf?: string
  readonly replicas: readonly string[]
  /** Replication has stopped or is broken: what RDS says of it. */
  readonly replicationError?: string
  readonly clusterId?: string
  /** ARNs of its automated backups in other regions. */
  readonly backupReplications: readonly string[]
  readonly tags: Tags
}

export interface RoleFeature {
  readonly role: string
  readonly feature: string
}

export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** What is set explicitly: what RDS would put for what is left out may be open to the world. */
export interface InstanceSettings {
  readonly instanceClass: string
  readonly subnetGroup: string
  readonly securityGroups: readonly string[]
  readonly parameterGroup?: string
  readonly optionGroup?: string
  readonly multiAz: boolean
  /** Only without `multiAz`. */
  readonly zone?: string
  readonly publiclyAccessible: boolean
  readonly deletionProtection: boolean
  readonly iamAuthentication?: boolean
  readonly logExports?: readonly string[]
  readonly port?: number
}

export interface NewInstance extends InstanceSettings {
  readonly id: string
  readonly engine: string
  readonly engineVersion: string
  readonly storage: RdsInstance['storage']
  readonly masterUser: string
  readonly databaseName?: string
  /** Of Oracle: whose license; what text is stored as, and of SQL Server the clock. None of them can be changed later. */
  readonly licenseModel?: string
  readonly characterSet?: string
  readonly timeZone?: string
  /** Without one it is encrypted all the same, under a key of AWS's own. */
  readonly kmsKeyArn?: string
  readonly backupRetentionDays: number
  readonly tags: Tags
}

/** An instance of a cluster: the cluster has the rest. */
export interface NewClusterInstance {
  readonly id: string
  readonly clusterId: string
  readonly engine: string
  readonly instanceClass: string
  readonly parameterGroup?: string
  readonly zone?: string
  readonly publiclyAccessible: boolean
  readonly tags: Tags
}

export interface NewReplica extends Partial<Omit<InstanceSettings, 'instanceClass'>> {
  readonly id: string
  /** An ARN where the source is in another region. */
  readonly sourceArn: string
  readonly instanceClass: string
  readonly kmsKeyArn?: string
  readonly tags: Tags
}

export interface InstanceChange extends Partial<Omit<InstanceSettings, 'subnetGroup' | 'zone' | 'port'>> {
  readonly backupRetentionDays?: number
  readonly backupWindow?: string
}

export interface RdsInstances {
  instance(id: string, signal: AbortSignal): Promise<RdsInstance | undefined>
  instances(signal: AbortSignal): Promise<readonly RdsInstance[]>
  /** RDS keeps the new master password in Secrets Manager: lifeboat never has it. */
  createInstance(input: NewInstance, signal: AbortSignal): Promise<void>
  createClusterInstance(input: NewClusterInstance, signal: AbortSignal): Promise<void>
  createReplica(input: NewReplica, signal: AbortSignal): Promise<void>
  /** `busy` while it is backing up; `invalid` for what is no replica. It can't be undone. */
  promoteReplica(
    input: { readonly id: string; readonly backupRetentionDays: number; readonly backupWindow?: string },
    signal: AbortSignal,
  ): Promise<void>
  /** At once, not in the next maintenance window. */
  modifyInstance(id: string, change: InstanceChange, signal: AbortSignal): Promise<void>
  rebootInstance(id: string, signal: AbortSignal): Promise<void>
  /** Of an instance or a cluster; the first takes none without `feature`. `exists` where it has it already. */
  addRole(
    input: {
      readonly kind: 'instance' | 'cluster'
      readonly id: string
      readonly role: string
      readonly feature?: string
    },
    signal: AbortSignal,
  ): Promise<void>
  /** Without a final snapshot. */
  deleteInstance(id: string, signal: AbortSignal): Promise<void>
}
