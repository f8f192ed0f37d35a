import { type LifeboatError, throwIfAborted, toLifeboatError } from '../../../core/errors.ts'
import type { Finding } from '../../../core/finding.ts'
import type { Staging } from '../../../core/staging.ts'
import type { Session } from '../session.ts'
import { PROCEDURES_TEXT } from './statements.ts'

const OPTION_HINT =
  'Add the option SQLSERVER_BACKUP_RESTORE, with the IAM_ROLE_ARN of a role that may use the staging bucket, to the option group of the instance; or leave out layout=native.'

/**
 * Before any task: without its option group a server knows none of the procedures, and a bucket that this machine can't
 * see can neither be shipped from nor cleared. What the server's role may do there shows by a task only.
 */
export async function precheckNative(
  session: Session,
  staging: (() => Promise<Staging>) | undefined,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const [row] = await session.query(PROCEDURES_TEXT, signal)
  const missing = ['backup', 'restore', 'status'].filter((name) => (row?.[`${name}_id`] ?? null) === null)
  return [
    staging === undefined
      ? {
          level: 'failure',
          topic: 'staging',
          code: 'usage',
          message: 'layout=native needs a bucket that the server writes to and reads from',
          hint: 'Add --staging s3://bucket/prefix?region=REGION-OF-THE-SERVER, or leave out layout=native.',
        }
      : await lookAtStaging(staging, signal),
    missing.length === 0
      ? {
          level: 'ok',
          topic: 'native backup',
          message:
            'the procedures of the option SQLSERVER_BACKUP_RESTORE are there; what its role may do shows with the first task, that of the smallest database',
        }
      : {
          level: 'failure',
          topic: 'native backup',
          code: 'unsupported',
          message:
            'the server has no native backup and restore of RDS: its option group lacks it, or its login may not see msdb',
          hint: OPTION_HINT,
        },
  ]
}

async function lookAtStaging(staging: () => Promise<Staging>, signal: AbortSignal): Promise<Finding> {
  try {
    const { sink, bucket } = await staging()
    await sink.stat('lifeboat-precheck', signal)
    return { level: 'ok', topic: 'staging', message: `bucket '${bucket}' answers this machine` }
  } catch (thrown) {
    throwIfAborted(signal)
    const { code, message, hint }: LifeboatError = toLifeboatError(thrown)
    return { level: 'failure', topic: 'staging', code, message, ...(hint !== undefined && { hint }) }
  }
}
