import { randomBytes } from 'node:crypto'
import type { Database, Permission, Principal } from './model.ts'
import {
  principalByName,
  requireObject,
  requirePrincipal,
  requireSchema,
  sameName,
  schemaByName,
  userOf,
} from './names.ts'
import { isOwner } from './permissions.ts'
import { SqlError } from './sql-error.ts'
import { change, type SessionState } from './state.ts'
import type { StatementBody } from './statements.ts'
import { columnByName } from './table-definition.ts'

type Of<K> = Extract<StatementBody, { kind: K }>

const denied = (name: string) =>
  new SqlError(15247, `User does not have permission to perform this action (${name}).`)

function requireSecurity(session: SessionState, database: Database, name: string): void {
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

const putPermission = (session: SessionState, database: Database, permission: Permission) =>
  change(session, database.permissions, permissionKey(permission), permission)

const permissionKey = (each: Omit<Permission, 'state' | 'grantorId'>) =>
  `${each.class}:${each.majorId}:${each.minorId}:${each.granteeId}:${each.name}`

export function changePermission(session: SessionState, statement: Of<'permission'>): void {
  const { database } = session
  requireSecurity(session, database, statement.permissions.join(', '))
  const { scope, majorId, minorIds } = resolveTarget(session, statement)
  for (const principal of statement.principals) {
    const grantee = requirePrincipal(database, principal)
    if (grantee.id === 1 || grantee.id === 4)
      throw new SqlError(
        4621,
        'Cannot grant, deny, or revoke permissions to sa, dbo, entity owner, information_schema, sys, or yourself.',
      )
    for (const raw of statement.permissions)
      for (const minorId of minorIds) {
        const name = raw === 'EXEC' ? 'EXECUTE' : raw === 'ALL' || raw === 'ALL PRIVILEGES' ? 'ALL' : raw
        if (name === 'ALL' || !PERMISSIONS.has(name))
          throw new SqlError(102, `Incorrect syntax near '${raw}'.`)
        const key = { class: scope, majorId, minorId, granteeId: grantee.id, name }
        if (statement.verb === 'REVOKE') {
          const before = database.permissions.get(permissionKey(key))
          if (statement.optionOnly && before !== undefined)
            putPermission(session, database, { ...before, state: 'G' })
          else change(session, database.permissions, permissionKey(key), undefined)
        } else
          putPermission(session, database, {
            ...key,
            grantorId: 1,
            state: statement.verb === 'DENY' ? 'D' : statement.grantOption ? 'W' : 'G',
          })
      }
  }
}

const PERMISSIONS = new Set(
  `SELECT,INSERT,UPDATE,DELETE,EXECUTE,REFERENCES,CONTROL,ALTER,VIEW DEFINITION,TAKE OWNERSHIP,CONNECT,CREATE TABLE,CREATE VIEW,CREATE PROCEDURE,
CREATE FUNCTION,CREATE SCHEMA,CREATE TYPE,CREATE SYNONYM,CREATE ROLE,VIEW DATABASE STATE,VIEW CHANGE TRACKING,ALTER ANY USER,ALTER ANY ROLE,ALTER ANY SCHEMA,
SHOWPLAN,UNMASK,BACKUP DATABASE,RECEIVE,IMPERSONATE,VIEW DATABASE PERFORMANCE STATE,CREATE SEQUENCE`.split(
    /,\s*/,
  ),
)

function resolveTarget(
  session: SessionState,
  statement: Of<'permission'>,
): { scope: number; majorId: number; minorIds: number[] } {
  const { database } = session
  const { target } = statement
  if (target === undefined) return { scope: 0, majorId: 0, minorIds: [0] }
  const name = target.name.at(-1) ?? ''
  switch (target.class) {
    case 'DATABASE':
      if (!sameName(name, database.name))
        throw new SqlError(
          15151,
          `Cannot find the database '${name}', because it does not exist or you do not have permission.`,
        )
      return { scope: 0, majorId: 0, minorIds: [0] }
    case 'SCHEMA':
      return { scope: 3, majorId: requireSchema(database, name).id, minorIds: [0] }
    case 'USER':
    case 'ROLE':
      return { scope: 4, majorId: requirePrincipal(database, name).id, minorIds: [0] }
    case 'TYPE': {
      const schema = target.name.length > 1 ? requireSchema(database, target.name[0] ?? '').id : 1
      const type = [...database.types.values()].find(
        (each) => each.schemaId === schema && sameName(each.name, name),
      )
      if (type === undefined)
        throw new SqlError(
          15151,
          `Cannot find the type '${name}', because it does not exist or you do not have permission.`,
        )
      return { scope: 6, majorId: type.id, minorIds: [0] }
    }
    case 'OBJECT': {
      let object: ReturnType<typeof requireObject>['object']
      try {
        object = requireObject(session, target.name).object
      } catch (thrown) {
        if (!(thrown instanceof SqlError) || thrown.number !== 208) throw thrown
        throw new SqlError(
          15151,
          `Cannot find the object '${name}', because it does not exist or you do not have permission.`,
        )
      }
      const columns = [...statement.columns, ...target.columns]
      return {
        scope: 1,
        majorId: object.id,
        minorIds:
          columns.length === 0
            ? [0]
            : columns.map((column) => columnByName(object.table?.columns ?? [], column).id),
      }
    }
  }
}

export function changeOwner(session: SessionState, statement: Of<'authorization'>): void {
  const { database } = session
  const name = statement.name.at(-1) ?? ''
  if (statement.class === 'DATABASE') {
    const target = session.server.databases.get(name.toLowerCase())
    const login = session.server.logins.get(statement.owner.toLowerCase())
    if (target === undefined || login === undefined)
      throw new SqlError(
        15151,
        `Cannot find the principal '${statement.owner}', because it does not exist or you do not have permission.`,
      )
    target.owner = login.name
    return
  }
  requireSecurity(session, database, name)
  const owner = requirePrincipal(database, statement.owner)
  if (statement.class === 'SCHEMA') {
    const schema = requireSchema(database, name)
    change(session, database.schemas, schema.id, { ...schema, ownerId: owner.id })
  } else if (statement.class === 'ROLE') {
    const role = requirePrincipal(database, name)
    change(session, database.principals, role.id, { ...role, ownerId: owner.id })
  } else throw new SqlError(50999, `The test server does not play ALTER AUTHORIZATION ON ${statement.class}.`)
}
