import type { SqlValue } from '../session.ts'
import type { BackupOptions, RestoreTaskOptions } from './options.ts'

/**
 * The procedures that Amazon RDS adds to msdb with the option SQLSERVER_BACKUP_RESTORE. They may not run inside a
 * transaction. Source: RDS User Guide, "Importing and exporting SQL Server databases using native backup and restore".
 */
export interface Statement {
  readonly text: string
  readonly parameters: Readonly<Record<string, SqlValue>>
}

/** One row: which of the procedures there are, and whether this login may run them (NULL where that is not told). */
export const PROCEDURES_TEXT = `SELECT OBJECT_ID(N'msdb.dbo.rds_backup_database') AS backup_id,
  OBJECT_ID(N'msdb.dbo.rds_restore_database') AS restore_id,
  OBJECT_ID(N'msdb.dbo.rds_task_status') AS status_id,
  HAS_PERMS_BY_NAME(N'msdb.dbo.rds_backup_database', N'OBJECT', N'EXECUTE') AS may_backup,
  HAS_PERMS_BY_NAME(N'msdb.dbo.rds_restore_database', N'OBJECT', N'EXECUTE') AS may_restore,
  HAS_PERMS_BY_NAME(N'msdb.dbo.rds_task_status', N'OBJECT', N'EXECUTE') AS may_status`

export const TASK_STATUS_TEXT = 'EXEC msdb.dbo.rds_task_status @task_id = @task_id'
export const ALL_TASKS_TEXT = 'EXEC msdb.dbo.rds_task_status'
export const CANCEL_TASK_TEXT = 'EXEC msdb.dbo.rds_cancel_task @task_id = @task_id'
export const FINISH_RESTORE_TEXT = 'EXEC msdb.dbo.rds_finish_restore @db_name = @db_name'
export const DROP_DATABASE_TEXT = 'EXEC msdb.dbo.rds_drop_database @db_name = @db_name'

/** Only what was asked for is said: the server's own defaults hold for the rest, whatever its version. */
export function backupStatement(database: string, arn: string, options: BackupOptions): Statement {
  return call('rds_backup_database', {
    source_db_name: database,
    s3_arn_to_backup_to: arn,
    type: options.type,
    number_of_files: options.files > 1 ? options.files : undefined,
    kms_master_key_arn: options.kmsKey,
    block_size: options.blockSize,
    max_transfer_size: options.maxTransferSize,
    buffer_count: options.bufferCount,
    enable_bucket_default_encryption: options.bucketDefaultEncryption ? 1 : undefined,
  })
}

/** `arn` ends in `*` for a backup of several files. */
export function restoreStatement(database: string, arn: string, options: RestoreTaskOptions): Statement {
  return call('rds_restore_database', {
    restore_db_name: database,
    s3_arn_to_restore_from: arn,
    type: options.type,
    // Mandatory for a differential; said for both, so that a log shows it.
    with_norecovery: options.norecovery ? 1 : 0,
    kms_master_key_arn: options.kmsKey,
    block_size: options.blockSize,
    max_transfer_size: options.maxTransferSize,
    buffer_count: options.bufferCount,
    keep_cdc: options.keepCdc ? 1 : undefined,
    data_file_volume: options.dataFileVolume,
    log_file_volume: options.logFileVolume,
  })
}

function call(procedure: string, given: Readonly<Record<string, SqlValue | undefined>>): Statement {
  const parameters = Object.fromEntries(
    Object.entries(given).filter((entry): entry is [string, SqlValue] => entry[1] !== undefined),
  )
  const list = Object.keys(parameters).map((name) => `@${name} = @${name}`)
  return { text: `EXEC msdb.dbo.${procedure} ${list.join(', ')}`, parameters }
}

/** As a person types it, without parameters. */
export function restoreCallText(database: string, arn: string): string {
  const quoted = (text: string) => `N'${text.replaceAll("'", "''")}'`
  return `EXEC msdb.dbo.rds_restore_database @restore_db_name = ${quoted(database)}, @s3_arn_to_restore_from = ${quoted(arn)}`
}
