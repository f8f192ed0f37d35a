import { LifeboatError } from '../../core/errors.ts'
import { findStatementEnd, type StatementSyntax } from './statement-end.ts'

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
const QUOTE = 0x27
const CLOSE = 0x29
const COMMA = 0x2c
const SEMICOLON = 0x3b
const BACKSLASH = 0x5c

/** The bytes that mean something between the values of an INSERT. */
const SPECIAL = new Uint8Array(256)
for (const byte of [QUOTE, CLOSE, SEMICOLON, NEWLINE]) SPECIAL[byte] = 1

/** An INSERT's header with thousands of columns fits; past this, it is not one. */
const LONGEST_HEADER = 4 * 1024 * 1024
/** A run of digits or letters this long is left to indexOf, which reads many bytes at once. */
const SHORT_RUN = 192

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
  let inString = false
  let escaped = false
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
        inString = false
        escaped = false
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
    const length = bytes.length
    let rows = 0
    let at = start
    let nextQuote = -2
    let nextClose = -2
    if (escaped && at < length) {
      at += 1
      escaped = false
    }
    scan: while (at < length) {
      if (inString) {
        // Short strings byte by byte, long ones by indexOf and a look back at the backslashes.
        const stop = Math.min(length, at + 48)
        while (at < stop && bytes[at] !== QUOTE && bytes[at] !== BACKSLASH) at += 1
        if (at < stop) {
          if (bytes[at] === QUOTE) {
            inString = false
            at += 1
          } else if (at + 1 < length) at += 2
          else {
            escaped = true
            at += 1
          }
          continue
        }
        if (at >= length) break
        const quote = bytes.indexOf(QUOTE, at)
        const end = quote === -1 ? length : quote
        let slashes = 0
        while (end - 1 - slashes >= at && bytes[end - 1 - slashes] === BACKSLASH) slashes += 1
        if (quote === -1) {
          escaped = slashes % 2 === 1
          at = length
        } else {
          at = quote + 1
          if (slashes % 2 === 0) inString = false
        }
        continue
      }
      const stop = Math.min(length, at + SHORT_RUN)
      while (at < stop && SPECIAL[bytes[at] as number] === 0) at += 1
      if (at >= length) break
      if (at === stop) {
        if (nextQuote !== -1 && nextQuote < at) nextQuote = bytes.indexOf(QUOTE, at)
        if (nextClose !== -1 && nextClose < at) nextClose = bytes.indexOf(CLOSE, at)
        if (nextQuote === -1 && nextClose === -1) at = length
        else if (nextQuote === -1) at = nextClose
        else at = nextClose === -1 ? nextQuote : Math.min(nextQuote, nextClose)
        if (at >= length) break
      }
      switch (bytes[at]) {
        case QUOTE:
          inString = true
          at += 1
          break
        case CLOSE:
          rows += 1
          at += 1
          break
        case SEMICOLON:
          mode = 'between'
          at += 1
          break scan
        case NEWLINE:
          mode = 'lines'
          at += 1
          break scan
        default:
          at += 1
      }
    }
    if (rows > 0) handler.rows?.(rows)
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
