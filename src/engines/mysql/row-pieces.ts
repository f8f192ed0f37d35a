import type { TableInfo } from './inventory.ts'

/** What one run of the dump tool reads: rows only. */
export type Piece = { readonly bytes: number } & (
  | { readonly kind: 'databases'; readonly databases: readonly string[] }
  | { readonly kind: 'tables'; readonly database: string; readonly tables: readonly string[] }
  | { readonly kind: 'range'; readonly database: string; readonly table: string; readonly where: string }
)

export interface PiecesWanted {
  readonly databases: readonly string[]
  /** Those that have rows of their own. */
  readonly tables: readonly TableInfo[]
  readonly jobs: number
  /** Conditions that cut a table into so many pieces; undefined where it can't be cut. */
  readonly cut: (table: TableInfo, count: number) => Promise<readonly string[] | undefined>
}

/** Less is not worth a process, nor a connection. */
const SMALLEST_BYTES = 1024 * 1024
/** So that what ends early can help out with what is left. */
const PIECES_PER_JOB = 2

/**
 * Cuts all rows into about two pieces for each job: one connection each, all with the same snapshot. Small databases go
 * together whole; a large one by its tables, and a large table by ranges of its primary key. Every table with rows is in
 * exactly one piece, or in ranges that hold each row once.
 */
export async function cutIntoPieces({
  databases,
  tables,
  jobs,
  cut,
}: PiecesWanted): Promise<readonly Piece[]> {
  const size = (some: readonly TableInfo[]) => some.reduce((sum, { bytes }) => sum + bytes, 0)
  const unit = Math.max(SMALLEST_BYTES, size(tables) / (jobs * PIECES_PER_JOB))
  const whole: { readonly name: string; readonly bytes: number }[] = []
  const pieces: Piece[] = []
  for (const database of databases) {
    const own = tables.filter((table) => table.database === database)
    if (own.length === 0) continue
    if (size(own) <= unit) {
      whole.push({ name: database, bytes: size(own) })
      continue
    }
    const rest: TableInfo[] = []
    for (const table of own) {
      const count = Math.ceil(table.bytes / unit)
      const conditions = count > 1 ? await cut(table, count) : undefined
      if (conditions === undefined) rest.push(table)
      for (const where of conditions ?? []) {
        const bytes = table.bytes / (conditions?.length ?? 1)
        pieces.push({ kind: 'range', database, table: table.table, where, bytes })
      }
    }
    for (const some of pack(rest, unit)) {
      pieces.push({ kind: 'tables', database, tables: some.map(({ table }) => table), bytes: size(some) })
    }
  }
  const together = pack(whole, unit).map(
    (some): Piece => ({
      kind: 'databases',
      databases: some.map(({ name }) => name),
      bytes: some.reduce((sum, { bytes }) => sum + bytes, 0),
    }),
  )
  // Whole databases first: the tool lists their tables when it starts, and what was made since would stop it.
  return [...together, ...pieces.sort((one, other) => other.bytes - one.bytes)]
}

/** Into as few groups as the unit allows, of about the same size, each in the order given. */
function pack<T extends { readonly bytes: number }>(items: readonly T[], unit: number): T[][] {
  const sum = items.reduce((bytes, item) => bytes + item.bytes, 0)
  const count = Math.min(items.length, Math.max(1, Math.ceil(sum / unit)))
  const groups = Array.from({ length: count }, () => ({ bytes: 0, members: new Set<T>() }))
  for (const item of items.toSorted((one, other) => other.bytes - one.bytes)) {
    const least = groups.reduce((one, other) => (other.bytes < one.bytes ? other : one))
    least.bytes += item.bytes
    least.members.add(item)
  }
  return groups
    .map(({ members }) => items.filter((item) => members.has(item)))
    .filter((each) => each.length > 0)
}
