/** A column of a result or of a bulk load, as the server declares it. */
export interface SqlColumn {
  readonly name: string
  /** `int`, `decimal`, `nvarchar`, `datetimeoffset` … as sys.types names the base type. */
  readonly type: string
  /** Bytes as in sys.columns.max_length (2 per nvarchar unit), -1 for max. */
  readonly maxLength?: number
  readonly precision?: number
  readonly scale?: number
  readonly nullable?: boolean
}

/**
 * A value on its way in or out, exact: integers up to int are numbers, bigint is a bigint, bit a boolean, float and real
 * numbers; decimal, money and all dates and times are the text that CAST/CONVERT (style 121) gives; binary is bytes.
 */
export type SqlValue = string | number | bigint | boolean | Uint8Array | null

export type SqlRow = Readonly<Record<string, SqlValue>>

export interface BulkOptions {
  /** Keep identity values: the column is listed among the columns. */
  readonly tableLock?: boolean
}

/**
 * One connection. Errors are LifeboatErrors that name the server's number and text, without the connection's secrets.
 * `details.sqlNumber` (failures.ts, sqlNumberOf) is the server's error number, where the server refused: 208 for a view that is not there.
 * Every call ends soon after its signal is aborted.
 */
export interface Session extends AsyncDisposable {
  /** A small result, whole. `parameters` are bound: `@name` in the text. */
  query(
    sql: string,
    signal: AbortSignal,
    parameters?: Readonly<Record<string, SqlValue>>,
  ): Promise<readonly SqlRow[]>
  /** A batch as it is (CREATE VIEW, SET …), without parameters; resolves with the messages (PRINT, DBCC) it gave. */
  batch(sql: string, signal: AbortSignal): Promise<readonly string[]>
  /** Rows in the order of the columns, with back-pressure. Throws rather than ends when the result was cut. */
  stream(sql: string, signal: AbortSignal): AsyncIterable<readonly SqlValue[]>
  /**
   * Streaming bulk load, keeping NULLs and identity values, without firing triggers. Resolves with the rows that the
   * server says it took. Runs inside the transaction of the session, if there is one.
   */
  bulk(
    table: string,
    columns: readonly SqlColumn[],
    rows: AsyncIterable<readonly SqlValue[]>,
    options: BulkOptions,
    signal: AbortSignal,
  ): Promise<number>
  /** Everything of `work` in one transaction: committed if it resolves, else rolled back. */
  transaction<T>(
    isolation: 'snapshot' | 'read committed',
    work: () => Promise<T>,
    signal: AbortSignal,
  ): Promise<T>
}

/** Opens sessions to one server; the database is the session's own. */
export interface SessionSource extends AsyncDisposable {
  open(database: string, signal: AbortSignal): Promise<Session>
}
