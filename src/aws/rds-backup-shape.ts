import type { DBClusterSnapshot, DBInstanceAutomatedBackup, DBSnapshot } from '@aws-sdk/client-rds'
import type { ReplicatedBackup, Snapshot } from '../runbooks/ports/rds-backups.ts'
import { given, known } from './answer.ts'
import { tagsOf } from './tags.ts'

export function snapshotOf(from: DBSnapshot): Snapshot {
  return {
    kind: 'instance',
    id: given(from.DBSnapshotIdentifier, 'DBSnapshotIdentifier'),
    arn: given(from.DBSnapshotArn, 'DBSnapshotArn'),
    sourceId: from.DBInstanceIdentifier ?? '',
    ...commonOf(from),
    encrypted: from.Encrypted ?? false,
    ...known({ optionGroup: from.OptionGroupName, copyOfArn: from.SourceDBSnapshotIdentifier }),
  }
}

export function clusterSnapshotOf(from: DBClusterSnapshot): Snapshot {
  return {
    kind: 'cluster',
    id: given(from.DBClusterSnapshotIdentifier, 'DBClusterSnapshotIdentifier'),
    arn: given(from.DBClusterSnapshotArn, 'DBClusterSnapshotArn'),
    sourceId: from.DBClusterIdentifier ?? '',
    ...commonOf(from),
    encrypted: from.StorageEncrypted ?? false,
    ...known({ copyOfArn: from.SourceDBClusterSnapshotArn }),
  }
}

function commonOf(from: DBSnapshot | DBClusterSnapshot) {
  const { SnapshotType: type } = from
  return {
    type: type === 'manual' || type === 'automated' ? type : 'other',
    status: from.Status ?? '',
    engine: from.Engine ?? '',
    engineVersion: from.EngineVersion ?? '',
    gib: from.AllocatedStorage ?? 0,
    tags: tagsOf(from.TagList),
    ...known({
      percent: from.PercentProgress,
      created: from.SnapshotCreateTime,
      kmsKeyArn: from.KmsKeyId,
      port: from.Port,
      masterUser: from.MasterUsername,
    }),
  } as const
}

/** Undefined for what has no ARN: backups that are not replicated may have none, and can't be named from elsewhere. */
export function replicatedBackupOf(from: DBInstanceAutomatedBackup): ReplicatedBackup | undefined {
  const { DBInstanceAutomatedBackupsArn: arn } = from
  if (arn === undefined || arn === '') return undefined
  return {
    arn,
    instanceId: given(from.DBInstanceIdentifier, 'DBInstanceIdentifier'),
    region: given(from.Region, 'Region'),
    instanceArn: given(from.DBInstanceArn, 'DBInstanceArn'),
    status: from.Status ?? '',
    engine: from.Engine ?? '',
    engineVersion: from.EngineVersion ?? '',
    gib: from.AllocatedStorage ?? 0,
    encrypted: from.Encrypted ?? false,
    ...known({
      earliest: from.RestoreWindow?.EarliestTime,
      latest: from.RestoreWindow?.LatestTime,
      kmsKeyArn: from.KmsKeyId,
      optionGroup: from.OptionGroupName,
      retentionDays: from.BackupRetentionPeriod,
    }),
  }
}
