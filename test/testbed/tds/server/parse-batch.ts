import type { Expr } from './ast.ts'
import { type Cursor, createCursor, RESERVED } from './cursor.ts'
import { parseAlter, parseCreate, parseDrop } from './parse-ddl.ts'
import { parseDelete, parseInsert, parseUpdate } from './parse-dml.ts'
import { parseExpression } from './parse-expression.ts'
import { parseQuery } from './parse-query.ts'
import { parsePermission } from './parse-security.ts'
import { parseTypeName } from './parse-type-name.ts'
import type { Argument, Statement, StatementBody } from './statements.ts'

/** The whole batch, before anything of it runs: a syntax error anywhere runs nothing. */
export function parseBatch(sql: string, quotedIdentifier: boolean): Statement[] {
  const c = createCursor(sql, quotedIdentifier)
  const statements: Statement[] = []
  while (c.acceptOp(';'));
  while (c.token.kind !== 'end') {
    statements.push(parseStatement(c, statements.length === 0))
    while (c.acceptOp(';'));
  }
  return statements
}

export function parseStatement(c: Cursor, first = false): Statement {
  const { line, start } = c.token
  const body = parseBody(c, first)
  return Object.assign(body, { line, text: c.sql.slice(start, c.token.start).trimEnd() })
}

function block(c: Cursor, end: () => boolean): Statement[] {
  const body: Statement[] = []
  while (c.acceptOp(';'));
  while (!end()) {
    body.push(parseStatement(c))
    while (c.acceptOp(';'));
  }
  return body
}

function parseBody(c: Cursor, first: boolean): StatementBody {
  const { token } = c
  if (token.kind === 'op' && token.text === '(') return { kind: 'select', query: parseQuery(c) }
  if (token.kind !== 'word') {
    if (first && token.kind === 'quoted') return parseExec(c)
    throw c.fail()
  }
  switch (token.text) {
    case 'SELECT':
    case 'WITH':
      return { kind: 'select', query: parseQuery(c) }
    case 'INSERT':
      return parseInsert(c)
    case 'UPDATE':
      return parseUpdate(c)
    case 'DELETE':
      return parseDelete(c)
    case 'TRUNCATE':
      c.expect('TRUNCATE', 'TABLE')
      return { kind: 'truncate', target: c.names() }
    case 'CREATE':
      return parseCreate(c)
    case 'ALTER':
      return parseAlter(c)
    case 'DROP':
      return parseDrop(c)
    case 'GRANT':
    case 'DENY':
    case 'REVOKE':
      return parsePermission(c)
    case 'USE':
      c.next()
      return { kind: 'use', name: c.name() }
    case 'DECLARE':
      c.next()
      return {
        kind: 'declare',
        variables: c.list(() => {
          const name = variable(c)
          c.accept('AS')
          const type = parseTypeName(c)
          return { name, type, value: c.acceptOp('=') ? parseExpression(c) : undefined }
        }),
      }
    case 'SET':
      return parseSet(c)
    case 'EXEC':
    case 'EXECUTE':
      c.next()
      return parseExec(c)
    case 'PRINT':
      c.next()
      return { kind: 'print', value: parseExpression(c) }
    case 'RETURN':
      c.next()
      return { kind: 'return', value: startsExpression(c) ? parseExpression(c) : undefined }
    case 'THROW':
      c.next()
      return { kind: 'throw', args: startsExpression(c) ? c.list(() => parseExpression(c)) : [] }
    case 'RAISERROR': {
      c.next()
      const args = c.parenthesized(() => parseExpression(c))
      if (c.accept('WITH')) c.list(() => c.name())
      return { kind: 'raiserror', args }
    }
    case 'KILL':
      c.next()
      return { kind: 'kill', spid: Number(c.next().value) }
    case 'DBCC': {
      c.next()
      const command = c.next().text
      const args = c.op('(')
        ? c.parenthesized(() =>
            c.token.kind === 'word' ? ({ kind: 'name', parts: c.names() } as const) : parseExpression(c),
          )
        : []
      const words = c.accept('WITH') ? c.list(() => c.next().text) : []
      return { kind: 'dbcc', command, args, words }
    }
    case 'BEGIN':
      return parseBegin(c)
    case 'COMMIT':
    case 'ROLLBACK': {
      const action = c.next().text === 'COMMIT' ? 'commit' : 'rollback'
      if (!c.accept('TRANSACTION') && !c.accept('TRAN')) c.accept('WORK')
      const named = c.token.kind === 'quoted' || c.token.kind === 'variable'
      return { kind: 'transaction', action, name: named || isPlainName(c) ? c.next().value : undefined }
    }
    case 'SAVE':
      c.next()
      if (!c.accept('TRANSACTION')) c.expect('TRAN')
      return { kind: 'transaction', action: 'save', name: c.name() }
    case 'IF': {
      c.next()
      const condition = parseExpression(c)
      const then = parseStatement(c)
      while (c.op(';') && c.peek(1).text === 'ELSE') c.next()
      return { kind: 'if', condition, then, otherwise: c.accept('ELSE') ? parseStatement(c) : undefined }
    }
    case 'WHILE': {
      c.next()
      const condition = parseExpression(c)
      return { kind: 'while', condition, body: parseStatement(c) }
    }
    case 'BREAK':
    case 'CONTINUE':
      return { kind: c.next().text === 'BREAK' ? 'break' : 'continue' }
    case 'ENABLE':
    case 'DISABLE':
      return parseTriggerState(c)
    default:
      // Only the first statement of a batch may leave out EXEC.
      if (first) return parseExec(c)
      throw c.fail()
  }
}

const isPlainName = (c: Cursor) =>
  c.token.kind === 'word' &&
  !/^(IF|ELSE|END|BEGIN|SELECT|INSERT|UPDATE|DELETE|PRINT|RETURN|THROW|EXEC|SET|DECLARE|CREATE|ALTER|DROP|RAISERROR|WHILE|COMMIT|ROLLBACK|ENABLE|DISABLE|DBCC|USE)$/.test(
    c.token.text,
  )

const VALUE_WORDS = new Set(
  'CASE CONVERT TRY_CONVERT COALESCE NULLIF LEFT RIGHT NULL CURRENT_TIMESTAMP CURRENT_USER USER SYSTEM_USER EXISTS NOT'.split(
    ' ',
  ),
)

/** After RETURN and THROW, which may stand alone. */
const startsExpression = (c: Cursor) =>
  ['number', 'string', 'variable', 'binary', 'quoted'].includes(c.token.kind) ||
  c.op('(') ||
  c.op('-') ||
  (c.token.kind === 'word' &&
    (VALUE_WORDS.has(c.token.text) ||
      (!RESERVED.has(c.token.text) && !/^(THROW|ENABLE|DISABLE)$/.test(c.token.text))))

function variable(c: Cursor): string {
  const token = c.next()
  if (token.kind !== 'variable') throw c.fail()
  return token.value.toLowerCase()
}

function parseBegin(c: Cursor): StatementBody {
  c.expect('BEGIN')
  if (c.accept('TRANSACTION') || c.accept('TRAN')) {
    const named = c.token.kind === 'quoted' || (c.token.kind === 'word' && isPlainName(c))
    return { kind: 'transaction', action: 'begin', name: named ? c.next().value : undefined }
  }
  if (c.accept('TRY')) {
    const body = block(c, () => c.at('END', 'TRY'))
    c.expect('END', 'TRY')
    while (c.acceptOp(';'));
    c.expect('BEGIN', 'CATCH')
    const handler = block(c, () => c.at('END', 'CATCH'))
    c.expect('END', 'CATCH')
    return { kind: 'try', body, handler }
  }
  const body = block(c, () => c.at('END'))
  c.expect('END')
  if (body.length === 0) throw c.fail()
  return { kind: 'block', body }
}

function parseSet(c: Cursor): StatementBody {
  c.expect('SET')
  if (c.token.kind === 'variable') {
    const name = variable(c)
    const op = /^([-+*/])=$/.exec(c.peek().text)?.[1]
    if (op === undefined) c.expectOp('=')
    else c.next()
    const right = parseExpression(c)
    const value: Expr =
      op === undefined ? right : { kind: 'binary', op, left: { kind: 'variable', name }, right }
    return { kind: 'set-variable', name, value }
  }
  if (c.accept('TRANSACTION')) {
    c.expect('ISOLATION', 'LEVEL')
    const words = [c.next().text]
    if (words[0] === 'READ' || words[0] === 'REPEATABLE') words.push(c.next().text)
    return { kind: 'set-option', option: 'ISOLATION', value: words.join(' ') }
  }
  if (c.accept('IDENTITY_INSERT')) {
    const table = c.names()
    return { kind: 'set-option', option: 'IDENTITY_INSERT', value: c.next().text, table }
  }
  const option = [c.next().text]
  while (c.acceptOp(',')) option.push(c.next().text)
  const sign = c.acceptOp('-') ? '-' : ''
  return { kind: 'set-option', option: option.join(','), value: sign + c.next().text }
}

function parseExec(c: Cursor): StatementBody {
  if (c.op('(')) {
    c.next()
    const sql = parseExpression(c)
    c.expectOp(')')
    return { kind: 'exec-text', sql }
  }
  let result: string | undefined
  if (c.token.kind === 'variable' && c.peek(1).text === '=') {
    result = variable(c)
    c.next()
  }
  const procedure = c.names()
  const args = startsArgument(c) ? c.list(() => parseArgument(c)) : []
  return { kind: 'exec', procedure, args, result }
}

const startsArgument = (c: Cursor) =>
  ['variable', 'string', 'number', 'binary', 'quoted'].includes(c.token.kind) ||
  c.op('-') ||
  c.at('NULL') ||
  c.at('DEFAULT')

function parseArgument(c: Cursor): Argument {
  let name: string | undefined
  if (c.token.kind === 'variable' && c.peek(1).text === '=') {
    name = variable(c)
    c.next()
  }
  // A bare word is a text, as in EXEC sp_addrolemember db_owner, ann.
  const bare = c.token.kind === 'quoted' || (c.token.kind === 'word' && c.token.text !== 'NULL')
  const value = bare
    ? ({
        kind: 'literal',
        type: { name: 'nvarchar', length: 256 },
        value: c.token.value,
        text: c.next().value,
      } as const)
    : parseExpression(c)
  const output = c.accept('OUTPUT') || c.accept('OUT')
  return { name, value, output }
}

function parseTriggerState(c: Cursor): StatementBody {
  const enable = c.next().text === 'ENABLE'
  c.expect('TRIGGER')
  const names = c.accept('ALL') ? 'ALL' : c.list(() => c.names())
  c.expect('ON')
  return { kind: 'trigger-state', enable, names, on: c.accept('DATABASE') ? 'DATABASE' : c.names() }
}
