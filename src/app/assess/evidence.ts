import type { KeptLanding } from '../../runbooks/kept-landing.ts'
import type { DatabaseLook } from '../../runbooks/ports/database.ts'
import type { Endpoint } from '../../runbooks/ports/rds.ts'
import type { SnapshotKind } from '../../runbooks/ports/rds-backups.ts'
import type { Answer, Obstacle, Silence } from './answer.ts'

export const SERVICES = ['rds', 'kms', 's3', 'sts', 'ec2', 'cloudwatch', 'route53', 'iam'] as const
/** Of what has one control plane, wherever it is asked from. */
export const GLOBAL_REGION = 'global'
export type Service = (typeof SERVICES)[number]

/** How a control plane answers here and now. */
export interface PlaneState {
  readonly service: Service
  readonly region: string
  readonly state: 'reachable' | Exclude<Obstacle, 'refused'>
  readonly silence: Silence | null
  readonly reason: string | null
  /** Of the slowest question. */
  readonly tookMs: number
}

/** What a database is, as far as a way out depends on it. Null is what it has not. */
export interface Identity {
  readonly kind: SnapshotKind
  readonly arn: string
  readonly status: string
  readonly engine: string
  readonly engineVersion: string
  /** Null where nobody knows: a cluster whose instances were not seen. */
  readonly instanceClass: string | null
  /** Null for Aurora, which says none. */
  readonly gib: number | null
  readonly encrypted: boolean
  readonly kmsKeyArn: string | null
  readonly masterUser: string | null
  readonly endpoint: Endpoint | null
  readonly subnetGroup: string | null
  readonly parameterGroup: string | null
  readonly optionGroup: string | null
  readonly securityGroups: readonly string[]
  readonly roles: readonly string[]
  readonly globalClusterId: string | null
}

export interface Replica {
  readonly id: string
  readonly status: string
  readonly error: string | null
  /** Null where RDS can't tell: replication has stopped, or nobody has measured it. */
  readonly lagSeconds: Answer<number | null>
}

export interface BackupAcross {
  readonly arn: string
  readonly status: string
  readonly earliest: string | null
  readonly latest: string | null
  readonly engine: string
  readonly engineVersion: string
  readonly gib: number
  readonly kmsKeyArn: string | null
}

export interface SnapshotSeen {
  readonly kind: SnapshotKind
  readonly id: string
  readonly arn: string
  readonly status: string
  readonly percent: number | null
  readonly created: string | null
  readonly engine: string
  readonly engineVersion: string
  readonly gib: number
  readonly encrypted: boolean
  readonly kmsKeyArn: string | null
}

export interface GlobalState {
  readonly id: string
  readonly status: string
  readonly engineVersion: string
  readonly failover: string | null
  readonly secondaries: number
  readonly writerRegion: string | null
  /** Of the target region; null where it has none. */
  readonly member: {
    readonly arn: string
    readonly writer: boolean
    readonly synchronization: string | null
    /** Null where the cluster itself was not seen. */
    readonly status: string | null
    readonly instances: number | null
    readonly lagMs: Answer<number | null>
  } | null
}

/** A key of the target region, and what is wrong with it. */
export interface KeySeen {
  readonly arn: string
  readonly aliases: readonly string[]
  readonly wrong: string | null
}

/** A thing of the landing zone: null where none is needed. */
export interface Needed {
  readonly name: string
  readonly there: boolean
  /** Why it can't take the place of what the source has, though it is there. */
  readonly wrong: string | null
  /** Names of parameters that are not set as in the source. */
  readonly differs: readonly string[]
}

export interface SecurityGroupsSeen {
  readonly ids: readonly string[]
  /** Names of those of the source that have no counterpart, or ids that were named and are not there. */
  readonly missing: readonly string[]
  /** Of `ids`, those without a single rule that lets somebody in. */
  readonly shut: readonly string[]
}

/** A role that the database has. */
export interface RoleSeen {
  readonly arn: string
  /** Why RDS of the target could not assume it; null where it could. */
  readonly wrong: string | null
}

export interface Landing {
  /** What was settled beforehand, by prepare or in an inventory; null where nothing was. */
  readonly kept: KeptLanding | null
  readonly subnetGroup: Answer<(Pick<Needed, 'name' | 'there'> & { readonly vpcId: string | null }) | null>
  readonly parameterGroup: Answer<Needed | null>
  readonly optionGroup: Answer<Needed | null>
  /** Those that were named or settled, else those in the subnet group's VPC that are named as the source's are. */
  readonly securityGroups: Answer<SecurityGroupsSeen>
  /** Aliases of the key of the source: one of the target that has the same stands for it. */
  readonly keyAliases: Answer<readonly string[]>
  /** Zones in which engine, version and class can be had together. */
  readonly zones: Answer<readonly string[]>
  readonly roles: Answer<readonly RoleSeen[]>
  /** Null where RDS tells none. */
  readonly instancesLeft: Answer<number | null>
}

export interface NativeBackup {
  readonly sink: string
  readonly job: string
  readonly id: string
  readonly started: string
  readonly dumpMs: number
  readonly plainBytes: number
  readonly storedBytes: number
  readonly engine: string
  /** Newer ones that can't be used, with the reason. */
  readonly passedOver: readonly string[]
  /** Of the newest drill of the job that passed. */
  readonly drill: Drill | null
}

export interface Drill {
  readonly at: string
  /** With its server and its checks. */
  readonly rtoMs: number
  /** Of them the restore; null where an older lifeboat did not write it down. */
  readonly restoreMs: number | null
  /** Of the backup that it restored; null where that is not at the sink any more. */
  readonly plainBytes: number | null
}

export interface SinkSeen {
  readonly sink: string
  /** The newest of each job. */
  readonly backups: Answer<readonly NativeBackup[]>
}

/** A way out that was run to its end before, for real. */
export interface MeasuredRun {
  readonly run: string
  readonly way: string
  readonly source: string
  readonly target: string
  readonly db: string
  /** Null where it did not matter, or nobody knew. */
  readonly gib: number | null
  /** When it ended. */
  readonly at: string
  /** Without the time in which it waited for `--confirm`. */
  readonly tookMs: number
}

/** What journals of earlier runs tell, of one place where there are some. */
export interface RunsSeen {
  readonly place: string
  readonly runs: Answer<readonly MeasuredRun[]>
}

/** Of one database. */
export interface DatabaseEvidence {
  readonly id: string
  readonly identity: Answer<Identity>
  /** How far a connection to its endpoint came. */
  readonly look: Answer<DatabaseLook>
  /** What its server says of itself, where an account was given to log in with. */
  readonly login: Answer<string>
  readonly replicas: Answer<readonly Replica[]>
  readonly backupsAcross: Answer<readonly BackupAcross[]>
  readonly snapshotsAcross: Answer<readonly SnapshotSeen[]>
  readonly sourceSnapshots: Answer<readonly SnapshotSeen[]>
  /** Null where it is in none. */
  readonly global: Answer<GlobalState | null>
  readonly landing: Landing
}

/** All that was found out. Plain JSON. */
export interface Evidence {
  readonly at: string
  readonly source: string
  readonly target: string
  readonly account: Answer<string>
  readonly planes: readonly PlaneState[]
  readonly keys: Answer<readonly KeySeen[]>
  readonly sinks: readonly SinkSeen[]
  readonly past: readonly RunsSeen[]
  readonly databases: Answer<readonly DatabaseEvidence[]>
}
