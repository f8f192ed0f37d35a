import { fillGaps } from './gaps.ts'
import { parseWith } from './grammars.ts'
import { TSQL_GAPS } from './tsql-gaps.ts'

/** One batch, as it goes to the server (no GO). Throws a GrammarError with line and column. */
export async function parseTsql(text: string): Promise<void> {
  await parseWith('mssql', 'tsql_file', fillGaps(text, TSQL_GAPS, blankTsql))
}

/** The same text with the insides of strings, quoted names and comments as `x`, in the same length. */
export function blankTsql(text: string): string {
  return text.replace(
    /'(?:[^']|'')*'|"(?:[^"]|"")*"|\[(?:[^\]]|\]\])*\]|--[^\n]*|\/\*[\s\S]*?\*\//g,
    (token) => {
      if (token.startsWith('--') || token.startsWith('/*')) return token.replace(/\S/g, ' ')
      return `${token[0]}${'x'.repeat(token.length - 2)}${token.at(-1)}`
    },
  )
}
