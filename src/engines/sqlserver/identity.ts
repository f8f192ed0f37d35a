import { createHash } from 'node:crypto'
import type { Probe, Sameness } from '../../core/engine.ts'
import type { ServerIdentity } from '../../core/manifest.ts'
import { sqlNumberOf } from './failures.ts'
import type { Session, SqlRow } from './session.ts'

export const SERVER_NAME_TEXT = `SELECT CAST(SERVERPROPERTY('ServerName') AS nvarchar(256)) AS server_name,
  CAST(SERVERPROPERTY('MachineName') AS nvarchar(256)) AS machine_name, CAST(@@SERVERNAME AS nvarchar(256)) AS own_name`

export const BIRTHS_TEXT =
  'SELECT name, CONVERT(nvarchar(30), create_date, 121) AS created, CAST(service_broker_guid AS nvarchar(36)) AS broker FROM sys.databases ORDER BY name'
/** Where there is no Service Broker: Babelfish. */
export const FEWER_BIRTHS_TEXT =
  'SELECT name, CONVERT(nvarchar(30), create_date, 121) AS created FROM sys.databases ORDER BY name'

/**
 * What tells this server from others; names only as digests. `started` is when tempdb was made, at each start anew;
 * `databases` has one digest for each user database, of its name, its birth and its broker.
 */
export async function readIdentity(session: Session, signal: AbortSignal): Promise<ServerIdentity> {
  const [names = {}] = await session.query(SERVER_NAME_TEXT, signal)
  const births = await readBirths(session, signal)
  const started = births.find((row) => row.name === 'tempdb')?.created
  const own = births.find((row) => row.name === 'msdb')?.broker
  const users = births.filter(
    (row) => !['master', 'model', 'msdb', 'tempdb', 'rdsadmin'].includes(String(row.name)),
  )
  return {
    name: digest(names.server_name, names.machine_name, names.own_name),
    ...(typeof started === 'string' && { started: digest(started) }),
    ...(typeof own === 'string' && { msdb: digest(own) }),
    databases: users.map((row) => digest(row.name, row.created, row.broker ?? null)).join(' '),
  }
}

async function readBirths(session: Session, signal: AbortSignal): Promise<readonly SqlRow[]> {
  try {
    return await session.query(BIRTHS_TEXT, signal)
  } catch (thrown) {
    if (sqlNumberOf(thrown) === undefined) throw thrown
    return await session.query(FEWER_BIRTHS_TEXT, signal)
  }
}

/**
 * A server is renamed, moved or restored from a snapshot with its databases, so a name proves little by itself; a
 * database that was born at the same moment with the same broker is the same one or a physical copy of it.
 */
export function compareIdentity(recorded: ServerIdentity, { identity: now }: Probe): Sameness {
  const equal = (name: string) => recorded[name] !== undefined && recorded[name] === now[name]
  const differs = (name: string) =>
    recorded[name] !== undefined && now[name] !== undefined && recorded[name] !== now[name]
  const before = new Set((recorded.databases ?? '').split(' ').filter((each) => each !== ''))
  const shared = (now.databases ?? '').split(' ').filter((each) => before.has(each)).length
  if (equal('name') && equal('started')) {
    return { verdict: 'same', reason: 'name and time of the start are the same' }
  }
  if (equal('name') && shared > 0) {
    return { verdict: 'same', reason: `its name and ${shared} of its databases are the same` }
  }
  if (shared > 0) {
    return {
      verdict: 'unsure',
      reason: `${shared} of its databases are the same: it is this server under another name, or a physical copy of it`,
    }
  }
  if (differs('name')) {
    return before.size > 0 || differs('started')
      ? { verdict: 'different', reason: 'its name is another, and so are its databases' }
      : { verdict: 'unsure', reason: 'its name is another, but nothing else tells it apart' }
  }
  if (differs('msdb'))
    return { verdict: 'different', reason: 'its msdb is another, and so are its databases' }
  return { verdict: 'unsure', reason: 'its name is the same, its databases are others' }
}

function digest(...facts: readonly unknown[]): string {
  return createHash('sha256')
    .update(JSON.stringify(['lifeboat', ...facts]))
    .digest('hex')
    .slice(0, 32)
}
