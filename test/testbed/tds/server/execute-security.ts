import { randomBytes } from 'node:crypto'
import { putPermission } from './execute-permission.ts'
import type { Database, Principal } from './model.ts'
import { principalByName, requirePrincipal, schemaByName, userOf } from './names.ts'
import { FIXED_SERVER_ROLES, isOwner } from './permissions.ts'
import { SqlError } from './sql-error.ts'
import { change, type SessionState } from './state.ts'
import type { StatementBody } from './statements.ts'

type Of<K> = Extract<StatementBody, { kind: K }>

const denied = (name: string) =>
  new SqlError(15247, `User does not have permission to perform this action (${name}).`)

export function requireSecurity(session: SessionState, database: Database, name: string): void {
  if (!isOwner(session, database)) throw denied(name)
}

const nextPrincipal = (database: Database) =>
  Math.max(4, ...[...database.principals.keys()].filter((id) => id < 16384)) + 1

function addPrincipal(session: SessionState, facts: Omit<Principal, 'id'>): void {
  const { database } = session
  requireSecurity(session, database, facts.name)
  if (principalByName(database, facts.name) !== undefined)
    throw new SqlError(15023, `User, group, or role '${facts.name}' already exists in the current database.`)
  const id = nextPrincipal(database)
  change(session, database.principals, id, { ...facts, id })
  if (facts.type === 'S')
    putPermission(session, database, {
      class: 0,
      majorId: 0,
      minorId: 0,
      granteeId: id,
      grantorId: 1,
      name: 'CONNECT',
      state: 'G',
    })
}

export function createUser(session: SessionState, statement: Of<'create-user'>): void {
  const loginName =
    statement.login ?? (statement.without || statement.password !== undefined ? undefined : statement.name)
  const login = loginName === undefined ? undefined : session.server.logins.get(loginName.toLowerCase())
  if (loginName !== undefined && login === undefined)
    throw new SqlError(15007, `'${loginName}' is not a valid login or you do not have permission.`)
  if (login !== undefined)
    for (const other of session.database.principals.values())
      if (other.sid === login.sid)
        throw new SqlError(15063, 'The login already has an account under a different user name.')
  addPrincipal(session, {
    name: statement.name,
    type: 'S',
    defaultSchema: statement.schema ?? 'dbo',
    sid: login?.sid ?? `0105000000000009${randomBytes(20).toString('hex').toUpperCase()}`,
    ownerId: null,
    fixed: false,
    authentication: login !== undefined ? 'INSTANCE' : statement.password !== undefined ? 'DATABASE' : 'NONE',
    ...(statement.password === undefined ? {} : { password: statement.password }),
  })
}

export function alterUser(session: SessionState, statement: Of<'alter-user'>): void {
  const { database } = session
  requireSecurity(session, database, statement.name)
  const user = requirePrincipal(database, statement.name)
  const login =
    statement.login === undefined ? undefined : session.server.logins.get(statement.login.toLowerCase())
  if (statement.login !== undefined && login === undefined)
    throw new SqlError(15007, `'${statement.login}' is not a valid login or you do not have permission.`)
  change(session, database.principals, user.id, {
    ...user,
    ...(login === undefined ? {} : { sid: login.sid, authentication: 'INSTANCE' }),
    ...(statement.schema === undefined ? {} : { defaultSchema: statement.schema }),
    ...(statement.rename === undefined ? {} : { name: statement.rename }),
  })
}

export function createRole(
  session: SessionState,
  name: string,
  type: 'R' | 'A',
  owner: string | undefined,
  schema: string | undefined,
): void {
  const ownerId =
    owner === undefined
      ? (userOf(session, session.database)?.id ?? 1)
      : requirePrincipal(session.database, owner).id
  addPrincipal(session, {
    name,
    type,
    defaultSchema: type === 'A' ? (schema ?? 'dbo') : null,
    sid: null,
    ownerId: type === 'R' ? ownerId : null,
    fixed: false,
    authentication: 'NONE',
  })
}

export function alterRole(session: SessionState, role: string, add: boolean, member: string): void {
  const { database } = session
  requireSecurity(session, database, role)
  const owner = requirePrincipal(database, role)
  const who = requirePrincipal(database, member)
  if (owner.type !== 'R')
    throw new SqlError(
      15151,
      `Cannot alter the role '${role}', because it does not exist or you do not have permission.`,
    )
  if (who.id === 1) throw new SqlError(15405, "Cannot use the special principal 'dbo'.")
  change(
    session,
    database.roleMembers,
    `${owner.id}:${who.id}`,
    add ? { roleId: owner.id, memberId: who.id } : undefined,
  )
}

export function createLogin(session: SessionState, statement: Of<'create-login'>): void {
  const { server } = session
  if (!session.login.sysadmin) throw denied(statement.name)
  if (server.logins.has(statement.name.toLowerCase()))
    throw new SqlError(15025, `The server principal '${statement.name}' already exists.`)
  server.logins.set(statement.name.toLowerCase(), {
    name: statement.name,
    password: statement.password,
    sid: statement.sid?.replace(/^0x/i, '') ?? randomBytes(16).toString('hex').toUpperCase(),
    id: 256 + server.logins.size,
    sysadmin: false,
    serverRoles: [],
  })
}

export function alterLogin(session: SessionState, { name, enable }: Of<'alter-login'>): void {
  const { logins } = session.server
  const login = logins.get(name.toLowerCase())
  if (!session.login.sysadmin || login === undefined)
    throw new SqlError(
      15151,
      `Cannot alter the login '${name}', because it does not exist or you do not have permission.`,
    )
  logins.set(name.toLowerCase(), { ...login, disabled: !enable })
}

export function alterServerRole(session: SessionState, { name, add, member }: Of<'alter-server-role'>): void {
  const { logins } = session.server
  const login = logins.get(member.toLowerCase())
  const role = FIXED_SERVER_ROLES.find((each) => each === name.toLowerCase())
  if (!session.login.sysadmin || login === undefined || role === undefined)
    throw new SqlError(
      15151,
      `Cannot alter the server role '${name}', because it does not exist or you do not have permission.`,
    )
  const others = login.serverRoles.filter((each) => each !== role)
  const serverRoles = add ? [...others, role] : others
  logins.set(member.toLowerCase(), { ...login, serverRoles, sysadmin: serverRoles.includes('sysadmin') })
}

export function dropPrincipal(session: SessionState, statement: Of<'drop-principal'>): void {
  const { database, server } = session
  const { name } = statement
  const missing = () =>
    new SqlError(
      15151,
      `Cannot drop the ${statement.what.toLowerCase()} '${name}', because it does not exist or you do not have permission.`,
    )
  if (statement.what === 'LOGIN') {
    if (!session.login.sysadmin) throw denied(name)
    if (!server.logins.delete(name.toLowerCase())) throw missing()
    return
  }
  requireSecurity(session, database, name)
  if (statement.what === 'SCHEMA') {
    const schema = schemaByName(database, name)
    if (schema === undefined) {
      if (statement.ifExists) return
      throw missing()
    }
    for (const object of database.objects.values())
      if (object.schemaId === schema.id)
        throw new SqlError(
          3729,
          `Cannot drop schema '${name}' because it is being referenced by object '${object.name}'.`,
        )
    change(session, database.schemas, schema.id, undefined)
    return
  }
  const found = principalByName(database, name)
  if (found === undefined) {
    if (statement.ifExists) return
    throw missing()
  }
  for (const schema of database.schemas.values())
    if (schema.ownerId === found.id)
      throw new SqlError(
        15138,
        'The database principal owns a schema in the database, and cannot be dropped.',
      )
  change(session, database.principals, found.id, undefined)
  for (const [key, member] of [...database.roleMembers])
    if (member.memberId === found.id || member.roleId === found.id)
      change(session, database.roleMembers, key, undefined)
  for (const [key, permission] of [...database.permissions])
    if (permission.granteeId === found.id) change(session, database.permissions, key, undefined)
}
