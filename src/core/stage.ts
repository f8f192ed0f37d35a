import type { Bytes } from './bytes.ts'

/**
 * A reversible transform of a byte stream (compression, encryption).
 *
 * - `encode` and `decode` are lazy, hold a bounded amount of memory, and may be called many times at once.
 * - An error of `input` comes out unchanged; when the reader stops early, `input` is closed (`return()`).
 * - `decode` throws `integrity` on damaged, truncated or trailing data and never ends as if all had been well.
 * - `decode(encode(x))` is `x` however the bytes in between are cut.
 * - The stock tool of the format (`gunzip`, `zstd -d`, `gpg -d`) reads what `encode` wrote, and the reverse.
 */
export interface Stage {
  readonly name: string
  /** With its dot, as in `.gz`. Read right to left, the suffixes of a stored name say how to undo it. */
  readonly suffix: string
  encode(input: Bytes, signal: AbortSignal): Bytes
  decode(input: Bytes, signal: AbortSignal): Bytes
  /** The stock command that undoes this stage in a pipe, as it is typed by hand: `gunzip`, `gpg -d`. */
  readonly byHand: string
  /** Facts for the manifest: recipient fingerprints, level. Never secrets. */
  readonly facts: Readonly<Record<string, unknown>>
}
