import type { SqlRow } from '../session.ts'
import type { IndexKind, IndexModel, Storage } from './model.ts'
import type { Names } from './names.ts'
import type { CatalogRows } from './read-rows.ts'
import { flag, groupBy, maybeNumber, maybeText, number, text } from './row.ts'

export interface ObjectStorage {
  readonly indexes: readonly IndexModel[]
  readonly heap: Storage | undefined
}

/** sys.indexes.type. */
const KINDS: ReadonlyMap<number, IndexKind> = new Map([
  [1, 'clustered'],
  [2, 'nonclustered'],
  [3, 'xml'],
  [4, 'spatial'],
  [5, 'clustered columnstore'],
  [6, 'nonclustered columnstore'],
  [7, 'hash'],
])

/** By object_id: of tables, indexed views and table types alike. */
export function buildIndexes(rows: CatalogRows, names: Names): (objectId: number) => ObjectStorage {
  const keyOf = (row: SqlRow) => `${text(row, 'object_id')}.${text(row, 'index_id')}`
  const columns = groupBy(rows.indexColumns, 'object_id', 'index_id')
  const partitions = groupBy(rows.partitions, 'object_id', 'index_id')
  const schemes = new Map(
    rows.partitionSchemes.map((row) => [number(row, 'data_space_id'), text(row, 'name')]),
  )
  const constraints = groupBy(rows.keyConstraints, 'parent_object_id', 'unique_index_id')
  const hashes = groupBy(rows.hashIndexes, 'object_id', 'index_id')
  const xml = groupBy(rows.xmlIndexes, 'object_id', 'index_id')
  const spatial = groupBy(rows.spatialIndexes, 'object_id', 'index_id')
  const tessellations = groupBy(rows.tessellations, 'object_id', 'index_id')
  const byObject = Map.groupBy(
    rows.indexes.filter((row) => !flag(row, 'is_hypothetical')),
    (row) => number(row, 'object_id'),
  )

  const storageOf = (row: SqlRow): Storage => {
    const objectId = number(row, 'object_id')
    const scheme = schemes.get(maybeNumber(row, 'data_space_id') ?? 0)
    const by = (columns.get(keyOf(row)) ?? []).find((each) => maybeNumber(each, 'partition_ordinal') === 1)
    const column = by === undefined ? undefined : names.column(objectId, number(by, 'column_id'))
    return {
      ...(scheme === undefined || column === undefined ? {} : { partitioned: { scheme, column } }),
      compression: (partitions.get(keyOf(row)) ?? []).flatMap((each) => {
        const compression = maybeText(each, 'data_compression_desc')
        return compression === undefined ? [] : compression
      }),
    }
  }
  const constraintOf = (row: SqlRow): Pick<IndexModel, 'constraint'> => {
    const kind = flag(row, 'is_primary_key')
      ? ('primary key' as const)
      : flag(row, 'is_unique_constraint')
        ? ('unique' as const)
        : undefined
    if (kind === undefined) return {}
    const [found] = constraints.get(keyOf(row)) ?? []
    return { constraint: { kind, isSystemNamed: found !== undefined && flag(found, 'is_system_named') } }
  }
  const xmlOf = (row: SqlRow): Pick<IndexModel, 'xml'> => {
    const [found] = xml.get(keyOf(row)) ?? []
    if (found === undefined) return {}
    const usingId = maybeNumber(found, 'using_xml_index_id')
    const using = (byObject.get(number(row, 'object_id')) ?? []).find(
      (each) => number(each, 'index_id') === usingId,
    )
    const purpose = maybeText(found, 'secondary_type_desc')
    return {
      xml: {
        ...(using === undefined ? {} : { using: text(using, 'name') }),
        ...(purpose === undefined ? {} : { purpose }),
      },
    }
  }
  const build = (row: SqlRow, kind: IndexKind): IndexModel => {
    const objectId = number(row, 'object_id')
    const parts = columns.get(keyOf(row)) ?? []
    const nameOf = (each: SqlRow) => names.column(objectId, number(each, 'column_id')) ?? ''
    const inOrder = (column: string) =>
      parts
        .filter((each) => (maybeNumber(each, column) ?? 0) > 0)
        .sort((a, b) => number(a, column) - number(b, column))
    const filter = flag(row, 'has_filter') ? maybeText(row, 'filter_definition') : undefined
    const delay = maybeNumber(row, 'compression_delay') ?? 0
    const [hash] = hashes.get(keyOf(row)) ?? []
    return {
      name: text(row, 'name'),
      kind,
      unique: flag(row, 'is_unique'),
      keys: inOrder('key_ordinal').map((each) => ({
        name: nameOf(each),
        descending: flag(each, 'is_descending_key'),
      })),
      included: parts.filter((each) => flag(each, 'is_included_column')).map(nameOf),
      ordered: inOrder('column_store_order_ordinal').map(nameOf),
      ...(filter === undefined ? {} : { filter }),
      disabled: flag(row, 'is_disabled'),
      ignoreDuplicateKeys: flag(row, 'ignore_dup_key'),
      fillFactor: maybeNumber(row, 'fill_factor') ?? 0,
      padded: flag(row, 'is_padded'),
      allowRowLocks: flag(row, 'allow_row_locks'),
      allowPageLocks: flag(row, 'allow_page_locks'),
      storage: storageOf(row),
      ...(flag(row, 'optimize_for_sequential_key') ? { optimizedForSequentialKey: true } : {}),
      ...(delay > 0 ? { compressionDelayMinutes: delay } : {}),
      ...constraintOf(row),
      ...xmlOf(row),
      ...spatialOf(spatial.get(keyOf(row))?.[0], tessellations.get(keyOf(row))?.[0]),
      ...(hash === undefined ? {} : { bucketCount: number(hash, 'bucket_count') }),
    }
  }

  return (objectId) => {
    const own = (byObject.get(objectId) ?? []).filter((row) => !isSelective(xml.get(keyOf(row))?.[0]))
    const heap = own.find((row) => number(row, 'type') === 0)
    return {
      indexes: own.flatMap((row) => {
        const kind = KINDS.get(number(row, 'type'))
        return kind === undefined ? [] : build(row, kind)
      }),
      heap: heap === undefined ? undefined : storageOf(heap),
    }
  }
}

/** Selective XML indexes are counted, not scripted. */
export function isSelective(xmlIndex: SqlRow | undefined): boolean {
  return (maybeNumber(xmlIndex ?? {}, 'xml_index_type') ?? 0) > 1
}

function spatialOf(row: SqlRow | undefined, grid: SqlRow = {}): Pick<IndexModel, 'spatial'> {
  if (row === undefined) return {}
  const read = (names: readonly string[], prefix: string, suffix: string) =>
    names.flatMap((name) => maybeText(grid, `${prefix}${name}${suffix}`) ?? [])
  const boundingBox = read(['xmin', 'ymin', 'xmax', 'ymax'], 'bounding_box_', '')
  const grids = read(['1', '2', '3', '4'], 'level_', '_grid_desc')
  const cellsPerObject = maybeNumber(grid, 'cells_per_object')
  return {
    spatial: {
      tessellation: text(row, 'tessellation_scheme'),
      ...(boundingBox.length === 4 ? { boundingBox } : {}),
      ...(grids.length === 4 ? { grids } : {}),
      ...(cellsPerObject === undefined ? {} : { cellsPerObject }),
    },
  }
}
