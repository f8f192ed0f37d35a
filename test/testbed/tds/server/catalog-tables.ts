import type { CatalogContext, CatalogRow, CatalogView } from './catalog.ts'
import { OBJECT_COLUMNS, objectRow } from './catalog-objects.ts'
import type { Column, SqlObject } from './model.ts'
import { BASE_TYPES } from './types.ts'
import { toVariant } from './values.ts'

const COLUMN_COLUMNS = `object_id:int name:sysname? column_id:int system_type_id:tinyint user_type_id:int max_length:smallint precision:tinyint scale:tinyint collation_name:sysname?
is_nullable:bit? is_ansi_padded:bit is_rowguidcol:bit is_identity:bit is_computed:bit is_filestream:bit is_replicated:bit? is_non_sql_subscribed:bit? is_merge_published:bit? is_dts_replicated:bit?
is_xml_document:bit xml_collection_id:int default_object_id:int rule_object_id:int is_sparse:bit? is_column_set:bit? generated_always_type:tinyint? generated_always_type_desc:nvarchar(60)?
encryption_type:int? is_hidden:bit is_masked:bit graph_type:int? is_dropped_ledger_column:bit? ledger_view_column_type:tinyint?`

const GENERATED = ['NOT_APPLICABLE', 'AS_ROW_START', 'AS_ROW_END']

const systemType = (name: string) => BASE_TYPES[name]?.systemId ?? BASE_TYPES[name]?.id ?? 0

function columnRow(context: CatalogContext, object: SqlObject, column: Column): CatalogRow {
  let byDefault = 0
  for (const each of context.database.objects.values())
    if (each.parentId === object.id && each.default?.columnId === column.id) byDefault = each.id
  const text = column.collation !== null
  return {
    object_id: object.id,
    name: column.name,
    column_id: column.id,
    system_type_id: systemType(column.type.name),
    user_type_id: column.userTypeId,
    max_length: column.type.length ?? 0,
    precision: column.type.precision ?? 0,
    scale: column.type.scale ?? 0,
    collation_name: column.collation,
    is_nullable: column.nullable,
    is_ansi_padded: text || ['binary', 'varbinary', 'sql_variant'].includes(column.type.name),
    is_rowguidcol: column.rowguid,
    is_identity: column.identity !== undefined,
    is_computed: column.computed !== undefined,
    is_filestream: false,
    is_replicated: false,
    is_non_sql_subscribed: false,
    is_merge_published: false,
    is_dts_replicated: false,
    is_xml_document: false,
    xml_collection_id: 0,
    default_object_id: byDefault,
    rule_object_id: 0,
    is_sparse: column.sparse,
    is_column_set: column.columnSet,
    generated_always_type: column.generated,
    generated_always_type_desc: GENERATED[column.generated] ?? null,
    encryption_type: null,
    is_hidden: column.hidden,
    is_masked: column.masked !== null,
    graph_type: null,
    is_dropped_ledger_column: false,
    ledger_view_column_type: null,
  }
}

export function* columns(context: CatalogContext): Iterable<CatalogRow> {
  for (const object of context.objects)
    for (const column of object.table?.columns ?? []) yield columnRow(context, object, column)
}

const only = (
  keep: (column: Column) => boolean,
  extra: (context: CatalogContext, object: SqlObject, column: Column) => CatalogRow,
) =>
  function* (context: CatalogContext): Iterable<CatalogRow> {
    for (const object of context.objects)
      for (const column of object.table?.columns ?? [])
        if (keep(column)) yield { ...columnRow(context, object, column), ...extra(context, object, column) }
  }

function* tables({ objects }: CatalogContext): Iterable<CatalogRow> {
  for (const object of objects) {
    const facts = object.table
    if (facts === undefined || object.type !== 'U') continue
    const temporal = facts.temporal !== null ? 2 : facts.historyOf !== null ? 1 : 0
    yield {
      ...objectRow(object),
      lob_data_space_id: 0,
      filestream_data_space_id: null,
      max_column_id_used: facts.nextColumnId - 1,
      lock_on_bulk_load: false,
      uses_ansi_nulls: true,
      is_replicated: false,
      has_replication_filter: false,
      is_merge_published: false,
      is_sync_tran_subscribed: false,
      has_unchecked_assembly_data: false,
      text_in_row_limit: 0,
      large_value_types_out_of_row: false,
      is_tracked_by_cdc: false,
      lock_escalation: facts.lockEscalation === 'TABLE' ? 0 : facts.lockEscalation === 'DISABLE' ? 1 : 2,
      lock_escalation_desc: facts.lockEscalation,
      is_filetable: false,
      is_memory_optimized: false,
      durability: 0,
      durability_desc: 'SCHEMA_AND_DATA',
      temporal_type: temporal,
      temporal_type_desc:
        ['NON_TEMPORAL_TABLE', 'HISTORY_TABLE', 'SYSTEM_VERSIONED_TEMPORAL_TABLE'][temporal] ?? null,
      history_table_id: facts.temporal?.historyId ?? null,
      is_remote_data_archive_enabled: false,
      is_external: false,
      history_retention_period: facts.temporal === null ? null : facts.temporal.retention,
      history_retention_period_unit:
        facts.temporal === null ? null : facts.temporal.retention === -1 ? -1 : 3,
      history_retention_period_unit_desc: facts.temporal === null ? null : facts.temporal.retentionUnit,
      is_node: false,
      is_edge: false,
      ledger_type: 0,
      ledger_type_desc: 'NON_LEDGER_TABLE',
      is_dropped_ledger_table: false,
    }
  }
}

export const TABLE_VIEWS: Readonly<Record<string, CatalogView>> = {
  'sys.tables': {
    columns: `${OBJECT_COLUMNS} lob_data_space_id:int filestream_data_space_id:int? max_column_id_used:int lock_on_bulk_load:bit uses_ansi_nulls:bit? is_replicated:bit?
has_replication_filter:bit? is_merge_published:bit? is_sync_tran_subscribed:bit? has_unchecked_assembly_data:bit text_in_row_limit:int? large_value_types_out_of_row:bit?
is_tracked_by_cdc:bit? lock_escalation:tinyint? lock_escalation_desc:nvarchar(60)? is_filetable:bit? is_memory_optimized:bit? durability:tinyint? durability_desc:nvarchar(60)?
temporal_type:tinyint? temporal_type_desc:nvarchar(60)? history_table_id:int? is_remote_data_archive_enabled:bit? is_external:bit history_retention_period:int?
history_retention_period_unit:int? history_retention_period_unit_desc:nvarchar(10)? is_node:bit? is_edge:bit? ledger_type:tinyint? ledger_type_desc:nvarchar(60)? is_dropped_ledger_table:bit?`,
    rows: tables,
  },
  'sys.columns': {
    columns: COLUMN_COLUMNS,
    *rows(context) {
      yield* columns(context)
      for (const object of context.objects)
        for (const [at, column] of (object.module?.columns ?? []).entries()) {
          const id = BASE_TYPES[column.type.name]?.id ?? 0
          yield columnRow(context, object, {
            id: at + 1,
            name: column.name,
            type: column.type,
            userTypeId: id,
            nullable: column.nullable,
            collation: null,
            rowguid: false,
            sparse: false,
            columnSet: false,
            masked: null,
            generated: 0,
            hidden: false,
          })
        }
    },
  },
  'sys.computed_columns': {
    columns: `${COLUMN_COLUMNS} definition:nvarchar(max)? uses_database_collation:bit is_persisted:bit`,
    rows: only(
      (column) => column.computed !== undefined,
      (_context, _object, column) => ({
        definition: column.computed?.text ?? null,
        uses_database_collation: true,
        is_persisted: column.computed?.persisted ?? false,
      }),
    ),
  },
  'sys.identity_columns': {
    columns: `${COLUMN_COLUMNS} seed_value:sql_variant? increment_value:sql_variant? last_value:sql_variant? is_not_for_replication:bit?`,
    rows: only(
      (column) => column.identity !== undefined,
      ({ database }, object, column) => {
        const put = (value: string | null) =>
          value === null
            ? null
            : toVariant(
                column.type.name === 'bigint'
                  ? BigInt(value)
                  : column.type.name === 'decimal' || column.type.name === 'numeric'
                    ? value
                    : Number(value),
                column.type,
              )
        return {
          seed_value: put(column.identity?.seed ?? null),
          increment_value: put(column.identity?.increment ?? null),
          last_value: put(database.data.get(object.id)?.lastIdentity?.toString() ?? null),
          is_not_for_replication: column.identity?.notForReplication ?? false,
        }
      },
    ),
  },
  'sys.masked_columns': {
    columns: `${COLUMN_COLUMNS} masking_function:nvarchar(4000)?`,
    rows: only(
      (column) => column.masked !== null,
      (_context, _object, column) => ({ masking_function: column.masked }),
    ),
  },
  'sys.periods': {
    columns:
      'name:sysname period_type:tinyint? period_type_desc:nvarchar(60)? object_id:int start_column_id:int end_column_id:int',
    *rows({ objects }) {
      for (const object of objects)
        if (object.table?.period != null)
          yield {
            name: 'SYSTEM_TIME',
            period_type: 1,
            period_type_desc: 'SYSTEM_TIME_PERIOD',
            object_id: object.id,
            start_column_id: object.table.period.start,
            end_column_id: object.table.period.end,
          }
    },
  },
}
