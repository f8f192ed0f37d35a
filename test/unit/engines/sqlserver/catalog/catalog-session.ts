import { LifeboatError } from '../../../../../src/core/errors.ts'
import type { Session, SqlRow } from '../../../../../src/engines/sqlserver/session.ts'

/** What the driver throws where the server refuses a batch. */
export function refusal(number: number, message: string): LifeboatError {
  return new LifeboatError('tool-failed', `unable to run something: ${message}`, {
    cause: Object.assign(new Error(message), { number }),
  })
}

export interface CatalogViews {
  readonly rows?: Readonly<Record<string, readonly SqlRow[]>>
  /** Views that the server does not have, or denies, with what it says. */
  readonly refused?: Readonly<Record<string, LifeboatError>>
  /** Columns that it does not know. */
  readonly unknown?: readonly string[]
  /** Answers to queries without a view, by a piece of them. */
  readonly answers?: Readonly<Record<string, readonly SqlRow[]>>
}

/** A catalog of fixed rows that refuses as a server does; all other views are empty. */
export function catalogSession({ rows = {}, refused = {}, unknown = [], answers = {} }: CatalogViews): {
  readonly session: Session
  readonly asked: string[]
} {
  const asked: string[] = []
  const never = () => {
    throw new Error('the catalog is only queried')
  }
  const session: Session = {
    async query(sql) {
      asked.push(sql)
      const view = / FROM (\S+)/.exec(sql)?.[1]
      if (view === undefined) {
        const found = Object.entries(answers).find(([piece]) => sql.includes(piece))
        if (found === undefined) throw new Error(`no answer to ${sql}`)
        return found[1]
      }
      const refusedBy = refused[view]
      if (refusedBy !== undefined) throw refusedBy
      const lacking = unknown.filter((column) => new RegExp(`\\b${column}\\b`).test(sql))
      if (lacking.length > 0) {
        throw refusal(207, lacking.map((column) => `Invalid column name '${column}'.`).join(' '))
      }
      if (sql.startsWith('SELECT COUNT_BIG(*)')) return [{ found: BigInt(rows[view]?.length ?? 0) }]
      return rows[view] ?? []
    },
    batch: never,
    stream: never,
    bulk: never,
    transaction: never,
    async [Symbol.asyncDispose]() {},
  }
  return { session, asked }
}
