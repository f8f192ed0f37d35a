import type { TdsValue } from '../backend.ts'
import { createCursor } from './cursor.ts'
import type { Database, SqlObject } from './model.ts'
import { findObject } from './names.ts'
import { canEnter, isOwner, mayAtServer, mayDo } from './permissions.ts'
import { SqlError } from './sql-error.ts'
import type { SessionState } from './state.ts'
import { INT, nvarchar } from './types.ts'
import { Variant } from './values.ts'

export const database = (session: SessionState, id: TdsValue | undefined): Database | undefined => {
  if (id === undefined || id === null) return session.database
  for (const each of session.server.databases.values()) if (each.id === Number(id)) return each
  return undefined
}

/** `[a b].c` as OBJECT_ID and its kin read it. */
export function splitName(text: string): string[] | undefined {
  try {
    const cursor = createCursor(text)
    const parts = cursor.names()
    return cursor.token.kind === 'end' ? parts : undefined
  } catch (thrown) {
    if (thrown instanceof SqlError) return undefined
    throw thrown
  }
}

export function objectFor(
  session: SessionState,
  text: string,
): { database: Database; object: SqlObject } | undefined {
  const parts = splitName(text)
  return parts === undefined ? undefined : findObject(session, parts)
}

export function serverProperty(session: SessionState, name: string): TdsValue {
  const { facts } = session.server
  const text = (value: string) => new Variant(nvarchar(128), value)
  const number = (value: number) => new Variant(INT, value)
  switch (name.toLowerCase()) {
    case 'productversion':
      return text(facts.version)
    case 'productmajorversion':
      return text(facts.version.split('.')[0] ?? '')
    case 'productlevel':
      return text('RTM')
    case 'edition':
      return text(facts.edition)
    case 'engineedition':
      return number(facts.engineEdition)
    case 'collation':
      return text(facts.collation)
    case 'servername':
    case 'machinename':
      return text(facts.name)
    case 'instancename':
      return null
    case 'isclustered':
    case 'ishadrenabled':
    case 'issingleuser':
    case 'isfulltextinstalled':
      return number(0)
    default:
      return null
  }
}

export function databaseProperty(session: SessionState, name: string, property: string): TdsValue {
  const options = session.server.databases.get(name.toLowerCase())?.options.get('options')
  if (options === undefined) return null
  const text = (value: string) => new Variant(nvarchar(128), value)
  switch (property.toLowerCase()) {
    case 'collation':
      return text(options.collation)
    case 'status':
      return text(options.state)
    case 'updateability':
      return text(options.readOnly ? 'READ_ONLY' : 'READ_WRITE')
    case 'recovery':
      return text(options.recovery)
    case 'useraccess':
      return text(options.userAccess)
    default:
      return null
  }
}

export function hasPermission(
  session: SessionState,
  securable: TdsValue,
  type: TdsValue,
  permission: string,
): TdsValue {
  const name = permission.toUpperCase()
  if (securable === null && (type === null || String(type).toUpperCase() === 'SERVER'))
    return mayAtServer(session, name) ? 1 : 0
  const kind = String(type).toUpperCase()
  if (kind === 'DATABASE') {
    const target =
      securable === null
        ? session.database
        : session.server.databases.get(splitName(String(securable))?.at(-1)?.toLowerCase() ?? '')
    if (target === undefined || !canEnter(session, target)) return target === undefined ? null : 0
    return mayDo(session, target, name) ? 1 : 0
  }
  if (kind === 'OBJECT') {
    const found = objectFor(session, String(securable))
    return found === undefined ? null : mayDo(session, found.database, name, found.object) ? 1 : 0
  }
  if (kind === 'SCHEMA')
    return isOwner(session, session.database) || mayDo(session, session.database, name) ? 1 : 0
  return null
}

export function objectProperty(session: SessionState, id: TdsValue, property: string): TdsValue {
  const object = session.database.objects.get(Number(id))
  if (object === undefined) return null
  const is = (...types: string[]) => (types.includes(object.type) ? 1 : 0)
  switch (property.toLowerCase()) {
    case 'isencrypted':
      return object.module?.encrypted ? 1 : 0
    case 'ismsshipped':
      return 0
    case 'isschemabound':
      return object.module?.schemaBound ? 1 : 0
    case 'istable':
    case 'isusertable':
      return is('U')
    case 'isview':
      return is('V')
    case 'isprocedure':
      return is('P')
    case 'istrigger':
      return is('TR')
    case 'execisansinullson':
      return object.module?.ansiNulls ? 1 : 0
    case 'execisquotedidenton':
      return object.module?.quotedIdentifier ? 1 : 0
    case 'tablehasidentity':
      return object.table?.columns.some((column) => column.identity !== undefined) ? 1 : 0
    case 'cnstisnottrusted':
      return object.check?.notTrusted || object.foreignKey?.notTrusted ? 1 : 0
    case 'cnstisdisabled':
      return object.check?.disabled || object.foreignKey?.disabled ? 1 : 0
    case 'tabletemporaltype':
      return object.table?.temporal ? 2 : object.table?.historyOf ? 1 : 0
    default:
      return null
  }
}
