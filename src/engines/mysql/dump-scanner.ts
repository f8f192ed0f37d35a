import { LifeboatError } from '../../core/errors.ts'
import { findStatementEnd, type StatementSyntax } from './statement-end.ts'
import { createValuesScanner } from './values-scanner.ts'

export interface InsertTarget {
  /** As written between the backticks, unquoted, in UTF-8. */
  readonly table: string
}

/** What is found in a stream of mysqldump, in order. Together the bytes are exactly those that were pushed. */
export interface ScanHandler {
  /** Comments, blank lines, DELIMITER lines. */
  readonly filler?: (bytes: Buffer) => void
  /** One whole statement other than INSERT and REPLACE, with its delimiter. */
  readonly statement?: (bytes: Buffer, backslashEscapes: boolean) => void
  readonly insert?: (target: InsertTarget) => void
  /** Bytes of an INSERT, from its first to its semicolon, however the stream is cut. */
  readonly data?: (bytes: Buffer) => void
  /** Rows that ended in the bytes before. */
  readonly rows?: (count: number) => void
}

export interface DumpScanner {
  push(chunk: Uint8Array): void
  end(): void
}

const NEWLINE = 0x0a
const COMMA = 0x2c
const SEMICOLON = 0x3b

/** An INSERT's header with thousands of columns fits; past this, it is not one. */
const LONGEST_HEADER = 4 * 1024 * 1024
/**
 * Cuts what mysqldump writes, of either vendor, into statements and rows while it streams by.
 *
 * Rows are what makes a dump large, so they get a reader of their own, which rests on how both vendors write them:
 * values are numbers, NULL, hex literals and strings with backslash escapes (mysqldump sets sql_mode to '' first), so
 * a `)` outside of a string ends a row, and a raw line break is never inside of a string. MariaDB since 10.5 writes
 * each row on a line of its own: there only line breaks are looked for.
 */
export function createDumpScanner(handler: ScanHandler): DumpScanner {
  let pending: Buffer = Buffer.alloc(0)
  let syntax: StatementSyntax = { delimiter: ';', backslashEscapes: true }
  let mode: 'between' | 'values' | 'lines' = 'between'
  const values = createValuesScanner()
  let lastByte = 0

  function push(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    const rest = mode === 'between' && pending.length > 0 ? Buffer.concat([pending, bytes]) : bytes
    if (mode === 'between') pending = Buffer.alloc(0)
    let at = 0
    while (at < rest.length) {
      if (mode === 'between') {
        const next = readUnit(rest, at, false)
        if (next === undefined) {
          // Copied: the chunk's memory belongs to whoever pushed it.
          pending = Buffer.from(rest.subarray(at))
          return
        }
        at = next
      } else {
        const end = mode === 'values' ? readValues(rest, at) : readLines(rest, at)
        handler.data?.(rest.subarray(at, end))
        if (end > at) lastByte = rest[end - 1] as number
        at = end
      }
    }
  }

  function end(): void {
    let at = 0
    while (at < pending.length) {
      const next = readUnit(pending, at, true)
      if (next === undefined) break
      if (mode !== 'between') {
        handler.data?.(pending.subarray(next))
        return
      }
      at = next
    }
    if (at < pending.length) handler.statement?.(pending.subarray(at), syntax.backslashEscapes)
    pending = Buffer.alloc(0)
  }

  /** One comment, blank, DELIMITER line, statement or head of an INSERT; undefined where more bytes are needed. */
  function readUnit(bytes: Buffer, at: number, isLast: boolean): number | undefined {
    const first = bytes[at] as number
    if (first <= 0x20) {
      let end = at + 1
      while (end < bytes.length && (bytes[end] as number) <= 0x20) end += 1
      handler.filler?.(bytes.subarray(at, end))
      return end
    }
    // Enough to tell what it is; at the very end there is no more to wait for.
    if (bytes.length - at < 16 && !isLast && bytes.indexOf(NEWLINE, at) === -1) return undefined
    const head = bytes.toString('latin1', at, at + 16)
    if (/^(?:--(?:\s|$)|#|DELIMITER\s)/i.test(head)) {
      const newline = bytes.indexOf(NEWLINE, at)
      if (newline === -1 && !isLast) return undefined
      const end = newline === -1 ? bytes.length : newline + 1
      if (/^D/i.test(head))
        syntax = { ...syntax, delimiter: bytes.toString('latin1', at + 10, end).trim() || ';' }
      handler.filler?.(bytes.subarray(at, end))
      return end
    }
    if (syntax.delimiter === ';' && /^(?:INSERT|REPLACE)\s/i.test(head)) {
      const header = readHeader(bytes, at, isLast)
      if (header === 'more') return undefined
      if (header !== 'other') {
        handler.insert?.({ table: header.table })
        handler.data?.(bytes.subarray(at, header.end))
        mode = 'values'
        values.reset()
        lastByte = 0
        return header.end
      }
    }
    const end = findStatementEnd(bytes, at, syntax)
    if (end === undefined) return undefined
    const statement = bytes.subarray(at, end)
    handler.statement?.(statement, syntax.backslashEscapes)
    if (statement.length < 1024) noteSqlMode(statement.toString('latin1'))
    return end
  }

  /** Routines are created under the sql_mode that they were written with: it decides what a backslash means. */
  function noteSqlMode(statement: string): void {
    const set = /\bSET\s+(?:SESSION\s+|@@SESSION\.)?sql_mode\s*=\s*(?:'([^']*)'|@)/i.exec(statement)
    if (set === null) return
    syntax = { ...syntax, backslashEscapes: !/\bNO_BACKSLASH_ESCAPES\b/.test(set[1] ?? '') }
  }

  function readValues(bytes: Buffer, start: number): number {
    const { at, rows, ended } = values.read(bytes, start)
    if (rows > 0) handler.rows?.(rows)
    if (ended !== undefined) mode = ended === 'line' ? 'lines' : 'between'
    return at
  }

  function readLines(bytes: Buffer, start: number): number {
    let rows = 0
    let at = start
    while (at < bytes.length) {
      const newline = bytes.indexOf(NEWLINE, at)
      if (newline === -1) {
        at = bytes.length
        break
      }
      const before = newline === start ? lastByte : (bytes[newline - 1] as number)
      at = newline + 1
      rows += 1
      if (before === COMMA) continue
      if (before !== SEMICOLON) throw notUnderstood()
      mode = 'between'
      break
    }
    if (rows > 0) handler.rows?.(rows)
    return at
  }

  return { push, end }
}

const HEADER = /^(?:INSERT|REPLACE)\s+(?:(?:IGNORE|DELAYED|LOW_PRIORITY)\s+)*(?:INTO\s+)?`((?:[^`]|``)*)`\s*/i
const COLUMNS = /^\(\s*(?:`(?:[^`]|``)*`\s*,?\s*)*\)\s*/
const VALUES = /^VALUES?(?=[\s(])[ \t]*/i

function readHeader(
  bytes: Buffer,
  at: number,
  isLast: boolean,
): { readonly table: string; readonly end: number } | 'more' | 'other' {
  for (let length = 1024; ; length *= 8) {
    const text = bytes.toString('latin1', at, at + length)
    const name = HEADER.exec(text)
    if (name !== null) {
      const columns = COLUMNS.exec(text.slice(name[0].length))?.[0].length ?? 0
      const values = VALUES.exec(text.slice(name[0].length + columns))
      if (values !== null) {
        const table = Buffer.from((name[1] ?? '').replaceAll('``', '`'), 'latin1').toString('utf8')
        return { table, end: at + name[0].length + columns + values[0].length }
      }
    }
    if (text.length > LONGEST_HEADER) return 'other'
    if (at + length >= bytes.length) return isLast ? 'other' : 'more'
  }
}

function notUnderstood(): LifeboatError {
  return new LifeboatError(
    'unsupported',
    'unable to count rows in the dump: its INSERT lines are not understood',
    {
      hint: 'Run again with --counts off, and report the version of the dump tool.',
    },
  )
}
