import { addIndex, putTable, removeIndex, requireAlter } from './execute-table.ts'
import type { TableFacts } from './model.ts'
import { requireObject, sameName } from './names.ts'
import { SqlError } from './sql-error.ts'
import type { SessionState } from './state.ts'
import type { StatementBody } from './statements.ts'

type Of<K> = Extract<StatementBody, { kind: K }>

export function createIndex(session: SessionState, statement: Of<'create-index'>): void {
  const { database, object } = requireObject(session, statement.table)
  requireAlter(session, database, object)
  if (object.table === undefined)
    throw new SqlError(
      1939,
      `Cannot create index on view '${object.name}' because the view is not schema bound.`,
    )
  addIndex(session, database, object, statement.index)
}

export function alterIndex(session: SessionState, statement: Of<'alter-index'>): void {
  const { database, object } = requireObject(session, statement.table)
  requireAlter(session, database, object)
  const facts = object.table as TableFacts
  const chosen = facts.indexes.filter(
    (index) => index.name !== null && (statement.name === 'ALL' || sameName(index.name, statement.name)),
  )
  if (chosen.length === 0 && statement.name !== 'ALL')
    throw new SqlError(2727, `Cannot find index '${statement.name}'.`)
  const compression = statement.options.DATA_COMPRESSION
  const indexes = facts.indexes.map((index) =>
    chosen.includes(index)
      ? {
          ...index,
          disabled: statement.action === 'DISABLE',
          ...(compression === undefined ? {} : { compression }),
        }
      : index,
  )
  putTable(session, database, object, { indexes })
}

export function dropIndex(session: SessionState, statement: Of<'drop-index'>): void {
  const { database, object } = requireObject(session, statement.table)
  requireAlter(session, database, object)
  const index = object.table?.indexes.find(
    (each) => each.name !== null && sameName(each.name, statement.name),
  )
  if (index === undefined) {
    if (statement.ifExists) return
    throw new SqlError(
      3701,
      `Cannot drop the index '${statement.table.join('.')}.${statement.name}', because it does not exist or you do not have permission.`,
    )
  }
  if (index.primary || index.uniqueConstraint)
    throw new SqlError(
      3723,
      `An explicit DROP INDEX is not allowed on index '${statement.name}'. It is being used for ${index.primary ? 'PRIMARY' : 'UNIQUE'} KEY constraint enforcement.`,
    )
  removeIndex(session, database, object, index.id)
}
