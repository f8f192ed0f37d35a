/** Knows, while SQL passes by, whether it is inside a literal, a quoted name or a comment. */
export interface SqlLexer {
  /**
   * Reads on. A text may end after a line break or at the very end of the script only, since the marks that it looks for
   * (`--`, `''`, `$tag$`) never span lines. `onEnd` gets the offset behind each semicolon that ends a statement.
   */
  read(text: string, onEnd?: (offset: number) => void): void
  /** No statement is open: only white space and comments came since the last one. */
  readonly atStart: boolean
}

type State =
  | { readonly in: 'plain' | 'name' | 'line-comment' }
  | { readonly in: 'literal'; readonly escapes: boolean }
  | { readonly in: 'dollar'; readonly tag: string }
  | { readonly in: 'block-comment'; readonly depth: number }

const PLAIN: State = { in: 'plain' }
const IDENTIFIER = /[A-Za-z0-9_$\u0080-\uffff]/
const INTERESTING = /['"$;/-]|[^\s'"$;/-]/g
const DOLLAR_TAG = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y

/** https://www.postgresql.org/docs/current/sql-syntax-lexical.html */
export function createSqlLexer(): SqlLexer {
  let state: State = PLAIN
  let empty = true

  function readPlain(text: string, from: number, onEnd: ((offset: number) => void) | undefined): number {
    INTERESTING.lastIndex = from
    const at = INTERESTING.exec(text)?.index
    if (at === undefined) return text.length
    const character = text[at] as string
    const two = text.slice(at, at + 2)
    if (two === '--' || two === '/*') {
      state = two === '--' ? { in: 'line-comment' } : { in: 'block-comment', depth: 1 }
      return at + 2
    }
    if (character === ';') {
      empty = true
      onEnd?.(at + 1)
      return at + 1
    }
    empty = false
    const before = text[at - 1] ?? ' '
    if (character === "'") {
      const escapes = /[eE]/.test(before) && !IDENTIFIER.test(text[at - 2] ?? ' ')
      state = { in: 'literal', escapes }
    } else if (character === '"') state = { in: 'name' }
    else if (character === '$' && !IDENTIFIER.test(before)) {
      DOLLAR_TAG.lastIndex = at
      const tag = DOLLAR_TAG.exec(text)?.[0]
      if (tag !== undefined) {
        state = { in: 'dollar', tag }
        return at + tag.length
      }
    }
    return at + 1
  }

  function readQuoted(text: string, from: number, quote: string, escapes: boolean): number {
    for (let at = from; at < text.length; at += 1) {
      if (escapes && text[at] === '\\') at += 1
      else if (text[at] === quote) {
        // A doubled quote is one character of the literal.
        if (text[at + 1] === quote) at += 1
        else {
          state = PLAIN
          return at + 1
        }
      }
    }
    return text.length
  }

  function readUntil(text: string, from: number, mark: string): number {
    const at = text.indexOf(mark, from)
    if (at < 0) return text.length
    state = PLAIN
    return at + mark.length
  }

  function readComment(text: string, from: number, depth: number): number {
    const close = text.indexOf('*/', from)
    const open = text.indexOf('/*', from)
    if (open >= 0 && (close < 0 || open < close)) {
      state = { in: 'block-comment', depth: depth + 1 }
      return open + 2
    }
    if (close < 0) return text.length
    state = depth === 1 ? PLAIN : { in: 'block-comment', depth: depth - 1 }
    return close + 2
  }

  return {
    read(text, onEnd) {
      let at = 0
      while (at < text.length) {
        if (state.in === 'plain') at = readPlain(text, at, onEnd)
        else if (state.in === 'literal') at = readQuoted(text, at, "'", state.escapes)
        else if (state.in === 'name') at = readQuoted(text, at, '"', false)
        else if (state.in === 'dollar') at = readUntil(text, at, state.tag)
        else if (state.in === 'line-comment') at = readUntil(text, at, '\n')
        else if (state.in === 'block-comment') at = readComment(text, at, state.depth)
      }
    },
    get atStart() {
      return empty && state.in === 'plain'
    },
  }
}

/** The statements of a script without psql's own commands, each without the comments before it, with its semicolon. */
export function splitStatements(script: string): string[] {
  const statements: string[] = []
  let from = 0
  createSqlLexer().read(script, (to) => {
    statements.push(withoutLeadingComments(script.slice(from, to)))
    from = to
  })
  const rest = withoutLeadingComments(script.slice(from))
  if (rest !== '') statements.push(rest)
  return statements
}

function withoutLeadingComments(text: string): string {
  let rest = text.trim()
  for (;;) {
    const comment = /^(?:--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)\s*/.exec(rest)
    if (comment === null) return rest
    rest = rest.slice(comment[0].length)
  }
}
