import type { Bytes } from '../../core/bytes.ts'
import { createSqlLexer } from './sql-lexer.ts'

/** A stretch of a script for psql, in order: the bytes of all of them together are the script. */
export type ScriptPiece =
  /** A line of SQL. */
  | { readonly kind: 'sql'; readonly bytes: Uint8Array }
  /** A command of psql's own, on a line of its own between statements. */
  | { readonly kind: 'meta'; readonly bytes: Uint8Array; readonly text: string }
  /** The line with which a COPY … FROM stdin ends; data follows. */
  | { readonly kind: 'copy'; readonly bytes: Uint8Array; readonly schema: string; readonly table: string }
  /** Data of a COPY: any number of lines, the last perhaps unfinished. */
  | { readonly kind: 'rows'; readonly bytes: Uint8Array; readonly rows: number }
  /** The line `\.`. */
  | { readonly kind: 'copy-end'; readonly bytes: Uint8Array }

const LINE_BREAK = 0x0a
const END_OF_DATA = Buffer.from('\\.\n')
const NAME = '("(?:[^"]|"")*"|[^\\s".(]+)'
const COPY = new RegExp(`^COPY ${NAME}\\.${NAME} +(?:\\([\\s\\S]*\\) )?FROM stdin;\\n$`)

/** Reads a script as pg_dump and pg_dumpall write it, wherever its bytes are cut. Memory: one line of SQL. */
export async function* scanScript(input: Bytes): AsyncGenerator<ScriptPiece> {
  // Latin 1 keeps each byte as it is; what the lexer looks for is all ASCII.
  const lexer = createSqlLexer()
  let kept: Buffer = Buffer.alloc(0)
  let copyStatement: string | undefined
  let inData = false
  let inLine = false

  function readLine(line: Buffer): ScriptPiece {
    const text = line.toString('latin1')
    const starts = lexer.atStart
    if (starts && text.startsWith('\\'))
      return { kind: 'meta', bytes: line, text: line.toString('utf8').trimEnd() }
    lexer.read(text)
    if (starts && text.startsWith('COPY ')) copyStatement = ''
    if (copyStatement === undefined) return { kind: 'sql', bytes: line }
    copyStatement += line.toString('utf8')
    if (!lexer.atStart) return { kind: 'sql', bytes: line }
    const names = COPY.exec(copyStatement)
    copyStatement = undefined
    if (names === null) return { kind: 'sql', bytes: line }
    inData = true
    inLine = false
    return {
      kind: 'copy',
      bytes: line,
      schema: unquoteName(names[1] ?? ''),
      table: unquoteName(names[2] ?? ''),
    }
  }

  /** How far the data goes in these bytes, and how many lines end in it. */
  function readData(bytes: Buffer): { end: number; rows: number; ended: boolean } {
    let rows = 0
    let at = 0
    for (;;) {
      if (!inLine) {
        const start = bytes.subarray(at, at + END_OF_DATA.length)
        if (start.equals(END_OF_DATA)) return { end: at, rows, ended: true }
        if (start.equals(END_OF_DATA.subarray(0, start.length))) return { end: at, rows, ended: false }
      }
      const lineBreak = bytes.indexOf(LINE_BREAK, at)
      inLine = lineBreak < 0
      if (inLine) return { end: bytes.length, rows, ended: false }
      rows += 1
      at = lineBreak + 1
    }
  }

  for await (const piece of input) {
    kept =
      kept.length === 0
        ? Buffer.from(piece.buffer, piece.byteOffset, piece.length)
        : Buffer.concat([kept, piece])
    while (kept.length > 0) {
      if (inData) {
        const { end, rows, ended } = readData(kept)
        if (end > 0) yield { kind: 'rows', bytes: kept.subarray(0, end), rows }
        kept = kept.subarray(end)
        if (!ended) break
        inData = false
        yield { kind: 'copy-end', bytes: kept.subarray(0, END_OF_DATA.length) }
        kept = kept.subarray(END_OF_DATA.length)
      } else {
        const lineBreak = kept.indexOf(LINE_BREAK)
        if (lineBreak < 0) break
        const line = kept.subarray(0, lineBreak + 1)
        kept = kept.subarray(lineBreak + 1)
        yield readLine(line)
      }
    }
  }
  if (kept.length > 0) yield inData ? { kind: 'rows', bytes: kept, rows: 0 } : readLine(kept)
}

export function unquoteName(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name
}

/** The database that a `\connect` of pg_dump names: `\connect shop` or `\connect -reuse-previous=on "dbname='a b'"`. */
export function connectedDatabase(meta: string): string | undefined {
  const match = /^\\connect (-reuse-previous=on )?(.*)$/.exec(meta)
  if (match === null) return undefined
  const name = unquoteName(match[2] ?? '')
  if (match[1] === undefined) return name
  const value = /^dbname=(?:'((?:[^'\\]|\\.)*)'|(.*))$/.exec(name)
  return (value?.[1] ?? value?.[2] ?? '').replaceAll(/\\(.)/g, '$1')
}
