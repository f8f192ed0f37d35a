import type { TdsType } from '../backend.ts'
import type { TypeName } from './ast.ts'
import type { Database, Principal, SchemaRecord, SqlObject, UserType } from './model.ts'
import { canEnter } from './permissions.ts'
import { missingObject, notPlayed, SqlError } from './sql-error.ts'
import type { SessionState } from './state.ts'
import { BASE_TYPES, baseTypeName, makeType } from './types.ts'

export const sameName = (left: string, right: string) => left.toLowerCase() === right.toLowerCase()

export function findDatabase(session: SessionState, name: string): Database {
  if (name === '') return session.database
  const found = session.server.databases.get(name.toLowerCase())
  if (found === undefined)
    throw new SqlError(
      911,
      `Database '${name}' does not exist. Make sure that the name is entered correctly.`,
    )
  if (!canEnter(session, found))
    throw new SqlError(
      916,
      `The server principal "${session.login.name}" is not able to access the database "${name}" under the current security context.`,
      { endsBatch: true },
    )
  const state = found.options.get('options')?.state
  if (state === 'RESTORING')
    throw new SqlError(927, `Database '${name}' cannot be opened. It is in the middle of a restore.`, {
      severity: 14,
      endsBatch: true,
    })
  if (state !== 'ONLINE')
    throw new SqlError(942, `Database '${name}' cannot be opened because it is offline.`, {
      severity: 14,
      endsBatch: true,
    })
  return found
}

export function schemaByName(database: Database, name: string): SchemaRecord | undefined {
  for (const schema of database.schemas.values()) if (sameName(schema.name, name)) return schema
  return undefined
}

export function requireSchema(database: Database, name: string): SchemaRecord {
  const found = schemaByName(database, name)
  if (found === undefined)
    throw new SqlError(
      2760,
      `The specified schema name "${name}" either does not exist or you do not have permission to use it.`,
    )
  return found
}

export function objectByName(database: Database, schemaId: number, name: string): SqlObject | undefined {
  for (const object of database.objects.values())
    if (object.schemaId === schemaId && object.type !== 'TT' && sameName(object.name, name)) return object
  return undefined
}

export interface FoundObject {
  readonly database: Database
  readonly object: SqlObject
}

/** [[database.]schema.]name; a temporary table's database is tempdb. */
export function findObject(session: SessionState, parts: readonly string[]): FoundObject | undefined {
  const name = parts.at(-1) ?? ''
  if (parts.length > 3) throw notPlayed('linked servers')
  const database = name.startsWith('#')
    ? findDatabase(session, 'tempdb')
    : findDatabase(session, parts.length === 3 ? (parts[0] ?? '') : '')
  const wanted = parts.length > 1 ? (parts.at(-2) ?? '') : ''
  const tried = wanted === '' ? [defaultSchema(session, database), 'dbo'] : [wanted]
  for (const schemaName of tried) {
    const schema = schemaByName(database, schemaName)
    if (schema === undefined) continue
    const stored = name.startsWith('#') ? `${name}___${session.spid}` : name
    const object = objectByName(database, schema.id, stored)
    if (object !== undefined) return { database, object }
  }
  return undefined
}

export function requireObject(session: SessionState, parts: readonly string[]): FoundObject {
  const found = findObject(session, parts)
  if (found === undefined) throw missingObject(parts.join('.'))
  return found
}

/** Where CREATE puts an object. */
export function placeFor(
  session: SessionState,
  parts: readonly string[],
): { database: Database; schema: SchemaRecord; name: string } {
  const last = parts.at(-1) ?? ''
  const temporary = last.startsWith('#')
  const database = temporary
    ? findDatabase(session, 'tempdb')
    : findDatabase(session, parts.length === 3 ? (parts[0] ?? '') : '')
  const name = temporary ? `${last}___${session.spid}` : last
  const schemaName = temporary
    ? 'dbo'
    : parts.length > 1 && parts.at(-2) !== ''
      ? (parts.at(-2) ?? '')
      : defaultSchema(session, database)
  const schema = requireSchema(database, schemaName)
  if (objectByName(database, schema.id, name) !== undefined)
    throw new SqlError(2714, `There is already an object named '${last}' in the database.`, {
      endsBatch: true,
    })
  return { database, schema, name }
}

export function userOf(session: SessionState, database: Database): Principal | undefined {
  if (session.login.sysadmin || sameName(database.owner, session.login.name))
    return database.principals.get(1)
  for (const principal of database.principals.values())
    if (principal.sid === session.login.sid) return principal
  const guest = database.principals.get(2)
  return ['master', 'tempdb', 'msdb'].includes(database.name) ? guest : undefined
}

export function defaultSchema(session: SessionState, database: Database): string {
  return userOf(session, database)?.defaultSchema ?? 'dbo'
}

export function principalByName(database: Database, name: string): Principal | undefined {
  for (const principal of database.principals.values()) if (sameName(principal.name, name)) return principal
  return undefined
}

export function requirePrincipal(database: Database, name: string): Principal {
  const found = principalByName(database, name)
  if (found === undefined)
    throw new SqlError(
      15151,
      `Cannot find the user '${name}', because it does not exist or you do not have permission.`,
    )
  return found
}

export interface ResolvedType {
  readonly base: TdsType
  readonly userTypeId: number
  readonly nullable: boolean | undefined
  readonly tableType?: UserType
}

export function resolveTypeName(
  session: SessionState,
  type: TypeName,
  inCast = false,
  database = session.database,
): ResolvedType {
  const name = type.parts.at(-1) ?? ''
  const schemaName = type.parts.length > 1 ? (type.parts.at(-2) ?? '') : ''
  if (schemaName === '' || sameName(schemaName, 'sys')) {
    const base = baseTypeName(name)
    if (base !== undefined) {
      const made = makeType(base, type.args, inCast)
      // float(24) is a real; sysname keeps its own id.
      const id = BASE_TYPES[base === 'sysname' ? base : made.name]?.id ?? 0
      return { base: made, userTypeId: id, nullable: undefined }
    }
  }
  const schema = schemaByName(database, schemaName === '' ? defaultSchema(session, database) : schemaName)
  for (const candidate of database.types.values())
    if (candidate.schemaId === schema?.id && sameName(candidate.name, name)) {
      if (type.args.length > 0)
        throw new SqlError(
          2716,
          `Column, parameter, or variable #1: Cannot specify a column width on data type ${name}.`,
        )
      const table = candidate.tableObjectId === null ? {} : { tableType: candidate }
      return { base: candidate.base, userTypeId: candidate.id, nullable: candidate.nullable, ...table }
    }
  throw new SqlError(
    2715,
    `Column, parameter, or variable #1: Cannot find data type ${type.parts.join('.')}.`,
    { endsBatch: true },
  )
}
