import type { Tags } from '../ports.ts'
import type { InstanceSettings } from './rds.ts'
import type { ClusterSettings } from './rds-clusters.ts'

/** Of an instance of RDS or of a cluster of Aurora: two sets of calls, one idea. */
export type SnapshotKind = 'instance' | 'cluster'

export interface Snapshot {
  readonly kind: SnapshotKind
  readonly id: string
  readonly arn: string
  /** The instance or cluster that it is of. */
  readonly sourceId: string
  readonly type: 'manual' | 'automated' | 'other'
  /** `creating`, `copying`, `available`, `failed` … */
  readonly status: string
  /** Absent where RDS says none; a queued copy stays at 0. */
  readonly percent?: number
  readonly created?: Date
  readonly engine: string
  readonly engineVersion: string
  readonly gib: number
  readonly encrypted: boolean
  readonly kmsKeyArn?: string
  readonly optionGroup?: string
  /** Of the snapshot that it was copied from. */
  readonly copyOfArn?: string
  readonly port?: number
  readonly masterUser?: string
  readonly tags: Tags
}

/** Automated backups of an instance, as they lie in this region. */
export interface ReplicatedBackup {
  readonly arn: string
  readonly instanceId: string
  /** Of the instance. */
  readonly region: string
  readonly instanceArn: string
  /** `active`, `retained`, `creating` … */
  readonly status: string
  readonly earliest?: Date
  readonly latest?: Date
  readonly engine: string
  readonly engineVersion: string
  readonly gib: number
  readonly encrypted: boolean
  readonly kmsKeyArn?: string
  readonly optionGroup?: string
  readonly retentionDays?: number
}

export interface SnapshotCopy {
  readonly kind: SnapshotKind
  readonly sourceArn: string
  readonly id: string
  /** Of this region. Demanded for a copy of what is encrypted; it encrypts a copy of an instance's that is not. */
  readonly kmsKeyArn?: string
  /** Of this region, and of instances only. */
  readonly optionGroup?: string
  readonly tags: Tags
}

export interface InstanceRestore extends InstanceSettings {
  readonly id: string
  readonly tags: Tags
}

export interface RdsBackups {
  snapshot(kind: SnapshotKind, id: string, signal: AbortSignal): Promise<Snapshot | undefined>
  /** All, or those of one instance or cluster: copies keep the name of their source. */
  snapshots(
    kind: SnapshotKind,
    sourceId: string | undefined,
    signal: AbortSignal,
  ): Promise<readonly Snapshot[]>
  createSnapshot(
    input: {
      readonly kind: SnapshotKind
      readonly id: string
      readonly sourceId: string
      readonly tags: Tags
    },
    signal: AbortSignal,
  ): Promise<void>
  /** Of a snapshot of any region into this one. */
  copySnapshot(input: SnapshotCopy, signal: AbortSignal): Promise<void>
  deleteSnapshot(kind: SnapshotKind, id: string, signal: AbortSignal): Promise<void>
  /** The key is the snapshot's: there is no way to change it here. */
  restoreInstance(
    input: InstanceRestore & { readonly snapshotId: string },
    signal: AbortSignal,
  ): Promise<void>
  /** Makes no instances. A key encrypts what was not. */
  restoreCluster(
    input: ClusterSettings & {
      readonly id: string
      readonly snapshotId: string
      readonly engine: string
      readonly engineVersion?: string
      readonly kmsKeyArn?: string
      readonly tags: Tags
    },
    signal: AbortSignal,
  ): Promise<void>
  /** Whose instances are of which region: the replicated ones are those of another. */
  replicatedBackups(signal: AbortSignal): Promise<readonly ReplicatedBackup[]>
  startBackupReplication(
    input: { readonly instanceArn: string; readonly retentionDays: number; readonly kmsKeyArn?: string },
    signal: AbortSignal,
  ): Promise<void>
  stopBackupReplication(instanceArn: string, signal: AbortSignal): Promise<void>
  /** Without `at` to the latest moment there is. */
  restoreReplicatedBackup(
    input: InstanceRestore & { readonly backupArn: string; readonly at?: Date },
    signal: AbortSignal,
  ): Promise<void>
}
