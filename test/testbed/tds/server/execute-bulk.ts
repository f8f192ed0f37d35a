import type { TdsColumn, TdsValue } from '../backend.ts'
import { distrust } from './constraints.ts'
import type { TableFacts } from './model.ts'
import { findObject, resolveTypeName, sameName } from './names.ts'
import { requirePermission } from './permissions.ts'
import { createRowWriter } from './row-writer.ts'
import { dataOf } from './rows.ts'
import { missingColumn, missingObject, SqlError } from './sql-error.ts'
import { lockTable, type SessionState } from './state.ts'
import type { StatementBody } from './statements.ts'
import { BIGINT } from './types.ts'

type Of<K> = Extract<StatementBody, { kind: K }>

/** Checks what INSERT BULK names, before any row comes. */
export function prepareBulk(session: SessionState, statement: Of<'insert-bulk'>) {
  const found = findObject(session, statement.target)
  if (found?.object.table === undefined) throw missingObject(statement.target.join('.'))
  const { database, object } = found
  if (database.name !== 'tempdb') requirePermission(session, database, 'INSERT', object)
  const { columns } = object.table as TableFacts
  const targets = statement.columns.map((declared) => {
    const column = columns.find((each) => sameName(each.name, declared.name))
    if (column === undefined) throw missingColumn(declared.name)
    return { column, type: resolveTypeName(session, declared.type).base }
  })
  return { database, object, targets }
}

export async function bulkInsert(
  session: SessionState,
  statement: Of<'insert-bulk'>,
  sent: readonly TdsColumn[],
  rows: AsyncIterable<readonly TdsValue[]>,
  signal: AbortSignal,
): Promise<number> {
  const { database, object, targets } = prepareBulk(session, statement)
  if (sent.length !== targets.length)
    throw new SqlError(
      4816,
      'Invalid column type from bcp client for colid 1.'.replace(
        '1.',
        `${Math.min(sent.length, targets.length) + 1}.`,
      ),
    )
  const checks = statement.hints.includes('CHECK_CONSTRAINTS')
  await lockTable(session, dataOf(database, object), signal)
  const writer = createRowWriter(
    session,
    database,
    object,
    targets.map(({ column }) => column),
    {
      statement: 'BULK INSERT',
      checks,
      nullsToDefaults: !statement.hints.includes('KEEP_NULLS'),
      keepIdentity: true,
    },
  )
  for await (const row of rows)
    writer.add(row.map((value, at) => ({ value, type: sent[at]?.type ?? BIGINT })))
  const { count } = writer.finish()
  if (!checks && count > 0) distrust(session, database, object)
  return count
}
