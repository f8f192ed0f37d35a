import type { Sink } from './sink.ts'

/**
 * A bucket beside the database server, which the *server itself* reads and writes: native .bak files of SQL Server,
 * Data Pump pieces by S3 integration. What lies there is plain but for the bucket's own encryption, so it is removed
 * as soon as it has been shipped or loaded. Opened by the registry from `--staging`; engines know no other sink.
 */
export interface Staging extends AsyncDisposable {
  /** Reads and writes below the prefix of `--staging`. */
  readonly sink: Sink
  readonly bucket: string
  /** As the server is told: `arn:aws:s3:::bucket/prefix/key`. */
  arn(key: string): string
  /** The key's full name in the bucket, the prefix of `--staging` included. */
  objectKey(key: string): string
  /** Removes the objects with every version and delete marker of them. Missing is fine. Throws what it couldn't. */
  purge(keys: readonly string[], signal: AbortSignal): Promise<void>
}
