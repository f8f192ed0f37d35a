import type { Journal } from './journal.ts'
import type { Sink } from './sink.ts'

/** An object that lies in a staging bucket for the length of a run. */
export interface StagedObject {
  /** The staging bucket, as its `name` says it. */
  readonly sink: string
  readonly key: string
}

export type StagingJournal = Journal<StagedObject>

/**
 * A bucket beside the database server, which the *server itself* reads and writes: native .bak files of SQL Server,
 * Data Pump pieces by S3 integration. What lies there is plain but for the bucket's own encryption, so it is removed
 * as soon as it has been shipped or loaded, with every version of it, and by a later run where this one is killed.
 * Opened by the registry from `--staging`; engines know no other sink.
 */
export interface Staging extends AsyncDisposable {
  /** Reads and writes below the prefix of `--staging`; what it writes is under SSE-KMS unless the URL says otherwise. */
  readonly sink: Sink
  readonly bucket: string
  /** As the server is told: `arn:aws:s3:::bucket/prefix/key`. */
  arn(key: string): string
  /** The key's full name in the bucket, the prefix of `--staging` included. */
  objectKey(key: string): string
  /** Remembers, beyond the end of this process, that these are ours to purge. Before anyone writes them. */
  claim(keys: readonly string[]): Promise<void>
  /** No longer ours: the object stays. */
  release(keys: readonly string[]): Promise<void>
  /** Removes the objects with every version and delete marker of them. Missing is fine. Throws what it couldn't. */
  purge(keys: readonly string[], signal: AbortSignal): Promise<void>
  /** What dead runs of this machine have claimed, whether it is there or not: the server may yet write it. */
  left(): Promise<readonly string[]>
  /**
   * Purges what dead runs of this machine have claimed, and returns the keys of what was there. What was not there stays
   * claimed for some days: the server may still be writing it, for a run that is gone.
   */
  sweep(signal: AbortSignal): Promise<readonly string[]>
}
