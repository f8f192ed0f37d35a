import type { Bytes } from '../../core/bytes.ts'
import type { TableCount } from '../../core/contents.ts'
import { createDumpScanner } from './dump-scanner.ts'
import { unquoteName } from './quote.ts'

export interface RowCounter {
  /** Passes a dump through, byte for byte, and counts. */
  through(input: Bytes): Bytes
  /** Every table that the dump creates, in its order, with the rows that it inserts. */
  result(): readonly TableCount[]
}

/** Counts what a dump really holds: rows of its own snapshot, which no later query could see again. */
export function createRowCounter(): RowCounter {
  const tables = new Map<string, { database: string; table: string; rows: number }>()
  let database = ''
  let current: { rows: number } | undefined

  const tableOf = (table: string) => {
    const key = `${database}\0${table}`
    const known = tables.get(key)
    if (known !== undefined) return known
    const fresh = { database, table, rows: 0 }
    tables.set(key, fresh)
    return fresh
  }

  const scanner = createDumpScanner({
    statement(bytes) {
      const head = bytes.toString('latin1', 0, 1024)
      const use = /^USE\s+`((?:[^`]|``)*)`/i.exec(head)
      if (use !== null) database = decode(use[1])
      // Placeholders of views are created inside of /*! … */ and are no tables.
      const create = /^CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?`((?:[^`]|``)*)`/i.exec(head)
      if (create !== null) tableOf(decode(create[1]))
    },
    insert({ table }) {
      current = tableOf(table)
    },
    rows(count) {
      if (current !== undefined) current.rows += count
    },
  })

  return {
    async *through(input) {
      for await (const piece of input) {
        scanner.push(piece)
        yield piece
      }
      scanner.end()
    },
    result: () => [...tables.values()].map((table) => ({ ...table })),
  }
}

function decode(latin1: string | undefined): string {
  return unquoteName(Buffer.from(latin1 ?? '', 'latin1').toString('utf8'))
}
