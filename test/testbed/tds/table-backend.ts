import type { TdsBackend, TdsColumn, TdsEvent, TdsType, TdsValue } from './backend.ts'
import { createScriptedBackend } from './scripted-backend.ts'

/** A table of a server that knows no SQL but what a bulk tool sends. */
export interface BackendTable {
  /** As SQL has it: `[dbo].[zoo]`. */
  readonly name: string
  readonly columns: readonly TdsColumn[]
  /** What a SELECT with CASTs gives them as; its expressions are not looked at. */
  readonly selected?: readonly TdsColumn[]
  rows: (readonly TdsValue[])[]
}

export interface TableFaults {
  /** Instead of the row of this number, or after the last one. */
  readonly during?: { readonly row: number; readonly event: TdsEvent }
  /** What the bulk load of the n-th batch is answered with. */
  readonly bulk?: (batch: number) => readonly TdsEvent[] | undefined
  /** Sees each batch first, and may answer it. */
  readonly batch?: (sql: string) => readonly TdsEvent[] | undefined
  /** Told of each: `begin`, `commit`, `rollback`. A rollback takes back what was loaded since the begin. */
  readonly transaction?: (request: string) => void
}

export const tdsColumn = (name: string, type: string, details: Omit<TdsType, 'name'> = {}): TdsColumn => ({
  name,
  type: { name: type, ...details },
  nullable: true,
})

/** As the server does with char(n). */
function padded(value: TdsValue, column: TdsColumn | undefined): TdsValue {
  const { name = '', length = -1 } = column?.type ?? {}
  if (typeof value !== 'string' || !/^n?char$/.test(name)) return value
  return value.padEnd(name === 'nchar' ? length / 2 : length)
}

/** Answers SELECT * FROM, SET FMTONLY, COUNT_BIG and INSERT BULK for its tables; everything else is an error. */
export function createTableBackend(tables: readonly BackendTable[], faults: TableFaults = {}): TdsBackend {
  const find = (sql: string) =>
    tables.find(({ name }) => sql.replaceAll('[shop].', '').toLowerCase().includes(name.toLowerCase()))

  function* select(table: BackendTable, sql: string): Generator<TdsEvent> {
    const columns = /^\s*select \*/i.test(sql) ? table.columns : (table.selected ?? table.columns)
    yield { kind: 'columns', columns }
    for (const [index, values] of table.rows.entries()) {
      if (faults.during?.row === index) yield faults.during.event
      if (faults.during?.row === index && faults.during.event.kind === 'error') return
      yield { kind: 'row', values }
    }
    if (faults.during?.row === table.rows.length) yield faults.during.event
    yield { kind: 'done', rows: table.rows.length }
  }

  const scripted = createScriptedBackend({
    batch(sql) {
      const answer = faults.batch?.(sql)
      if (answer !== undefined) return answer
      if (/^(?:set |use )/i.test(sql) && !/select/i.test(sql)) return undefined
      const table = find(sql)
      if (table === undefined) {
        return [
          { kind: 'error', number: 208, severity: 16, message: `Invalid object name in: ${sql}` },
          { kind: 'done' },
        ]
      }
      if (/^insert bulk/i.test(sql)) return undefined
      if (/COUNT_BIG/.test(sql)) {
        return [
          { kind: 'columns', columns: [tdsColumn('n', 'bigint')] },
          { kind: 'row', values: [BigInt(table.rows.length)] },
          { kind: 'done', rows: 1 },
        ]
      }
      if (/FMTONLY ON/i.test(sql)) {
        return [
          { kind: 'columns', columns: table.columns },
          { kind: 'done', rows: 0 },
        ]
      }
      return select(table, sql)
    },
  })
  let kept: (readonly TdsValue[])[][] = []
  return {
    async login(login) {
      const session = await scripted.login(login)
      let batches = 0
      return {
        ...session,
        async transaction(request) {
          faults.transaction?.(request)
          if (request === 'begin') kept = tables.map(({ rows }) => [...rows])
          if (request !== 'rollback') return
          for (const [index, table] of tables.entries()) table.rows = kept[index] ?? []
        },
        async *bulk(sql, columns, rows) {
          const table = find(sql)
          if (table === undefined) throw new Error(`no table for ${sql}`)
          const at = columns.map(({ name }) => table.columns.findIndex((column) => column.name === name))
          const taken: TdsValue[][] = []
          for await (const values of rows) {
            const row = table.columns.map((): TdsValue => null)
            values.forEach((value, index) => {
              const place = at[index] ?? -1
              row[place] = padded(value, table.columns[place])
            })
            taken.push(row)
          }
          batches += 1
          const answer = faults.bulk?.(batches)
          if (answer !== undefined) {
            yield* answer
            return
          }
          table.rows.push(...taken)
          yield { kind: 'done', rows: taken.length }
        },
      }
    },
  }
}
