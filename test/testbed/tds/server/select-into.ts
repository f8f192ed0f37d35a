import { EMPTY_TABLE } from './execute-table.ts'
import { heap } from './index-definition.ts'
import type { Column } from './model.ts'
import { placeFor, resolveTypeName } from './names.ts'
import type { Plan } from './scope.ts'
import { SqlError } from './sql-error.ts'
import { beginImplicit, change, type SessionState, writeRows } from './state.ts'
import { collationOf, newObject } from './table-definition.ts'
import { familyOf } from './types.ts'

export async function selectInto(
  session: SessionState,
  name: readonly string[],
  plan: Plan,
): Promise<number> {
  const { database, schema, name: stored } = placeFor(session, name)
  beginImplicit(session)
  const rows = [...plan.rows(undefined)]
  const columns = plan.columns.map((column, at): Column => {
    if (column.name === '')
      throw new SqlError(
        1038,
        'An object or column name is missing or empty. For SELECT INTO statements, verify each column has a name.',
      )
    return {
      id: at + 1,
      name: column.name,
      type: column.type,
      userTypeId: resolveTypeName(session, { parts: [column.type.name], args: [] }).userTypeId,
      nullable: column.nullable,
      collation: familyOf(column.type) === 'text' ? (column.collation ?? collationOf(database)) : null,
      rowguid: false,
      sparse: false,
      columnSet: false,
      masked: null,
      generated: 0,
      hidden: false,
    }
  })
  const object = newObject(database, { schemaId: schema.id, name: stored, type: 'U', parentId: 0 })
  change(session, database.objects, object.id, {
    ...object,
    table: {
      ...EMPTY_TABLE,
      columns,
      nextColumnId: columns.length + 1,
      indexes: [heap(database, columns, undefined, {})],
    },
  })
  const data = { rows: [], pending: null, lastIdentity: null }
  change(session, database.data, object.id, data)
  writeRows(session, data, rows)
  return rows.length
}
