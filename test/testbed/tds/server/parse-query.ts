import type { Expr, Query, Select, SelectItem, Source } from './ast.ts'
import { type Cursor, RESERVED } from './cursor.ts'
import { parseExpression, parseOrders } from './parse-expression.ts'

export function parseQuery(c: Cursor): Query {
  const ctes: { name: string; columns?: readonly string[]; query: Query }[] = []
  if (c.accept('WITH'))
    c.list(() => {
      const name = c.name()
      const columns = c.op('(') ? { columns: c.parenthesized(() => c.name()) } : {}
      c.expect('AS')
      c.expectOp('(')
      const query = parseQuery(c)
      c.expectOp(')')
      ctes.push({ name, ...columns, query })
    })
  const first = parseOperand(c)
  const rest: { op: 'UNION' | 'UNION ALL' | 'EXCEPT' | 'INTERSECT'; select: Select | Query }[] = []
  while (true) {
    if (c.accept('UNION')) rest.push({ op: c.accept('ALL') ? 'UNION ALL' : 'UNION', select: parseOperand(c) })
    else if (c.accept('EXCEPT')) rest.push({ op: 'EXCEPT', select: parseOperand(c) })
    else if (c.accept('INTERSECT')) rest.push({ op: 'INTERSECT', select: parseOperand(c) })
    else break
  }
  const orderBy = c.accept('ORDER') ? c.after('BY', () => parseOrders(c)) : []
  let offset: { offset?: Expr; fetch?: Expr } = {}
  if (orderBy.length > 0 && c.accept('OFFSET')) {
    offset = { offset: parseExpression(c) }
    if (!c.accept('ROWS')) c.expect('ROW')
    if (c.accept('FETCH')) {
      if (!c.accept('NEXT')) c.expect('FIRST')
      offset = { ...offset, fetch: parseExpression(c) }
      if (!c.accept('ROWS')) c.expect('ROW')
      c.expect('ONLY')
    }
  }
  if (c.accept('OPTION')) {
    c.expectOp('(')
    while (!c.op(')')) c.next()
    c.expectOp(')')
  }
  return { ctes, first, rest, orderBy, ...offset }
}

function parseOperand(c: Cursor): Select | Query {
  if (!c.acceptOp('(')) return parseSelect(c)
  const query = parseQuery(c)
  c.expectOp(')')
  return query
}

function parseSelect(c: Cursor): Select {
  c.expect('SELECT')
  const distinct = c.accept('DISTINCT')
  if (!distinct) c.accept('ALL')
  let top: { top?: Expr } = {}
  if (c.accept('TOP')) {
    if (c.acceptOp('(')) {
      top = { top: parseExpression(c) }
      c.expectOp(')')
    } else {
      if (c.token.kind !== 'number') throw c.fail()
      top = { top: parseExpression(c) }
    }
  }
  const items = c.list(() => parseItem(c))
  const into = c.accept('INTO') ? { into: c.names() } : {}
  const from = c.accept('FROM') ? { from: parseFrom(c) } : {}
  const where = c.accept('WHERE') ? { where: parseExpression(c) } : {}
  const groupBy = c.accept('GROUP') ? c.after('BY', () => c.list(() => parseExpression(c))) : []
  const having = c.accept('HAVING') ? { having: parseExpression(c) } : {}
  return { distinct, ...top, items, ...into, ...from, ...where, groupBy, ...having }
}

function parseItem(c: Cursor): SelectItem {
  if (c.acceptOp('*')) return { star: [] }
  for (let ahead = 0; c.peek(ahead).kind === 'word' || c.peek(ahead).kind === 'quoted'; ahead += 2) {
    if (c.peek(ahead + 1).text !== '.') break
    if (c.peek(ahead + 2).text !== '*') continue
    const star: string[] = []
    for (let index = 0; index <= ahead; index += 2) {
      star.push(c.next().value)
      c.next()
    }
    c.next()
    return { star }
  }
  if (c.token.kind === 'variable' && c.peek(1).text === '=') {
    const assign = c.next().value.toLowerCase()
    c.next()
    return { assign, expr: parseExpression(c) }
  }
  // alias = expression
  if (
    (c.token.kind === 'quoted' || c.token.kind === 'word') &&
    c.peek(1).text === '=' &&
    !RESERVED.has(c.token.text)
  ) {
    const alias = c.next().value
    c.next()
    return { alias, expr: parseExpression(c) }
  }
  const expr = parseExpression(c)
  if (c.accept('AS')) {
    const token = c.token
    if (token.kind === 'string') {
      c.next()
      return { expr, alias: token.value }
    }
    return { expr, alias: c.name() }
  }
  if (c.token.kind === 'quoted' || c.token.kind === 'string' || (c.token.kind === 'word' && isAlias(c)))
    return { expr, alias: c.next().value }
  return { expr }
}

const isAlias = (c: Cursor) => !RESERVED.has(c.token.text) && !c.at('OFFSET') && !c.at('GO')

export function parseFrom(c: Cursor): Source {
  let source = parseJoined(c)
  while (c.acceptOp(',')) source = { kind: 'join', type: 'CROSS', left: source, right: parseJoined(c) }
  return source
}

function parseJoined(c: Cursor): Source {
  let left = parseSource(c)
  while (true) {
    if (c.accept('CROSS', 'JOIN')) left = { kind: 'join', type: 'CROSS', left, right: parseSource(c) }
    else if (c.accept('CROSS', 'APPLY'))
      left = { kind: 'join', type: 'CROSS APPLY', left, right: parseSource(c) }
    else if (c.accept('OUTER', 'APPLY'))
      left = { kind: 'join', type: 'OUTER APPLY', left, right: parseSource(c) }
    else {
      const type =
        c.at('JOIN') || c.at('INNER')
          ? 'INNER'
          : (['LEFT', 'RIGHT', 'FULL'] as const).find((word) => c.at(word))
      if (type === undefined) return left
      if (!c.at('JOIN')) c.next()
      if (type !== 'INNER') c.accept('OUTER')
      c.expect('JOIN')
      const right = parseJoinOperand(c)
      c.expect('ON')
      left = { kind: 'join', type, left, right, on: parseExpression(c) }
    }
  }
}

/** `a JOIN b JOIN c ON … ON …` nests to the right. */
function parseJoinOperand(c: Cursor): Source {
  return parseSource(c)
}

function parseSource(c: Cursor): Source {
  if (c.acceptOp('(')) {
    if (c.at('VALUES')) {
      c.next()
      const rows = c.list(() => c.parenthesized(() => parseExpression(c)))
      c.expectOp(')')
      c.accept('AS')
      const alias = c.name()
      return { kind: 'values', rows, alias, columns: c.parenthesized(() => c.name()) }
    }
    if (c.at('SELECT') || c.at('WITH') || c.op('(')) {
      const query = parseQuery(c)
      c.expectOp(')')
      c.accept('AS')
      const alias = c.name()
      const columns = c.op('(') ? { columns: c.parenthesized(() => c.name()) } : {}
      return { kind: 'query', query, alias, ...columns }
    }
    const inner = parseFrom(c)
    c.expectOp(')')
    return inner
  }
  if (c.token.kind === 'variable') {
    const name = [c.next().value]
    return { kind: 'table', name, ...optionalAlias(c), hints: [] }
  }
  const name = c.names()
  if (c.op('(') && !(c.peek(1).kind === 'word' && c.peek(1).text === 'NOLOCK')) {
    c.next()
    const args = c.op(')') ? [] : c.list(() => parseArgument(c))
    c.expectOp(')')
    return { kind: 'function', name, args, ...optionalAlias(c) }
  }
  let systemTime = false
  if (c.at('FOR', 'SYSTEM_TIME')) {
    c.expect('FOR', 'SYSTEM_TIME', 'ALL')
    systemTime = true
  }
  const alias = optionalAlias(c)
  const hints: string[] = []
  if (c.at('WITH') && c.peek(1).text === '(') {
    c.next()
    hints.push(...c.parenthesized(() => c.next().text))
  }
  const late = alias.alias === undefined ? optionalAlias(c) : alias
  return { kind: 'table', name, ...late, hints, ...(systemTime ? { systemTime } : {}) }
}

function parseArgument(c: Cursor): Expr {
  return c.accept('DEFAULT')
    ? { kind: 'literal', type: { name: 'int' }, value: null, text: 'DEFAULT' }
    : parseExpression(c)
}

function optionalAlias(c: Cursor): { alias?: string } {
  if (c.accept('AS')) return { alias: c.name() }
  if (c.token.kind === 'quoted' || (c.token.kind === 'word' && isAlias(c))) return { alias: c.next().value }
  return {}
}
