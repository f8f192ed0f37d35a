import { QUERY_ROWS } from '../../core/engine.ts'
import type { SessionSource, SqlValue } from './session.ts'

/** A batch of somebody else's. SQL Server knows no read-only transaction: what it changes is rolled back with the session. */
export async function queryRows(
  sessions: SessionSource,
  database: string,
  sql: string,
  signal: AbortSignal,
): Promise<readonly (readonly unknown[])[]> {
  await using session = await sessions.open(database, signal)
  await session.batch('SET XACT_ABORT ON; SET IMPLICIT_TRANSACTIONS ON', signal)
  const rows: (readonly SqlValue[])[] = []
  for await (const row of session.stream(sql, signal)) {
    rows.push(row)
    if (rows.length === QUERY_ROWS) break
  }
  return rows
}
