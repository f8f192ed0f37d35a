/** What goes in and comes out. Numbers that may pass 2^53 and all dates travel as text, so every statement says TO_CHAR. */
export type OracleValue = string | number | Uint8Array | null

export type Binds = Readonly<Record<string, OracleValue>>

/** An OUT bind of a PL/SQL block. */
export interface OutBind {
  readonly type: 'string' | 'number' | 'raw'
  /** Room for it: 32767 at most. */
  readonly bytes?: number
}

export type OracleRow = Readonly<Record<string, OracleValue>>

/** What PL/SQL can carry in one RAW. */
export const RAW_BYTES = 32_767

/** A file in a directory of the server, as BFILE. */
export interface ServerFile {
  /** At most `bytes` from `offset` (0 is the first); none at its end. */
  read(offset: number, bytes: number, signal: AbortSignal): Promise<Uint8Array>
}

/**
 * One session, narrowed to what Data Pump needs, so that a test can stand in for the server at this very line.
 * Values are bound, never part of a text. Errors are LifeboatErrors whose `details.ora` names the server's number.
 * Every call ends soon after its signal is aborted, and a session that was cut in mid-call is not used again.
 */
export interface OracleConnection extends AsyncDisposable {
  query(sql: string, binds: Binds, signal: AbortSignal): Promise<readonly OracleRow[]>
  call<Name extends string>(
    block: string,
    binds: Binds,
    outs: Readonly<Record<Name, OutBind>>,
    signal: AbortSignal,
  ): Promise<Readonly<Record<Name, OracleValue>>>
  /** The same block once per row, in order, in as few round trips as the driver can. */
  callMany(block: string, rows: readonly Binds[], signal: AbortSignal): Promise<void>
  openFile(directory: string, name: string, signal: AbortSignal): Promise<ServerFile>
}

/** Opens sessions to one server, all with the same account. */
export interface ConnectionSource {
  open(signal: AbortSignal): Promise<OracleConnection>
  [Symbol.asyncDispose](): Promise<void>
}
