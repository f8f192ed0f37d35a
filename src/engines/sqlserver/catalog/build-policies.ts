import type { SecurityPolicy } from './model.ts'
import type { Names } from './names.ts'
import type { CatalogRows } from './read-rows.ts'
import { flag, maybeText, number, text } from './row.ts'

export function buildSecurityPolicies(rows: CatalogRows, names: Names): readonly SecurityPolicy[] {
  const predicates = Map.groupBy(rows.securityPredicates, (row) => number(row, 'object_id'))
  return rows.securityPolicies.map((row) => ({
    schema: names.schema(number(row, 'schema_id')),
    name: text(row, 'name'),
    enabled: flag(row, 'is_enabled'),
    notForReplication: flag(row, 'is_not_for_replication'),
    schemaBound: flag(row, 'is_schema_bound'),
    predicates: (predicates.get(number(row, 'object_id')) ?? []).flatMap((predicate) => {
      const target = names.object(number(predicate, 'target_object_id'))
      if (target === undefined) return []
      return {
        kind: text(predicate, 'predicate_type_desc'),
        definition: text(predicate, 'predicate_definition'),
        target: { schema: target.schema, name: target.name },
        operation: maybeText(predicate, 'operation_desc'),
      }
    }),
  }))
}
