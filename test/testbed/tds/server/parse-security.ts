import type { Cursor } from './cursor.ts'
import type { PermissionTarget, StatementBody } from './statements.ts'

export function parsePermission(c: Cursor): StatementBody {
  const verb = c.next().text as 'GRANT' | 'DENY' | 'REVOKE'
  const optionOnly = verb === 'REVOKE' && c.accept('GRANT', 'OPTION', 'FOR')
  const columns: string[] = []
  const permissions = c.list(() => {
    const words: string[] = []
    while (c.token.kind === 'word' && !c.at('ON') && !c.at('TO') && !c.at('FROM')) words.push(c.next().text)
    if (words.length === 0) throw c.fail()
    if (c.op('(')) columns.push(...c.parenthesized(() => c.name()))
    return words.join(' ')
  })
  const target = c.accept('ON') ? parseTarget(c) : undefined
  if (!(verb === 'REVOKE' && c.accept('FROM'))) c.expect('TO')
  const principals = c.list(() => (c.accept('PUBLIC') ? 'public' : c.name()))
  const grantOption = c.accept('WITH', 'GRANT', 'OPTION')
  c.accept('CASCADE')
  if (c.accept('AS')) c.name()
  return { kind: 'permission', verb, permissions, columns, target, principals, grantOption, optionOnly }
}

function parseTarget(c: Cursor): PermissionTarget {
  let scope: PermissionTarget['class'] = 'OBJECT'
  if (c.peek(1).text === '::') {
    scope = c.next().text as PermissionTarget['class']
    c.next()
    if (!['DATABASE', 'OBJECT', 'SCHEMA', 'TYPE', 'USER', 'ROLE'].includes(scope)) throw c.fail()
  }
  const name = c.names()
  const columns = c.op('(') ? c.parenthesized(() => c.name()) : []
  return { class: scope, name, columns }
}

export function parseCreateUser(c: Cursor): StatementBody {
  const name = c.name()
  let login: string | undefined
  let without = false
  let schema: string | undefined
  let password: string | undefined
  if (c.accept('FOR') || c.accept('FROM')) {
    c.expect('LOGIN')
    login = c.name()
  } else if (c.accept('WITHOUT', 'LOGIN')) without = true
  if (c.accept('WITH'))
    c.list(() => {
      const option = c.next().text
      c.expectOp('=')
      if (option === 'DEFAULT_SCHEMA') schema = c.name()
      else if (option === 'PASSWORD') password = c.next().value
      else if (option === 'SID') c.next()
      else throw c.fail()
    })
  return { kind: 'create-user', name, login, without, schema, password }
}

export function parseAlterUser(c: Cursor): StatementBody {
  const name = c.name()
  c.expect('WITH')
  let login: string | undefined
  let schema: string | undefined
  let rename: string | undefined
  c.list(() => {
    const option = c.next().text
    c.expectOp('=')
    if (option === 'LOGIN') login = c.name()
    else if (option === 'DEFAULT_SCHEMA') schema = c.name()
    else if (option === 'NAME') rename = c.name()
    else throw c.fail()
  })
  return { kind: 'alter-user', name, login, schema, rename }
}

export function parseCreateLogin(c: Cursor): StatementBody {
  const name = c.name()
  c.expect('WITH')
  let password = ''
  let sid: string | undefined
  c.list(() => {
    const option = c.next().text
    c.expectOp('=')
    const { value } = c.next()
    if (option === 'PASSWORD') password = value
    else if (option === 'SID') sid = value.toUpperCase()
  })
  return { kind: 'create-login', name, password, sid }
}

export function parseAlterLogin(c: Cursor): StatementBody {
  const name = c.name()
  const enable = c.accept('ENABLE')
  if (!enable) c.expect('DISABLE')
  return { kind: 'alter-login', name, enable }
}

export function parseAlterRole(c: Cursor): Extract<StatementBody, { kind: 'alter-role' }> {
  const name = c.name()
  const add = c.accept('ADD')
  if (!add) c.expect('DROP')
  c.expect('MEMBER')
  return { kind: 'alter-role', name, add, member: c.name() }
}

export function parseAuthorization(c: Cursor): StatementBody {
  c.expect('ON')
  let scope = 'OBJECT'
  if (c.peek(1).text === '::') {
    scope = c.next().text
    c.next()
  }
  const name = c.names()
  c.expect('TO')
  return { kind: 'authorization', class: scope, name, owner: c.accept('SCHEMA') ? 'SCHEMA OWNER' : c.name() }
}
