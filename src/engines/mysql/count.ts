import type { TableCount } from '../../core/contents.ts'
import { quoteName } from './quote.ts'
import { errorNumber, type ServerAccess } from './server-access.ts'

const CONNECTIONS = 4
const ER_BAD_DB_ERROR = 1049
const ER_NO_SUCH_TABLE = 1146

/** Exact counts over several connections, in the order asked. */
export async function countRows(
  access: ServerAccess,
  tables: readonly TableCount[],
  signal: AbortSignal,
): Promise<readonly TableCount[]> {
  const counted: TableCount[] = tables.map(({ database, table }) => ({ database, table }))
  const failed = new AbortController()
  const both = AbortSignal.any([signal, failed.signal])
  let next = 0
  const worker = async () => {
    await access.withSession(both, async (session) => {
      for (let at = next++; at < tables.length; at = next++) {
        const { database, table } = tables[at] as TableCount
        try {
          const [row] = await session.query(
            `SELECT COUNT(*) AS n FROM ${quoteName(database)}.${quoteName(table)}`,
          )
          counted[at] = { database, table, rows: Number(row?.n) }
        } catch (thrown) {
          const number = errorNumber(thrown)
          if (number !== ER_BAD_DB_ERROR && number !== ER_NO_SUCH_TABLE) throw thrown
        }
      }
    })
  }
  const workers = Array.from({ length: Math.min(CONNECTIONS, tables.length) }, worker)
  try {
    await Promise.all(workers)
  } catch (thrown) {
    failed.abort(thrown)
    await Promise.allSettled(workers)
    throw thrown
  }
  return counted
}
