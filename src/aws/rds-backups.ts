import {
  DescribeDBInstanceAutomatedBackupsCommand,
  type RDSClient,
  RestoreDBClusterFromSnapshotCommand,
  RestoreDBInstanceFromDBSnapshotCommand,
  RestoreDBInstanceToPointInTimeCommand,
  StartDBInstanceAutomatedBackupsReplicationCommand,
  StopDBInstanceAutomatedBackupsReplicationCommand,
} from '@aws-sdk/client-rds'
import type { RdsBackups } from '../runbooks/ports/rds-backups.ts'
import { known } from './answer.ts'
import type { Api } from './api.ts'
import { allPages } from './pages.ts'
import { replicatedBackupOf } from './rds-backup-shape.ts'
import { newClusterInput } from './rds-cluster-shape.ts'
import { settingsInput } from './rds-instance-shape.ts'
import { createSnapshots } from './rds-snapshots.ts'
import { tagList } from './tags.ts'

export function createRdsBackups(api: Api<RDSClient>): RdsBackups {
  return {
    ...createSnapshots(api),

    async restoreInstance(input, signal) {
      const deed = {
        operation: 'rds:RestoreDBInstanceFromDBSnapshot',
        to: `restore instance '${input.id}' from snapshot '${input.snapshotId}'`,
      }
      const command = new RestoreDBInstanceFromDBSnapshotCommand({
        ...settingsInput(input),
        DBInstanceIdentifier: input.id,
        DBSnapshotIdentifier: input.snapshotId,
        CopyTagsToSnapshot: true,
        Tags: tagList(input.tags),
      })
      await api.call(deed, signal, (rds, at) => rds.send(command, at))
    },

    async restoreCluster(input, signal) {
      const deed = {
        operation: 'rds:RestoreDBClusterFromSnapshot',
        to: `restore cluster '${input.id}' from snapshot '${input.snapshotId}'`,
      }
      const command = new RestoreDBClusterFromSnapshotCommand({
        ...newClusterInput(input),
        DBClusterIdentifier: input.id,
        SnapshotIdentifier: input.snapshotId,
        Engine: input.engine,
        Tags: tagList(input.tags),
        ...known({ EngineVersion: input.engineVersion, KmsKeyId: input.kmsKeyArn }),
      })
      await api.call(deed, signal, (rds, at) => rds.send(command, at))
    },

    async replicatedBackups(signal) {
      const deed = {
        operation: 'rds:DescribeDBInstanceAutomatedBackups',
        to: `list the automated backups in ${api.region}`,
      }
      const found = await api.call(deed, signal, (rds, at) =>
        allPages(async (Marker) => {
          const page = await rds.send(
            new DescribeDBInstanceAutomatedBackupsCommand({ Marker, MaxRecords: 100 }),
            at,
          )
          return { items: page.DBInstanceAutomatedBackups?.map(replicatedBackupOf), next: page.Marker }
        }),
      )
      return found.filter((one) => one !== undefined)
    },

    async startBackupReplication({ instanceArn, retentionDays, kmsKeyArn }, signal) {
      const deed = {
        operation: 'rds:StartDBInstanceAutomatedBackupsReplication',
        to: `replicate the backups of '${instanceArn}' to ${api.region}`,
      }
      const command = new StartDBInstanceAutomatedBackupsReplicationCommand({
        SourceDBInstanceArn: instanceArn,
        BackupRetentionPeriod: retentionDays,
        ...known({ KmsKeyId: kmsKeyArn }),
      })
      await api.call(deed, signal, (rds, at) => rds.send(command, at))
    },

    async stopBackupReplication(instanceArn, signal) {
      const deed = {
        operation: 'rds:StopDBInstanceAutomatedBackupsReplication',
        to: `end the replication of the backups of '${instanceArn}' to ${api.region}`,
      }
      const command = new StopDBInstanceAutomatedBackupsReplicationCommand({
        SourceDBInstanceArn: instanceArn,
      })
      await api.call(deed, signal, (rds, at) => rds.send(command, at))
    },

    async restoreReplicatedBackup(input, signal) {
      const deed = {
        operation: 'rds:RestoreDBInstanceToPointInTime',
        to: `restore instance '${input.id}' from backup '${input.backupArn}'`,
      }
      const command = new RestoreDBInstanceToPointInTimeCommand({
        ...settingsInput(input),
        TargetDBInstanceIdentifier: input.id,
        SourceDBInstanceAutomatedBackupsArn: input.backupArn,
        ...(input.at === undefined ? { UseLatestRestorableTime: true } : { RestoreTime: input.at }),
        CopyTagsToSnapshot: true,
        Tags: tagList(input.tags),
      })
      await api.call(deed, signal, (rds, at) => rds.send(command, at))
    },
  }
}
