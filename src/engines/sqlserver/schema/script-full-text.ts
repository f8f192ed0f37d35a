import type { FullText, FullTextIndex } from '../catalog/model.ts'
import { quoteName, quoteObject, quoteText } from '../catalog/quote.ts'
import type { Step } from './step.ts'

/** A feature that a server may have been installed without: what it refuses is reported. */
export function scriptFullText({ catalogs, stoplists, indexes }: FullText): readonly Step[] {
  return [
    ...catalogs.map(
      ({ name, isDefault, accentSensitive }): Step => ({
        kind: 'full-text catalog',
        name: quoteName(name),
        onFailure: 'report',
        batches: [
          `CREATE FULLTEXT CATALOG ${quoteName(name)} WITH ACCENT_SENSITIVITY = ${accentSensitive ? 'ON' : 'OFF'}${isDefault ? ' AS DEFAULT' : ''}`,
        ],
      }),
    ),
    ...stoplists.map(
      ({ name, words }): Step => ({
        kind: 'full-text stoplist',
        name: quoteName(name),
        onFailure: 'report',
        batches: [
          `CREATE FULLTEXT STOPLIST ${quoteName(name)}`,
          ...words.map(
            ({ word, language }) =>
              `ALTER FULLTEXT STOPLIST ${quoteName(name)} ADD ${quoteText(word)} LANGUAGE ${language}`,
          ),
        ],
      }),
    ),
    ...indexes.map(scriptFullTextIndex),
  ]
}

function scriptFullTextIndex(index: FullTextIndex): Step {
  const table = quoteObject(index.table)
  const columns = index.columns.map(({ name, typeColumn, language, semantics }) =>
    [
      quoteName(name),
      ...(typeColumn === undefined ? [] : [`TYPE COLUMN ${quoteName(typeColumn)}`]),
      `LANGUAGE ${language}`,
      ...(semantics ? ['STATISTICAL_SEMANTICS'] : []),
    ].join(' '),
  )
  return {
    kind: 'full-text index',
    name: table,
    onFailure: 'report',
    batches: [
      [
        `CREATE FULLTEXT INDEX ON ${table} (${columns.join(', ')})`,
        `KEY INDEX ${quoteName(index.keyIndex)} ON ${quoteName(index.catalog)}`,
        `WITH (CHANGE_TRACKING = ${index.changeTracking}, STOPLIST = ${index.stoplist})`,
      ].join('\n  '),
      ...(index.enabled ? [] : [`ALTER FULLTEXT INDEX ON ${table} DISABLE`]),
    ],
  }
}
