import type { Session } from './server-access.ts'
import { isAtLeast, type ServerVersion } from './version.ts'

/**
 * Where the binary log stands now, as `file:position` and the GTIDs; undefined where there is none or the account may
 * not ask. Without a global lock, which managed servers refuse, this is a bound and never the snapshot's own position.
 */
export async function readLogPosition(session: Session, server: ServerVersion): Promise<string | undefined> {
  // SHOW MASTER STATUS went in MySQL 8.4; its successor came in 8.2.
  const renamed = server.flavour === 'MySQL' && isAtLeast(server.numbers, [8, 2])
  try {
    const [status] = await session.query(renamed ? 'SHOW BINARY LOG STATUS' : 'SHOW MASTER STATUS')
    if (status === undefined) return undefined
    const place = `${status.File}:${status.Position}`
    const gtids =
      server.flavour === 'MariaDB'
        ? (await session.query('SELECT @@GLOBAL.gtid_binlog_pos AS gtids'))[0]?.gtids
        : status.Executed_Gtid_Set
    const plain = String(gtids ?? '').replace(/\s+/g, '')
    return plain === '' ? place : `${place} gtid ${plain}`
  } catch (thrown) {
    if (isDenied(thrown)) return undefined
    throw thrown
  }
}

/** ER_SPECIFIC_ACCESS_DENIED_ERROR: the account lacks REPLICATION CLIENT or BINLOG MONITOR. */
function isDenied(thrown: unknown): boolean {
  const cause = (thrown as { cause?: { errno?: unknown } }).cause
  return cause?.errno === 1227
}
