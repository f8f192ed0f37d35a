import type { TdsEvent } from '../backend.ts'
import { requireAlter } from './execute-table.ts'
import { splitName } from './metadata-properties.ts'
import { requireObject } from './names.ts'
import { dataOf } from './rows.ts'
import { evaluate } from './session.ts'
import { SqlError } from './sql-error.ts'
import { type SessionState, visibleRows } from './state.ts'
import type { Statement } from './statements.ts'

/** DBCC CHECKIDENT in its three forms; CHECKDB finds nothing wrong. */
export function* dbcc(
  session: SessionState,
  statement: Extract<Statement, { kind: 'dbcc' }>,
): Generator<TdsEvent> {
  const quiet = statement.words.includes('NO_INFOMSGS')
  const words = statement.args.map((arg) => (arg.kind === 'name' ? (arg.parts[0] ?? '').toUpperCase() : ''))
  if (statement.command === 'CHECKDB') {
    if (!quiet)
      yield {
        kind: 'info',
        number: 8989,
        message: `CHECKDB found 0 allocation errors and 0 consistency errors in database '${session.database.name}'.`,
      }
    yield { kind: 'done' }
    return
  }
  if (statement.command !== 'CHECKIDENT')
    throw new SqlError(50999, `The test server does not play DBCC ${statement.command}.`)
  const [first] = statement.args
  const name =
    first === undefined
      ? ''
      : first.kind === 'name'
        ? first.parts.map((part) => `[${part}]`).join('.')
        : String(evaluate(session, first))
  const { database, object } = requireObject(session, splitName(name) ?? [name])
  requireAlter(session, database, object)
  const columns = object.table?.columns ?? []
  const at = columns.findIndex((column) => column.identity !== undefined)
  const identity = columns[at]?.identity
  if (identity === undefined)
    throw new SqlError(7997, `'${object.name}' does not contain an identity column.`)
  const data = dataOf(database, object)
  const before = data.lastIdentity?.toString() ?? 'NULL'
  const values = visibleRows(session, data).map((row) => BigInt(String(row[at])))
  const highest = values.length === 0 ? null : values.reduce(larger)
  if (words[1] === 'RESEED' && statement.args[2] !== undefined) {
    const value = BigInt(String(evaluate(session, statement.args[2])))
    // A table that never held a row gives out the new value itself next.
    data.lastIdentity = data.lastIdentity === null ? value - BigInt(identity.increment) : value
    if (!quiet)
      yield {
        kind: 'info',
        number: 7998,
        message: `Checking identity information: current identity value '${before}'.`,
      }
  } else {
    if (
      words[1] !== 'NORESEED' &&
      highest !== null &&
      (data.lastIdentity === null || data.lastIdentity < highest)
    )
      data.lastIdentity = highest
    if (!quiet)
      yield {
        kind: 'info',
        number: 7998,
        message: `Checking identity information: current identity value '${before}', current column value '${highest ?? 'NULL'}'.`,
      }
  }
  if (!quiet)
    yield {
      kind: 'info',
      number: 2528,
      message: 'DBCC execution completed. If DBCC printed error messages, contact your system administrator.',
    }
  yield { kind: 'done' }
}

/** Math.max knows no bigint. */
function larger(left: bigint, right: bigint): bigint {
  if (left > right) return left
  return right
}
