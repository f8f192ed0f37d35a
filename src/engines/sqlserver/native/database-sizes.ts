import { sqlNumberOf } from '../failures.ts'
import type { Session } from '../session.ts'

/** Pages of 8 KiB that data files have, used or not. A login sees the files of databases that it may alter or define. */
export const DATABASE_SIZES_TEXT = `SELECT DB_NAME(database_id) AS name, SUM(CAST(size AS bigint)) * 8192 AS bytes
FROM sys.master_files WHERE type <> 1 GROUP BY database_id`

export interface SizedDatabase {
  readonly name: string
  readonly estimateBytes?: number
}

/**
 * Smallest first, those of unknown size last: whether the role of the option group may use the bucket shows by a task
 * only, and so by the quickest one, before the others are begun.
 */
export async function smallestFirst(
  session: Session,
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly SizedDatabase[]> {
  const sizes = await readSizes(session, signal)
  const sized = names.map((name): SizedDatabase => {
    const estimateBytes = sizes.get(name)
    return { name, ...(estimateBytes !== undefined && { estimateBytes }) }
  })
  const rank = ({ estimateBytes = Number.POSITIVE_INFINITY }: SizedDatabase) => estimateBytes
  return sized.toSorted((one, other) => (rank(one) === rank(other) ? 0 : rank(one) - rank(other)))
}

async function readSizes(session: Session, signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
  try {
    const rows = await session.query(DATABASE_SIZES_TEXT, signal)
    return new Map(rows.map(({ name, bytes }) => [String(name), Number(bytes)]))
  } catch (thrown) {
    // The server answered, and refused; without sizes the order is that of the names.
    if (sqlNumberOf(thrown) !== undefined) return new Map()
    throw thrown
  }
}
