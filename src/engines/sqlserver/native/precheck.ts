import { type LifeboatError, throwIfAborted, toLifeboatError } from '../../../core/errors.ts'
import type { Finding } from '../../../core/finding.ts'
import type { Staging } from '../../../core/staging.ts'
import type { Session } from '../session.ts'
import { PROCEDURES_TEXT } from './statements.ts'

const OPTION_HINT =
  'Add the option SQLSERVER_BACKUP_RESTORE, with the IAM_ROLE_ARN of a role that may use the staging bucket, to the option group of the instance; or leave out layout=native.'

type Role = 'source' | 'target'

const NEEDED: Readonly<Record<Role, readonly (readonly [string, string])[]>> = {
  source: [
    ['backup', 'rds_backup_database'],
    ['status', 'rds_task_status'],
  ],
  target: [
    ['restore', 'rds_restore_database'],
    ['status', 'rds_task_status'],
  ],
}

/**
 * Before any task: without its option group a server knows none of the procedures, and a bucket that this machine can't
 * see can neither be shipped from nor cleared. What the server's role may do there shows by a task only.
 */
export async function precheckNative(
  session: Session,
  { role, staging }: { readonly role: Role; readonly staging: (() => Promise<Staging>) | undefined },
  signal: AbortSignal,
): Promise<readonly Finding[]> {
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
    await lookAtProcedures(session, role, signal),
  ]
}

async function lookAtProcedures(session: Session, role: Role, signal: AbortSignal): Promise<Finding> {
  const failure = { level: 'failure', topic: 'native backup', code: 'unsupported' } as const
  const [row] = await session.query(PROCEDURES_TEXT, signal)
  if (['backup', 'restore', 'status'].some((name) => (row?.[`${name}_id`] ?? null) === null)) {
    return {
      ...failure,
      message:
        'the server has no native backup and restore of RDS: its option group lacks it, or its login may not see msdb',
      hint: OPTION_HINT,
    }
  }
  const denied = NEEDED[role].filter(([name]) => {
    const may = row?.[`may_${name}`] ?? null
    return may !== null && Number(may) === 0
  })
  if (denied.length > 0) {
    const procedures = denied.map(([, procedure]) => procedure)
    return {
      ...failure,
      message: `this login may not run ${procedures.join(' nor ')}`,
      hint: `Make it a user of msdb and grant it EXECUTE on ${procedures.map((name) => `dbo.${name}`).join(' and ')} there, or log in as the master user.`,
    }
  }
  return {
    level: 'ok',
    topic: 'native backup',
    message:
      'the procedures of the option SQLSERVER_BACKUP_RESTORE are there; what its role may do shows with the first task, that of the smallest database',
  }
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
