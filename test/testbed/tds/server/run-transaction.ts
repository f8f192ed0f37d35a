import { startTransaction } from './session.ts'
import { SqlError } from './sql-error.ts'
import { endTransaction, type SessionState, undoTo } from './state.ts'

export function runTransaction(
  session: SessionState,
  statement: { action: 'begin' | 'commit' | 'rollback' | 'save'; name: string | undefined },
): void {
  const { action, name } = statement
  if (action === 'begin') {
    if (session.trancount === 0) {
      endTransaction(session, true)
      session.transaction = startTransaction(session, false)
    }
    session.trancount += 1
    return
  }
  if (session.trancount === 0 || session.transaction === null)
    throw action === 'commit'
      ? new SqlError(3902, 'The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.')
      : action === 'save'
        ? new SqlError(628, 'Cannot issue SAVE TRANSACTION when there is no active transaction.')
        : new SqlError(3903, 'The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.')
  if (action === 'save')
    session.transaction.savepoints.set((name ?? '').toLowerCase(), session.transaction.undo.length)
  else if (action === 'commit') {
    if (session.transaction.doomed)
      throw new SqlError(
        3930,
        'The current transaction cannot be committed and cannot support operations that write to the log file. Roll back the transaction.',
      )
    session.trancount -= 1
    if (session.trancount === 0) endTransaction(session, true)
  } else {
    const savepoint = name === undefined ? undefined : session.transaction.savepoints.get(name.toLowerCase())
    if (savepoint !== undefined) undoTo(session.transaction, savepoint)
    else endTransaction(session, false)
  }
}
