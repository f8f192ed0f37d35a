/** What the TDS wire hands to whatever plays the server, and back. The wire knows no SQL; the backend no bytes. */

export interface TdsType {
  /** `int`, `decimal`, `nvarchar`, `datetime2`, `xml` … */
  readonly name: string
  /** Bytes; -1 for max. */
  readonly length?: number
  readonly precision?: number
  readonly scale?: number
  /** Of char, varchar and text on their way out: UTF-8 if the name ends so, else code page 1252. */
  readonly collation?: string
}

export interface TdsColumn {
  readonly name: string
  readonly type: TdsType
  readonly nullable: boolean
  readonly identity?: boolean
  readonly computed?: boolean
}

/**
 * Exact: ints are numbers, bigint is a bigint, bit a boolean, float and real numbers; decimal and money are decimal text
 * ('-12.3400'); dates and times ISO text with all their digits ('2024-02-29', '23:59:59.1234567',
 * '2024-02-29 23:59:59.1234567', '… +05:30'); uniqueidentifier is upper-case text; binary and rowversion are bytes.
 */
export type TdsValue = string | number | bigint | boolean | Uint8Array | null

export type TdsEvent =
  | { readonly kind: 'columns'; readonly columns: readonly TdsColumn[] }
  | { readonly kind: 'row'; readonly values: readonly TdsValue[] }
  /** End of one statement of the batch. */
  | { readonly kind: 'done'; readonly rows?: number }
  | { readonly kind: 'info'; readonly number: number; readonly message: string }
  /** The batch goes on after it, as in SQL Server, unless the backend ends it. */
  | {
      readonly kind: 'error'
      readonly number: number
      readonly severity: number
      readonly state?: number
      readonly message: string
      readonly procedure?: string
      readonly line?: number
    }
  | { readonly kind: 'database'; readonly name: string }
  | { readonly kind: 'return-value'; readonly name: string; readonly type: TdsType; readonly value: TdsValue }
  | { readonly kind: 'return-status'; readonly value: number }
  /** Cuts the TCP connection here, in mid-result. */
  | { readonly kind: 'disconnect' }
  /** Nothing more is sent and nothing closed: for stalls. Ends when the client goes. */
  | { readonly kind: 'stall' }

export interface TdsParameter {
  /** As the client sent it, with its `@`; empty where it goes by position. */
  readonly name: string
  readonly type: TdsType
  readonly value: TdsValue
  readonly output: boolean
}

export interface TdsLogin {
  readonly user: string
  readonly password: string
  readonly database: string
  readonly application: string
  readonly host: string
}

export interface TdsSession {
  readonly database: string
  batch(sql: string, signal: AbortSignal): AsyncIterable<TdsEvent>
  /** `name` as the client sent it; sp_executesql and friends by name, whatever the well-known number was. */
  rpc(name: string, parameters: readonly TdsParameter[], signal: AbortSignal): AsyncIterable<TdsEvent>
  /**
   * After the batch `INSERT BULK …`, whose text is given again. Yields errors, or a 'done' with the rows taken. `rows`
   * throws when the client breaks its load off: then nothing of it may stay.
   */
  bulk(
    sql: string,
    columns: readonly TdsColumn[],
    rows: AsyncIterable<readonly TdsValue[]>,
    signal: AbortSignal,
  ): AsyncIterable<TdsEvent>
  /** Transaction manager requests (begin, commit, rollback, save) of drivers that don't send them as SQL. */
  transaction(
    request: 'begin' | 'commit' | 'rollback' | 'save',
    details: { readonly isolation?: string; readonly name?: string },
  ): Promise<void>
  close(): void
}

export interface TdsBackend {
  /** Rejects with TdsLoginError for a wrong password (18456) or database (4060). */
  login(login: TdsLogin): Promise<TdsSession>
}

export class TdsLoginError extends Error {
  readonly number: number
  constructor(number: number, message: string) {
    super(message)
    this.number = number
  }
}
