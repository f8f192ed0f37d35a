import { LifeboatError, messageOf } from '../../../core/errors.ts'
import { sqlNumberOf } from '../failures.ts'

/** Invalid column; invalid object; no such function; no such column or function with a schema; Babelfish's "does not exist". */
const MISSING = [207, 208, 195, 4121, 33557097]
/** sys.sql_expression_dependencies, for one, is only for db_owner. */
const DENIED = [229, 230, 297, 300, 371]

/** The server does not have it, or does not show it to this login: one kind of object less, no failure. */
export function isMissing(thrown: unknown): boolean {
  const number = sqlNumberOf(thrown)
  return number !== undefined && (MISSING.includes(number) || DENIED.includes(number))
}

/** The server's own words, without the query that they were about. */
export function reasonOf(thrown: unknown): string {
  const cause = thrown instanceof Error ? thrown.cause : undefined
  return messageOf(cause ?? thrown)
}

/** The server said no, and is still there: not a lost connection, an abort, or a defect of ours. */
export function isRefusal(thrown: unknown): thrown is LifeboatError {
  return (
    thrown instanceof LifeboatError &&
    thrown.code !== 'engine-unreachable' &&
    sqlNumberOf(thrown) !== undefined
  )
}
