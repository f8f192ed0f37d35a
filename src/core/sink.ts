import type { Bytes } from './bytes.ts'

/** Unit of digest, of S3 part, of retry and of memory. */
export const CHUNK_BYTES = 16 * 1024 * 1024

/** Facts about the place, so that nobody has to ask which sink it is. */
export interface SinkTraits {
  /** `ifAbsent` is honoured by the place itself, so that of two writers one loses with `sink-exists`. */
  readonly exclusiveCreate: boolean
  /** Most chunks one object may have: 10,000 for S3, Infinity for a disk. Longer streams go into volumes. */
  readonly maxChunks: number
  /** What the place itself says about a stored object after the write. */
  readonly attests: 'bytes' | 'checksum'
}

export interface ObjectInfo {
  /** Relative to the sink's own root, `/` between its steps. */
  readonly key: string
  readonly bytes: number
  /** By the sink's clock. */
  readonly modified: Date
  /**
   * What the sink attests by itself, such as `{ CRC64NVME: '…', versionId: '…' }`, and `write`, the mark of the write that
   * made the object. Stored in the manifest.
   */
  readonly attestation?: Readonly<Record<string, string>>
  /**
   * The place refuses to destroy the object until then, or while it is held: S3 Object Lock. Only `stat` tells, and only
   * to who may see it; the time may be past.
   */
  readonly lockedUntil?: Date | 'held'
}

export interface WriteOptions {
  /** Fail with `sink-exists` rather than replace. Without it an existing object is replaced, atomically. */
  readonly ifAbsent?: boolean
  readonly signal: AbortSignal
}

export interface Range {
  readonly offset: number
  readonly bytes: number
}

/**
 * A place for objects: a folder, a bucket, an SSH host.
 *
 * - `write`: whole or absent. It consumes all of `body` or throws; on any failure nothing is left under the
 *   final key, what was left elsewhere (a temp name, an upload) is removed as far as the place still answers,
 *   and an error thrown by `body` comes out unchanged. The returned `bytes` come from the place, not from
 *   counting. Pieces of `body` never cross a multiple of CHUNK_BYTES. Nothing is durable before it resolves.
 * - `read`: exactly the range, or throws: so it may honestly be retried. Past the end is `integrity`.
 * - `stat`: undefined where there is no such object.
 * - `list`: all objects whose key starts with `prefix`, ordered by key (UTF-8 bytes), never what is still being written.
 * - `delete`: missing is fine.
 * - `purge`: `delete` with every older version, where the place may keep some. A key stays visible, as it is, until the
 *   last of its versions goes; missing is fine.
 * - `sweep`: removes what interrupted writes below `prefix` left (temp names, multipart uploads) if they
 *   began before `olderThan`, and returns their names; whole objects are never touched.
 * - Every call ends soon after its signal is aborted, with the signal's reason; every network wait is bounded.
 * - Errors are LifeboatErrors: sink-denied, sink-not-found (the place itself, or an object to read),
 *   sink-unavailable, sink-full, sink-exists, timed-out, integrity. `list` of a root that is not there is
 *   sink-not-found (an unmounted disk must not look like "no backups"); stat, sweep and delete tolerate it.
 */
export interface Sink extends AsyncDisposable {
  readonly scheme: string
  /** As a person knows it, without secrets: `s3://bucket/prefix`. */
  readonly name: string
  readonly traits: SinkTraits
  write(key: string, body: Bytes, options: WriteOptions): Promise<ObjectInfo>
  read(key: string, range: Range, signal: AbortSignal): Promise<Uint8Array>
  stat(key: string, signal: AbortSignal): Promise<ObjectInfo | undefined>
  list(prefix: string, signal: AbortSignal): AsyncIterable<ObjectInfo>
  delete(keys: readonly string[], signal: AbortSignal): Promise<void>
  purge?(keys: readonly string[], signal: AbortSignal): Promise<void>
  sweep(prefix: string, olderThan: Date, signal: AbortSignal): Promise<readonly string[]>
  /** The stock command that writes the named objects, joined in order, to stdout: `cat …`, `aws s3 cp … -`. */
  byHand(keys: readonly string[]): string
}

/** As `write` wants its body: no piece crosses a multiple of CHUNK_BYTES. */
export async function* inChunks(input: Bytes): AsyncGenerator<Uint8Array> {
  let offset = 0
  for await (const piece of input) {
    for (let from = 0; from < piece.length; ) {
      const cut = piece.subarray(from, from + CHUNK_BYTES - (offset % CHUNK_BYTES))
      yield cut
      from += cut.length
      offset += cut.length
    }
  }
}
