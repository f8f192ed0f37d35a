import type { IndexModel, Named, Storage } from '../catalog/model.ts'
import { quoteName, quoteObject } from '../catalog/quote.ts'
import type { OnFailure, Step } from './step.ts'

/** Loading into them is right, and moving the rows afterwards would cost a second copy of the table. */
export function isClustered({ kind }: IndexModel): boolean {
  return kind === 'clustered' || kind === 'clustered columnstore'
}

export function scriptIndex(table: Named, index: IndexModel, onFailure: OnFailure): Step {
  const kind = index.constraint?.kind ?? 'index'
  return {
    kind,
    name: `${quoteName(index.name)} on ${quoteObject(table)}`,
    onFailure,
    batches: [index.constraint === undefined ? indexText(table, index) : keyText(table, index)],
  }
}

export function scriptDisabledIndex(table: Named, index: IndexModel): readonly Step[] {
  if (!index.disabled) return []
  return [
    {
      kind: 'disabled index',
      name: `${quoteName(index.name)} on ${quoteObject(table)}`,
      onFailure: 'collect',
      batches: [`ALTER INDEX ${quoteName(index.name)} ON ${quoteObject(table)} DISABLE`],
    },
  ]
}

/** A primary key or a unique constraint, as a clause of CREATE TABLE or after ALTER TABLE … ADD. */
export function keyClause(index: IndexModel, { named }: { readonly named: boolean }): string {
  const name = named ? `CONSTRAINT ${quoteName(index.name)} ` : ''
  const kind = index.constraint?.kind === 'primary key' ? 'PRIMARY KEY' : 'UNIQUE'
  if (index.kind === 'hash') {
    return `${name}${kind} NONCLUSTERED HASH (${keyList(index)}) WITH (BUCKET_COUNT = ${index.bucketCount})`
  }
  return `${name}${kind} ${index.kind.toUpperCase()} (${keyList(index)})`
}

/** An index inside of the CREATE of a memory-optimised table, or of a table type. */
export function inlineIndex(index: IndexModel): string {
  const unique = index.unique ? 'UNIQUE ' : ''
  const name = `INDEX ${quoteName(index.name)}`
  switch (index.kind) {
    case 'hash':
      return `${name} ${unique}NONCLUSTERED HASH (${keyList(index)}) WITH (BUCKET_COUNT = ${index.bucketCount})`
    case 'clustered columnstore':
      return `${name} CLUSTERED COLUMNSTORE`
    default: {
      const included =
        index.included.length === 0 ? '' : ` INCLUDE (${index.included.map(quoteName).join(', ')})`
      const filter = index.filter === undefined ? '' : ` WHERE ${index.filter}`
      return `${name} ${unique}${index.kind.toUpperCase()} (${keyList(index)})${included}${filter}`
    }
  }
}

function keyText(table: Named, index: IndexModel): string {
  return [
    `ALTER TABLE ${quoteObject(table)} ADD ${keyClause(index, { named: true })}`,
    ...withClause(index),
    ...onClause(index.storage),
  ].join('\n  ')
}

function indexText(table: Named, index: IndexModel): string {
  const on = `${quoteName(index.name)} ON ${quoteObject(table)}`
  switch (index.kind) {
    case 'clustered columnstore':
      return [
        `CREATE CLUSTERED COLUMNSTORE INDEX ${on}`,
        ...orderClause(index),
        ...withClause(index),
        ...onClause(index.storage),
      ].join('\n  ')
    case 'nonclustered columnstore':
      return [
        `CREATE NONCLUSTERED COLUMNSTORE INDEX ${on} (${index.included.map(quoteName).join(', ')})`,
        ...orderClause(index),
        ...filterClause(index),
        ...withClause(index),
        ...onClause(index.storage),
      ].join('\n  ')
    case 'xml':
      return xmlIndexText(on, index)
    case 'spatial':
      return spatialIndexText(on, index)
    case 'hash':
      return `ALTER TABLE ${quoteObject(table)} ADD ${inlineIndex(index)}`
    default:
      return [
        `CREATE ${index.unique ? 'UNIQUE ' : ''}${index.kind.toUpperCase()} INDEX ${on} (${keyList(index)})`,
        ...(index.included.length === 0 ? [] : [`INCLUDE (${index.included.map(quoteName).join(', ')})`]),
        ...filterClause(index),
        ...withClause(index),
        ...onClause(index.storage),
      ].join('\n  ')
  }
}

function xmlIndexText(on: string, { keys, included, xml }: IndexModel): string {
  const column = keys[0]?.name ?? included[0] ?? ''
  if (xml?.using === undefined) return `CREATE PRIMARY XML INDEX ${on} (${quoteName(column)})`
  const purpose = xml.purpose === undefined ? '' : ` FOR ${xml.purpose}`
  return `CREATE XML INDEX ${on} (${quoteName(column)}) USING XML INDEX ${quoteName(xml.using)}${purpose}`
}

function spatialIndexText(on: string, { keys, included, spatial }: IndexModel): string {
  const column = keys[0]?.name ?? included[0] ?? ''
  const { tessellation, boundingBox, grids, cellsPerObject } = spatial ?? {}
  const options = [
    ...(boundingBox === undefined ? [] : [`BOUNDING_BOX = (${boundingBox.join(', ')})`]),
    ...(grids === undefined ? [] : [`GRIDS = (${grids.join(', ')})`]),
    ...(cellsPerObject === undefined ? [] : [`CELLS_PER_OBJECT = ${cellsPerObject}`]),
  ]
  return [
    `CREATE SPATIAL INDEX ${on} (${quoteName(column)})`,
    ...(tessellation === undefined ? [] : [`USING ${tessellation}`]),
    ...(options.length === 0 ? [] : [`WITH (${options.join(', ')})`]),
  ].join('\n  ')
}

function keyList(index: IndexModel): string {
  // The order within a hash means nothing, and is refused.
  const order = (descending: boolean) => (index.kind === 'hash' ? '' : descending ? ' DESC' : ' ASC')
  return index.keys.map(({ name, descending }) => `${quoteName(name)}${order(descending)}`).join(', ')
}

function orderClause({ ordered }: IndexModel): readonly string[] {
  return ordered.length === 0 ? [] : [`ORDER (${ordered.map(quoteName).join(', ')})`]
}

function filterClause({ filter }: IndexModel): readonly string[] {
  return filter === undefined ? [] : [`WHERE ${filter}`]
}

function withClause(index: IndexModel): readonly string[] {
  const columnstore = index.kind.endsWith('columnstore')
  const options = [
    ...(index.padded ? ['PAD_INDEX = ON'] : []),
    // 0 and 100 are the same.
    ...(index.fillFactor > 0 && index.fillFactor < 100 ? [`FILLFACTOR = ${index.fillFactor}`] : []),
    ...(index.ignoreDuplicateKeys ? ['IGNORE_DUP_KEY = ON'] : []),
    ...(columnstore || index.allowRowLocks ? [] : ['ALLOW_ROW_LOCKS = OFF']),
    ...(columnstore || index.allowPageLocks ? [] : ['ALLOW_PAGE_LOCKS = OFF']),
    ...(index.optimizedForSequentialKey === true ? ['OPTIMIZE_FOR_SEQUENTIAL_KEY = ON'] : []),
    ...(index.compressionDelayMinutes === undefined
      ? []
      : [`COMPRESSION_DELAY = ${index.compressionDelayMinutes}`]),
    ...compressionOptions(index.storage),
  ]
  return options.length === 0 ? [] : [`WITH (${options.join(', ')})`]
}

/** Both are what one gets without saying it. */
const USUAL = ['NONE', 'COLUMNSTORE']

export function compressionOptions({ compression }: Storage): readonly string[] {
  const kinds = new Set(compression)
  if (kinds.size === 1) {
    return [...kinds].filter((kind) => !USUAL.includes(kind)).map((kind) => `DATA_COMPRESSION = ${kind}`)
  }
  return [...kinds].map((kind) => {
    const numbers = compression.flatMap((each, at) => (each === kind ? [at + 1] : []))
    return `DATA_COMPRESSION = ${kind} ON PARTITIONS (${numbers.join(', ')})`
  })
}

export function onClause({ partitioned }: Storage): readonly string[] {
  return partitioned === undefined
    ? []
    : [`ON ${quoteName(partitioned.scheme)} (${quoteName(partitioned.column)})`]
}
