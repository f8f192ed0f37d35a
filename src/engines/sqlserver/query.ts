import { QUERY_ROWS } from '../../core/engine.ts'
import type { SessionSource, SqlValue } from './session.ts'

const ENOUGH = new Error('what was asked is answered')

/** A batch of somebody else's. SQL Server knows no read-only transaction: what it changes is rolled back. */
export async function queryRows(
  sessions: SessionSource,
  database: string,
  sql: string,
  signal: AbortSignal,
): Promise<readonly (readonly unknown[])[]> {
  await using session = await sessions.open(database, signal)
  const rows: (readonly SqlValue[])[] = []
  const read = async () => {
    for await (const row of session.stream(sql, signal)) {
      rows.push(row)
      if (rows.length === QUERY_ROWS) break
    }
    throw ENOUGH
  }
  try {
    await session.transaction('read committed', read, signal)
  } catch (thrown) {
    if (thrown !== ENOUGH) throw thrown
  }
  return rows
}
