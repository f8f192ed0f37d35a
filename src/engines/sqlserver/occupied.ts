import type { Contents } from '../../core/contents.ts'
import type { Occupancy } from '../../core/engine.ts'
import { listDatabases } from './databases.ts'
import { openMaintenance } from './maintenance.ts'
import { readNativeRecord } from './native/record.ts'
import type { Server } from './server-access.ts'
import type { Session, SessionSource } from './session.ts'

export const USER_OBJECTS_TEXT =
  'SELECT COUNT_BIG(*) AS objects_found FROM sys.objects WHERE is_ms_shipped = 0'

/**
 * An empty database of the same name is no obstacle: it is loaded into, where a login may not create any. Nor is one in
 * RESTORING to a differential backup, which wants just that.
 */
export async function findOccupied(
  server: Server,
  sessions: SessionSource,
  contents: Pick<Contents, 'databases' | 'engine'>,
  signal: AbortSignal,
): Promise<Occupancy> {
  const present = await listPresent(server, sessions, signal)
  const named = new Set(contents.databases.map(({ name }) => name))
  const awaited = awaitedBy(contents)
  const conflicts: string[] = []
  for (const { name, usable, restoring } of present) {
    if (restoring && awaited.has(name)) continue
    if (named.has(name) && !(usable && (await isEmpty(sessions, name, signal)))) conflicts.push(name)
  }
  return { conflicts, others: present.flatMap(({ name }) => (named.has(name) ? [] : [name])) }
}

/** Databases that a differential backup goes into. */
function awaitedBy(contents: Pick<Contents, 'engine'>): ReadonlySet<string> {
  if (contents.engine.layout !== 'native') return new Set()
  const { databases } = readNativeRecord(contents)
  return new Set(databases.flatMap(({ name, type }) => (type === 'DIFFERENTIAL' ? [name] : [])))
}

async function listPresent(
  server: Server,
  sessions: SessionSource,
  signal: AbortSignal,
): Promise<readonly { readonly name: string; readonly usable: boolean; readonly restoring: boolean }[]> {
  await using maintenance = await openMaintenance(server, sessions, signal)
  const found = await listDatabases(maintenance, signal)
  return found.map(({ name, state, accessible }) => ({
    name,
    usable: state === 'ONLINE' && accessible,
    restoring: state === 'RESTORING',
  }))
}

async function isEmpty(sessions: SessionSource, database: string, signal: AbortSignal): Promise<boolean> {
  await using session = await sessions.open(database, signal)
  return await holdsNothing(session, signal)
}

async function holdsNothing(session: Session, signal: AbortSignal): Promise<boolean> {
  const [row] = await session.query(USER_OBJECTS_TEXT, signal)
  return Number(row?.objects_found) === 0
}
