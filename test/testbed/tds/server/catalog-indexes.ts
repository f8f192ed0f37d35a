import type { CatalogContext, CatalogView } from './catalog.ts'
import type { Index, Row, SqlObject } from './model.ts'
import { visibleRows } from './state.ts'
import { compareValues } from './values.ts'

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

export const INDEX_VIEWS: Readonly<Record<string, CatalogView>> = {
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
