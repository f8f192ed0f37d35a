import { type Token, tokenize } from './lexer.ts'
import { SqlError, syntaxError } from './sql-error.ts'

/** Walks over the tokens of a batch. Words are matched in upper case; a quoted name is never a keyword. */
export interface Cursor {
  readonly sql: string
  readonly token: Token
  peek(ahead?: number): Token
  next(): Token
  at(...words: readonly string[]): boolean
  op(text: string): boolean
  accept(...words: readonly string[]): boolean
  acceptOp(text: string): boolean
  expect(...words: readonly string[]): void
  expectOp(text: string): void
  /** What stands after a word that must be there. */
  after<T>(word: string, parse: () => T): T
  name(): string
  /** `a.b.c`, with '' for a part left out. */
  names(): string[]
  fail(): SqlError
  list<T>(item: () => T): T[]
  parenthesized<T>(item: () => T): T[]
}

/** Words that can't be a name without brackets. */
export const RESERVED = new Set(
  `ADD ALL ALTER AND ANY AS ASC AUTHORIZATION BACKUP BEGIN BETWEEN BREAK BROWSE BULK BY CASCADE CASE CHECK CHECKPOINT CLOSE
  CLUSTERED COALESCE COLLATE COLUMN COMMIT COMPUTE CONSTRAINT CONTAINS CONTINUE CONVERT CREATE CROSS CURRENT CURRENT_DATE
  CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER CURSOR DATABASE DBCC DEALLOCATE DECLARE DEFAULT DELETE DENY DESC DISTINCT
  DROP ELSE END ERRLVL ESCAPE EXCEPT EXEC EXECUTE EXISTS EXIT FETCH FILE FILLFACTOR FOR FOREIGN FROM FULL FUNCTION GOTO
  GRANT GROUP HAVING HOLDLOCK IDENTITY IDENTITY_INSERT IDENTITYCOL IF IN INDEX INNER INSERT INTERSECT INTO IS JOIN KEY KILL
  LEFT LIKE MERGE NATIONAL NOCHECK NONCLUSTERED NOT NULL NULLIF OF OFF OFFSETS ON OPEN OPTION OR ORDER OUTER OVER PERCENT
  PIVOT PLAN PRIMARY PRINT PROC PROCEDURE PUBLIC RAISERROR READ REFERENCES RESTORE RETURN REVERT REVOKE RIGHT ROLLBACK
  ROWCOUNT ROWGUIDCOL RULE SAVE SCHEMA SELECT SESSION_USER SET SHUTDOWN SOME STATISTICS SYSTEM_USER TABLE TABLESAMPLE
  THEN TO TOP TRAN TRANSACTION TRIGGER TRUNCATE TRY_CONVERT UNION UNIQUE UNPIVOT UPDATE USE USER VALUES VARYING VIEW
  WAITFOR WHEN WHERE WHILE WITH WITHIN`.split(/\s+/),
)

export function createCursor(sql: string, quotedIdentifier = true): Cursor {
  const tokens = tokenize(sql, quotedIdentifier)
  let position = 0
  const peek = (ahead = 0): Token => tokens[Math.min(position + ahead, tokens.length - 1)] as Token
  const cursor: Cursor = {
    sql,
    get token() {
      return peek()
    },
    peek,
    next() {
      const token = peek()
      position += 1
      return token
    },
    at(...words) {
      return words.every((word, index) => peek(index).kind === 'word' && peek(index).text === word)
    },
    op: (text) => peek().kind === 'op' && peek().text === text,
    accept(...words) {
      if (!cursor.at(...words)) return false
      position += words.length
      return true
    },
    acceptOp(text) {
      if (!cursor.op(text)) return false
      position += 1
      return true
    },
    expect(...words) {
      for (const word of words) if (!cursor.accept(word)) throw cursor.fail()
    },
    expectOp(text) {
      if (!cursor.acceptOp(text)) throw cursor.fail()
    },
    after(word, parse) {
      cursor.expect(word)
      return parse()
    },
    name() {
      const token = peek()
      if (token.kind !== 'quoted' && !(token.kind === 'word' && !RESERVED.has(token.text)))
        throw cursor.fail()
      position += 1
      return token.value
    },
    names() {
      const parts = [cursor.name()]
      while (cursor.acceptOp('.')) {
        if (cursor.op('.')) parts.push('')
        // After a dot a keyword is a name too, as in msdb.dbo.user.
        else if (peek().kind === 'word') parts.push(cursor.next().value)
        else parts.push(cursor.name())
      }
      return parts
    },
    fail() {
      const token = peek()
      const last = tokens[Math.max(0, position - 1)] as Token
      const near = token.kind === 'end' ? last : token
      const error =
        token.kind === 'word' && RESERVED.has(token.text)
          ? new SqlError(156, `Incorrect syntax near the keyword '${near.value}'.`)
          : syntaxError(near.value)
      error.line = near.line
      return error
    },
    list(item) {
      const items = [item()]
      while (cursor.acceptOp(',')) items.push(item())
      return items
    },
    parenthesized(item) {
      cursor.expectOp('(')
      const items = cursor.list(item)
      cursor.expectOp(')')
      return items
    },
  }
  return cursor
}
