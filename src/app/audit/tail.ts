import type { FileHandle } from 'node:fs/promises'
import { digestOf, MOST_LINE_BYTES, parseLine } from './line.ts'

/** How an audit log ends: what the next record has to follow. */
export interface Tail {
  /** Of the last record; undefined in a new log. */
  readonly last: { readonly record: number; readonly digest: string } | undefined
  /** What stands behind it: left by a writer that was cut off. */
  readonly torn: Uint8Array
  /** Whether the last byte ends a line. */
  readonly ended: boolean
}

const WINDOW_BYTES = 64 * 1024
const NEWLINE = 10

/** Looks no further back than to the last record. Undefined for a file that is no audit log. */
export async function readTail(handle: FileHandle, bytes: number): Promise<Tail | undefined> {
  if (bytes === 0) return { last: undefined, torn: Buffer.alloc(0), ended: true }
  for (let wanted = WINDOW_BYTES; ; wanted *= 4) {
    const from = Math.max(0, bytes - wanted)
    const window = await readExactly(handle, from, bytes - from)
    const found = lastRecord(window, from === 0)
    if (found !== undefined) return found
    if (from === 0)
      return isBegun(window) ? { last: undefined, torn: window, ended: endsLine(window) } : undefined
    if (wanted > 2 * MOST_LINE_BYTES) return undefined
  }
}

function lastRecord(window: Buffer, fromStart: boolean): Tail | undefined {
  for (let end = window.length; end > 0; ) {
    const start = window.lastIndexOf(NEWLINE, end - 1) + 1
    if (start === 0 && !fromStart) return undefined
    const line = window.subarray(start, end)
    const record = parseLine(line)
    if (record !== undefined) {
      // A record that lacks only the line's end is whole.
      const torn = window.subarray(Math.min(end + 1, window.length))
      return { last: { record: record.record, digest: digestOf(line) }, torn, ended: endsLine(window) }
    }
    end = start - 1
  }
  return undefined
}

function endsLine(bytes: Uint8Array): boolean {
  return bytes.at(-1) === NEWLINE
}

/**
 * A first record that was cut off, as may be the one that was to account for it; after a crash of the machine a file may
 * have its length, and nothing in it.
 */
function isBegun(bytes: Buffer): boolean {
  if (bytes.length >= WINDOW_BYTES) return false
  return bytes
    .toString('latin1')
    .split('\n')
    .every((line) => '{"format":1,'.startsWith(line.replace(/\0+$/, '').slice(0, 12)))
}

async function readExactly(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  for (let offset = 0; offset < length; ) {
    const { bytesRead } = await handle.read(buffer, offset, length - offset, position + offset)
    if (bytesRead === 0) return buffer.subarray(0, offset)
    offset += bytesRead
  }
  return buffer
}
