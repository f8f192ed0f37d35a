import { QUERY_ROWS } from '../../core/engine.ts'
import { connect, type Server } from './connection.ts'

/** One query of somebody else's, by which nothing may change: a cursor takes nothing but SELECT and VALUES. */
export async function queryRows(
  server: Server,
  database: string,
  sql: string,
  signal: AbortSignal,
): Promise<readonly (readonly unknown[])[]> {
  await using session = await connect(server, database, signal)
  await session.query('BEGIN READ ONLY')
  await session.query(`SET LOCAL search_path = "$user", public`)
  await session.query(`SET LOCAL timezone = 'UTC'`)
  await session.query(`SET LOCAL datestyle = 'ISO'`)
  // What follows a comment at the end of the query would be one too.
  await session.texts(`DECLARE lifeboat_query NO SCROLL CURSOR FOR ${sql.trim().replace(/;$/, '')}\n`)
  const rows = await session.texts(`FETCH ${QUERY_ROWS} FROM lifeboat_query`)
  await session.query('ROLLBACK')
  return rows
}
