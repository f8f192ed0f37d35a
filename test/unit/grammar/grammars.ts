import { registerHooks } from 'node:module'

/** What is used of ANTLR's runtime, which @dbml/core carries inside and doesn't export. */
interface Recognizer {
  removeErrorListeners(): void
  addErrorListener(listener: object): void
}
interface Parser extends Recognizer {
  readonly _interp: { predictionMode: number }
  buildParseTrees: boolean
  tsql_file(): unknown
  sql_script(): unknown
}
interface Runtime {
  readonly InputStream: new (text: string, decodeToUnicodeCodePoints: boolean) => object
  readonly CommonTokenStream: new (lexer: object) => object
}
interface Grammar {
  readonly lexer: new (input: object) => Recognizer
  readonly parser: new (tokens: object) => Parser
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

/** ANTLR's numbers. What SLL takes, LL takes as well; SLL is three times as fast, and refuses some of what LL takes. */
const PREDICTION = { SLL: 0, LL: 1 } as const

/** Throws a GrammarError at the first thing that the lexer or the parser doesn't know. */
export async function parseWith(
  dialect: 'mssql' | 'oracle',
  startRule: 'tsql_file' | 'sql_script',
  text: string,
): Promise<void> {
  const grammar = (await loadGrammars())[dialect]
  // The grammar of PL/SQL has so many keywords that are names, too, that SLL seldom gets through.
  if (dialect === 'mssql') {
    try {
      parseOnce(grammar, startRule, text, PREDICTION.SLL)
      return
    } catch (thrown) {
      if (!(thrown instanceof GrammarError)) throw thrown
    }
  }
  parseOnce(grammar, startRule, text, PREDICTION.LL)
}

function parseOnce(
  { lexer: Lexer, parser: Parser, antlr }: Grammar,
  startRule: 'tsql_file' | 'sql_script',
  text: string,
  predictionMode: number,
): void {
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
  parser._interp.predictionMode = predictionMode
  // Nobody looks at it.
  parser.buildParseTrees = false
  parser[startRule]()
}
