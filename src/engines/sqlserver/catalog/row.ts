import { LifeboatError } from '../../../core/errors.ts'
import type { SqlRow } from '../session.ts'

/** A column that a server left out, or that is NULL, is undefined; char columns come padded. */
export function maybeText(row: SqlRow, column: string): string | undefined {
  const value = row[column]
  if (value === undefined || value === null) return undefined
  if (value instanceof Uint8Array) throw unexpected(column, 'bytes')
  return String(value)
}

export function text(row: SqlRow, column: string): string {
  const value = maybeText(row, column)
  if (value === undefined) throw unexpected(column, 'NULL')
  return value
}

export function maybeNumber(row: SqlRow, column: string): number | undefined {
  const value = maybeText(row, column)
  if (value === undefined) return undefined
  const read = Number(value)
  if (!Number.isFinite(read)) throw unexpected(column, `'${value}'`)
  return read
}

export function number(row: SqlRow, column: string): number {
  const value = maybeNumber(row, column)
  if (value === undefined) throw unexpected(column, 'NULL')
  return value
}

/** A bit: a boolean by the driver, a number where a server's view has another type. */
export function flag(row: SqlRow, column: string): boolean {
  const value = row[column]
  return value === true || value === 1 || value === 1n || value === '1'
}

export function groupBy(rows: readonly SqlRow[], ...columns: readonly string[]): Map<string, SqlRow[]> {
  return Map.groupBy(rows, (row) => columns.map((column) => text(row, column)).join('.'))
}

function unexpected(column: string, found: string): LifeboatError {
  return new LifeboatError(
    'unsupported',
    `unable to read the catalog of the database: its column '${column}' holds ${found}`,
    { hint: 'The server answers unlike SQL Server: please report its version (SELECT @@VERSION).' },
  )
}
