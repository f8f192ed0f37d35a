import { LifeboatError } from '../../core/errors.ts'
import type { LogPosition } from '../../core/manifest.ts'
import type { Connection } from './connection.ts'

/** The write-ahead log's position now; undefined where the server does not tell (Aurora without logical replication). */
export async function readLogPosition(connection: Connection): Promise<string | undefined> {
  try {
    const [row] = await connection.query<{ position: string | null }>(
      `SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END::text AS position`,
    )
    return row?.position ?? undefined
  } catch (thrown) {
    if (thrown instanceof LifeboatError && thrown.details?.sqlState !== undefined) return undefined
    throw thrown
  }
}

export function describePosition(
  before: string | undefined,
  after: string | undefined,
): LogPosition | undefined {
  if (before === undefined && after === undefined) return undefined
  return {
    ...(before !== undefined && { before }),
    ...(after !== undefined && { after }),
    exact: false,
    meaning: 'write-ahead log position: every snapshot of this backup lies between before and after',
  }
}
