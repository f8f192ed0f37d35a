import type { Expr } from './ast.ts'
import type { Cursor } from './cursor.ts'
import { parseExpression } from './parse-expression.ts'
import { parseFrom, parseQuery } from './parse-query.ts'
import { parseTypeName } from './parse-type-name.ts'
import type { StatementBody } from './statements.ts'

export function parseInsert(c: Cursor): StatementBody {
  c.expect('INSERT')
  if (c.accept('BULK')) return parseInsertBulk(c)
  c.accept('INTO')
  const target = c.names()
  if (c.at('WITH') && c.peek(1).text === '(') {
    c.next()
    c.parenthesized(() => c.next())
  }
  const columns = c.op('(') && c.peek(1).text !== 'SELECT' ? c.parenthesized(() => c.name()) : undefined
  if (c.accept('DEFAULT')) {
    c.expect('VALUES')
    return { kind: 'insert', target, columns, rows: 'defaults' }
  }
  if (!c.accept('VALUES')) return { kind: 'insert', target, columns, rows: parseQuery(c) }
  const rows = c.list(() =>
    c.parenthesized((): Expr | 'default' => (c.accept('DEFAULT') ? 'default' : parseExpression(c))),
  )
  return { kind: 'insert', target, columns, rows }
}

function parseInsertBulk(c: Cursor): StatementBody {
  const target = c.names()
  const columns = c.parenthesized(() => {
    const name = c.name()
    const type = parseTypeName(c)
    if (c.accept('COLLATE')) c.name()
    return { name, type }
  })
  const hints: string[] = []
  if (c.accept('WITH'))
    c.parenthesized(() => {
      hints.push(c.next().text)
      if (c.acceptOp('=')) c.next()
      // ORDER (column, …)
      if (c.op('('))
        c.parenthesized(() => {
          c.next()
          if (!c.accept('ASC')) c.accept('DESC')
        })
    })
  return { kind: 'insert-bulk', target, columns, hints }
}

export function parseUpdate(c: Cursor): StatementBody {
  c.expect('UPDATE')
  const target = c.names()
  c.expect('SET')
  const set = c.list(() => {
    const column = c.names().at(-1) ?? ''
    c.expectOp('=')
    return { column, value: parseExpression(c) }
  })
  const from = c.accept('FROM') ? parseFrom(c) : undefined
  return { kind: 'update', target, set, from, where: c.accept('WHERE') ? parseExpression(c) : undefined }
}

export function parseDelete(c: Cursor): StatementBody {
  c.expect('DELETE')
  let top: Expr | undefined
  if (c.accept('TOP')) {
    c.expectOp('(')
    top = parseExpression(c)
    c.expectOp(')')
  }
  c.accept('FROM')
  const target = c.names()
  const from = c.accept('FROM') ? parseFrom(c) : undefined
  return { kind: 'delete', target, from, top, where: c.accept('WHERE') ? parseExpression(c) : undefined }
}
