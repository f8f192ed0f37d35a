import * as datapump from '../../../src/engines/oracle/datapump-statements.ts'
import * as dictionary from '../../../src/engines/oracle/dictionary-statements.ts'
import * as file from '../../../src/engines/oracle/file-statements.ts'
import * as rds from '../../../src/engines/oracle/rds-statements.ts'
import * as run from '../../../src/engines/oracle/run-statements.ts'
import { assertName } from './database.ts'
import type { Job } from './datapump.ts'
import { OraError } from './ora-error.ts'
import type { Session } from './server.ts'

export type Value = string | number | Uint8Array | null
export type Given = Readonly<Record<string, Value>>
type Row = Readonly<Record<string, Value>>

const text = (value: Value | undefined) => (typeof value === 'string' ? value : '')

const users = ({ database }: Session) => [...database.schemas].filter(([, { maintained }]) => !maintained)
const isRuns = (name: string) => name.startsWith('LIFEBOAT_')

function tables(session: Session) {
  return users(session).flatMap(([owner, schema]) =>
    [...schema.tables].filter(([name]) => !isRuns(name)).map(([name, table]) => ({ owner, name, table })),
  )
}

/** Views that only the roles of Data Pump open. */
function needRole({ database }: Session): void {
  if (![...database.roles].some((role) => /DBA|FULL_DATABASE|SELECT_CATALOG_ROLE/.test(role))) {
    throw new OraError(942, 'table or view does not exist')
  }
}

const rowBytes = (rows: readonly string[]) => rows.reduce((sum, row) => sum + row.length, 0)

export const QUERIES: ReadonlyMap<
  string,
  (session: Session, given: Given) => readonly Row[] | Promise<readonly Row[]>
> = new Map<string, (session: Session, given: Given) => readonly Row[] | Promise<readonly Row[]>>([
  [
    dictionary.READ_VERSION,
    ({ database }) => [{ product: `Oracle Database 19c ${database.edition} `, version: database.version }],
  ],
  [
    dictionary.READ_SESSION,
    ({ database, user }) => [
      { user, container: database.container, uniqueName: 'ORCL', host: database.host, protocol: 'tcp' },
    ],
  ],
  [
    dictionary.READ_CHARACTER_SETS,
    ({ database }) => [
      { parameter: 'NLS_CHARACTERSET', value: database.characterSet },
      { parameter: 'NLS_NCHAR_CHARACTERSET', value: 'AL16UTF16' },
    ],
  ],
  [
    dictionary.READ_DATABASE,
    (session) => {
      needRole(session)
      const { dbid, openMode } = session.database
      return [{ dbid, conDbid: dbid, resetlogs: '1 2026-01-01 00:00:00', openMode }]
    },
  ],
  [
    dictionary.READ_SCN,
    (session) => {
      needRole(session)
      return [{ scn: String(session.database.scn) }]
    },
  ],
  [dictionary.READ_SCN_BY_TIME, ({ database }) => [{ scn: String(database.scn) }]],
  [
    dictionary.READ_USERS,
    ({ database }) =>
      [...database.schemas].map(([name, { maintained }]) => ({ name, maintained: maintained ? 'Y' : 'N' })),
  ],
  [
    dictionary.READ_OBJECT_OWNERS,
    (session) =>
      users(session)
        .map(([owner, schema]) => ({
          owner,
          objects: [...schema.tables.keys()].filter((name) => !isRuns(name)).length,
        }))
        .filter(({ objects }) => objects > 0),
  ],
  [
    dictionary.READ_TABLES,
    (session) =>
      tables(session).map(({ owner, name, table }) => ({
        owner,
        name,
        estimateBytes: String(rowBytes(table.versions.at(-1)?.rows ?? [])),
      })),
  ],
  [dictionary.READ_EXTERNAL_TABLES, () => [{ tables: 0 }]],
  [dictionary.READ_POLICIES, () => [{ policies: 0 }]],
  [
    dictionary.READ_SEGMENTS,
    (session) => {
      needRole(session)
      return tables(session).map(({ owner, table }) => ({
        owner,
        tablespace: table.tablespace,
        bytes: String(rowBytes(table.versions.at(-1)?.rows ?? []) + 65536),
      }))
    },
  ],
  [
    dictionary.READ_USER_TABLESPACES,
    (session) => {
      needRole(session)
      return users(session).map(([owner, { tablespace }]) => ({ owner, tablespace }))
    },
  ],
  [
    dictionary.READ_INDEX_TABLESPACES,
    (session) => {
      needRole(session)
      return tables(session).map(({ owner, table }) => ({ owner, tablespace: table.tablespace }))
    },
  ],
  [
    dictionary.READ_TABLESPACES,
    (session) => {
      needRole(session)
      return [...session.database.tablespaces].map((name) => ({ name, contents: 'PERMANENT' }))
    },
  ],
  [
    dictionary.READ_PRIVILEGES,
    ({ database }) => [...database.privileges].map((privilege) => ({ privilege })),
  ],
  [dictionary.READ_ROLES, ({ database }) => [...database.roles].map((role) => ({ role }))],
  [
    dictionary.READ_DIRECTORY,
    ({ database }, given) => {
      const found = database.directories.get(text(given.p_directory))
      return found === undefined ? [] : [{ path: found.path }]
    },
  ],
  [
    dictionary.READ_DIRECTORY_GRANTS,
    ({ database }) => [...database.directoryGrants].map((privilege) => ({ privilege })),
  ],
  [
    dictionary.READ_PACKAGES,
    () => ['DBMS_DATAPUMP', 'UTL_FILE', 'DBMS_LOB', 'DBMS_ASSERT'].map((name) => ({ name })),
  ],
  [dictionary.READ_ASM_ROOM, () => [{ megabytes: '1' }]],
  [
    dictionary.READ_DATABASE_FILES,
    (session) => {
      needRole(session)
      return [{ bytes: String(session.database.fileBytes) }]
    },
  ],
  [
    rds.READ_DIRECTORY_FILES,
    ({ database }, given) => {
      if (!database.schemas.has('RDSADMIN')) throw new OraError(904, 'invalid identifier')
      const files = [...database.files(text(given.p_directory)).values()]
      return [{ bytes: String(files.reduce((sum, { data }) => sum + data.length, 0)) }]
    },
  ],
  [
    datapump.READ_JOB,
    ({ pump }, given) => {
      const job = pump.jobs.get(text(given.p_job))
      return job === undefined
        ? []
        : [{ state: job.state === 'STOPPED' ? 'NOT RUNNING' : job.state, sessions: 1 }]
    },
  ],
  [
    run.READ_RUNS,
    (session) =>
      [...(session.database.schemas.get(session.user)?.tables.keys() ?? [])]
        .filter((name) => name.startsWith('LIFEBOAT_'))
        .map((name) => ({ name })),
  ],
  [
    rds.READ_TASK_LOG,
    ({ server }, given) => server.taskLog(text(given.p_file)).map((line) => ({ text: line })),
  ],
])

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
