import type { Query } from './ast.ts'
import type { Cursor } from './cursor.ts'
import { parseStatement } from './parse-batch.ts'
import { parseExpression } from './parse-expression.ts'
import { parseQuery } from './parse-query.ts'
import { parseTypeName } from './parse-type-name.ts'
import type { ModuleParameter, ModuleStatement, Names, Statement } from './statements.ts'

interface Options {
  readonly schemaBound: boolean
  readonly encrypted: boolean
}

/** A view, procedure, function or trigger: takes the rest of the batch, and its text is the whole batch. */
export function parseModule(c: Cursor, verb: ModuleStatement['verb']): ModuleStatement {
  const definition = storedText(c, verb)
  for (const word of verb.split(' ')) c.expect(word)
  const what = c.next().text
  const name = c.names()
  const base = {
    kind: 'module' as const,
    verb,
    name,
    definition,
    columns: undefined,
    query: undefined,
    parameters: [],
    returns: undefined,
    body: undefined,
    trigger: undefined,
  }
  if (what === 'VIEW') {
    const columns = c.op('(') ? c.parenthesized(() => c.name()) : undefined
    const options = parseOptions(c)
    c.expect('AS')
    const query = parseQuery(c)
    c.accept('WITH', 'CHECK', 'OPTION')
    while (c.acceptOp(';'));
    if (c.token.kind !== 'end') throw c.fail()
    return { ...base, ...options, type: 'V', columns, query }
  }
  if (what === 'TRIGGER') {
    c.expect('ON')
    const on: Names | 'DATABASE' = c.accept('DATABASE') ? 'DATABASE' : c.names()
    const options = parseOptions(c)
    const insteadOf = c.accept('INSTEAD', 'OF')
    if (!insteadOf && !c.accept('AFTER')) c.expect('FOR')
    const events = c.list(() => c.next().text)
    c.accept('NOT', 'FOR', 'REPLICATION')
    c.expect('AS')
    return { ...base, ...options, type: 'TR', trigger: { on, events, insteadOf }, body: restOf(c) }
  }
  if (what === 'FUNCTION') return { ...base, ...parseFunction(c) }
  const parenthesized = c.op('(') && c.peek(1).kind === 'variable'
  if (parenthesized) c.next()
  const parameters = c.token.kind === 'variable' ? c.list(() => parseParameter(c)) : []
  if (parenthesized) c.expectOp(')')
  const options = parseOptions(c)
  if (c.accept('FOR')) c.expect('REPLICATION')
  c.expect('AS')
  return { ...base, ...options, type: 'P', parameters, body: restOf(c) }
}

function parseFunction(
  c: Cursor,
): Omit<ModuleStatement, 'kind' | 'verb' | 'name' | 'definition' | 'columns' | 'trigger'> {
  c.expectOp('(')
  const parameters = c.op(')') ? [] : c.list(() => parseParameter(c))
  c.expectOp(')')
  c.expect('RETURNS')
  if (c.accept('TABLE')) {
    const options = parseOptions(c)
    c.accept('AS')
    c.expect('RETURN')
    const wrapped = c.op('(') && c.peek(1).text !== '('
    if (wrapped) c.next()
    const query: Query = parseQuery(c)
    if (wrapped) c.expectOp(')')
    while (c.acceptOp(';'));
    if (c.token.kind !== 'end') throw c.fail()
    return { ...options, type: 'IF', parameters, query, returns: undefined, body: undefined }
  }
  if (c.token.kind === 'variable') {
    c.next()
    c.expect('TABLE')
    let depth = 0
    do {
      if (c.op('(')) depth += 1
      if (c.op(')')) depth -= 1
      c.next()
    } while (depth > 0)
    const options = parseOptions(c)
    c.accept('AS')
    return { ...options, type: 'TF', parameters, query: undefined, returns: undefined, body: restOf(c) }
  }
  const returns = parseTypeName(c)
  const options = parseOptions(c)
  c.accept('AS')
  return { ...options, type: 'FN', parameters, query: undefined, returns, body: restOf(c) }
}

function parseParameter(c: Cursor): ModuleParameter {
  const token = c.next()
  if (token.kind !== 'variable') throw c.fail()
  c.accept('AS')
  const type = parseTypeName(c)
  const nullable = c.accept('NULL')
  if (!nullable) c.accept('NOT', 'NULL')
  const value = c.acceptOp('=') ? parseExpression(c) : undefined
  const output = c.accept('OUTPUT') || c.accept('OUT')
  return { name: token.value.toLowerCase(), type, default: value, output, readonly: c.accept('READONLY') }
}

function parseOptions(c: Cursor): Options {
  let options: Options = { schemaBound: false, encrypted: false }
  if (!c.accept('WITH')) return options
  c.list(() => {
    if (c.accept('SCHEMABINDING')) options = { ...options, schemaBound: true }
    else if (c.accept('ENCRYPTION')) options = { ...options, encrypted: true }
    else if (c.accept('EXECUTE', 'AS')) c.next()
    else if (c.accept('EXEC', 'AS')) c.next()
    else if (c.accept('RETURNS', 'NULL', 'ON', 'NULL', 'INPUT') || c.accept('CALLED', 'ON', 'NULL', 'INPUT'))
      return
    else if (!c.accept('RECOMPILE') && !c.accept('VIEW_METADATA') && !c.accept('NATIVE_COMPILATION'))
      throw c.fail()
  })
  return options
}

function restOf(c: Cursor): Statement[] {
  const body: Statement[] = []
  while (c.acceptOp(';'));
  while (c.token.kind !== 'end') {
    body.push(parseStatement(c))
    while (c.acceptOp(';'));
  }
  if (body.length === 0) throw c.fail()
  return body
}

/** ALTER is kept as CREATE, as sys.sql_modules shows it. */
function storedText(c: Cursor, verb: ModuleStatement['verb']): string {
  if (verb === 'CREATE') return c.sql
  const { start, end } = verb === 'ALTER' ? c.token : { start: c.peek(1).start, end: c.peek(2).end }
  const put = verb === 'ALTER' ? 'CREATE' : ''
  return c.sql.slice(0, start) + put + c.sql.slice(end)
}
