import { registerHooks } from 'node:module'

/** What is used of ANTLR's runtime, which @dbml/core carries inside and doesn't export. */
interface Recognizer {
  removeErrorListeners(): void
  addErrorListener(listener: object): void
}
interface Runtime {
  readonly InputStream: new (text: string, decodeToUnicodeCodePoints: boolean) => object
  readonly CommonTokenStream: new (lexer: object) => object
}
interface Grammar {
  readonly lexer: new (input: object) => Recognizer
  readonly parser: new (tokens: object) => Recognizer & Readonly<Record<string, () => unknown>>
  readonly antlr: Runtime
}

type Grammars = Readonly<Record<'mssql' | 'oracle', Grammar>>

/** A text that the grammar of its dialect refuses. Lines and columns count from 1. */
export class GrammarError extends Error {
  readonly line: number
  readonly column: number

  constructor(line: number, column: number, reason: string) {
    super(`line ${line}, column ${column}: ${reason}`)
    this.name = 'GrammarError'
    this.line = line
    this.column = column
  }
}

const ENTRY = '/@dbml/core/lib/index.mjs'

let loaded: Promise<Grammars> | undefined

/**
 * The parsers of ANTLR's grammars for T-SQL and PL/SQL that @dbml/core is made with. Its own import function would do,
 * but it walks the tree for a diagram and stumbles over statements that a diagram has no use for; so the classes are
 * taken out of the module while it loads.
 */
export function loadGrammars(): Promise<Grammars> {
  loaded ??= (async () => {
    const hooks = registerHooks({
      load(url, context, nextLoad) {
        const module = nextLoad(url, context)
        if (!url.endsWith(ENTRY)) return module
        const source = String(module.source)
        return { ...module, source: `${source}\nexport const grammars = { ${exported(source)} }\n` }
      },
    })
    try {
      // Not in its types: the hook has just added it.
      const module = (await import('@dbml/core')) as object as Partial<Record<'grammars', Grammars>>
      if (module.grammars === undefined) throw new Error('@dbml/core was loaded before the hook was there')
      return module.grammars
    } finally {
      hooks.deregister()
    }
  })()
  return loaded
}

/** The names in the bundle are short and change: `case "mssql": { let e = new F(n), t = new L(new P.CommonTokenStream(e))`. */
function exported(source: string): string {
  return ['mssql', 'oracle']
    .map((dialect) => {
      const [, lexer, parser, antlr] =
        new RegExp(
          `case "${dialect}": \\{\\s*let \\w+ = new ([\\w$]+)\\(\\w+\\), \\w+ = new ([\\w$]+)\\(new ([\\w$]+)\\.CommonTokenStream`,
        ).exec(source) ?? []
      if (antlr === undefined) throw new Error(`@dbml/core no longer parses ${dialect} as it did`)
      return `${dialect}: { lexer: ${lexer}, parser: ${parser}, antlr: ${antlr} }`
    })
    .join(', ')
}

/** Throws a GrammarError at the first thing that the lexer or the parser doesn't know. */
export async function parseWith(
  dialect: 'mssql' | 'oracle',
  startRule: 'tsql_file' | 'sql_script',
  text: string,
): Promise<void> {
  const { lexer: Lexer, parser: Parser, antlr } = (await loadGrammars())[dialect]
  const strict = {
    syntaxError(_of: unknown, _symbol: unknown, line: number, column: number, reason: string): never {
      throw new GrammarError(line, column + 1, reason)
    },
    reportAmbiguity() {},
    reportAttemptingFullContext() {},
    reportContextSensitivity() {},
  }
  const lexer = new Lexer(new antlr.InputStream(text, true))
  lexer.removeErrorListeners()
  lexer.addErrorListener(strict)
  const parser = new Parser(new antlr.CommonTokenStream(lexer))
  parser.removeErrorListeners()
  parser.addErrorListener(strict)
  const start = parser[startRule]
  if (start === undefined) throw new Error(`the grammar of ${dialect} has no rule ${startRule}`)
  start.call(parser)
}
