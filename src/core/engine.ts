import type { AccountList } from './accounts.ts'
import type { Bytes } from './bytes.ts'
import type { Contents, TableCount } from './contents.ts'
import type { Finding } from './finding.ts'
import type { Gate } from './gate.ts'
import type { LogPosition, NotCaptured, ServerIdentity, ToolVersion } from './manifest.ts'
import type { SecretSource } from './secret.ts'
import type { Staging } from './staging.ts'

/** What an engine gets from outside: it never reads the environment by itself. */
export interface EngineContext {
  /** Looked up late, and anew for each connection: an IAM token lasts 15 minutes. */
  readonly password?: SecretSource
  /** Folders in which tools are looked for, as in PATH. */
  readonly searchPath: string
  /** Commands to use instead of what is found, by the tool's name: `mysqldump` → docker exec … mysqldump. */
  readonly commands?: Readonly<Record<string, readonly [string, ...string[]]>>
  /** The bucket of `--staging`, where a layout needs one; opened when it is asked for. */
  readonly staging?: () => Promise<Staging>
}

/** What a look at a server finds out, read-only. */
export interface Probe {
  /** `MariaDB`, `MySQL`, `PostgreSQL`. */
  readonly flavour: string
  readonly serverVersion: string
  readonly identity: ServerIdentity
  readonly tools: readonly ToolVersion[]
  /** User databases that a dump would take (or, on a restore, that the target holds). */
  readonly databases: readonly { readonly name: string; readonly estimateBytes?: number }[]
  /** Plain bytes that a dump is likely to have; absent where the server gives no estimate. */
  readonly estimateBytes?: number
  readonly findings: readonly Finding[]
}

export interface Part {
  /** May hold names from inside the database: kept in the contents, never in the manifest. */
  readonly name: string
  /** File suffix without its dot, `sql` or `pgdump`: part of the stored name. */
  readonly format: string
  readonly estimateBytes?: number
  /**
   * Starts producing. The iteration *throws* at its end when the tool exits non-zero, dies by a signal, or leaves
   * no end-of-dump trailer: an end without an error is the proof that the dump is whole.
   */
  open(signal: AbortSignal): Bytes
  release(): Promise<void>
}

export interface DumpResult {
  /** All but `parts`, whose stored numbers the app adds. */
  readonly contents: Omit<Contents, 'parts'>
  /** One sentence without names from inside: "one transaction over all InnoDB tables". */
  readonly consistency: string
  readonly notCaptured: readonly NotCaptured[]
  readonly position?: LogPosition
  /** What came up during the dump, beyond the probe's findings. For the operator's eyes; may hold names from inside. */
  readonly warnings: readonly string[]
}

export interface Dump extends AsyncDisposable {
  /** next() never waits for an open part: the app may hold several of them open. */
  readonly parts: AsyncIterable<Part>
  /** After the last part has ended. It gates the manifest: a throw here means no backup. */
  finish(signal: AbortSignal): Promise<DumpResult>
  /**
   * After the manifest was written, for what had to stay at the server until the backup was safe: Data Pump's files.
   * A throw is shown as a warning, with its hint, and leaves the backup as good as it is. Disposing comes later still.
   */
  committed?(signal: AbortSignal): Promise<void>
}

export interface PartInfo {
  readonly name: string
  readonly format: string
  readonly plainBytes: number
}

/** A backup as an engine sees it: decrypted, decompressed and verified. */
export interface PartSource {
  readonly contents: Contents
  /** Flavour and version of the server that the dump came from. */
  readonly server: { readonly flavour: string; readonly version: string }
  readonly parts: readonly PartInfo[]
  /**
   * Every byte was checked against the index before it was decrypted. The iteration throws rather than ends when the
   * plain digest differs, so a tool is never told "that was all" of something that was not.
   */
  open(name: string, signal: AbortSignal): Bytes
}

export interface DumpOptions {
  readonly counts: 'exact' | 'off'
  /** Parts that the caller will hold open at once; 1 where it is left out. Some engines trade consistency for it. */
  readonly jobs?: number
  /** For work on the server that sends no bytes for long: the progress of a task, of a Data Pump job. */
  readonly onProgress?: (event: EngineEvent) => void
}

export interface RestoreOptions {
  /** Drop what the contents name before loading it. Nothing else is ever dropped. */
  readonly replace: boolean
  /** Parts that may be loaded at once, where the engine can; 1 where it is left out. */
  readonly jobs?: number
  readonly onProgress?: (event: EngineEvent) => void
}

export interface RestoreResult {
  /** What was restored, for the report: databases, accounts, tablespaces. */
  readonly restored: readonly string[]
  /** What was not, with the reason. */
  readonly notRestored: readonly { readonly what: string; readonly reason: string }[]
  readonly warnings: readonly string[]
  /** Why no row can be counted yet: SQL Server waits for a differential backup. The restore then is not "verified". */
  readonly uncounted?: string
}

export interface EngineEvent {
  readonly kind: 'step' | 'warning'
  readonly message: string
}

/** What a target holds already, as far as it is the user's. */
export interface Occupancy {
  /** Names that the contents hold too: only `replace` may drop them. */
  readonly conflicts: readonly string[]
  readonly others: readonly string[]
}

export type Sameness = { readonly verdict: 'same' | 'different' | 'unsure'; readonly reason: string }

/** Most rows that `query` gives: it is for checks, not for data. */
export const QUERY_ROWS = 1000

/**
 * A database server and its own tools. An engine knows nothing of sinks or stages. All methods are read-only but
 * `restore` and those of `gate`. Options of the engine come from the database URL; tools' commands from the configuration.
 */
export interface Engine extends AsyncDisposable {
  readonly name: string
  /** As a person knows it, without secrets: `mysql://user@host:3306`. */
  readonly target: string
  /** For a dump (`source`) or for a restore (`target`): the tools and privileges that are looked at differ. */
  probe(role: 'source' | 'target', signal: AbortSignal): Promise<Probe>
  dump(probe: Probe, options: DumpOptions, signal: AbortSignal): Dump
  occupied(contents: Contents, signal: AbortSignal): Promise<Occupancy>
  /** Is this server the one that the identity was taken from? Evidence is weighed; `unsure` is treated as same. */
  compareIdentity(recorded: ServerIdentity, probe: Probe): Sameness
  restore(source: PartSource, options: RestoreOptions, signal: AbortSignal): Promise<RestoreResult>
  /** Exact row counts now, in the order asked; `rows` is undefined for a table that is not there. */
  count(tables: readonly TableCount[], signal: AbortSignal): Promise<readonly TableCount[]>
  /**
   * The first QUERY_ROWS rows of one statement, in the order of its columns: in a read-only transaction where the server
   * knows such, else in one that is rolled back. Times come as text, in UTC where the type knows no zone of its own.
   * Without a database in the one that the URL names, or in none. A throw that is the statement's own fault is `tool-failed`
   * or `usage`.
   */
  query?(
    database: string | undefined,
    sql: string,
    signal: AbortSignal,
  ): Promise<readonly (readonly unknown[])[]>
  /** Where the engine knows how to read them. What this account may not see is a throw, or among the list's limits. */
  accounts?(signal: AbortSignal): Promise<AccountList>
  /** Where the engine knows how to keep applications from writing. */
  readonly gate?: Gate
  /** Hand-typed commands, one per part, that load it with stock tools; each reads the plain part on stdin. */
  byHand(
    contents: Pick<Contents, 'databases'>,
    part: { readonly name: string; readonly format: string },
  ): string
}
