import { OBJECT_QUERIES } from './queries-objects.ts'
import { TABLE_QUERIES } from './queries-tables.ts'
import { asText, type CatalogQuery, variant } from './query.ts'
import { quoteText } from './quote.ts'

/** The database itself, and what tables are made of. */
const GROUND_QUERIES = {
  database: {
    what: 'the properties of the database',
    view: 'sys.databases',
    columns: ['name', 'collation_name', 'compatibility_level', 'snapshot_isolation_state_desc'],
    optional: ['is_read_committed_snapshot_on', 'containment_desc'],
    where: 'database_id = DB_ID()',
  },
  schemas: {
    what: 'schemas',
    view: 'sys.schemas',
    columns: ['schema_id', 'name', 'principal_id'],
    orderBy: 'name',
    required: true,
  },
  types: {
    what: 'types',
    view: 'sys.types',
    columns: [
      ...['user_type_id', 'system_type_id', 'schema_id', 'name', 'max_length', 'precision', 'scale'],
      ...['is_nullable', 'is_user_defined', 'is_table_type'],
    ],
    optional: ['is_assembly_type', 'default_object_id', 'rule_object_id', 'principal_id'],
    required: true,
  },
  tableTypes: {
    what: 'table types',
    view: 'sys.table_types',
    columns: ['user_type_id', 'schema_id', 'name', 'type_table_object_id'],
    optional: ['is_memory_optimized'],
    where: 'is_user_defined = 1',
    orderBy: 'user_type_id',
  },
  xmlSchemaCollections: {
    what: 'XML schema collections',
    view: 'sys.xml_schema_collections',
    columns: ['xml_collection_id', 'schema_id', 'name'],
    // 1 is the server's own, sys.sys.
    where: 'xml_collection_id > 1',
    orderBy: 'xml_collection_id',
  },
  sequences: {
    what: 'sequences',
    view: 'sys.sequences',
    columns: [
      ...[
        'object_id',
        'schema_id',
        'name',
        'user_type_id',
        'precision',
        'is_cycling',
        'is_cached',
        'cache_size',
      ],
      ...['start_value', 'increment', 'minimum_value', 'maximum_value', 'current_value'].map(asText),
    ],
    optional: [asText('last_used_value')],
    orderBy: 'object_id',
  },
  partitionFunctions: {
    what: 'partition functions',
    view: 'sys.partition_functions',
    columns: ['function_id', 'name', 'boundary_value_on_right'],
    orderBy: 'function_id',
  },
  partitionParameters: {
    what: 'the types of partition functions',
    view: 'sys.partition_parameters',
    columns: [
      'function_id',
      'parameter_id',
      'user_type_id',
      'max_length',
      'precision',
      'scale',
      'collation_name',
    ],
  },
  partitionBoundaries: {
    what: 'the boundaries of partition functions',
    view: 'sys.partition_range_values',
    columns: ['function_id', 'boundary_id', ...variant('value')],
    orderBy: 'function_id, boundary_id',
  },
  partitionSchemes: {
    what: 'partition schemes',
    view: 'sys.partition_schemes',
    columns: ['data_space_id', 'name', 'function_id'],
    orderBy: 'data_space_id',
  },
} as const satisfies Record<string, CatalogQuery>

/**
 * Every look at the catalog, one view each and joined here rather than there, so that a server without one of them
 * loses one kind of object and no more. Values of type sql_variant are cast; a bit or a number travels as it is.
 */
export const CATALOG_QUERIES: Readonly<Record<CatalogQueryName, CatalogQuery>> = {
  ...GROUND_QUERIES,
  ...TABLE_QUERIES,
  ...OBJECT_QUERIES,
}

export type CatalogQueryName =
  | keyof typeof GROUND_QUERIES
  | keyof typeof TABLE_QUERIES
  | keyof typeof OBJECT_QUERIES

/** The schemas of one collection, which no view shows. */
export function xmlSchemaText(schema: string, name: string): string {
  return `SELECT CAST(XML_SCHEMA_NAMESPACE(${quoteText(schema)}, ${quoteText(name)}) AS nvarchar(max)) AS text`
}
