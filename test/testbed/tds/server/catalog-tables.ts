import type { CatalogContext, CatalogRow, CatalogView } from './catalog.ts'
import { OBJECT_COLUMNS, objectRow } from './catalog-objects.ts'
import type { Column, Index, Row, SqlObject } from './model.ts'
import { visibleRows } from './state.ts'
import { BASE_TYPES } from './types.ts'
import { compareValues, toVariant } from './values.ts'

const COLUMN_COLUMNS = `object_id:int name:sysname? column_id:int system_type_id:tinyint user_type_id:int max_length:smallint precision:tinyint scale:tinyint collation_name:sysname?
is_nullable:bit? is_ansi_padded:bit is_rowguidcol:bit is_identity:bit is_computed:bit is_filestream:bit is_replicated:bit? is_non_sql_subscribed:bit? is_merge_published:bit? is_dts_replicated:bit?
is_xml_document:bit xml_collection_id:int default_object_id:int rule_object_id:int is_sparse:bit? is_column_set:bit? generated_always_type:tinyint? generated_always_type_desc:nvarchar(60)?
encryption_type:int? is_hidden:bit is_masked:bit graph_type:int? is_dropped_ledger_column:bit? ledger_view_column_type:tinyint?`

const GENERATED = ['NOT_APPLICABLE', 'AS_ROW_START', 'AS_ROW_END']
const ACTIONS = ['NO_ACTION', 'CASCADE', 'SET_NULL', 'SET_DEFAULT']
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

function* columns(context: CatalogContext): Iterable<CatalogRow> {
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

const INDEX_TYPES: Readonly<Record<number, string>> = {
  0: 'HEAP',
  1: 'CLUSTERED',
  2: 'NONCLUSTERED',
  5: 'CLUSTERED COLUMNSTORE',
  6: 'NONCLUSTERED COLUMNSTORE',
}

function partitionsOf(
  context: CatalogContext,
  object: SqlObject,
  index: Index,
): { number: number; rows: number; compression: string }[] {
  const { database, session } = context
  const data = database.data.get(object.id)
  const rows = data === undefined ? [] : visibleRows(session, data)
  const space = database.dataSpaces.get(index.dataSpaceId)
  const scheme =
    space?.functionId === null || space?.functionId === undefined
      ? undefined
      : database.functions.get(space.functionId)
  const compression = (number: number) => compressionOf(index.compression, number, index.type >= 5)
  if (scheme === undefined) return [{ number: 1, rows: rows.length, compression: compression(1) }]
  const columnId = index.columns.find((column) => column.partitionOrdinal === 1)?.columnId
  const at = object.table?.columns.findIndex((column) => column.id === columnId) ?? -1
  const counts = new Array<number>(scheme.values.length + 1).fill(0)
  for (const row of rows as readonly Row[]) {
    const value = row[at] ?? null
    const place =
      value === null
        ? 0
        : scheme.values.filter(
            (bound) =>
              bound !== null &&
              (scheme.right
                ? compareValues(bound, value, scheme.type) <= 0
                : compareValues(bound, value, scheme.type) < 0),
          ).length
    counts[place] = (counts[place] ?? 0) + 1
  }
  return counts.map((count, number) => ({
    number: number + 1,
    rows: count,
    compression: compression(number + 1),
  }))
}

/** `PAGE`, or `1 TO 2=PAGE;3=ROW` where partitions differ. */
function compressionOf(text: string, number: number, columnstore: boolean): string {
  if (!text.includes('=')) return text
  for (const part of text.split(';')) {
    const [ranges = '', value = ''] = part.split('=')
    for (const range of ranges.split(',')) {
      const [from = '', to = from] = range.split(/TO/i)
      if (number >= Number(from) && number <= Number(to)) return value
    }
  }
  return columnstore ? 'COLUMNSTORE' : 'NONE'
}

const partitionId = (object: SqlObject, index: Index, number: number) =>
  (BigInt(object.id) << 20n) + (BigInt(index.id) << 12n) + BigInt(number)

function* eachPartition(
  context: CatalogContext,
): Iterable<{ object: SqlObject; index: Index; number: number; rows: number; compression: string }> {
  for (const object of context.objects)
    for (const index of object.table?.indexes ?? [])
      for (const part of partitionsOf(context, object, index)) yield { object, index, ...part }
}

/** A rough size: no page is kept here. */
const pagesFor = (rows: number) => BigInt(rows === 0 ? 0 : Math.ceil(rows / 50) + 1)

const CONSTRAINT_COLUMNS = `${OBJECT_COLUMNS} is_disabled:bit is_not_for_replication:bit is_not_trusted:bit`

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
  'sys.default_constraints': {
    columns: `${OBJECT_COLUMNS} parent_column_id:int definition:nvarchar(max)? is_system_named:bit`,
    *rows({ objects }) {
      for (const object of objects)
        if (object.default !== undefined)
          yield {
            ...objectRow(object),
            parent_column_id: object.default.columnId,
            definition: object.default.text,
            is_system_named: object.systemNamed ?? false,
          }
    },
  },
  'sys.check_constraints': {
    columns: `${CONSTRAINT_COLUMNS} parent_column_id:int definition:nvarchar(max)? uses_database_collation:bit? is_system_named:bit`,
    *rows({ objects }) {
      for (const object of objects) {
        const { check } = object
        if (check !== undefined)
          yield {
            ...objectRow(object),
            is_disabled: check.disabled,
            is_not_for_replication: check.notForReplication,
            is_not_trusted: check.notTrusted,
            parent_column_id: check.columnId,
            definition: check.text,
            uses_database_collation: true,
            is_system_named: object.systemNamed ?? false,
          }
      }
    },
  },
  'sys.key_constraints': {
    columns: `${OBJECT_COLUMNS} unique_index_id:int? is_system_named:bit is_enforced:bit?`,
    *rows({ objects }) {
      for (const object of objects)
        if (object.indexId !== undefined)
          yield {
            ...objectRow(object),
            unique_index_id: object.indexId,
            is_system_named: object.systemNamed ?? false,
            is_enforced: true,
          }
    },
  },
  'sys.foreign_keys': {
    columns: `${CONSTRAINT_COLUMNS} referenced_object_id:int? key_index_id:int? delete_referential_action:tinyint? delete_referential_action_desc:nvarchar(60)?
update_referential_action:tinyint? update_referential_action_desc:nvarchar(60)? is_system_named:bit`,
    *rows({ objects }) {
      for (const object of objects) {
        const key = object.foreignKey
        if (key !== undefined)
          yield {
            ...objectRow(object),
            is_disabled: key.disabled,
            is_not_for_replication: key.notForReplication,
            is_not_trusted: key.notTrusted,
            referenced_object_id: key.referencedId,
            key_index_id: key.keyIndexId,
            delete_referential_action: key.onDelete,
            delete_referential_action_desc: ACTIONS[key.onDelete] ?? null,
            update_referential_action: key.onUpdate,
            update_referential_action_desc: ACTIONS[key.onUpdate] ?? null,
            is_system_named: object.systemNamed ?? false,
          }
      }
    },
  },
  'sys.foreign_key_columns': {
    columns:
      'constraint_object_id:int constraint_column_id:int parent_object_id:int parent_column_id:int referenced_object_id:int referenced_column_id:int',
    *rows({ objects }) {
      for (const object of objects)
        for (const [at, column] of (object.foreignKey?.columns ?? []).entries())
          yield {
            constraint_object_id: object.id,
            constraint_column_id: at + 1,
            parent_object_id: object.parentId,
            parent_column_id: column,
            referenced_object_id: object.foreignKey?.referencedId ?? 0,
            referenced_column_id: object.foreignKey?.referencedColumns[at] ?? 0,
          }
    },
  },
  'sys.indexes': {
    columns: `object_id:int name:sysname? index_id:int type:tinyint type_desc:nvarchar(60)? is_unique:bit? data_space_id:int? ignore_dup_key:bit? is_primary_key:bit? is_unique_constraint:bit?
fill_factor:tinyint is_padded:bit? is_disabled:bit? is_hypothetical:bit? is_ignored_in_optimization:bit? allow_row_locks:bit? allow_page_locks:bit? has_filter:bit? filter_definition:nvarchar(max)?
compression_delay:int? suppress_dup_key_messages:bit? auto_created:bit? optimize_for_sequential_key:bit?`,
    *rows({ objects }) {
      for (const object of objects)
        for (const index of object.table?.indexes ?? [])
          yield {
            object_id: object.id,
            name: index.name,
            index_id: index.id,
            type: index.type,
            type_desc: INDEX_TYPES[index.type] ?? null,
            is_unique: index.unique,
            data_space_id: index.dataSpaceId,
            ignore_dup_key: index.ignoreDupKey,
            is_primary_key: index.primary,
            is_unique_constraint: index.uniqueConstraint,
            fill_factor: index.fillFactor,
            is_padded: index.padded,
            is_disabled: index.disabled,
            is_hypothetical: false,
            is_ignored_in_optimization: false,
            allow_row_locks: index.allowRowLocks,
            allow_page_locks: index.allowPageLocks,
            has_filter: index.filter !== null,
            filter_definition: index.filter?.text ?? null,
            compression_delay: index.type >= 5 ? 0 : null,
            suppress_dup_key_messages: false,
            auto_created: false,
            optimize_for_sequential_key: false,
          }
    },
  },
  'sys.index_columns': {
    columns: `object_id:int index_id:int index_column_id:int column_id:int key_ordinal:tinyint partition_ordinal:tinyint is_descending_key:bit? is_included_column:bit?
column_store_order_ordinal:tinyint?`,
    *rows({ objects }) {
      for (const object of objects)
        for (const index of object.table?.indexes ?? [])
          for (const [at, column] of index.columns.entries())
            yield {
              object_id: object.id,
              index_id: index.id,
              index_column_id: at + 1,
              column_id: column.columnId,
              key_ordinal: column.keyOrdinal,
              partition_ordinal: column.partitionOrdinal,
              is_descending_key: column.descending,
              is_included_column: column.included,
              column_store_order_ordinal: 0,
            }
    },
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
  'sys.partitions': {
    columns: `partition_id:bigint object_id:int index_id:int partition_number:int hobt_id:bigint rows:bigint? filestream_filegroup_id:smallint data_compression:tinyint data_compression_desc:nvarchar(60)?
xml_compression:bit? xml_compression_desc:varchar(3)?`,
    *rows(context) {
      for (const { object, index, number, rows, compression } of eachPartition(context)) {
        const id = partitionId(object, index, number)
        yield {
          partition_id: id,
          object_id: object.id,
          index_id: index.id,
          partition_number: number,
          hobt_id: id,
          rows: BigInt(rows),
          filestream_filegroup_id: 0,
          data_compression: ['NONE', 'ROW', 'PAGE', 'COLUMNSTORE', 'COLUMNSTORE_ARCHIVE'].indexOf(
            compression,
          ),
          data_compression_desc: compression,
          xml_compression: false,
          xml_compression_desc: 'OFF',
        }
      }
    },
  },
  'sys.dm_db_partition_stats': {
    columns: `partition_id:bigint? object_id:int index_id:int partition_number:int in_row_data_page_count:bigint? used_page_count:bigint? reserved_page_count:bigint? row_count:bigint?`,
    *rows(context) {
      for (const { object, index, number, rows } of eachPartition(context)) {
        const pages = pagesFor(rows)
        yield {
          partition_id: partitionId(object, index, number),
          object_id: object.id,
          index_id: index.id,
          partition_number: number,
          in_row_data_page_count: pages,
          used_page_count: pages,
          reserved_page_count: pages,
          row_count: BigInt(rows),
        }
      }
    },
  },
  'sys.allocation_units': {
    columns:
      'allocation_unit_id:bigint type:tinyint type_desc:nvarchar(60)? container_id:bigint data_space_id:int? total_pages:bigint used_pages:bigint data_pages:bigint',
    *rows(context) {
      for (const { object, index, number, rows } of eachPartition(context)) {
        const pages = pagesFor(rows)
        const id = partitionId(object, index, number)
        yield {
          allocation_unit_id: id,
          type: 1,
          type_desc: 'IN_ROW_DATA',
          container_id: id,
          data_space_id: index.dataSpaceId,
          total_pages: pages,
          used_pages: pages,
          data_pages: pages,
        }
      }
    },
  },
}
