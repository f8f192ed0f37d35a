import type { CatalogRows } from './read-rows.ts'
import { maybeNumber, number, text } from './row.ts'

export interface TableEstimate {
  readonly rowsEstimate?: number
  readonly bytesEstimate?: number
}

const PAGE_BYTES = 8192

/** Of the heap or the clustered index: other indexes are not dumped. Babelfish says 0 rows of every table. */
export function estimateTables(rows: CatalogRows): ReadonlyMap<number, TableEstimate> {
  // container_id is the partition's id for all kinds of pages: hobt_id and partition_id are the same number.
  const pages = new Map<string, number>()
  for (const row of rows.allocationUnits) {
    const id = text(row, 'container_id')
    pages.set(id, (pages.get(id) ?? 0) + (maybeNumber(row, 'total_pages') ?? 0))
  }
  const estimates = new Map<number, { rowsEstimate: number; bytesEstimate?: number }>()
  for (const row of rows.partitions) {
    if (number(row, 'index_id') > 1) continue
    const id = number(row, 'object_id')
    const before = estimates.get(id) ?? { rowsEstimate: 0 }
    const bytes = (pages.get(text(row, 'partition_id')) ?? 0) * PAGE_BYTES
    estimates.set(id, {
      rowsEstimate: before.rowsEstimate + (maybeNumber(row, 'rows') ?? 0),
      ...(pages.size === 0 ? {} : { bytesEstimate: (before.bytesEstimate ?? 0) + bytes }),
    })
  }
  return estimates
}
