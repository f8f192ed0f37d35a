import * as datapump from '../../../src/engines/oracle/datapump-statements.ts'
import * as dictionary from '../../../src/engines/oracle/dictionary-statements.ts'
import * as file from '../../../src/engines/oracle/file-statements.ts'
import * as rds from '../../../src/engines/oracle/rds-statements.ts'
import * as run from '../../../src/engines/oracle/run-statements.ts'
import { assertName } from './database.ts'
import type { Job } from './datapump.ts'
import { type Given, text } from './dispatch.ts'
import { GATE_BLOCKS } from './gates.ts'
import { OraError } from './ora-error.ts'
import type { Session } from './server.ts'

/** Fails as the block does that explains and stops: with the reason as a value, and no job left. */
function starting(session: Session, name: string, work: (note: (job: Job) => void) => Job): Given {
  let opened: Job | undefined
  try {
    const job = work((made) => {
      opened = made
    })
    return { p_handle: job.handle, p_failure: null }
  } catch (thrown) {
    if (!(thrown instanceof OraError)) throw thrown
    if (opened !== undefined) session.pump.forget(opened)
    return {
      p_handle: null,
      p_failure: `${thrown.message}\nORA-06512: at "SYS.DBMS_SYS_ERROR", line 79 (${name})`,
    }
  }
}

function start(session: Session, given: Given, operation: 'EXPORT' | 'IMPORT'): Given {
  const directory = text(given.p_directory)
  return starting(session, operation, (note) => {
    const job = session.pump.open(operation, text(given.p_mode), assertName(given.p_job), session.user)
    note(job)
    job.addFile({
      name: text(given.p_pieces),
      directory,
      kind: 'dump',
      ...(operation === 'EXPORT' && { bytes: text(given.p_piece_bytes) }),
    })
    job.addFile({ name: text(given.p_log), directory, kind: 'log' })
    job.metadataFilter('SCHEMA_LIST', text(given.p_schemas))
    if (given.p_mode === 'TABLE') job.metadataFilter('NAME_LIST', text(given.p_tables), 'TABLE')
    else if (operation === 'EXPORT') job.metadataFilter('NAME_EXPR', `!= '${text(given.p_run)}'`, 'TABLE')
    if (operation === 'EXPORT') job.setParameter('FLASHBACK_SCN', text(given.p_scn))
    else {
      job.setParameter('TABLE_EXISTS_ACTION', given.p_exists)
      for (const [what, pairs] of [
        ['REMAP_SCHEMA', given.p_remap_schemas],
        ['REMAP_TABLESPACE', given.p_remap_tablespaces],
      ] as const) {
        for (const pair of text(pairs)
          .split('\n')
          .filter((line) => line !== '')) {
          const [from = '', to = ''] = pair.split('\t')
          job.metadataRemap(what, from, to)
        }
      }
    }
    if (Number(given.p_parallel) > 1) job.setParallel(Number(given.p_parallel))
    job.start()
    session.server.started.push(job)
    return job
  })
}

export const BLOCKS: ReadonlyMap<string, (session: Session, given: Given) => Given | Promise<Given>> =
  new Map<string, (session: Session, given: Given) => Given | Promise<Given>>([
    ...GATE_BLOCKS,
    [
      dictionary.COUNT_ROWS_AS_OF,
      ({ database }, given) => ({
        p_rows: database.rows(assertName(given.p_schema), assertName(given.p_table), Number(given.p_scn))
          .length,
      }),
    ],
    [
      dictionary.COUNT_ROWS,
      ({ database }, given) => ({
        p_rows: database.rows(assertName(given.p_schema), assertName(given.p_table)).length,
      }),
    ],
    [
      dictionary.DROP_USER,
      ({ database }, given) => {
        const name = assertName(given.p_schema)
        if (database.schemas.get(name)?.maintained === false) database.schemas.delete(name)
        return {}
      },
    ],
    [
      dictionary.DROP_TABLE,
      ({ database }, given) => {
        const found = database.schemas
          .get(assertName(given.p_schema))
          ?.tables.delete(assertName(given.p_table))
        if (found !== true) throw new OraError(942, 'table or view does not exist')
        return {}
      },
    ],
    [
      dictionary.CREATE_TABLESPACE,
      ({ database }, given) => {
        if (!database.managesFiles) throw new OraError(2199, 'missing DATAFILE/TEMPFILE clause')
        database.tablespaces.add(assertName(given.p_tablespace))
        return {}
      },
    ],
    [datapump.START_EXPORT, (session, given) => start(session, given, 'EXPORT')],
    [datapump.START_IMPORT, (session, given) => start(session, given, 'IMPORT')],
    [
      datapump.READ_JOB_STATUS,
      async (session, given) => {
        const job = session.pump.byHandle(given.p_handle)
        const { state, percent, errors, text: said } = job.poll()
        if (state === 'COMPLETED' || state === 'STOPPED') {
          // Its end takes the master table of a completed job, and leaves that of a stopped one.
          if (state === 'COMPLETED') session.pump.forget(job)
        } else await session.server.wait()
        return { p_state: state, p_percent: percent, p_errors: errors, p_text: said === '' ? null : said }
      },
    ],
    [
      datapump.STOP_JOB,
      ({ pump }, given) => {
        const job = pump.attach(text(given.p_job))
        job.state = 'STOPPED'
        pump.forget(job)
        return {}
      },
    ],
    [
      datapump.DROP_MASTER,
      (session, given) => {
        const name = assertName(given.p_job)
        session.database.schemas.get(session.user)?.tables.delete(name)
        // A job that does not run is its master table.
        if (session.pump.jobs.get(name)?.state === 'STOPPED') session.pump.jobs.delete(name)
        return {}
      },
    ],
    [
      file.READ_FILE_LENGTH,
      ({ database }, given) => {
        const found = database.files(text(given.p_directory)).get(text(given.p_name))
        return { p_bytes: found === undefined ? null : found.data.length }
      },
    ],
    [
      file.READ_FILE_RAW,
      ({ database }, given) => {
        const found = database.files(text(given.p_directory)).get(text(given.p_name))
        if (found === undefined)
          throw new OraError(22288, 'file or LOB operation FILEOPEN failed\nNo such file or directory')
        const wanted = Number(given.p_wanted)
        if (!(wanted >= 1 && wanted <= 32767)) throw new OraError(6502, 'PL/SQL: numeric or value error')
        const offset = Number(given.p_offset) - 1
        const data = found.data.subarray(offset, offset + wanted)
        return { p_data: data.length === 0 ? null : data }
      },
    ],
    [
      file.CREATE_FILE,
      ({ database }, given) => {
        if (!database.directoryGrants.has('WRITE')) throw new OraError(29289, 'directory access denied')
        database.files(text(given.p_directory)).set(text(given.p_name), { data: Buffer.alloc(0) })
        return {}
      },
    ],
    [
      file.APPEND_TO_FILE,
      ({ database }, given) => {
        const { p_data } = given
        if (!(p_data instanceof Uint8Array) || p_data.length > 32767) {
          throw new OraError(6502, 'PL/SQL: numeric or value error: raw variable length too long')
        }
        database.append(text(given.p_directory), text(given.p_name), Buffer.from(p_data))
        return {}
      },
    ],
    [
      file.REMOVE_RUN_FILES,
      ({ database }, given) => {
        const files = database.files(text(given.p_directory))
        const run = text(given.p_run)
        const names = Array.from(
          { length: 99 },
          (_, index) => `${run}_${String(index + 1).padStart(2, '0')}.dmp`,
        )
        return { p_removed: [...names, `${run}.log`].filter((name) => files.delete(name)).length }
      },
    ],
    [
      run.BEGIN_RUN,
      (session, given) => {
        const name = assertName(given.p_run)
        if (!session.database.privileges.has('CREATE TABLE'))
          throw new OraError(1031, 'insufficient privileges')
        if (session.database.schemas.get(session.user)?.tables.has(name) === true) {
          throw new OraError(955, 'name is already used by an existing object')
        }
        session.database.write(session.user, name, [text(given.p_directory)])
        session.server.lock(session, name)
        return {}
      },
    ],
    [
      run.CLAIM_RUN,
      (session, given) => {
        const name = assertName(given.p_run)
        const rows = session.database.rows(session.user, name)
        session.server.lock(session, name, 'exclusive')
        return { p_directory: rows[0] ?? null }
      },
    ],
    [
      run.END_RUN,
      (session, given) => {
        const name = assertName(given.p_run)
        if (session.database.schemas.get(session.user)?.tables.has(name) === true) {
          session.server.lock(session, name, 'exclusive')
          session.database.schemas.get(session.user)?.tables.delete(name)
        }
        return {}
      },
    ],
    [
      rds.UPLOAD_TO_S3,
      async ({ server }, given) => ({
        p_task: await server.upload(
          text(given.p_directory),
          text(given.p_bucket),
          text(given.p_s3_prefix),
          text(given.p_files),
        ),
      }),
    ],
    [
      rds.DOWNLOAD_FROM_S3,
      async ({ server }, given) => ({
        p_task: await server.download(text(given.p_directory), text(given.p_bucket), text(given.p_s3_prefix)),
      }),
    ],
  ])
