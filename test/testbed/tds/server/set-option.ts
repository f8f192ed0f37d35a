import { requireObject } from './names.ts'
import { SqlError } from './sql-error.ts'
import type { SessionState } from './state.ts'
import type { Statement } from './statements.ts'

const IGNORED = new Set(
  `ANSI_DEFAULTS ANSI_NULL_DFLT_ON ANSI_NULL_DFLT_OFF ANSI_PADDING ANSI_WARNINGS ARITHABORT ARITHIGNORE CONCAT_NULL_YIELDS_NULL CURSOR_CLOSE_ON_COMMIT
DATEFIRST DATEFORMAT DEADLOCK_PRIORITY IMPLICIT_TRANSACTIONS LANGUAGE LOCK_TIMEOUT NUMERIC_ROUNDABORT ROWCOUNT FORCEPLAN NOEXEC PARSEONLY QUERY_GOVERNOR_COST_LIMIT`.split(
    /\s+/,
  ),
)

export function setOption(
  session: SessionState,
  statement: Extract<Statement, { kind: 'set-option' }>,
): void {
  const on = statement.value === 'ON'
  if (statement.option === 'ISOLATION') {
    if (session.trancount > 0 && statement.value === 'SNAPSHOT' && session.isolation !== 'SNAPSHOT')
      throw new SqlError(
        3951,
        'Transaction failed in database because the statement was run under snapshot isolation but the transaction did not start in snapshot isolation.',
      )
    session.isolation = statement.value
    return
  }
  if (statement.option === 'IDENTITY_INSERT') {
    const { object, database } = requireObject(session, statement.table ?? [])
    if (!object.table?.columns.some((column) => column.identity !== undefined))
      throw new SqlError(
        8106,
        `Table '${statement.table?.join('.')}' does not have the identity property. Cannot perform SET operation.`,
      )
    if (on && session.identityInsert !== null && session.identityInsert !== object.id)
      throw new SqlError(
        8107,
        `IDENTITY_INSERT is already ON for table '${database.name}.${database.objects.get(session.identityInsert)?.name}'. Cannot perform SET operation for table '${statement.table?.join('.')}'.`,
      )
    session.identityInsert = on ? object.id : null
    return
  }
  for (const option of statement.option.split(','))
    switch (option) {
      case 'XACT_ABORT':
        session.xactAbort = on
        break
      case 'NOCOUNT':
        session.noCount = on
        break
      case 'QUOTED_IDENTIFIER':
        session.quotedIdentifier = on
        break
      case 'ANSI_NULLS':
        session.ansiNulls = on
        break
      case 'FMTONLY':
        session.fmtOnly = on
        break
      case 'TEXTSIZE':
        session.textSize = Number(statement.value)
        break
      default:
        if (!IGNORED.has(option)) throw new SqlError(195, `'${option}' is not a recognized SET option.`)
    }
}
