import * as datapump from '../../../src/engines/oracle/datapump-statements.ts'
import * as dictionary from '../../../src/engines/oracle/dictionary-statements.ts'
import * as rds from '../../../src/engines/oracle/rds-statements.ts'
import * as run from '../../../src/engines/oracle/run-statements.ts'
import { ACCOUNT_QUERIES } from './accounts.ts'
import { GATE_QUERIES } from './gates.ts'
import { OraError } from './ora-error.ts'
import type { Session } from './server.ts'

export type Value = string | number | Uint8Array | null

export type Given = Readonly<Record<string, Value>>

export type Row = Readonly<Record<string, Value>>

export const text = (value: Value | undefined) => (typeof value === 'string' ? value : '')

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
  ...ACCOUNT_QUERIES,
  ...GATE_QUERIES,
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
