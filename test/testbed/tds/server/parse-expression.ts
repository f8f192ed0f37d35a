import type { Expr, Order, Query } from './ast.ts'
import { type Cursor, RESERVED } from './cursor.ts'
import { parseQuery } from './parse-query.ts'
import { parseTypeName } from './parse-type-name.ts'
import { decimal, FLOAT, INT, nvarchar, varbinary, varchar } from './types.ts'

export function parseExpression(c: Cursor): Expr {
  return parseOr(c)
}

function parseOr(c: Cursor): Expr {
  let left = parseAnd(c)
  while (c.accept('OR')) left = { kind: 'logic', op: 'OR', left, right: parseAnd(c) }
  return left
}

function parseAnd(c: Cursor): Expr {
  let left = parseNot(c)
  while (c.accept('AND')) left = { kind: 'logic', op: 'AND', left, right: parseNot(c) }
  return left
}

function parseNot(c: Cursor): Expr {
  return c.accept('NOT') ? { kind: 'not', operand: parseNot(c) } : parsePredicate(c)
}

const COMPARISONS = new Set(['=', '<>', '!=', '<', '>', '<=', '>=', '!<', '!>'])

const SAME: Readonly<Record<string, string>> = { '!=': '<>', '!<': '>=', '!>': '<=' }

function parsePredicate(c: Cursor): Expr {
  if (c.at('EXISTS')) {
    c.next()
    return { kind: 'exists', query: parenthesizedQuery(c) }
  }
  let left = parseAdditive(c)
  while (true) {
    if (c.token.kind === 'op' && COMPARISONS.has(c.token.text)) {
      const op = c.next().text
      left = { kind: 'compare', op: SAME[op] ?? op, left, right: parseAdditive(c) }
    } else if (c.accept('IS')) {
      const negated = c.accept('NOT')
      c.expect('NULL')
      left = { kind: 'is-null', operand: left, negated }
    } else {
      const negated = c.at('NOT') && ['IN', 'LIKE', 'BETWEEN'].includes(c.peek(1).text)
      if (negated) c.next()
      if (c.accept('IN')) {
        const isSubquery = c.op('(') && (c.peek(1).text === 'SELECT' || c.peek(1).text === 'WITH')
        const list = isSubquery ? parenthesizedQuery(c) : c.parenthesized(() => parseExpression(c))
        left = { kind: 'in', operand: left, list, negated }
      } else if (c.accept('LIKE')) {
        const pattern = parseAdditive(c)
        const escaping = c.accept('ESCAPE') ? { escape: parseAdditive(c) } : {}
        left = { kind: 'like', operand: left, pattern, ...escaping, negated }
      } else if (c.accept('BETWEEN')) {
        const low = parseAdditive(c)
        c.expect('AND')
        const high = parseAdditive(c)
        // The server itself keeps it as two comparisons.
        const range: Expr = {
          kind: 'logic',
          op: 'AND',
          left: { kind: 'compare', op: '>=', left, right: low },
          right: { kind: 'compare', op: '<=', left, right: high },
        }
        left = negated ? { kind: 'not', operand: range } : range
      } else return left
    }
  }
}

function parseAdditive(c: Cursor): Expr {
  let left = parseMultiplicative(c)
  while (c.token.kind === 'op' && ['+', '-', '&', '|', '^'].includes(c.token.text))
    left = { kind: 'binary', op: c.next().text, left, right: parseMultiplicative(c) }
  return left
}

function parseMultiplicative(c: Cursor): Expr {
  let left = parseUnary(c)
  while (c.token.kind === 'op' && ['*', '/', '%'].includes(c.token.text))
    left = { kind: 'binary', op: c.next().text, left, right: parseUnary(c) }
  return left
}

function parseUnary(c: Cursor): Expr {
  if (c.token.kind === 'op' && ['-', '+', '~'].includes(c.token.text)) {
    const op = c.next().text as '-' | '+' | '~'
    return { kind: 'unary', op, operand: parseUnary(c) }
  }
  let operand = parsePrimary(c)
  while (c.accept('COLLATE')) operand = { kind: 'collate', operand, collation: c.name() }
  return operand
}

function parenthesizedQuery(c: Cursor): Query {
  c.expectOp('(')
  const query = parseQuery(c)
  c.expectOp(')')
  return query
}

function parsePrimary(c: Cursor): Expr {
  const token = c.token
  switch (token.kind) {
    case 'number':
      c.next()
      return numberLiteral(token.value)
    case 'string': {
      c.next()
      const length = token.value.length
      const type = token.unicode
        ? nvarchar(length > 4000 ? -1 : Math.max(1, length))
        : varchar(length > 8000 ? -1 : Math.max(1, length))
      const text = `${token.unicode ? 'N' : ''}'${token.value.replaceAll("'", "''")}'`
      return { kind: 'literal', type, value: token.value, text }
    }
    case 'binary': {
      c.next()
      const bytes = Uint8Array.from(
        Buffer.from(token.value.length % 2 ? `0${token.value}` : token.value, 'hex'),
      )
      const type = varbinary(bytes.length > 8000 ? -1 : Math.max(1, bytes.length))
      return { kind: 'literal', type, value: bytes, text: `0x${token.value}` }
    }
    case 'variable':
      c.next()
      return { kind: 'variable', name: token.value.toLowerCase() }
    case 'op':
      if (c.op('(')) {
        if (c.peek(1).text === 'SELECT' || c.peek(1).text === 'WITH')
          return { kind: 'subquery', query: parenthesizedQuery(c) }
        c.next()
        const inner = parseExpression(c)
        c.expectOp(')')
        return inner
      }
      throw c.fail()
    case 'word':
      return parseWord(c)
    case 'quoted':
      return parseNameOrCall(c)
    default:
      throw c.fail()
  }
}

function numberLiteral(text: string): Expr {
  if (/e/i.test(text)) return { kind: 'literal', type: FLOAT, value: Number(text), text }
  const [whole = '', fraction] = text.split('.')
  if (fraction === undefined && Number(whole) <= 2147483647)
    return { kind: 'literal', type: INT, value: Number(whole), text: String(Number(whole)) }
  const scale = fraction?.length ?? 0
  const digits = whole.replace(/^0+/, '').length + scale
  const value = `${whole.replace(/^0+(?=\d)/, '') || '0'}${scale > 0 ? `.${fraction}` : ''}`
  return {
    kind: 'literal',
    type: { ...decimal(Math.max(1, digits), scale), name: 'numeric' },
    value,
    text: value,
  }
}

function parseWord(c: Cursor): Expr {
  const word = c.token.text
  switch (word) {
    case 'NULL':
      c.next()
      return { kind: 'literal', type: INT, value: null, text: 'NULL' }
    case 'CASE':
      return parseCase(c)
    case 'CAST':
    case 'TRY_CAST': {
      if (c.peek(1).text !== '(') break
      c.next()
      c.expectOp('(')
      const operand = parseExpression(c)
      c.expect('AS')
      const type = parseTypeName(c)
      c.expectOp(')')
      return { kind: 'convert', operand, type, attempt: word === 'TRY_CAST', asCast: true }
    }
    case 'CONVERT':
    case 'TRY_CONVERT': {
      c.next()
      c.expectOp('(')
      const type = parseTypeName(c)
      c.expectOp(',')
      const operand = parseExpression(c)
      const style = c.acceptOp(',') ? { style: parseExpression(c) } : {}
      c.expectOp(')')
      return { kind: 'convert', operand, type, ...style, attempt: word === 'TRY_CONVERT', asCast: false }
    }
    case 'NEXT':
      if (!c.at('NEXT', 'VALUE', 'FOR')) break
      c.expect('NEXT', 'VALUE', 'FOR')
      return { kind: 'next-value', name: c.names() }
    case 'CURRENT_TIMESTAMP':
      c.next()
      return call('getdate')
    case 'CURRENT_USER':
    case 'SESSION_USER':
    case 'USER':
      c.next()
      return call('user_name')
    case 'SYSTEM_USER':
      c.next()
      return call('suser_sname')
    case 'COALESCE':
    case 'NULLIF':
    case 'LEFT':
    case 'RIGHT':
    case 'IDENTITY':
      if (c.peek(1).text !== '(') throw c.fail()
      c.next()
      return parseArguments(c, [word])
    default:
  }
  if (RESERVED.has(word)) throw c.fail()
  return parseNameOrCall(c)
}

const call = (name: string): Expr => ({ kind: 'call', name: [name], args: [], star: false, distinct: false })

function parseCase(c: Cursor): Expr {
  c.expect('CASE')
  const operand = c.at('WHEN') ? {} : { operand: parseExpression(c) }
  const whens: { when: Expr; result: Expr }[] = []
  while (c.accept('WHEN')) {
    const when = parseExpression(c)
    c.expect('THEN')
    whens.push({ when, result: parseExpression(c) })
  }
  if (whens.length === 0) throw c.fail()
  const otherwise = c.accept('ELSE') ? { otherwise: parseExpression(c) } : {}
  c.expect('END')
  return { kind: 'case', ...operand, whens, ...otherwise }
}

function parseNameOrCall(c: Cursor): Expr {
  const parts = c.names()
  return c.op('(') ? parseArguments(c, parts) : { kind: 'name', parts }
}

function parseArguments(c: Cursor, name: readonly string[]): Expr {
  c.expectOp('(')
  const distinct = c.accept('DISTINCT')
  let star = false
  const args: Expr[] = []
  if (c.acceptOp('*')) star = true
  else if (!c.op(')'))
    args.push(
      ...c.list((): Expr => {
        // DATEADD(day, …), DATEDIFF(ms, …): the first argument is a bare word.
        if (
          args.length === 0 &&
          c.token.kind === 'word' &&
          /^DATE(ADD|DIFF|DIFF_BIG|PART|NAME)$/i.test(name[0] ?? '')
        )
          if (c.peek(1).text === ',') return { kind: 'name', parts: [c.next().value] }
        return c.accept('DEFAULT')
          ? { kind: 'literal', type: INT, value: null, text: 'DEFAULT' }
          : parseExpression(c)
      }),
    )
  c.expectOp(')')
  let expr: Expr = { kind: 'call', name, args, star, distinct }
  if (c.at('WITHIN', 'GROUP')) {
    c.expect('WITHIN', 'GROUP')
    c.expectOp('(')
    c.expect('ORDER', 'BY')
    expr = { ...expr, withinGroup: parseOrders(c) }
    c.expectOp(')')
  }
  if (c.accept('OVER')) {
    c.expectOp('(')
    const partition = c.accept('PARTITION') ? c.after('BY', () => c.list(() => parseExpression(c))) : []
    const order = c.accept('ORDER') ? c.after('BY', () => parseOrders(c)) : []
    c.expectOp(')')
    expr = { ...expr, over: { partition, order } }
  }
  return expr
}

export function parseOrders(c: Cursor): Order[] {
  return c.list(() => {
    const by = parseExpression(c)
    const descending = c.accept('DESC')
    if (!descending) c.accept('ASC')
    return { by, descending }
  })
}
