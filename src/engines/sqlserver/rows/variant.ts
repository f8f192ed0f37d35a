import { LifeboatError } from '../../../core/errors.ts'
import type { TableModel } from '../catalog/model.ts'
import { quoteName, quoteObject, quoteText } from '../catalog/quote.ts'
import type { SqlColumn, SqlValue } from '../session.ts'

/**
 * A sql_variant keeps the type of each value. It travels as `type,precision,scale,maxLength,collation:text`, such as
 * `decimal,10,2,9,:12.34`. A load puts that text into the column, and one UPDATE in the same transaction makes of it
 * what it says: the type goes with each value, which no declaration of a bulk load could tell.
 */
export interface VariantHead {
  readonly type: string
  readonly precision: number
  readonly scale: number
  readonly maxLength: number
  readonly collation: string
}

/** What a sql_variant may hold (sql_variant, Transact-SQL reference), and how its text is made and read back. */
const TEXTS: Readonly<Record<string, { readonly out: (v: string) => string; readonly into: Into }>> = {
  bigint: plain('bigint'),
  int: plain('int'),
  smallint: plain('smallint'),
  tinyint: plain('tinyint'),
  bit: plain('bit'),
  decimal: { out: text, into: (t, { precision, scale }) => `CAST(${t} AS decimal(${precision}, ${scale}))` },
  numeric: { out: text, into: (t, { precision, scale }) => `CAST(${t} AS numeric(${precision}, ${scale}))` },
  money: { out: (v) => text(`CAST(${v} AS decimal(19, 4))`), into: (t) => `CAST(${t} AS money)` },
  smallmoney: { out: (v) => text(`CAST(${v} AS decimal(19, 4))`), into: (t) => `CAST(${t} AS smallmoney)` },
  // Style 3 is exact: 17 digits, from SQL Server 2016 on.
  float: { out: (v) => `CONVERT(nvarchar(64), CAST(${v} AS float), 3)`, into: (t) => `CAST(${t} AS float)` },
  real: { out: (v) => `CONVERT(nvarchar(64), CAST(${v} AS real), 3)`, into: (t) => `CAST(${t} AS real)` },
  date: styled('date', () => 'date'),
  time: styled('time(7)', ({ scale }) => `time(${scale})`),
  datetime: styled('datetime', () => 'datetime'),
  smalldatetime: styled('smalldatetime', () => 'smalldatetime'),
  datetime2: styled('datetime2(7)', ({ scale }) => `datetime2(${scale})`),
  datetimeoffset: styled('datetimeoffset(7)', ({ scale }) => `datetimeoffset(${scale})`),
  uniqueidentifier: plain('uniqueidentifier'),
  char: string('varchar(8000)', ({ maxLength }) => `char(${maxLength})`),
  varchar: string('varchar(8000)', ({ maxLength }) => `varchar(${maxLength})`),
  nchar: string('nvarchar(4000)', ({ maxLength }) => `nchar(${maxLength / 2})`),
  nvarchar: string('nvarchar(4000)', ({ maxLength }) => `nvarchar(${maxLength / 2})`),
  binary: bytes(({ maxLength }) => `binary(${maxLength})`),
  varbinary: bytes(({ maxLength }) => `varbinary(${maxLength})`),
}

type Into = (text: string, head: VariantHead) => string

/** The text of a value, made by the server. */
export function selectVariant(name: string): string {
  const property = (which: string) => `CAST(SQL_VARIANT_PROPERTY(${name}, '${which}') AS nvarchar(128))`
  const head = ['BaseType', 'Precision', 'Scale', 'MaxLength'].map(property).join(` + N',' + `)
  const cases = Object.entries(TEXTS).map(([type, { out }]) => `WHEN N'${type}' THEN ${out(name)}`)
  return (
    `CASE WHEN ${name} IS NULL THEN NULL ELSE CAST(${head} + N',' + ISNULL(${property('Collation')}, N'') + N':' AS nvarchar(max)) + ` +
    `CASE ${property('BaseType')} ${cases.join(' ')} END END`
  )
}

export function parseVariantHead(value: string): VariantHead | undefined {
  const match = /^([a-z0-9]+),(\d+),(\d+),(\d+),(\w*):/.exec(value)
  if (match === null) return undefined
  const [, type = '', precision, scale, maxLength, collation = ''] = match
  if (!(type in TEXTS)) return undefined
  return {
    type,
    precision: Number(precision),
    scale: Number(scale),
    maxLength: Math.max(1, Number(maxLength)),
    collation,
  }
}

/** What INSERT BULK is told of a variant column: the longest text that one can take. */
export function variantAsText(column: SqlColumn): SqlColumn {
  return { ...column, type: 'nvarchar', maxLength: 8000 }
}

const MAX_TEXT = 4000

/** The kinds of values seen on the way, by the text before the colon, for each variant column. */
export interface VariantWatch {
  /** The same rows. */
  rows(rows: AsyncIterable<readonly SqlValue[]>): AsyncIterable<readonly SqlValue[]>
  /** What makes values of the texts; empty where there were none. */
  statements(): readonly string[]
}

export function watchVariants(
  table: Pick<TableModel, 'schema' | 'name'>,
  columns: readonly SqlColumn[],
): VariantWatch {
  const watched = columns.flatMap(({ type, name }, index) =>
    type === 'sql_variant' ? [{ index, name, heads: new Map<string, VariantHead>() }] : [],
  )
  return {
    rows: watched.length === 0 ? (rows) => rows : watchRows,
    statements: () =>
      watched.flatMap(({ name, heads }) => (heads.size === 0 ? [] : [updateVariants(table, name, heads)])),
  }

  async function* watchRows(rows: AsyncIterable<readonly SqlValue[]>): AsyncGenerator<readonly SqlValue[]> {
    for await (const row of rows) {
      for (const { index, name, heads } of watched) {
        const value = row[index]
        if (typeof value !== 'string') continue
        const prefix = value.slice(0, value.indexOf(':') + 1)
        const head = heads.get(prefix) ?? parseVariantHead(value)
        if (head === undefined || value.length > MAX_TEXT) throw unloadable(table, name, value)
        heads.set(prefix, head)
      }
      yield row
    }
  }
}

function updateVariants(
  table: Pick<TableModel, 'schema' | 'name'>,
  column: string,
  heads: ReadonlyMap<string, VariantHead>,
): string {
  const name = quoteName(column)
  const whole = `CAST(${name} AS nvarchar(4000))`
  const cases = [...heads].map(([prefix, head]) => {
    const into = TEXTS[head.type]?.into
    if (into === undefined) throw new Error(`no variant of type ${head.type}`)
    const rest = `SUBSTRING(${whole}, ${prefix.length + 1}, 4000)`
    return `WHEN LEFT(${whole}, ${prefix.length}) = ${quoteText(prefix)} THEN CAST(${into(rest, head)} AS sql_variant)`
  })
  return `UPDATE ${quoteObject(table)} SET ${name} = CASE ${cases.join(' ')} END WHERE ${name} IS NOT NULL`
}

function unloadable(
  table: Pick<TableModel, 'schema' | 'name'>,
  column: string,
  value: string,
): LifeboatError {
  const reason =
    value.length > MAX_TEXT
      ? `its text has ${value.length} characters, more than ${MAX_TEXT}`
      : 'its text does not name a type'
  return new LifeboatError(
    'unsupported',
    `unable to load a value of column '${column}' into table '${table.schema}.${table.name}': ${reason}`,
    { hint: 'Load this table by hand; docs/engines/sqlserver-rows.md tells how a sql_variant is stored.' },
  )
}

function text(expression: string): string {
  return `CAST(${expression} AS nvarchar(41))`
}

function plain(type: string): { out: (v: string) => string; into: Into } {
  return { out: text, into: (t) => `CAST(${t} AS ${type})` }
}

function styled(
  type: string,
  into: (head: VariantHead) => string,
): { out: (v: string) => string; into: Into } {
  return {
    out: (v) => `CONVERT(nvarchar(34), CAST(${v} AS ${type}), 121)`,
    into: (t, head) => `CONVERT(${into(head)}, ${t}, 121)`,
  }
}

/** By way of the collation, so that single-byte text keeps its code page. */
function string(
  type: string,
  into: (head: VariantHead) => string,
): { out: (v: string) => string; into: Into } {
  return {
    out: (v) => `CAST(CAST(${v} AS ${type}) AS nvarchar(max))`,
    into: (t, head) =>
      `CAST(${t}${head.collation === '' ? '' : ` COLLATE ${head.collation}`} AS ${into(head)})`,
  }
}

function bytes(into: (head: VariantHead) => string): { out: (v: string) => string; into: Into } {
  return {
    out: (v) => `CONVERT(nvarchar(max), CAST(${v} AS varbinary(8000)), 2)`,
    into: (t, head) => `CONVERT(${into(head)}, ${t}, 2)`,
  }
}
