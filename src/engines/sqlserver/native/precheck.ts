import type { Finding } from '../../../core/finding.ts'
import type { Session } from '../session.ts'
import { PROCEDURES_TEXT } from './statements.ts'

const OPTION_HINT =
  'Add the option SQLSERVER_BACKUP_RESTORE, with the IAM_ROLE_ARN of a role that may use the staging bucket, to the option group of the instance; or leave out layout=native.'

/** Before any task: without its option group a server knows none of the procedures. Its role shows only when it is used. */
export async function precheckNative(
  session: Session,
  { hasStaging }: { readonly hasStaging: boolean },
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  if (!hasStaging) {
    findings.push({
      level: 'failure',
      topic: 'staging',
      code: 'usage',
      message: 'layout=native needs a bucket that the server writes to and reads from',
      hint: 'Add --staging s3://bucket/prefix?region=REGION-OF-THE-SERVER, or leave out layout=native.',
    })
  }
  const [row] = await session.query(PROCEDURES_TEXT, signal)
  const missing = ['backup', 'restore', 'status'].filter((name) => (row?.[`${name}_id`] ?? null) === null)
  findings.push(
    missing.length === 0
      ? {
          level: 'ok',
          topic: 'native backup',
          message: 'the procedures of the option SQLSERVER_BACKUP_RESTORE are there',
        }
      : {
          level: 'failure',
          topic: 'native backup',
          code: 'unsupported',
          message:
            'the server has no native backup and restore of RDS: its option group lacks it, or its login may not see msdb',
          hint: OPTION_HINT,
        },
  )
  return findings
}
