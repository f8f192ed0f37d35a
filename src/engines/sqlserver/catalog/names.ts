import type { Named } from './model.ts'
import type { CatalogRows } from './read-rows.ts'
import { maybeNumber, number, text } from './row.ts'

/** What numbers in the catalog stand for. */
export interface Names {
  schema(id: number): string
  principal(id: number): string | undefined
  /** Tables, views, modules: whatever sys.objects and sys.tables show. */
  object(id: number): (Named & { readonly type: string; readonly parentId: number }) | undefined
  column(objectId: number, columnId: number): string | undefined
  type(userTypeId: number): Named | undefined
}

export function createNames(rows: CatalogRows): Names {
  const schemas = new Map(rows.schemas.map((row) => [number(row, 'schema_id'), text(row, 'name')]))
  const principals = new Map(rows.principals.map((row) => [number(row, 'principal_id'), text(row, 'name')]))
  const columns = new Map(
    rows.columns.map((row) => [`${text(row, 'object_id')}.${text(row, 'column_id')}`, text(row, 'name')]),
  )
  const schema = (id: number) => schemas.get(id) ?? `schema ${id}`
  const objects = new Map(
    rows.objects.map((row) => [
      number(row, 'object_id'),
      {
        schema: schema(number(row, 'schema_id')),
        name: text(row, 'name'),
        // char(2) comes padded.
        type: text(row, 'type').trim(),
        parentId: maybeNumber(row, 'parent_object_id') ?? 0,
      },
    ]),
  )
  const types = new Map(
    rows.types.map((row) => [
      number(row, 'user_type_id'),
      { schema: schema(number(row, 'schema_id')), name: text(row, 'name') },
    ]),
  )
  return {
    schema,
    principal: (id) => principals.get(id),
    object: (id) => objects.get(id),
    column: (objectId, columnId) => columns.get(`${objectId}.${columnId}`),
    type: (id) => types.get(id),
  }
}
