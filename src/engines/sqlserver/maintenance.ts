import { sqlNumberOf } from './failures.ts'
import type { Server } from './server-access.ts'
import type { Session, SessionSource } from './session.ts'

/** A session in no database of the user's: `master`, or where that is closed to the login, the one of the URL. */
export async function openMaintenance(
  { url }: Server,
  sessions: SessionSource,
  signal: AbortSignal,
): Promise<Session> {
  try {
    return await sessions.open('master', signal)
  } catch (thrown) {
    // 4060, 916: this login can't open this database, which says nothing about the others.
    if (url.database === undefined || ![4060, 916].includes(sqlNumberOf(thrown) ?? 0)) throw thrown
    return await sessions.open(url.database, signal)
  }
}
