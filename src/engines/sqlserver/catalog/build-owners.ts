import type { ObjectOwner } from './model-security.ts'
import type { Names } from './names.ts'
import { quoteObject } from './quote.ts'
import type { CatalogRows } from './read-rows.ts'
import { flag, maybeNumber, number, text } from './row.ts'

/** Constraints and triggers always belong to the owner of their table. */
const OWNED = ['U', 'V', 'P', 'FN', 'IF', 'TF', 'SO', 'SN', 'D', 'R']

export function buildOwners(rows: CatalogRows, names: Names): readonly ObjectOwner[] {
  const objects = rows.objects
    .filter((row) => OWNED.includes(text(row, 'type').trim()) && maybeNumber(row, 'parent_object_id') === 0)
    .map((row) => ({ row, prefix: 'OBJECT' }))
  const types = rows.types
    .filter((row) => flag(row, 'is_user_defined') && !flag(row, 'is_assembly_type'))
    .map((row) => ({ row, prefix: 'TYPE' }))
  return [...types, ...objects].flatMap(({ row, prefix }) => {
    // NULL is the usual case: the owner of the schema.
    const owner = names.principal(maybeNumber(row, 'principal_id') ?? -1)
    if (owner === undefined) return []
    const name = quoteObject({ schema: names.schema(number(row, 'schema_id')), name: text(row, 'name') })
    return { securable: `${prefix}::${name}`, owner }
  })
}
