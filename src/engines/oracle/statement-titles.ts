import * as datapump from './datapump-statements.ts'
import * as dictionary from './dictionary-statements.ts'
import * as file from './file-statements.ts'
import * as gate from './gate-statements.ts'
import * as rds from './rds-statements.ts'
import * as run from './run-statements.ts'

/** What a statement was for, as messages say it: "unable to …". All others read the dictionary. */
const TITLES = new Map<string, string>([
  [dictionary.COUNT_ROWS_AS_OF, 'count rows as of the dump'],
  [dictionary.COUNT_ROWS, 'count rows'],
  [dictionary.SET_QUERY_SCHEMA, 'use schema'],
  [dictionary.SET_READ_ONLY, 'begin a read-only transaction'],
  [dictionary.DROP_USER, 'drop schema'],
  [dictionary.DROP_TABLE, 'drop table'],
  [dictionary.CREATE_TABLESPACE, 'create tablespace'],
  [datapump.START_EXPORT, 'start export job'],
  [datapump.START_IMPORT, 'start import job'],
  [datapump.READ_JOB_STATUS, 'read the state of the job'],
  [datapump.STOP_JOB, 'stop job'],
  [datapump.READ_JOB, 'look for job'],
  [datapump.DROP_MASTER, 'drop the master table of job'],
  [file.READ_FILE_LENGTH, 'look at server file'],
  [file.OPEN_FILE, 'open server file'],
  [file.READ_FILE_RAW, 'read server file'],
  [file.CREATE_FILE, 'create server file'],
  [file.APPEND_TO_FILE, 'write server file'],
  [file.REMOVE_RUN_FILES, 'remove the server files of run'],
  [run.BEGIN_RUN, 'create the table of run'],
  [run.CLAIM_RUN, 'claim the table of run'],
  [run.END_RUN, 'drop the table of run'],
  [gate.READ_OTHER_SESSIONS, 'look for sessions'],
  [gate.LOCK_ACCOUNT, 'lock account'],
  [gate.UNLOCK_ACCOUNT, 'unlock account'],
  [gate.END_SESSION, 'end session'],
  [gate.END_SESSION_ON_RDS, 'end session'],
  [gate.WRITE_SCRATCH, 'write into the table'],
  [rds.UPLOAD_TO_S3, 'upload to bucket'],
  [rds.DOWNLOAD_FROM_S3, 'download from bucket'],
  [rds.READ_TASK_LOG, 'read task log'],
  [rds.READ_DIRECTORY_FILES, 'list a directory of the server'],
])

/** Binds that name what it was about; no data is among them. */
const NAMING = [
  'p_table',
  'p_tablespace',
  'p_job',
  'p_name',
  'p_run',
  'p_bucket',
  'p_file',
  'p_schema',
  'p_account',
  'p_session',
  'p_sid',
]

export function titleOf(text: string, binds: Readonly<Record<string, unknown>>): string {
  const title = TITLES.get(text) ?? 'read the dictionary'
  const name = NAMING.map((bind) => binds[bind]).find((value) => typeof value === 'string')
  const schema = binds.p_schema
  if (name === undefined) return title
  return `${title} '${typeof schema === 'string' && schema !== name ? `${schema}.` : ''}${name}'`
}
