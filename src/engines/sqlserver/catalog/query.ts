/** One look at one catalog view, without parameters: what a server lacks of it costs only that kind of object. */
export interface CatalogQuery {
  /** What is not known without it, for the warning: `foreign keys`. */
  readonly what: string
  readonly view: string
  /** Expressions as they are selected; the name in the result is the part after AS, or the column. */
  readonly columns: readonly string[]
  /** Columns that came with a later version: left out where the server doesn't know them. */
  readonly optional?: readonly string[]
  readonly where?: string
  readonly orderBy?: string
  /** No database of use can be without it: a server that lacks it can't be dumped. */
  readonly required?: boolean
}

export function queryText(query: CatalogQuery, without: ReadonlySet<string> = new Set()): string {
  const columns = [...query.columns, ...(query.optional ?? []).filter((each) => !without.has(each))]
  return [
    `SELECT ${columns.join(', ')}`,
    `FROM ${query.view}`,
    ...(query.where === undefined ? [] : [`WHERE ${query.where}`]),
    ...(query.orderBy === undefined ? [] : [`ORDER BY ${query.orderBy}`]),
  ].join(' ')
}

/** Numbers of type sql_variant, exact whatever their own type: up to 38 digits. */
export function asText<const Column extends string>(column: Column): string {
  return `CAST(${column} AS nvarchar(40)) AS ${column}`
}

/**
 * A sql_variant with its type, its value as text that can be read back: style 121 gives all digits of a date, 3 of a
 * float (17 digits), 2 of money (4 decimals), 1 of binary (0x…). A style counts for the type that is inside only once
 * it is taken out.
 */
export function variant(column: string): string[] {
  const base = `CAST(SQL_VARIANT_PROPERTY(${column}, 'BaseType') AS nvarchar(128))`
  const styled = (type: string, declared: string, style: number) =>
    ` WHEN '${type}' THEN CONVERT(nvarchar(max), CAST(${column} AS ${declared}), ${style})`
  return [
    `${base} AS ${column}_type`,
    ...['MaxLength', 'Precision', 'Scale'].map(
      (property) =>
        `CAST(SQL_VARIANT_PROPERTY(${column}, '${property}') AS int) AS ${column}_${property.toLowerCase()}`,
    ),
    [
      `CASE ${base}`,
      ...['date', 'datetime', 'smalldatetime'].map((type) => styled(type, type, 121)),
      ...['time', 'datetime2', 'datetimeoffset'].map((type) => styled(type, `${type}(7)`, 121)),
      ...['float', 'real'].map((type) => styled(type, 'float', 3)),
      ...['money', 'smallmoney'].map((type) => styled(type, 'money', 2)),
      ...['binary', 'varbinary'].map((type) => styled(type, 'varbinary(8000)', 1)),
      // nvarchar(4000) would cut the longest.
      ...['char', 'varchar'].map(
        (type) => ` WHEN '${type}' THEN CAST(CAST(${column} AS varchar(8000)) AS nvarchar(max))`,
      ),
      ` ELSE CAST(CAST(${column} AS nvarchar(4000)) AS nvarchar(max)) END AS ${column}_text`,
    ].join(''),
  ]
}
