import { type ErrorCode, LifeboatError } from '../../../core/errors.ts'

interface Cause {
  readonly pattern: RegExp
  readonly code: ErrorCode
  readonly hint: string
}

const S3_ACTIONS =
  's3:ListBucket, s3:GetBucketLocation, s3:GetObjectAttributes, s3:GetObject, s3:PutObject, s3:ListMultipartUploadParts and s3:AbortMultipartUpload'

/** What AWS's own troubleshooting page lists, in the words that task_info uses. First match wins. */
const CAUSES: readonly Cause[] = [
  {
    pattern: /does not exist or .*option group|IAM role ARN option/i,
    code: 'unsupported',
    hint: 'Set IAM_ROLE_ARN of the option SQLSERVER_BACKUP_RESTORE in the option group of the instance.',
  },
  {
    pattern: /kms|encrypt|decrypt|master key/i,
    code: 'sink-denied',
    hint: 'The role of the option group needs kms:DescribeKey, kms:GenerateDataKey, kms:Encrypt and kms:Decrypt on a customer-managed symmetric key of this region; the AWS default key can not be used.',
  },
  {
    pattern: /access denied|accessdenied|not authorized|forbidden|\b403\b|assume ?role/i,
    code: 'sink-denied',
    hint: `The role of the option group needs ${S3_ACTIONS} on the staging bucket, and must trust rds.amazonaws.com.`,
  },
  {
    pattern: /(already exists|overwrite)/i,
    code: 'confirmation-required',
    hint: 'A file or database of that name is there: give another prefix with --staging, or add --replace to a restore.',
  },
  {
    pattern: /no such (key|bucket)|nosuch(key|bucket)|404|does not exist|cannot find|region/i,
    code: 'sink-not-found',
    hint: 'The staging bucket must be in the region of the server, and its prefix must not be empty.',
  },
  {
    pattern: /concurrent|maintenance|snapshot|in progress|failover/i,
    code: 'engine-unreachable',
    hint: 'Another task, a snapshot or a maintenance window was in the way: run the same command again.',
  },
  {
    pattern: /full recovery model|recovery model|differential|norecovery|log chain/i,
    code: 'unsupported',
    hint: 'Restore the full backup with recovery=norecovery first, then this one. A snapshot of the instance between the two breaks the chain: then make a new full backup.',
  },
  {
    pattern: /insufficient|not enough|disk space|storage/i,
    code: 'unsupported',
    hint: 'The target has too little storage: give the instance more, then run again with --replace.',
  },
]

/** The failure of a task, with the server's own words first. */
export function explainTask(doing: string, id: number, lifecycle: string, info: string): LifeboatError {
  const words = info.replaceAll(/\s+/g, ' ').trim()
  if (lifecycle === 'CANCELLED') {
    return new LifeboatError('tool-failed', `unable to ${doing}: task ${id} was cancelled on the server`, {
      hint: 'Somebody, a snapshot or a maintenance window cancelled it: run the same command again.',
      details: { taskId: id, taskInfo: words },
    })
  }
  const cause = CAUSES.find(({ pattern }) => pattern.test(words))
  return new LifeboatError(
    cause?.code ?? 'tool-failed',
    `unable to ${doing}: task ${id} failed: ${words === '' ? 'the server gives no reason' : words}`,
    {
      hint:
        cause?.hint ?? `EXEC msdb.dbo.rds_task_status @task_id = ${id} shows the task as the server sees it.`,
      details: { taskId: id, taskInfo: words },
    },
  )
}
