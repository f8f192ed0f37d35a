import type { CatalogView } from './catalog.ts'

const empty = (columns: string): CatalogView => ({ columns, *rows() {} })

/** Kinds of objects that this server can't have: their views are there, as in a database that uses none of them. */
export const EMPTY_VIEWS: Readonly<Record<string, CatalogView>> = {
  'sys.xml_schema_collections': {
    columns:
      'xml_collection_id:int schema_id:int principal_id:int? name:sysname create_date:datetime modify_date:datetime',
    *rows({ database }) {
      yield {
        xml_collection_id: 1,
        schema_id: 4,
        principal_id: null,
        name: 'sys',
        create_date: database.created,
        modify_date: database.created,
      }
    },
  },
  'sys.assemblies': empty('name:sysname assembly_id:int is_user_defined:bit?'),
  'sys.assembly_modules': empty('object_id:int assembly_id:int assembly_class:sysname?'),
  'sys.assembly_types': empty('name:sysname user_type_id:int is_user_defined:bit assembly_id:int'),
  'sys.hash_indexes': empty('object_id:int name:sysname? index_id:int bucket_count:bigint'),
  'sys.xml_indexes': empty(
    'object_id:int name:sysname? index_id:int using_xml_index_id:int? secondary_type:char(1)? secondary_type_desc:nvarchar(60)? xml_index_type:tinyint?',
  ),
  'sys.service_queues': empty('name:sysname object_id:int is_ms_shipped:bit'),
  'sys.services': empty('name:sysname service_id:int'),
  'sys.service_contracts': empty('name:sysname service_contract_id:int'),
  'sys.service_message_types': empty('name:sysname message_type_id:int'),
  'sys.certificates': empty('name:sysname certificate_id:int'),
  'sys.symmetric_keys': empty('name:sysname symmetric_key_id:int'),
  'sys.asymmetric_keys': empty('name:sysname asymmetric_key_id:int'),
  'sys.column_master_keys': empty('name:sysname column_master_key_id:int'),
  'sys.column_encryption_keys': empty('name:sysname column_encryption_key_id:int'),
  'sys.database_scoped_credentials': empty('name:sysname credential_id:int'),
  'sys.external_data_sources': empty('name:sysname data_source_id:int'),
  'sys.external_file_formats': empty('name:sysname file_format_id:int'),
  'sys.external_tables': empty('name:sysname object_id:int'),
  'sys.numbered_procedures': empty('object_id:int procedure_number:smallint'),
  'sys.plan_guides': empty('plan_guide_id:int name:sysname'),
  'sys.event_notifications': empty('name:sysname object_id:int'),
  'sys.change_tracking_tables': empty('object_id:int'),
  'sys.change_tracking_databases': empty('database_id:int'),
  'sys.database_audit_specifications': empty('database_specification_id:int name:sysname'),
  'sys.sensitivity_classifications': empty('class:int major_id:int minor_id:int label:sql_variant?'),
  'sys.database_scoped_configurations': empty(
    'configuration_id:int name:nvarchar(60) value:sql_variant? is_value_default:bit?',
  ),
  'sys.security_policies': empty(
    'name:sysname object_id:int schema_id:int is_enabled:bit is_not_for_replication:bit is_schema_bound:bit',
  ),
  'sys.security_predicates': empty(
    'object_id:int security_predicate_id:int target_object_id:int predicate_definition:nvarchar(max)? predicate_type_desc:nvarchar(60)? operation_desc:nvarchar(60)?',
  ),
  'sys.spatial_indexes': empty(
    `object_id:int name:sysname? index_id:int type:tinyint type_desc:nvarchar(60)? is_unique:bit? data_space_id:int fill_factor:tinyint is_padded:bit? is_disabled:bit? spatial_index_type:tinyint spatial_index_type_desc:nvarchar(60)? tessellation_scheme:sysname?`,
  ),
  'sys.spatial_index_tessellations': empty(
    `object_id:int index_id:int tessellation_scheme:sysname? bounding_box_xmin:float? bounding_box_ymin:float? bounding_box_xmax:float? bounding_box_ymax:float? level_1_grid:smallint? level_1_grid_desc:nvarchar(60)? level_2_grid:smallint? level_2_grid_desc:nvarchar(60)? level_3_grid:smallint? level_3_grid_desc:nvarchar(60)? level_4_grid:smallint? level_4_grid_desc:nvarchar(60)? cells_per_object:int?`,
  ),
  'sys.fulltext_indexes': empty(
    `object_id:int unique_index_id:int fulltext_catalog_id:int? is_enabled:bit change_tracking_state:char(1)? change_tracking_state_desc:nvarchar(60)? has_crawl_completed:bit crawl_type:char(1) crawl_type_desc:nvarchar(60)? stoplist_id:int? data_space_id:int property_list_id:int?`,
  ),
  'sys.fulltext_index_columns': empty(
    `object_id:int column_id:int type_column_id:int? language_id:int statistical_semantics:int?`,
  ),
  'sys.fulltext_catalogs': empty(
    `fulltext_catalog_id:int name:sysname path:nvarchar(260)? is_default:bit is_accent_sensitivity_on:bit data_space_id:int? file_id:int? principal_id:int? is_importing:bit`,
  ),
  'sys.fulltext_stoplists': empty(
    `stoplist_id:int name:sysname create_date:datetime modify_date:datetime principal_id:int?`,
  ),
  'sys.fulltext_stopwords': empty(
    `stoplist_id:int stopword:nvarchar(64)? language:nvarchar(128)? language_id:int`,
  ),
  'sys.registered_search_property_lists': empty(
    `property_list_id:int name:sysname create_date:datetime modify_date:datetime principal_id:int?`,
  ),
  'sys.stats': empty('object_id:int name:nvarchar(128)? stats_id:int auto_created:bit? user_created:bit?'),
}
