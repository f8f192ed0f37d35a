import type { SqlRow } from '../session.ts'
import { declaredAs, type TypeIndex } from './build-types.ts'
import type {
  DatabaseModel,
  PartitionFunction,
  PartitionScheme,
  SchemaModel,
  SequenceModel,
} from './model.ts'
import type { Names } from './names.ts'
import { quoteObject } from './quote.ts'
import type { CatalogRows } from './read-rows.ts'
import { flag, maybeNumber, maybeText, number, text } from './row.ts'
import { typeText } from './type-text.ts'
import { variantText } from './variant-text.ts'

export function buildDatabase(rows: CatalogRows): DatabaseModel {
  const row = rows.database[0] ?? {}
  const collation = maybeText(row, 'collation_name')
  const compatibilityLevel = maybeNumber(row, 'compatibility_level')
  const containment = maybeText(row, 'containment_desc')
  return {
    name: maybeText(row, 'name') ?? '',
    ...(collation === undefined ? {} : { collation }),
    ...(compatibilityLevel === undefined ? {} : { compatibilityLevel }),
    ...(containment === undefined ? {} : { containment }),
    snapshotIsolation: maybeText(row, 'snapshot_isolation_state_desc') === 'ON',
    readCommittedSnapshot: flag(row, 'is_read_committed_snapshot_on'),
  }
}

/** Every database comes with them. */
const OWN_SCHEMAS = [
  ...['dbo', 'guest', 'sys', 'information_schema', 'db_owner', 'db_accessadmin', 'db_securityadmin'],
  ...['db_ddladmin', 'db_backupoperator', 'db_datareader', 'db_datawriter', 'db_denydatareader'],
  ...['db_denydatawriter', 'pg_catalog'],
]

export function buildSchemas(rows: CatalogRows, names: Names): readonly SchemaModel[] {
  return rows.schemas
    .filter((row) => !OWN_SCHEMAS.includes(text(row, 'name').toLowerCase()))
    .map((row) => ({
      name: text(row, 'name'),
      owner: names.principal(number(row, 'principal_id')) ?? 'dbo',
    }))
}

export function buildSequences(rows: CatalogRows, names: Names, types: TypeIndex): readonly SequenceModel[] {
  return rows.sequences.map((row) => {
    const typeId = number(row, 'user_type_id')
    const alias = types.alias(typeId)
    return {
      schema: names.schema(number(row, 'schema_id')),
      name: text(row, 'name'),
      type:
        alias === undefined
          ? typeText({ type: types.base(typeId), precision: number(row, 'precision'), scale: 0 })
          : quoteObject(alias),
      start: text(row, 'start_value'),
      increment: text(row, 'increment'),
      minimum: text(row, 'minimum_value'),
      maximum: text(row, 'maximum_value'),
      cycles: flag(row, 'is_cycling'),
      cache: flag(row, 'is_cached') ? maybeNumber(row, 'cache_size') : 0,
      current: currentValue(row),
    }
  })
}

/** Before 2017 nothing tells a sequence that gave its first value from a new one: a value too many is skipped then. */
export function currentValue(row: SqlRow): string | undefined {
  const current = text(row, 'current_value')
  const unused =
    'last_used_value' in row &&
    maybeText(row, 'last_used_value') === undefined &&
    current === text(row, 'start_value')
  return unused ? undefined : current
}

export function buildPartitionFunctions(rows: CatalogRows, types: TypeIndex): readonly PartitionFunction[] {
  const parameters = new Map(rows.partitionParameters.map((row) => [number(row, 'function_id'), row]))
  const boundaries = Map.groupBy(rows.partitionBoundaries, (row) => number(row, 'function_id'))
  return rows.partitionFunctions.flatMap((row) => {
    const id = number(row, 'function_id')
    const parameter = parameters.get(id)
    if (parameter === undefined) return []
    const collation = maybeText(parameter, 'collation_name')
    // Its own only where it is not the usual one: the documented syntax has no COLLATE, though servers take it.
    const own = collation === maybeText(rows.database[0] ?? {}, 'collation_name') ? undefined : collation
    return {
      name: text(row, 'name'),
      parameter: {
        ...declaredAs(parameter, types),
        ...(own === undefined ? {} : { collation: own }),
      },
      boundaryOnRight: flag(row, 'boundary_value_on_right'),
      boundaries: (boundaries.get(id) ?? []).map((each) => variantText(each, 'value') ?? 'NULL'),
    }
  })
}

export function buildPartitionSchemes(rows: CatalogRows): readonly PartitionScheme[] {
  const functions = new Map(
    rows.partitionFunctions.map((row) => [number(row, 'function_id'), text(row, 'name')]),
  )
  return rows.partitionSchemes.flatMap((row) => {
    const partitionFunction = functions.get(number(row, 'function_id'))
    return partitionFunction === undefined ? [] : { name: text(row, 'name'), function: partitionFunction }
  })
}
