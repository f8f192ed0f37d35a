import type { Cursor } from './cursor.ts'
import { parseAlterTable } from './parse-alter-table.ts'
import { parseExpression } from './parse-expression.ts'
import { parseModule } from './parse-module.ts'
import {
  parseAlterLogin,
  parseAlterRole,
  parseAlterUser,
  parseAuthorization,
  parseCreateLogin,
  parseCreateUser,
} from './parse-security.ts'
import { parseCreateTable, parseElements, parseKeyColumns, parsePlacement, parseWith } from './parse-table.ts'
import { parseTypeName } from './parse-type-name.ts'
import { SqlError } from './sql-error.ts'
import type { StatementBody } from './statements.ts'
import type { IndexDef } from './table-statements.ts'

const MODULES = ['VIEW', 'PROCEDURE', 'PROC', 'FUNCTION', 'TRIGGER']

function atModule(c: Cursor, ahead: number): boolean {
  return c.peek(ahead).kind === 'word' && MODULES.includes(c.peek(ahead).text)
}

/** What CREATE SCHEMA and the modules share: 111 unless they begin the batch. */
function requireFirst(c: Cursor, what: string): void {
  const before = c.sql.slice(0, c.token.start).replace(/--[^\n]*|\/\*[\s\S]*?\*\//g, '')
  if (before.trim() !== '') throw new SqlError(111, `'${what}' must be the first statement in a query batch.`)
}

export function parseCreate(c: Cursor): StatementBody {
  const orAlter = c.peek(1).text === 'OR' && c.peek(2).text === 'ALTER'
  if (atModule(c, orAlter ? 3 : 1)) {
    requireFirst(c, `CREATE ${c.peek(orAlter ? 3 : 1).text}`)
    return parseModule(c, orAlter ? 'CREATE OR ALTER' : 'CREATE')
  }
  if (c.peek(1).text === 'SCHEMA') requireFirst(c, 'CREATE SCHEMA')
  c.expect('CREATE')
  if (c.accept('TABLE')) return parseCreateTable(c)
  if (c.accept('DATABASE'))
    return { kind: 'create-database', name: c.name(), collation: c.accept('COLLATE') ? c.name() : undefined }
  if (c.accept('SCHEMA')) {
    if (c.accept('AUTHORIZATION')) {
      const name = c.name()
      return { kind: 'create-schema', name, owner: name }
    }
    const name = c.name()
    return { kind: 'create-schema', name, owner: c.accept('AUTHORIZATION') ? c.name() : undefined }
  }
  if (c.accept('TYPE')) return parseType(c)
  if (c.accept('SEQUENCE')) return parseSequence(c, true)
  if (c.accept('PARTITION')) return parsePartition(c)
  if (c.accept('SYNONYM')) {
    const name = c.names()
    c.expect('FOR')
    const { start } = c.token
    c.names()
    return { kind: 'synonym', name, target: c.sql.slice(start, c.peek(0).start).trim().replace(/;$/, '') }
  }
  if (c.accept('USER')) return parseCreateUser(c)
  if (c.accept('LOGIN')) return parseCreateLogin(c)
  if (c.accept('ROLE'))
    return { kind: 'create-role', name: c.name(), owner: c.accept('AUTHORIZATION') ? c.name() : undefined }
  if (c.accept('APPLICATION', 'ROLE')) {
    const name = c.name()
    c.expect('WITH')
    let schema: string | undefined
    c.list(() => {
      const option = c.next().text
      c.expectOp('=')
      const { value } = c.next()
      if (option === 'DEFAULT_SCHEMA') schema = value
    })
    return { kind: 'create-application-role', name, schema }
  }
  return parseCreateIndex(c)
}

function parseCreateIndex(c: Cursor): StatementBody {
  const unique = c.accept('UNIQUE')
  const clustered = c.accept('CLUSTERED')
  if (!clustered) c.accept('NONCLUSTERED')
  const columnstore = c.accept('COLUMNSTORE')
  c.expect('INDEX')
  const name = c.name()
  c.expect('ON')
  const table = c.names()
  const columns = c.op('(') ? parseKeyColumns(c) : []
  if (columns.length === 0 && !(columnstore && clustered)) throw c.fail()
  const included = c.accept('INCLUDE') ? c.parenthesized(() => c.name()) : []
  const filter = c.accept('WHERE') ? parseExpression(c) : undefined
  const options = parseWith(c)
  const index: IndexDef = {
    name,
    unique,
    type: columnstore ? (clustered ? 5 : 6) : clustered ? 1 : 2,
    columns,
    included,
    filter,
    options,
    placement: parsePlacement(c),
  }
  return { kind: 'create-index', table, index }
}

function parseType(c: Cursor): StatementBody {
  const name = c.names()
  if (c.accept('FROM')) {
    const base = parseTypeName(c)
    const nullable = c.accept('NOT', 'NULL') ? false : c.accept('NULL') ? true : undefined
    return { kind: 'create-type', name, base, nullable, columns: [], constraints: [] }
  }
  c.expect('AS', 'TABLE')
  return { kind: 'create-type', name, base: undefined, nullable: undefined, ...parseElements(c) }
}

function parseSequence(c: Cursor, create: boolean): StatementBody {
  const name = c.names()
  const type = create && c.accept('AS') ? parseTypeName(c) : undefined
  const whole = () => {
    const sign = c.acceptOp('-') ? '-' : ''
    const token = c.next()
    if (token.kind !== 'number') throw c.fail()
    return BigInt(sign + token.value)
  }
  let facts: Extract<StatementBody, { kind: 'sequence' }>['facts'] = {}
  while (true) {
    if (c.accept('START', 'WITH')) facts = { ...facts, start: whole() }
    else if (c.accept('RESTART')) facts = { ...facts, restart: c.accept('WITH') ? whole() : null }
    else if (c.accept('INCREMENT', 'BY')) facts = { ...facts, increment: whole() }
    else if (c.accept('MINVALUE')) facts = { ...facts, minimum: whole() }
    else if (c.accept('MAXVALUE')) facts = { ...facts, maximum: whole() }
    else if (c.accept('NO', 'MINVALUE')) facts = { ...facts, minimum: null }
    else if (c.accept('NO', 'MAXVALUE')) facts = { ...facts, maximum: null }
    else if (c.accept('NO', 'CYCLE')) facts = { ...facts, cycle: false }
    else if (c.accept('NO', 'CACHE')) facts = { ...facts, cache: false }
    else if (c.accept('CYCLE')) facts = { ...facts, cycle: true }
    else if (c.accept('CACHE'))
      facts = { ...facts, cache: c.token.kind === 'number' ? Number(whole()) : null }
    else return { kind: 'sequence', create, name, type, facts }
  }
}

function parsePartition(c: Cursor): StatementBody {
  if (c.accept('FUNCTION')) {
    const name = c.name()
    const [type] = c.parenthesized(() => parseTypeName(c))
    if (type === undefined) throw c.fail()
    c.expect('AS', 'RANGE')
    const right = c.accept('RIGHT')
    if (!right) c.accept('LEFT')
    c.expect('FOR', 'VALUES')
    c.expectOp('(')
    const values = c.op(')') ? [] : c.list(() => parseExpression(c))
    c.expectOp(')')
    return { kind: 'partition-function', name, type, right, values }
  }
  c.expect('SCHEME')
  const name = c.name()
  c.expect('AS', 'PARTITION')
  const owner = c.name()
  const all = c.accept('ALL')
  c.expect('TO')
  const to = c.parenthesized(() =>
    c.token.kind === 'string' || c.token.text === 'PRIMARY' ? c.next().value : c.name(),
  )
  return { kind: 'partition-scheme', name, function: owner, all, to }
}

export function parseAlter(c: Cursor): StatementBody {
  if (atModule(c, 1)) {
    requireFirst(c, `ALTER ${c.peek(1).text}`)
    return parseModule(c, 'ALTER')
  }
  c.expect('ALTER')
  if (c.accept('TABLE')) return parseAlterTable(c)
  if (c.accept('DATABASE')) return parseAlterDatabase(c)
  if (c.accept('SEQUENCE')) return parseSequence(c, false)
  if (c.accept('SERVER', 'ROLE')) return { ...parseAlterRole(c), kind: 'alter-server-role' }
  if (c.accept('ROLE')) return parseAlterRole(c)
  if (c.accept('USER')) return parseAlterUser(c)
  if (c.accept('LOGIN')) return parseAlterLogin(c)
  if (c.accept('AUTHORIZATION')) return parseAuthorization(c)
  c.expect('INDEX')
  const name = c.accept('ALL') ? 'ALL' : c.name()
  c.expect('ON')
  const table = c.names()
  const action = c.accept('DISABLE') ? 'DISABLE' : c.after('REBUILD', () => 'REBUILD' as const)
  return { kind: 'alter-index', table, name, action, options: parseWith(c) }
}

function parseAlterDatabase(c: Cursor): StatementBody {
  const name = c.accept('CURRENT') ? 'CURRENT' : c.name()
  if (c.accept('COLLATE')) return { kind: 'alter-database', name, options: [], collation: c.name() }
  if (c.accept('MODIFY')) {
    c.expect('NAME')
    c.expectOp('=')
    return { kind: 'alter-database', name, options: [], collation: undefined, rename: c.name() }
  }
  c.expect('SET')
  const options = c.list(() => {
    const option = c.next().text
    c.acceptOp('=')
    if (c.token.kind === 'end' || c.op(';') || c.op(',') || c.at('WITH')) return { name: option, value: '' }
    return { name: option, value: c.next().text }
  })
  let immediate = false
  if (c.accept('WITH')) {
    if (!c.accept('NO_WAIT')) {
      c.expect('ROLLBACK')
      immediate = c.accept('IMMEDIATE')
      if (!immediate) c.next()
    }
  }
  return { kind: 'alter-database', name, options, collation: undefined, immediate }
}

const DROPS = ['TABLE', 'VIEW', 'PROCEDURE', 'PROC', 'FUNCTION', 'TRIGGER', 'SEQUENCE', 'SYNONYM', 'TYPE']

export function parseDrop(c: Cursor): StatementBody {
  c.expect('DROP')
  const what = c.next().text
  const second = what === 'PARTITION' ? c.next().text : ''
  const ifExists = c.accept('IF', 'EXISTS')
  if (what === 'DATABASE') return { kind: 'drop-database', names: c.list(() => c.name()), ifExists }
  if (what === 'INDEX') {
    const name = c.names()
    // DROP INDEX table.index is the old form.
    if (name.length > 1 && !c.at('ON'))
      return { kind: 'drop-index', table: name.slice(0, -1), name: name.at(-1) ?? '', ifExists }
    c.expect('ON')
    return { kind: 'drop-index', table: c.names(), name: name[0] ?? '', ifExists }
  }
  if (what === 'USER' || what === 'ROLE' || what === 'LOGIN' || what === 'SCHEMA')
    return { kind: 'drop-principal', what, name: c.name(), ifExists }
  if (!DROPS.includes(what) && what !== 'PARTITION') throw c.fail()
  const names = c.list(() => c.names())
  if (what === 'TRIGGER' && c.accept('ON')) {
    c.expect('DATABASE')
    return { kind: 'drop', what: 'DATABASE TRIGGER', names, ifExists }
  }
  return { kind: 'drop', what: second === '' ? what : `PARTITION ${second}`, names, ifExists }
}
