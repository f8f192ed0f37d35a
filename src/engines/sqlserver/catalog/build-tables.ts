import type { SqlRow } from '../session.ts'
import type { ObjectStorage } from './build-indexes.ts'
import type { TypeIndex } from './build-types.ts'
import type { CheckModel, ColumnModel, ForeignKeyModel, TableModel, TableType } from './model.ts'
import type { Names } from './names.ts'
import type { CatalogRows } from './read-rows.ts'
import { flag, maybeNumber, maybeText, number, text } from './row.ts'
import { estimateTables } from './table-estimates.ts'
import { untakenTables } from './untaken-tables.ts'

export interface TableParts {
  readonly names: Names
  readonly types: TypeIndex
  columns(objectId: number): readonly ColumnModel[]
  storage(objectId: number): ObjectStorage
}

export interface BuiltTables {
  readonly tables: readonly TableModel[]
  readonly tableTypes: readonly TableType[]
  readonly notCaptured: readonly { readonly what: string; readonly count: number; readonly reason: string }[]
  readonly warnings: readonly string[]
}

export function buildTables(rows: CatalogRows, parts: TableParts): BuiltTables {
  const { names } = parts
  const { reasons, notCaptured, warnings } = untakenTables(rows, names, parts.types)
  const taken = rows.tables.filter((row) => !reasons.has(number(row, 'object_id')))
  const checks = buildChecks(rows)
  const estimates = estimateTables(rows)
  const { byTable: foreignKeys, dangling } = buildForeignKeys(rows, names, reasons)
  const build = (row: SqlRow): TableModel => {
    const objectId = number(row, 'object_id')
    const columns = parts.columns(objectId)
    const { indexes, heap } = parts.storage(objectId)
    const startColumn = columns.find(({ generatedAlways }) => generatedAlways === 'start')?.name
    const endColumn = columns.find(({ generatedAlways }) => generatedAlways === 'end')?.name
    const period =
      startColumn === undefined || endColumn === undefined ? undefined : { startColumn, endColumn }
    const history = names.object(maybeNumber(row, 'history_table_id') ?? 0)
    const lockEscalation = maybeText(row, 'lock_escalation_desc')
    const durability = maybeText(row, 'durability_desc')
    return {
      schema: names.schema(number(row, 'schema_id')),
      name: text(row, 'name'),
      objectId,
      columns,
      indexes,
      checks: checks.get(objectId) ?? [],
      foreignKeys: foreignKeys.get(objectId) ?? [],
      isHistory: maybeNumber(row, 'temporal_type') === 1,
      ...(heap === undefined ? {} : { heap }),
      ...(period === undefined ? {} : { period }),
      ...(period === undefined || history === undefined || maybeNumber(row, 'temporal_type') !== 2
        ? {}
        : {
            temporal: {
              historySchema: history.schema,
              historyTable: history.name,
              ...period,
              retention: retentionOf(row),
            },
          }),
      ...(flag(row, 'is_memory_optimized')
        ? { memoryOptimized: { durability: durability ?? 'SCHEMA_AND_DATA' } }
        : {}),
      ...(lockEscalation === undefined || lockEscalation === 'TABLE' ? {} : { lockEscalation }),
      ...estimates.get(objectId),
    }
  }
  return {
    tables: taken.map(build).sort((a, b) => sizeOf(b) - sizeOf(a)),
    tableTypes: rows.tableTypes.map((row) => {
      const objectId = number(row, 'type_table_object_id')
      return {
        schema: names.schema(number(row, 'schema_id')),
        name: text(row, 'name'),
        columns: parts.columns(objectId),
        indexes: parts.storage(objectId).indexes,
        checks: checks.get(objectId) ?? [],
        memoryOptimized: flag(row, 'is_memory_optimized'),
      }
    }),
    notCaptured: [
      ...notCaptured,
      ...(dangling === 0
        ? []
        : [
            {
              what: 'foreign keys to tables that are not captured',
              count: dangling,
              reason: 'the table that they refer to is not there',
            },
          ]),
    ],
    warnings,
  }
}

function sizeOf({ bytesEstimate, rowsEstimate }: TableModel): number {
  return bytesEstimate ?? rowsEstimate ?? 0
}

/** -1 is for ever. */
function retentionOf(row: SqlRow): string | undefined {
  const period = maybeNumber(row, 'history_retention_period') ?? -1
  const unit = maybeText(row, 'history_retention_period_unit_desc')
  return period < 0 || unit === undefined ? undefined : `${period} ${unit}`
}

function buildChecks(rows: CatalogRows): Map<number, readonly CheckModel[]> {
  const byTable = Map.groupBy(rows.checks, (row) => number(row, 'parent_object_id'))
  return new Map(
    [...byTable].map(([id, checks]) => [
      id,
      checks.map((row) => ({
        name: text(row, 'name'),
        definition: text(row, 'definition'),
        ...constraintState(row),
      })),
    ]),
  )
}

function constraintState(row: SqlRow) {
  return {
    isSystemNamed: flag(row, 'is_system_named'),
    disabled: flag(row, 'is_disabled'),
    notTrusted: flag(row, 'is_not_trusted'),
    notForReplication: flag(row, 'is_not_for_replication'),
  }
}

function buildForeignKeys(
  rows: CatalogRows,
  names: Names,
  untaken: ReadonlyMap<number, string>,
): { readonly byTable: Map<number, readonly ForeignKeyModel[]>; readonly dangling: number } {
  const columns = Map.groupBy(rows.foreignKeyColumns, (row) => number(row, 'constraint_object_id'))
  const byTable = new Map<number, ForeignKeyModel[]>()
  let dangling = 0
  for (const row of rows.foreignKeys) {
    const [parent, target] = [number(row, 'parent_object_id'), number(row, 'referenced_object_id')]
    const referenced = names.object(target)
    if (untaken.has(parent)) continue
    if (untaken.has(target) || referenced === undefined) {
      dangling += 1
      continue
    }
    const pairs = columns.get(number(row, 'object_id')) ?? []
    const nameOf = (table: number, column: string) =>
      pairs.map((pair) => names.column(table, number(pair, column)) ?? '')
    const key: ForeignKeyModel = {
      name: text(row, 'name'),
      columns: nameOf(parent, 'parent_column_id'),
      referenced: { schema: referenced.schema, name: referenced.name },
      referencedColumns: nameOf(target, 'referenced_column_id'),
      onDelete: text(row, 'delete_referential_action_desc'),
      onUpdate: text(row, 'update_referential_action_desc'),
      ...constraintState(row),
    }
    byTable.set(parent, [...(byTable.get(parent) ?? []), key])
  }
  return { byTable, dangling }
}
