import { jobError } from './failures.ts'
import type { JobResult } from './job.ts'
import type { JobError, JobLog } from './job-log.ts'

export interface ImportVerdict {
  readonly notRestored: readonly { readonly what: string; readonly reason: string }[]
  readonly warnings: readonly string[]
}

/** ORA-31684: the object exists. ORA-39111, 39112: so what belongs to it was left out. ORA-39151: so does its data. */
const EXISTS = new Set([31684, 39111, 39112, 39151])
/** Existing tables were handled as asked; compiled with warnings; encrypted data; statistics. */
const TOLD = new Set([39082, 39152, 39153, 39173, 39346, 39384])
/** ORA-39083 and 39117, 39126…: an object failed. Of these kinds the rows and their rules don't depend. */
const ASIDE =
  /^(OBJECT_GRANT|SYSTEM_GRANT|ROLE_GRANT|DEFAULT_ROLE|TABLESPACE_QUOTA|PROXY|DB_LINK|SYNONYM|JOB|PROCOBJ|PROCACT_SCHEMA|PROCACT_SYSTEM|REFRESH_GROUP|INDEX_STATISTICS|TABLE_STATISTICS|STATISTICS|MARKER|COMMENT|AUDIT_OBJ|PASSWORD_HISTORY|RLS_POLICY|ALTER_FUNCTION|ALTER_PROCEDURE|ALTER_PACKAGE_SPEC|PACKAGE_BODY|PACKAGE_SPEC|FUNCTION|PROCEDURE|TRIGGER|VIEW|MATERIALIZED_VIEW|MATERIALIZED_VIEW_LOG|TYPE_BODY)$/

/** What of the log is a failure: whatever could mean that rows, or the rules that guard them, are not there. */
export function judgeImport(
  log: JobLog,
  { errors }: JobResult,
  tolerated: ReadonlySet<number>,
): ImportVerdict {
  const fatal = log.errors.filter((error) => !isBearable(error, tolerated))
  if (fatal.length > 0) {
    throw jobError(
      'import everything',
      `the job completed, but its log has ${fatal.length} errors\n${fatal
        .slice(0, 6)
        .map(({ text }) => text)
        .join('\n')}`,
    )
  }
  if (errors > log.errors.length) {
    throw jobError(
      'import everything',
      `the job completed with ${errors} errors, and its log names ${log.errors.length}`,
    )
  }
  const told = log.errors.filter(({ ora }) => TOLD.has(ora) || tolerated.has(ora))
  const left = log.errors.filter((error) => !told.includes(error))
  return {
    warnings: told.map(({ text }) => text),
    notRestored: left.map(({ ora, text }) => ({
      what: text.split('\n')[0] ?? text,
      reason: EXISTS.has(ora)
        ? 'it exists at the target and stays as it is there'
        : (text.split('\n')[1] ?? 'the target refused it'),
    })),
  }
}

function isBearable({ ora, objectType }: JobError, tolerated: ReadonlySet<number>): boolean {
  if (tolerated.has(ora) || EXISTS.has(ora) || TOLD.has(ora)) return true
  return [39083, 39117, 39127].includes(ora) && objectType !== undefined && ASIDE.test(objectType)
}
