import type { Clock } from '../../core/clock.ts'
import type {
  Dump,
  DumpOptions,
  EngineContext,
  EngineEvent,
  PartSource,
  RestoreOptions,
  RestoreResult,
} from '../../core/engine.ts'
import { LifeboatError } from '../../core/errors.ts'
import type { Staging } from '../../core/staging.ts'
import { quoteName } from './catalog/quote.ts'
import { countTable } from './count.ts'
import { listDatabases } from './databases.ts'
import { openMaintenance } from './maintenance.ts'
import { createNativeDump } from './native/dump.ts'
import { precheckNative } from './native/precheck.ts'
import { restoreNative } from './native/restore.ts'
import { readLastWrites, type TableStates } from './native/still-tables.ts'
import type { TaskContext } from './native/task.ts'
import type { SqlServerOptions } from './options.ts'
import type { Server } from './server-access.ts'
import type { Session, SessionSource } from './session.ts'

export interface NativeSetting {
  readonly server: Server
  readonly sessions: SessionSource
  readonly options: SqlServerOptions
  readonly staging: EngineContext['staging']
  /** Tasks are asked for every few seconds. */
  readonly clock: Clock
}

export const TABLE_NAMES_TEXT =
  'SELECT s.name AS schema_name, t.name AS table_name FROM sys.tables AS t JOIN sys.schemas AS s ON s.schema_id = t.schema_id WHERE t.is_ms_shipped = 0 ORDER BY s.name, t.name'

/** SQL users whose login is not on this server: a restored database brings its users, but not their logins. */
export const ORPHANS_TEXT = `SELECT u.name AS user_name, SUSER_ID(u.name) AS login_id FROM sys.database_principals AS u
LEFT JOIN sys.server_principals AS l ON l.sid = u.sid
WHERE u.type = 'S' AND u.authentication_type = 1 AND u.principal_id > 4 AND l.sid IS NULL ORDER BY u.name`

export const mapUserText = (user: string) => `ALTER USER ${quoteName(user)} WITH LOGIN = ${quoteName(user)}`

export function dumpNative(
  setting: NativeSetting,
  databases: readonly string[],
  dumping: DumpOptions,
  signal: AbortSignal,
): Dump {
  return createNativeDump(
    {
      task: taskContext(setting, dumping.onProgress),
      openStaging: requireStaging(setting),
      options: setting.options.native,
      databases,
      dumping,
      lookAtTables: (database, inner) => lookAtTables(setting.sessions, database, inner),
    },
    signal,
  )
}

export async function restoreFromNative(
  setting: NativeSetting,
  source: PartSource,
  restoring: RestoreOptions,
  signal: AbortSignal,
): Promise<RestoreResult> {
  await requireNative(setting, signal)
  return await restoreNative(
    {
      task: taskContext(setting, restoring.onProgress),
      openStaging: requireStaging(setting),
      options: setting.options.native,
      stateOf: (database, inner) => stateOf(setting, database, inner),
      mapUsers: (database, inner) => mapUsers(setting.sessions, database, inner),
    },
    source,
    restoring,
    signal,
  )
}

/** A probe looks only where the URL says layout=native, and at a restore nobody has to. */
async function requireNative(
  { server, sessions, staging }: NativeSetting,
  signal: AbortSignal,
): Promise<void> {
  await using session = await openMaintenance(server, sessions, signal)
  const findings = await precheckNative(session, { role: 'target', staging }, signal)
  const failure = findings.find(({ level }) => level === 'failure')
  if (failure === undefined) return
  throw new LifeboatError(
    failure.code ?? 'unsupported',
    `unable to restore this backup, which has layout=native: ${failure.message}`,
    { hint: failure.hint },
  )
}

function taskContext(
  { server, sessions, clock }: NativeSetting,
  onProgress: ((event: EngineEvent) => void) | undefined,
): TaskContext {
  return {
    openSession: (signal) => openMaintenance(server, sessions, signal),
    clock,
    onProgress,
  }
}

function requireStaging({ staging }: NativeSetting): () => Promise<Staging> {
  return async () => {
    if (staging !== undefined) return await staging()
    throw new LifeboatError('usage', 'unable to use layout=native: it needs a bucket beside the server', {
      hint: 'Add --staging s3://bucket/prefix?region=REGION-OF-THE-SERVER, or leave out layout=native.',
    })
  }
}

async function lookAtTables(
  sessions: SessionSource,
  database: string,
  signal: AbortSignal,
): Promise<TableStates> {
  await using session = await sessions.open(database, signal)
  const tables: TableStates['tables'][number][] = []
  for (const row of await session.query(TABLE_NAMES_TEXT, signal)) {
    const [schema, table] = [String(row.schema_name), String(row.table_name)]
    const rows = await countTable(session, schema, table, signal)
    if (rows !== undefined) tables.push({ database, schema, table, rows })
  }
  // After the counts: a write between a count and this look must show.
  return { tables, written: await readLastWrites(session, signal) }
}

async function stateOf(
  { server, sessions }: NativeSetting,
  database: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  await using maintenance = await openMaintenance(server, sessions, signal)
  return (await listDatabases(maintenance, signal)).find(({ name }) => name === database)?.state
}

async function mapUsers(
  sessions: SessionSource,
  database: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  await using session: Session = await sessions.open(database, signal)
  const left: string[] = []
  for (const row of await session.query(ORPHANS_TEXT, signal)) {
    const user = String(row.user_name)
    if (row.login_id === null) left.push(user)
    else await session.batch(mapUserText(user), signal)
  }
  return left
}
