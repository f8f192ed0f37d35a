import { describe, expect, it } from 'vitest'
import { boundedText } from '../../../src/engines/oracle/query.ts'
import { STATEMENTS } from '../../../src/engines/oracle/statements.ts'
import { parsePlsql } from './plsql.ts'
import { readSqlLiterals, uncovered } from './sql-literals.ts'

const FOLDER = 'src/engines/oracle'

/** Texts that begin like SQL and are never sent: `file` → how they begin. */
const NEVER_SENT: Readonly<Record<string, readonly string[]>> = {
  // Names of privileges.
  [`${FOLDER}/probe-privileges.ts`]: ['CREATE ANY TABLE'],
}

// ANTLR takes seconds for the first statement of each kind, many times that on a busy machine.
describe('what lifeboat sends to Oracle', { timeout: 240_000 }, () => {
  /** A query of the operator's, in what goes around it. */
  const BOUNDED = boundedText('SELECT id FROM orders -- all;')

  it.each([...Object.entries(STATEMENTS), ['a bounded query', BOUNDED] as const])(
    '%s is PL/SQL',
    async (_name, text) => {
      await parsePlsql(text)
    },
  )

  const dynamic = Object.entries(STATEMENTS).flatMap(([name, text]) =>
    dynamicStatements(text).map((inner) => [name, inner] as const),
  )

  it.each(dynamic)('%s runs SQL: %s', async (_name, inner) => {
    // Quoted names are values of ALTER SESSION too, which this grammar does not know.
    await parsePlsql(inner.replace(/^(ALTER SESSION SET \w+ = )"A name"$/, '$1A_NAME'))
  })

  it('is all there is', async () => {
    expect(Object.keys(STATEMENTS).length).toBeGreaterThan(30)
    expect(dynamic.length).toBeGreaterThan(5)
    const texts = [...Object.values(STATEMENTS), BOUNDED]
    const found = await uncovered(readSqlLiterals(FOLDER), texts, parsePlsql, NEVER_SENT)
    expect(found).toEqual([])
    const files = new Set(readSqlLiterals(FOLDER).map(({ file }) => file))
    expect(Object.keys(NEVER_SENT).filter((file) => !files.has(file))).toEqual([])
  })
})

/** The texts of EXECUTE IMMEDIATE in a block, put together as the server does it, with names for what is bound. */
function dynamicStatements(block: string): readonly string[] {
  const expressions = block.matchAll(
    /EXECUTE IMMEDIATE\s+((?:'(?:[^']|'')*'|[^';])*?)(?=\s+(?:INTO|USING)\s|;)/g,
  )
  return [...expressions].map(([, expression = '']) => {
    const pieces = expression.match(/(?:'(?:[^']|'')*'|[^'|])+/g) ?? []
    return pieces.map((piece) => evaluate(piece.trim())).join('')
  })
}

function evaluate(piece: string): string {
  const literal = /^'((?:[^']|'')*)'$/.exec(piece)?.[1]
  if (literal !== undefined) return literal.replaceAll("''", "'")
  if (/^DBMS_ASSERT\.ENQUOTE_NAME\(:?\w+, FALSE\)$/.test(piece)) return '"A name"'
  if (/^DBMS_ASSERT\.ENQUOTE_LITERAL\(:\w+\)$/.test(piece)) return "'a value'"
  throw new Error(`a piece of dynamic SQL that is neither a literal nor a checked name: ${piece}`)
}
