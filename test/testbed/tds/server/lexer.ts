import { SqlError } from './sql-error.ts'

export interface Token {
  readonly kind: 'word' | 'quoted' | 'string' | 'number' | 'binary' | 'variable' | 'op' | 'end'
  /** As written; for a word upper-cased. */
  readonly text: string
  /** A name or text without its quotes, doubling undone. */
  readonly value: string
  readonly start: number
  readonly end: number
  readonly line: number
  /** N'…' */
  readonly unicode?: boolean
}

const WORD_START = /[\p{L}_#]/u
const WORD_PART = /[\p{L}\p{Nd}_@#$]/u
const OPS = ['<>', '!=', '<=', '>=', '!<', '!>', '+=', '-=', '*=', '/=', '::']

export function tokenize(sql: string, quotedIdentifier = true): Token[] {
  const tokens: Token[] = []
  let at = 0
  let line = 1
  const push = (kind: Token['kind'], start: number, value: string, unicode?: boolean) => {
    const raw = sql.slice(start, at)
    const text = kind === 'word' ? raw.toUpperCase() : raw
    const token = { kind, text, value, start, end: at, line }
    tokens.push(unicode === undefined ? token : { ...token, unicode })
    for (let i = start; i < at; i += 1) if (sql.charCodeAt(i) === 10) line += 1
  }
  const quoted = (close: string): string => {
    const start = at
    let value = ''
    at += 1
    while (true) {
      const next = sql.indexOf(close, at)
      if (next < 0)
        throw new SqlError(
          105,
          `Unclosed quotation mark after the character string '${sql.slice(start + 1)}'.`,
        )
      value += sql.slice(at, next)
      at = next + 1
      if (sql[at] !== close) return value
      value += close
      at += 1
    }
  }
  while (at < sql.length) {
    const start = at
    const char = sql[at] as string
    if (char === '\n') line += 1
    if (/\s|\uFEFF/.test(char) || char === '\0') {
      at += 1
    } else if (sql.startsWith('--', at)) {
      const next = sql.indexOf('\n', at)
      at = next < 0 ? sql.length : next
    } else if (sql.startsWith('/*', at)) {
      at = endOfComment(sql, at)
      for (let i = start; i < at; i += 1) if (sql.charCodeAt(i) === 10) line += 1
    } else if (char === "'") {
      push('string', start, quoted("'"), false)
    } else if ((char === 'N' || char === 'n') && sql[at + 1] === "'") {
      at += 1
      push('string', start, quoted("'"), true)
    } else if (char === '[') {
      push('quoted', start, quoted(']'))
    } else if (char === '"') {
      const value = quoted('"')
      if (quotedIdentifier) push('quoted', start, value)
      else push('string', start, value, false)
    } else if (/^0x/i.test(sql.slice(at, at + 2))) {
      at += 2
      while (/[0-9a-f]/i.test(sql[at] ?? '')) at += 1
      push('binary', start, sql.slice(start + 2, at))
    } else if (/[0-9]/.test(char) || (char === '.' && /[0-9]/.test(sql[at + 1] ?? ''))) {
      const match = /^(\d+\.?\d*|\.\d+)(e[+-]?\d+)?/i.exec(sql.slice(at, at + 400)) as RegExpExecArray
      at += match[0].length
      push('number', start, match[0])
    } else if (char === '@') {
      at += 1
      while (WORD_PART.test(sql[at] ?? '')) at += 1
      push('variable', start, sql.slice(start, at))
    } else if (WORD_START.test(char)) {
      while (WORD_PART.test(sql[at] ?? '')) at += 1
      push('word', start, sql.slice(start, at))
    } else {
      const op = OPS.find((candidate) => sql.startsWith(candidate, at)) ?? char
      if (!/^[-+*/%&|^~=<>!().,;:]+$/.test(op)) throw new SqlError(102, `Incorrect syntax near '${op}'.`)
      at += op.length
      push('op', start, op)
    }
  }
  tokens.push({ kind: 'end', text: '', value: '', start: sql.length, end: sql.length, line })
  return tokens
}

function endOfComment(sql: string, from: number): number {
  let depth = 0
  let at = from
  while (at < sql.length) {
    if (sql.startsWith('/*', at)) {
      depth += 1
      at += 2
    } else if (sql.startsWith('*/', at)) {
      depth -= 1
      at += 2
      if (depth === 0) return at
    } else at += 1
  }
  throw new SqlError(113, "Missing end comment mark '*/'.", { severity: 15, endsBatch: true })
}
