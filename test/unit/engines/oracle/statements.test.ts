import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import { READ_JOB_STATUS, START_EXPORT } from '../../../../src/engines/oracle/datapump-statements.ts'
import { STATEMENTS } from '../../../../src/engines/oracle/statements.ts'

/** The driver's own reading of a text: what kind it is, and which binds it has. */
interface DriverStatement {
  readonly isQuery: boolean
  readonly isPlSql: boolean
  readonly bindInfoDict: ReadonlyMap<string, unknown>
  _prepare(sql: string): void
}

const { Statement } = createRequire(import.meta.url)('oracledb/lib/thin/statement.js') as {
  readonly Statement: new () => DriverStatement
}

describe('every text that is sent to Oracle', () => {
  test.each(Object.entries(STATEMENTS))('%s is read by the driver as it is meant', (_name, text) => {
    const statement = new Statement()
    statement._prepare(text)
    expect([statement.isQuery, statement.isPlSql]).toEqual(
      /^\s*SELECT\b/.test(text) ? [true, false] : [false, true],
    )
    const outside = text.replace(/'(?:[^']|'')*'/g, "''")
    const meant = new Set([...outside.matchAll(/:(\w+)/g)].map(([, name]) => name?.toUpperCase()))
    expect(new Set(statement.bindInfoDict.keys())).toEqual(meant)
  })

  test.each(Object.entries(STATEMENTS))('%s builds no text of a name that nobody checked', (_name, text) => {
    for (const [, built = ''] of text.matchAll(/EXECUTE IMMEDIATE ((?:[^;'])*(?:'(?:[^']|'')*'[^;']*)*);/g)) {
      const joined = built.split(/\bINTO\b|\bUSING\b/)[0] ?? ''
      const bare = joined
        .replace(/'(?:[^']|'')*'/g, "''")
        .replace(/DBMS_ASSERT\.ENQUOTE_(?:NAME\(:\w+, FALSE\)|LITERAL\(:\w+\))/g, '')
      expect(bare).not.toMatch(/[a-z]/)
    }
  })

  test('types of Data Pump are those of its public synonyms', () => {
    for (const text of [START_EXPORT, READ_JOB_STATUS]) expect(text).not.toMatch(/SYS\.KU\$/)
  })
})
