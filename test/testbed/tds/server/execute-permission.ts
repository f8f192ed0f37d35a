import { requireSecurity } from './execute-security.ts'
import type { Database, Permission } from './model.ts'
import { requireObject, requirePrincipal, requireSchema, sameName } from './names.ts'
import { SqlError } from './sql-error.ts'
import { change, type SessionState } from './state.ts'
import type { StatementBody } from './statements.ts'
import { columnByName } from './table-definition.ts'

type Of<K> = Extract<StatementBody, { kind: K }>

export const putPermission = (session: SessionState, database: Database, permission: Permission) =>
  change(session, database.permissions, permissionKey(permission), permission)

const permissionKey = (each: Omit<Permission, 'state' | 'grantorId'>) =>
  `${each.class}:${each.majorId}:${each.minorId}:${each.granteeId}:${each.name}`

export function changePermission(session: SessionState, statement: Of<'permission'>): void {
  if (statement.target === undefined && statement.permissions.every((each) => SERVER_PERMISSIONS.has(each))) {
    changeServerPermission(session, statement)
    return
  }
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

const SERVER_PERMISSIONS = new Set(['VIEW ANY DEFINITION', 'VIEW SERVER STATE', 'ALTER ANY LOGIN'])

function changeServerPermission(session: SessionState, statement: Of<'permission'>): void {
  const { logins } = session.server
  if (session.database.name !== 'master')
    throw new SqlError(
      4621,
      'Permissions at the server scope can only be granted when the current database is master',
    )
  for (const principal of statement.principals) {
    const login = logins.get(principal.toLowerCase())
    if (!session.login.sysadmin || login === undefined)
      throw new SqlError(
        15151,
        `Cannot find the login '${principal}', because it does not exist or you do not have permission.`,
      )
    const others = (login.permissions ?? []).filter(({ name }) => !statement.permissions.includes(name))
    const state = statement.verb === 'DENY' ? 'D' : statement.grantOption ? 'W' : 'G'
    const put =
      statement.verb === 'REVOKE' ? [] : statement.permissions.map((name) => ({ name, state }) as const)
    logins.set(principal.toLowerCase(), { ...login, permissions: [...others, ...put] })
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
