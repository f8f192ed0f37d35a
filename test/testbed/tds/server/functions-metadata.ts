import type { TdsType, TdsValue } from '../backend.ts'
import { type FunctionFactory, plain } from './functions.ts'
import {
  database,
  databaseProperty,
  hasPermission,
  objectFor,
  objectProperty,
  serverProperty,
  splitName,
} from './metadata-properties.ts'
import { defaultSchema, principalByName, sameName, schemaByName, userOf } from './names.ts'
import { canEnter, principalIds } from './permissions.ts'
import type { SessionState } from './state.ts'
import { BASE_TYPES, INT, NVARCHAR_MAX, nvarchar, SYSNAME, varbinary } from './types.ts'
import { Variant } from './values.ts'
import { visibleDefinition } from './visible-definition.ts'

function identityOf(session: SessionState, name: TdsValue | undefined) {
  const found = objectFor(session, String(name))
  const column = found?.object.table?.columns.find((each) => each.identity !== undefined)
  return found === undefined || column?.identity === undefined
    ? undefined
    : { ...found, identity: column.identity }
}

const NUMERIC: TdsType = { name: 'numeric', length: 17, precision: 38, scale: 0 }

const VARIANT: TdsType = { name: 'sql_variant', length: 8016 }

export const METADATA_FUNCTIONS: Readonly<Record<string, FunctionFactory>> = {
  DB_NAME: plain(0, 1, SYSNAME, ([id], session) => database(session, id)?.name ?? null),
  DB_ID: plain(
    0,
    1,
    { name: 'smallint', length: 2 },
    ([name], session) =>
      (name === undefined ? session.database : session.server.databases.get(String(name).toLowerCase()))
        ?.id ?? null,
  ),
  SCHEMA_NAME: plain(0, 1, SYSNAME, ([id], session) =>
    id === undefined
      ? defaultSchema(session, session.database)
      : (session.database.schemas.get(Number(id))?.name ?? null),
  ),
  SCHEMA_ID: plain(
    0,
    1,
    INT,
    ([name], session) =>
      schemaByName(
        session.database,
        name === undefined ? defaultSchema(session, session.database) : String(name),
      )?.id ?? null,
  ),
  OBJECT_NAME: plain(
    1,
    2,
    SYSNAME,
    ([id, db], session) => database(session, db)?.objects.get(Number(id))?.name ?? null,
  ),
  OBJECT_SCHEMA_NAME: plain(1, 2, SYSNAME, ([id, db], session) => {
    const target = database(session, db)
    return target?.schemas.get(target.objects.get(Number(id))?.schemaId ?? -1)?.name ?? null
  }),
  OBJECT_ID: plain(1, 2, INT, ([name, type], session) => {
    const found = objectFor(session, String(name))
    if (found === undefined) return null
    return type === undefined || sameName(String(type).trim(), found.object.type) ? found.object.id : null
  }),
  OBJECT_DEFINITION: plain(1, 1, NVARCHAR_MAX, ([id], session) =>
    visibleDefinition(session, session.database, Number(id)),
  ),
  OBJECTPROPERTY: plain(2, 2, INT, ([id, property], session) =>
    objectProperty(session, id ?? null, String(property)),
  ),
  OBJECTPROPERTYEX: plain(2, 2, VARIANT, ([id, property], session) => {
    const value = objectProperty(session, id ?? null, String(property))
    return value === null ? null : new Variant(INT, value)
  }),
  COL_NAME: plain(
    2,
    2,
    SYSNAME,
    ([table, column], session) =>
      session.database.objects.get(Number(table))?.table?.columns.find((each) => each.id === Number(column))
        ?.name ?? null,
  ),
  COLUMNPROPERTY: plain(3, 3, INT, ([table, column, property], session) => {
    const found = session.database.objects
      .get(Number(table))
      ?.table?.columns.find((each) => sameName(each.name, String(column)))
    if (found === undefined) return null
    const facts: Readonly<Record<string, boolean>> = {
      isidentity: found.identity !== undefined,
      iscomputed: found.computed !== undefined,
      isrowguidcol: found.rowguid,
      allowsnull: found.nullable,
      issparse: found.sparse,
      iscolumnset: found.columnSet,
    }
    const fact = facts[String(property).toLowerCase()]
    return fact === undefined ? null : fact ? 1 : 0
  }),
  TYPE_NAME: plain(
    1,
    1,
    SYSNAME,
    ([id], session) =>
      session.database.types.get(Number(id))?.name ??
      Object.entries(BASE_TYPES).find(([, facts]) => facts.id === Number(id))?.[0] ??
      null,
  ),
  TYPE_ID: plain(1, 1, INT, ([name], session) => {
    const parts = splitName(String(name)) ?? []
    const last = parts.at(-1) ?? ''
    const base = BASE_TYPES[last.toLowerCase()]
    if (base !== undefined) return base.id
    const schema = parts.length > 1 ? schemaByName(session.database, parts[0] ?? '')?.id : undefined
    for (const type of session.database.types.values())
      if (sameName(type.name, last) && (schema === undefined || type.schemaId === schema)) return type.id
    return null
  }),
  USER_NAME: plain(
    0,
    1,
    SYSNAME,
    ([id], session) =>
      (id === undefined ? userOf(session, session.database) : session.database.principals.get(Number(id)))
        ?.name ?? null,
  ),
  USER_ID: plain(
    0,
    1,
    INT,
    ([name], session) =>
      (name === undefined
        ? userOf(session, session.database)
        : principalByName(session.database, String(name))
      )?.id ?? null,
  ),
  DATABASE_PRINCIPAL_ID: plain(
    0,
    1,
    INT,
    ([name], session) =>
      (name === undefined
        ? userOf(session, session.database)
        : principalByName(session.database, String(name))
      )?.id ?? null,
  ),
  SUSER_SNAME: plain(0, 1, nvarchar(128), ([sid], session) => loginName(session, sid)),
  SUSER_NAME: plain(0, 1, nvarchar(128), ([id], session) =>
    id === undefined
      ? session.login.name
      : ([...session.server.logins.values()].find((login) => login.id === Number(id))?.name ?? null),
  ),
  SUSER_ID: plain(
    0,
    1,
    INT,
    ([name], session) =>
      (name === undefined ? session.login : session.server.logins.get(String(name).toLowerCase()))?.id ??
      null,
  ),
  SUSER_SID: plain(0, 1, varbinary(85), ([name], session) => {
    const login = name === undefined ? session.login : session.server.logins.get(String(name).toLowerCase())
    return login === undefined ? null : Uint8Array.from(Buffer.from(login.sid, 'hex'))
  }),
  ORIGINAL_LOGIN: plain(0, 0, nvarchar(128), (_values, session) => session.login.name),
  HOST_NAME: plain(0, 0, nvarchar(128), (_values, session) => session.host),
  APP_NAME: plain(0, 0, nvarchar(128), (_values, session) => session.application),
  SERVERPROPERTY: plain(1, 1, VARIANT, ([name], session) => serverProperty(session, String(name))),
  DATABASEPROPERTYEX: plain(2, 2, VARIANT, ([name, property], session) =>
    databaseProperty(session, String(name), String(property)),
  ),
  CONNECTIONPROPERTY: plain(
    1,
    1,
    VARIANT,
    ([name]) =>
      ({ net_transport: new Variant(nvarchar(40), 'TCP'), protocol_type: new Variant(nvarchar(40), 'TSQL') })[
        String(name).toLowerCase()
      ] ?? null,
  ),
  HAS_PERMS_BY_NAME: plain(
    3,
    5,
    INT,
    ([securable, type, permission], session) =>
      hasPermission(session, securable ?? null, type ?? null, String(permission)),
    true,
  ),
  HAS_DBACCESS: plain(1, 1, INT, ([name], session) => {
    const target = session.server.databases.get(String(name).toLowerCase())
    return target === undefined ? null : canEnter(session, target) ? 1 : 0
  }),
  IS_MEMBER: plain(1, 1, INT, ([name], session) => memberOf(session, String(name))),
  IS_ROLEMEMBER: plain(1, 1, INT, ([name], session) => memberOf(session, String(name))),
  IS_SRVROLEMEMBER: plain(1, 2, INT, ([role], session) =>
    session.login.serverRoles.some((each) => sameName(each, String(role))) ||
    (sameName(String(role), 'sysadmin') && session.login.sysadmin)
      ? 1
      : 0,
  ),
  IDENT_CURRENT: plain(1, 1, NUMERIC, ([name], session) => {
    const found = identityOf(session, name)
    return found === undefined
      ? null
      : (found.database.data.get(found.object.id)?.lastIdentity?.toString() ?? found.identity.seed)
  }),
  IDENT_SEED: plain(1, 1, NUMERIC, ([name], session) => identityOf(session, name)?.identity.seed ?? null),
  IDENT_INCR: plain(
    1,
    1,
    NUMERIC,
    ([name], session) => identityOf(session, name)?.identity.increment ?? null,
  ),
}

function loginName(session: SessionState, sid: TdsValue | undefined): TdsValue {
  if (sid === undefined) return session.login.name
  if (!(sid instanceof Uint8Array)) return null
  const hex = Buffer.from(sid).toString('hex').toUpperCase()
  return [...session.server.logins.values()].find((login) => login.sid === hex)?.name ?? null
}

function memberOf(session: SessionState, name: string): TdsValue {
  const role = principalByName(session.database, name)
  if (role === undefined || role.type !== 'R') return null
  return principalIds(session, session.database).has(role.id) ? 1 : 0
}
