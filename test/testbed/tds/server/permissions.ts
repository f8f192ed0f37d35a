import type { Database, SqlObject } from './model.ts'
import { userOf } from './names.ts'
import { SqlError } from './sql-error.ts'
import type { SessionState } from './state.ts'

/** In the order of their ids, which begin with 3; 2 is public. */
export const FIXED_SERVER_ROLES = [
  ...['sysadmin', 'securityadmin', 'serveradmin', 'setupadmin'],
  ...['processadmin', 'diskadmin', 'dbcreator', 'bulkadmin'],
]

export function mayAtServer({ login }: SessionState, permission: string): boolean {
  const held = login.permissions?.find(({ name }) => name === permission)
  return (
    login.sysadmin ||
    (held !== undefined && held.state !== 'D') ||
    ['CONNECT SQL', 'VIEW ANY DATABASE'].includes(permission)
  )
}

/** Metadata of others: silently left out for all but those. */
export const seesAll = (session: SessionState, database: Database): boolean =>
  isOwner(session, database) || mayDo(session, database, 'VIEW DEFINITION')

/** May this login use the database at all? */
export function canEnter(session: SessionState, database: Database): boolean {
  return userOf(session, database) !== undefined
}

/** The user and every role that it is in, directly or not, and public. */
export function principalIds(session: SessionState, database: Database): ReadonlySet<number> {
  const user = userOf(session, database)
  const ids = new Set<number>([0])
  if (user === undefined) return ids
  const visit = (id: number) => {
    if (ids.has(id)) return
    ids.add(id)
    for (const { roleId, memberId } of database.roleMembers.values()) if (memberId === id) visit(roleId)
  }
  visit(user.id)
  return ids
}

export const isOwner = (session: SessionState, database: Database): boolean => {
  const ids = principalIds(session, database)
  return ids.has(1) || ids.has(16384)
}

/** What the fixed roles may do, on everything in the database. */
const FIXED: readonly { readonly role: number; readonly permissions: readonly string[] }[] = [
  {
    role: 16387,
    permissions: [
      'CREATE TABLE',
      'CREATE VIEW',
      'CREATE PROCEDURE',
      'CREATE FUNCTION',
      'CREATE SCHEMA',
      'CREATE TYPE',
      'CREATE SYNONYM',
      'ALTER',
      'REFERENCES',
      'VIEW DEFINITION',
    ],
  },
  { role: 16390, permissions: ['SELECT', 'VIEW DATABASE STATE'] },
  { role: 16391, permissions: ['INSERT', 'UPDATE', 'DELETE'] },
]

/** On an object if it is given, else on the database. Denied beats granted. */
export function mayDo(
  session: SessionState,
  database: Database,
  permission: string,
  object?: SqlObject,
): boolean {
  if (isOwner(session, database)) return true
  if (permission === 'VIEW DEFINITION' && mayAtServer(session, 'VIEW ANY DEFINITION')) return true
  const ids = principalIds(session, database)
  const covers = (name: string) =>
    name === permission || name === 'CONTROL' || (name === 'ALTER' && permission === 'VIEW DEFINITION')
  let granted = FIXED.some(({ role, permissions }) => ids.has(role) && permissions.includes(permission))
  for (const entry of database.permissions.values()) {
    if (!ids.has(entry.granteeId) || entry.minorId !== 0) continue
    const reaches =
      entry.class === 0 ||
      (object !== undefined && entry.class === 1 && entry.majorId === object.id) ||
      (object !== undefined && entry.class === 3 && entry.majorId === object.schemaId)
    if (!reaches || !covers(entry.name)) continue
    if (entry.state === 'D') return false
    granted = true
  }
  return granted
}

export function requirePermission(
  session: SessionState,
  database: Database,
  permission: string,
  object: SqlObject,
): void {
  if (mayDo(session, database, permission, object)) return
  const schema = database.schemas.get(object.schemaId)?.name ?? ''
  throw new SqlError(
    229,
    `The ${permission} permission was denied on the object '${object.name}', database '${database.name}', schema '${schema}'.`,
  )
}

export function requireDatabasePermission(
  session: SessionState,
  database: Database,
  permission: string,
): void {
  if (mayDo(session, database, permission)) return
  throw new SqlError(262, `${permission} permission denied in database '${database.name}'.`)
}

/** Catalog views show only what the caller has some right on: silently, as the real server does. */
export function canSee(session: SessionState, database: Database, object: SqlObject): boolean {
  const top = object.parentId === 0 ? object : (database.objects.get(object.parentId) ?? object)
  if (isOwner(session, database)) return true
  return [
    'SELECT',
    'INSERT',
    'UPDATE',
    'DELETE',
    'EXECUTE',
    'VIEW DEFINITION',
    'ALTER',
    'REFERENCES',
    'CONTROL',
  ].some((permission) => mayDo(session, database, permission, top))
}
