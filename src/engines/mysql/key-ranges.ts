import type { TableInfo } from './inventory.ts'
import { quoteName, quoteText } from './quote.ts'
import type { Session } from './server-access.ts'

/** Keys from `low` to below `high`. */
export interface KeyRange {
  readonly low: bigint
  readonly high: bigint
}

/** Roughly how many rows each range has. */
export type EstimateRows = (ranges: readonly KeyRange[]) => Promise<readonly number[]>

const INTEGERS = new Set(['tinyint', 'smallint', 'mediumint', 'int', 'bigint'])
const SPLIT_INTO = 16
/** 16 to the power of 16 are all keys of 64 bits. */
const ROUNDS = 16
/** How much finer than the pieces the look at the keys is. */
const FINENESS = 8
const SELECTS_AT_ONCE = 64

/**
 * Conditions that cut a table into about equal pieces by the first column of its primary key; together they hold every
 * row exactly once, whatever the estimates are worth. Undefined where the table can't be cut: only of an InnoDB table do
 * all sessions see the same rows, and an integer that is never NULL has a plain order.
 */
export async function cutTable(
  session: Session,
  table: TableInfo,
  count: number,
): Promise<readonly string[] | undefined> {
  if (table.engine.toLowerCase() !== 'innodb' || table.versioned) return undefined
  const columns = await session.query(
    `SELECT s.TABLE_NAME AS found, s.COLUMN_NAME AS name, c.DATA_TYPE AS type FROM information_schema.STATISTICS s
     JOIN information_schema.COLUMNS c USING (TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME)
     WHERE s.TABLE_SCHEMA = ${quoteText(table.database)} AND s.TABLE_NAME = ${quoteText(table.table)}
       AND s.INDEX_NAME = 'PRIMARY' AND s.SEQ_IN_INDEX = 1`,
  )
  // Names are compared without case there.
  const column = columns.find((row) => row.found === table.table)
  if (column === undefined || !INTEGERS.has(String(column.type).toLowerCase())) return undefined
  const name = quoteName(String(column.name))
  const source = `${quoteName(table.database)}.${quoteName(table.table)}`
  const [ends] = await session.query(
    `SELECT CAST(MIN(${name}) AS CHAR) AS low, CAST(MAX(${name}) AS CHAR) AS high FROM ${source}`,
  )
  if (ends === undefined || ends.low === null || ends.high === null) return undefined
  const estimate: EstimateRows = (ranges) => explainRows(session, source, name, ranges)
  const borders = await findBorders(BigInt(String(ends.low)), BigInt(String(ends.high)), count, estimate)
  if (borders.length === 0) return undefined
  return [
    `${name} < ${borders[0]}`,
    ...borders
      .slice(0, -1)
      .map((border, index) => `${name} >= ${border} AND ${name} < ${borders[index + 1]}`),
    `${name} >= ${borders.at(-1)}`,
  ]
}

/** At most count - 1 keys, ascending, that cut [low, high] into pieces of about as many rows each. */
export async function findBorders(
  low: bigint,
  high: bigint,
  count: number,
  estimate: EstimateRows,
): Promise<readonly bigint[]> {
  let buckets = await measure(split({ low, high: high + 1n }), estimate)
  for (let round = 1; round < ROUNDS; round += 1) {
    const limit = total(buckets) / (count * FINENESS)
    const coarse = buckets.filter((bucket) => bucket.rows > limit && bucket.high - bucket.low > 1n)
    if (coarse.length === 0) break
    const finer = await measure(coarse.flatMap(split), estimate)
    buckets = [...buckets.filter((bucket) => !coarse.includes(bucket)), ...finer].sort((one, other) =>
      one.low < other.low ? -1 : 1,
    )
  }
  const share = total(buckets) / count
  const borders: bigint[] = []
  let rows = 0
  for (const bucket of buckets) {
    // The border that is nearer to the mark: before or behind this bucket.
    const mark = share * (borders.length + 1)
    if (rows + bucket.rows / 2 >= mark && bucket.low > low && borders.length < count - 1)
      borders.push(bucket.low)
    rows += bucket.rows
  }
  return borders
}

interface Bucket extends KeyRange {
  readonly rows: number
}

function total(buckets: readonly Bucket[]): number {
  return buckets.reduce((sum, bucket) => sum + bucket.rows, 0)
}

function split({ low, high }: KeyRange): readonly KeyRange[] {
  const width = high - low
  const parts = width < BigInt(SPLIT_INTO) ? width : BigInt(SPLIT_INTO)
  const edge = (at: number) => low + (width * BigInt(at)) / parts
  return Array.from({ length: Number(parts) }, (_, at) => ({ low: edge(at), high: edge(at + 1) }))
}

async function measure(ranges: readonly KeyRange[], estimate: EstimateRows): Promise<Bucket[]> {
  const rows = await estimate(ranges)
  return ranges.map((range, at) => ({ ...range, rows: rows[at] ?? 0 }))
}

/** The optimizer's own estimate: it looks into the index at both ends of each range, and reads no rows. */
async function explainRows(
  session: Session,
  source: string,
  column: string,
  ranges: readonly KeyRange[],
): Promise<readonly number[]> {
  const selects = ranges.map(
    ({ low, high }) =>
      `SELECT 1 FROM ${source} FORCE INDEX (PRIMARY) WHERE ${column} >= ${low} AND ${column} < ${high}`,
  )
  const rows: number[] = []
  for (let at = 0; at < selects.length; at += SELECTS_AT_ONCE) {
    const some = selects.slice(at, at + SELECTS_AT_ONCE)
    const plan = await session.query(`EXPLAIN FORMAT=TRADITIONAL ${some.join(' UNION ALL ')}`)
    const lines = plan.filter((line) => !String(line.select_type).includes('RESULT'))
    // A range that is surely empty has no estimate.
    rows.push(...some.map((_select, index) => Number(lines[index]?.rows ?? 0)))
  }
  return rows
}
