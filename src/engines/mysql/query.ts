import { QUERY_ROWS } from '../../core/engine.ts'
import { quoteName } from './quote.ts'
import type { ServerAccess } from './server-access.ts'

/** One statement of somebody else's, by which nothing may change. */
export async function queryRows(
  access: ServerAccess,
  database: string | undefined,
  sql: string,
  signal: AbortSignal,
): Promise<readonly (readonly unknown[])[]> {
  return await access.withSession(signal, async (session) => {
    // Of the session, so that it also holds for what follows a statement that commits by itself.
    await session.query('SET SESSION TRANSACTION READ ONLY')
    await session.query(`SET SESSION sql_select_limit = ${QUERY_ROWS}, time_zone = '+00:00'`)
    if (database !== undefined) await session.query(`USE ${quoteName(database)}`)
    await session.query('START TRANSACTION READ ONLY')
    const rows = await session.rows(sql)
    await session.query('ROLLBACK')
    return rows.slice(0, QUERY_ROWS)
  })
}
