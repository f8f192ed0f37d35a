import type { SqlRow } from '../session.ts'
import { boundTo, declaredAs, type TypeIndex } from './build-types.ts'
import type { ColumnModel, Named } from './model.ts'
import type { Names } from './names.ts'
import type { CatalogRows } from './read-rows.ts'
import { flag, groupBy, maybeNumber, maybeText, number, text } from './row.ts'

/** By object_id: columns of tables and of table types alike. */
export function buildColumns(
  rows: CatalogRows,
  names: Names,
  types: TypeIndex,
): (objectId: number) => readonly ColumnModel[] {
  const byColumn = (all: readonly SqlRow[], object = 'object_id', column = 'column_id') =>
    new Map([...groupBy(all, object, column)].map(([key, [first]]) => [key, first]))
  const identities = byColumn(rows.identityColumns)
  const computed = byColumn(rows.computedColumns)
  const masked = byColumn(rows.maskedColumns)
  const defaults = byColumn(rows.defaults, 'parent_object_id', 'parent_column_id')
  const collections = new Map<number, Named>(
    rows.xmlSchemaCollections.map((row) => [
      number(row, 'xml_collection_id'),
      { schema: names.schema(number(row, 'schema_id')), name: text(row, 'name') },
    ]),
  )
  const build = (row: SqlRow): ColumnModel => {
    const key = `${text(row, 'object_id')}.${text(row, 'column_id')}`
    const typeId = number(row, 'user_type_id')
    const declared = declaredAs(row, types)
    const alias = types.alias(typeId)
    const mask = maybeText(masked.get(key) ?? {}, 'masking_function')
    const collation = maybeText(row, 'collation_name')
    const collection = collections.get(maybeNumber(row, 'xml_collection_id') ?? 0)
    return {
      columnId: number(row, 'column_id'),
      name: text(row, 'name'),
      ...declared,
      rowversion: declared.type === 'timestamp' || declared.type === 'rowversion',
      sparse: flag(row, 'is_sparse'),
      columnSet: flag(row, 'is_column_set'),
      rowguid: flag(row, 'is_rowguidcol'),
      hidden: flag(row, 'is_hidden'),
      ...identityOf(row, identities.get(key)),
      ...computedOf(computed.get(key)),
      ...generatedOf(row),
      ...defaultOf(defaults.get(key)),
      ...boundTo(row, names),
      ...(collation === undefined ? {} : { collation }),
      ...(alias === undefined ? {} : { userType: alias }),
      ...(mask === undefined ? {} : { maskedWith: mask }),
      ...(collection === undefined
        ? {}
        : { xmlCollection: { ...collection, document: flag(row, 'is_xml_document') } }),
    }
  }
  const byObject = Map.groupBy(
    rows.columns.filter((row) => !belongsToLedger(row)),
    (row) => number(row, 'object_id'),
  )
  return (objectId) => (byObject.get(objectId) ?? []).map(build)
}

/** The ledger's own transaction columns, and columns that were dropped from a ledger table. */
function belongsToLedger(row: SqlRow): boolean {
  return (maybeNumber(row, 'generated_always_type') ?? 0) > 2 || flag(row, 'is_dropped_ledger_column')
}

function identityOf(row: SqlRow, identity: SqlRow | undefined): Pick<ColumnModel, 'identity'> {
  if (!flag(row, 'is_identity')) return {}
  return {
    identity: {
      seed: maybeText(identity ?? {}, 'seed_value') ?? '1',
      increment: maybeText(identity ?? {}, 'increment_value') ?? '1',
      lastValue: maybeText(identity ?? {}, 'last_value'),
      notForReplication: flag(identity ?? {}, 'is_not_for_replication'),
    },
  }
}

function computedOf(row: SqlRow | undefined): Pick<ColumnModel, 'computed'> {
  if (row === undefined) return {}
  return { computed: { definition: text(row, 'definition'), persisted: flag(row, 'is_persisted') } }
}

function generatedOf(row: SqlRow): Pick<ColumnModel, 'generatedAlways'> {
  const kind = maybeNumber(row, 'generated_always_type') ?? 0
  return kind === 1 ? { generatedAlways: 'start' } : kind === 2 ? { generatedAlways: 'end' } : {}
}

function defaultOf(row: SqlRow | undefined): Pick<ColumnModel, 'default'> {
  if (row === undefined) return {}
  return {
    default: {
      name: text(row, 'name'),
      definition: text(row, 'definition'),
      isSystemNamed: flag(row, 'is_system_named'),
    },
  }
}
