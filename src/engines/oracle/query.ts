import { QUERY_ROWS } from '../../core/engine.ts'
import type { ConnectionSource } from './connection.ts'
import { SET_QUERY_SCHEMA, SET_READ_ONLY } from './dictionary-statements.ts'

/** One query of somebody else's, in a read-only transaction; `schema` is where names without one are looked for. */
export async function queryRows(
  source: ConnectionSource,
  schema: string | undefined,
  sql: string,
  signal: AbortSignal,
): Promise<readonly (readonly unknown[])[]> {
  await using connection = await source.open(signal)
  if (schema !== undefined) await connection.call(SET_QUERY_SCHEMA, { p_schema: schema }, {}, signal)
  await connection.call(SET_READ_ONLY, {}, {}, signal)
  const rows = await connection.query(boundedText(sql), {}, signal)
  return rows.map((row) => Object.values(row as Readonly<Record<string, unknown>>).map(asText))
}

/** As a subquery it can be nothing but a query. The line break ends a comment at its end. */
export function boundedText(sql: string): string {
  return `SELECT * FROM (${sql.trim().replace(/;$/, '')}\n) WHERE ROWNUM <= ${QUERY_ROWS}`
}

/** The driver gives what the column says as if it were the time of this machine: so read, it is that text again. */
function asText(value: unknown): unknown {
  if (!(value instanceof Date)) return value
  const two = (part: number) => String(part).padStart(2, '0')
  const day = `${value.getFullYear()}-${two(value.getMonth() + 1)}-${two(value.getDate())}`
  return `${day} ${two(value.getHours())}:${two(value.getMinutes())}:${two(value.getSeconds())}`
}
