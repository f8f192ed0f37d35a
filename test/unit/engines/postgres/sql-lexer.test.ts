import fc from 'fast-check'
import { expect, test } from 'vitest'
import { quoteIdentifier, quoteLiteral } from '../../../../src/engines/postgres/quote.ts'
import { splitStatements } from '../../../../src/engines/postgres/sql-lexer.ts'

test('splits at semicolons outside of literals, names and comments', () => {
  const statements = [
    `CREATE ROLE "a;b";`,
    `COMMENT ON ROLE "x""y;" IS 'it''s; -- no comment';`,
    `SELECT E'\\'; not yet', $$ ; $$, $tag$ $$ ; $tag$, a$b$c;`,
    `SELECT 1 /* ; /* nested ; */ ; */ + 2;`,
    `SELECT 1 -- ; not here\n + 2;`,
  ]
  const script = statements.map((statement) => `--\n-- a comment; it's one\n--\n\n${statement}\n`).join('')
  expect(splitStatements(script)).toEqual(statements)
})

test('keeps together whatever is quoted', () => {
  const unit = fc.constantFrom(...`aE1_ ;'"\\$-/*\n\té🦊`)
  const text = fc.string({ unit, maxLength: 30 })
  fc.assert(
    fc.property(fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 5 }), (pairs) => {
      const statements = pairs.map(
        ([name, value]) => `COMMENT ON ROLE ${quoteIdentifier(name)} IS ${quoteLiteral(value)};`,
      )
      expect(splitStatements(statements.join('\n'))).toEqual(statements)
    }),
  )
})
