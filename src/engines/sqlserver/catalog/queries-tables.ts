import { asText, type CatalogQuery } from './query.ts'

/** Tables with all that hangs on them. */
export const TABLE_QUERIES = {
  tables: {
    what: 'tables',
    view: 'sys.tables',
    columns: ['object_id', 'schema_id', 'name'],
    optional: [
      ...['temporal_type', 'history_table_id', 'history_retention_period'],
      ...['history_retention_period_unit_desc', 'is_memory_optimized', 'durability_desc', 'is_filetable'],
      ...['is_external', 'is_node', 'is_edge', 'ledger_type', 'lock_escalation_desc'],
    ],
    where: 'is_ms_shipped = 0',
    orderBy: 'object_id',
    required: true,
  },
  columns: {
    what: 'columns',
    view: 'sys.columns',
    columns: [
      ...[
        'object_id',
        'column_id',
        'name',
        'user_type_id',
        'max_length',
        'precision',
        'scale',
        'is_nullable',
      ],
      ...['collation_name', 'is_identity', 'is_computed'],
    ],
    optional: [
      ...[
        'is_rowguidcol',
        'is_sparse',
        'is_column_set',
        'is_ansi_padded',
        'is_filestream',
        'is_xml_document',
      ],
      ...['xml_collection_id', 'default_object_id', 'rule_object_id', 'generated_always_type', 'is_hidden'],
      ...['encryption_type', 'is_dropped_ledger_column'],
    ],
    orderBy: 'object_id, column_id',
    required: true,
  },
  identityColumns: {
    what: 'the seeds of identity columns',
    view: 'sys.identity_columns',
    columns: [
      ...['object_id', 'column_id', 'is_not_for_replication'],
      ...['seed_value', 'increment_value', 'last_value'].map(asText),
    ],
  },
  computedColumns: {
    what: 'computed columns',
    view: 'sys.computed_columns',
    columns: ['object_id', 'column_id', 'definition', 'is_persisted'],
  },
  maskedColumns: {
    what: 'masks of columns',
    view: 'sys.masked_columns',
    columns: ['object_id', 'column_id', 'masking_function'],
  },
  defaults: {
    what: 'defaults',
    view: 'sys.default_constraints',
    columns: ['parent_object_id', 'parent_column_id', 'name', 'definition', 'is_system_named'],
  },
  checks: {
    what: 'check constraints',
    view: 'sys.check_constraints',
    columns: [
      ...['object_id', 'parent_object_id', 'name', 'definition', 'is_system_named', 'is_disabled'],
      ...['is_not_trusted', 'is_not_for_replication'],
    ],
    orderBy: 'object_id',
  },
  keyConstraints: {
    what: 'names of keys',
    view: 'sys.key_constraints',
    columns: ['parent_object_id', 'unique_index_id', 'name', 'is_system_named'],
  },
  foreignKeys: {
    what: 'foreign keys',
    view: 'sys.foreign_keys',
    columns: [
      ...['object_id', 'parent_object_id', 'referenced_object_id', 'name', 'delete_referential_action_desc'],
      ...['update_referential_action_desc', 'is_system_named', 'is_disabled', 'is_not_trusted'],
      'is_not_for_replication',
    ],
    orderBy: 'object_id',
  },
  foreignKeyColumns: {
    what: 'the columns of foreign keys',
    view: 'sys.foreign_key_columns',
    columns: [
      ...['constraint_object_id', 'constraint_column_id', 'parent_column_id', 'referenced_object_id'],
      'referenced_column_id',
    ],
    orderBy: 'constraint_object_id, constraint_column_id',
  },
  indexes: {
    what: 'indexes and keys',
    view: 'sys.indexes',
    columns: [
      ...['object_id', 'index_id', 'name', 'type', 'is_unique', 'is_primary_key', 'is_unique_constraint'],
      ...['ignore_dup_key', 'fill_factor', 'is_padded', 'is_disabled', 'allow_row_locks', 'allow_page_locks'],
      ...['has_filter', 'filter_definition'],
    ],
    optional: ['data_space_id', 'is_hypothetical', 'compression_delay', 'optimize_for_sequential_key'],
    orderBy: 'object_id, index_id',
  },
  indexColumns: {
    what: 'the columns of indexes',
    view: 'sys.index_columns',
    columns: [
      ...['object_id', 'index_id', 'index_column_id', 'column_id', 'key_ordinal', 'is_descending_key'],
      'is_included_column',
    ],
    optional: ['partition_ordinal', 'column_store_order_ordinal'],
    orderBy: 'object_id, index_id, index_column_id',
  },
  hashIndexes: {
    what: 'hash indexes',
    view: 'sys.hash_indexes',
    columns: ['object_id', 'index_id', 'bucket_count'],
  },
  xmlIndexes: {
    what: 'XML indexes',
    view: 'sys.xml_indexes',
    columns: ['object_id', 'index_id', 'using_xml_index_id', 'secondary_type_desc'],
    optional: ['xml_index_type'],
  },
  spatialIndexes: {
    what: 'spatial indexes',
    view: 'sys.spatial_indexes',
    columns: ['object_id', 'index_id', 'tessellation_scheme'],
  },
  tessellations: {
    what: 'the grids of spatial indexes',
    view: 'sys.spatial_index_tessellations',
    columns: [
      ...['object_id', 'index_id', 'cells_per_object'],
      ...[1, 2, 3, 4].map((level) => `level_${level}_grid_desc`),
      // Style 3 gives all 17 digits of a float.
      ...['xmin', 'ymin', 'xmax', 'ymax'].map(
        (corner) => `CONVERT(nvarchar(40), bounding_box_${corner}, 3) AS bounding_box_${corner}`,
      ),
    ],
  },
  fullTextIndexes: {
    what: 'full-text indexes',
    view: 'sys.fulltext_indexes',
    columns: [
      ...['object_id', 'unique_index_id', 'fulltext_catalog_id', 'is_enabled', 'change_tracking_state_desc'],
      'stoplist_id',
    ],
    orderBy: 'object_id',
  },
  fullTextColumns: {
    what: 'the columns of full-text indexes',
    view: 'sys.fulltext_index_columns',
    columns: ['object_id', 'column_id', 'type_column_id', 'language_id'],
    optional: ['statistical_semantics'],
    orderBy: 'object_id, column_id',
  },
  fullTextCatalogs: {
    what: 'full-text catalogs',
    view: 'sys.fulltext_catalogs',
    columns: ['fulltext_catalog_id', 'name', 'is_default', 'is_accent_sensitivity_on'],
    orderBy: 'fulltext_catalog_id',
  },
  stoplists: {
    what: 'full-text stoplists',
    view: 'sys.fulltext_stoplists',
    columns: ['stoplist_id', 'name'],
    orderBy: 'stoplist_id',
  },
  stopwords: {
    what: 'words of full-text stoplists',
    view: 'sys.fulltext_stopwords',
    columns: ['stoplist_id', 'stopword', 'language_id'],
    orderBy: 'stoplist_id, language_id, stopword',
  },
  partitions: {
    what: 'partitions and their compression',
    view: 'sys.partitions',
    columns: ['object_id', 'index_id', 'partition_number', 'partition_id', 'rows'],
    optional: ['data_compression_desc'],
    orderBy: 'object_id, index_id, partition_number',
  },
  allocationUnits: {
    what: 'sizes of tables',
    view: 'sys.allocation_units',
    columns: ['container_id', 'total_pages'],
  },
} as const satisfies Record<string, CatalogQuery>
