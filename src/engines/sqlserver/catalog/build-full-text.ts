import type { FullText } from './model-full-text.ts'
import type { Names } from './names.ts'
import { quoteName } from './quote.ts'
import type { CatalogRows } from './read-rows.ts'
import { flag, groupBy, maybeNumber, number, text } from './row.ts'

/** Undefined where a database has none of it. */
export function buildFullText(rows: CatalogRows, names: Names): FullText | undefined {
  if (
    rows.fullTextCatalogs.length === 0 &&
    rows.stoplists.length === 0 &&
    rows.fullTextIndexes.length === 0
  ) {
    return undefined
  }
  const catalogs = new Map(
    rows.fullTextCatalogs.map((row) => [number(row, 'fulltext_catalog_id'), text(row, 'name')]),
  )
  const stoplists = new Map(rows.stoplists.map((row) => [number(row, 'stoplist_id'), text(row, 'name')]))
  const words = Map.groupBy(rows.stopwords, (row) => number(row, 'stoplist_id'))
  const columns = groupBy(rows.fullTextColumns, 'object_id')
  const indexes = groupBy(rows.indexes, 'object_id', 'index_id')
  return {
    catalogs: rows.fullTextCatalogs.map((row) => ({
      name: text(row, 'name'),
      isDefault: flag(row, 'is_default'),
      accentSensitive: flag(row, 'is_accent_sensitivity_on'),
    })),
    stoplists: rows.stoplists.map((row) => ({
      name: text(row, 'name'),
      words: (words.get(number(row, 'stoplist_id')) ?? []).map((each) => ({
        word: text(each, 'stopword'),
        language: number(each, 'language_id'),
      })),
    })),
    indexes: rows.fullTextIndexes.flatMap((row) => {
      const objectId = number(row, 'object_id')
      const table = names.object(objectId)
      const catalog = catalogs.get(maybeNumber(row, 'fulltext_catalog_id') ?? 0)
      const [key] = indexes.get(`${objectId}.${number(row, 'unique_index_id')}`) ?? []
      if (table === undefined || catalog === undefined || key === undefined) return []
      return {
        table: { schema: table.schema, name: table.name },
        keyIndex: text(key, 'name'),
        catalog,
        enabled: flag(row, 'is_enabled'),
        changeTracking: text(row, 'change_tracking_state_desc'),
        stoplist: stoplistText(maybeNumber(row, 'stoplist_id'), stoplists),
        columns: (columns.get(String(objectId)) ?? []).map((column) => ({
          name: names.column(objectId, number(column, 'column_id')) ?? '',
          typeColumn: names.column(objectId, maybeNumber(column, 'type_column_id') ?? 0),
          language: number(column, 'language_id'),
          semantics: flag(column, 'statistical_semantics'),
        })),
      }
    }),
  }
}

/** sys.fulltext_indexes.stoplist_id: NULL is none, 0 that of the server. */
function stoplistText(id: number | undefined, stoplists: ReadonlyMap<number, string>): string {
  if (id === undefined) return 'OFF'
  const name = stoplists.get(id)
  return name === undefined ? 'SYSTEM' : quoteName(name)
}
