import { fillGaps, type Gap } from './gaps.ts'
import { parseWith } from './grammars.ts'

/** What the PL/SQL grammar of @dbml/core 10 lacks of the statements that lifeboat sends. */
export const PLSQL_GAPS: readonly Gap[] = [
  {
    construct: 'an attribute or column named MASK or BYTES',
    source: 'ku$_Status of DBMS_DATAPUMP, DBA_SEGMENTS; neither is a reserved word (V$RESERVED_WORDS)',
    pattern: /(?<=\b[\p{L}\d_$#]+\.)(?:mask|bytes)\b/giu,
    instead: () => 'name',
  },
  {
    construct: 'a setting of the session that is a number',
    source: 'ALTER SESSION SET parameter_name = parameter_value',
    pattern: /(?<=\bALTER\s+SESSION\s+SET\s+\w+\s*=\s*)\d+(?=\s*(?:;|$))/giu,
    instead: (number) => `'${number}'`,
  },
  {
    construct: 'ending a session',
    source: "ALTER SYSTEM: KILL SESSION 'integer1, integer2 [, @integer3]' [ IMMEDIATE ]",
    pattern: /\bALTER\s+SYSTEM\s+KILL\s+SESSION\s+'[^']*'(?:\s+IMMEDIATE)?(?=\s*(?:;|$))/giu,
    instead: () => "ALTER SESSION SET ending = 'it'",
  },
]

/** One statement of SQL, or one anonymous block. Throws a GrammarError with line and column. */
export async function parsePlsql(text: string): Promise<void> {
  await parseWith('oracle', 'sql_script', fillGaps(text, PLSQL_GAPS, blankPlsql))
}

/** The same text with the insides of strings, quoted names and comments as `x`, in the same length. */
export function blankPlsql(text: string): string {
  return text.replace(/'(?:[^']|'')*'|"[^"]*"|--[^\n]*|\/\*[\s\S]*?\*\//g, (token) => {
    if (token.startsWith('--') || token.startsWith('/*')) return token.replace(/\S/g, ' ')
    return `${token[0]}${'x'.repeat(token.length - 2)}${token.at(-1)}`
  })
}
