import type { CatalogView } from './catalog.ts'
import { userOf } from './names.ts'
import { principalIds, seesAll } from './permissions.ts'

const TYPE_DESC: Readonly<Record<string, string>> = {
  S: 'SQL_USER',
  R: 'DATABASE_ROLE',
  A: 'APPLICATION_ROLE',
  U: 'WINDOWS_USER',
  G: 'WINDOWS_GROUP',
}
const CLASS_DESC: Readonly<Record<number, string>> = {
  0: 'DATABASE',
  1: 'OBJECT_OR_COLUMN',
  3: 'SCHEMA',
  4: 'DATABASE_PRINCIPAL',
  6: 'TYPE',
}
const STATE_DESC = { G: 'GRANT', D: 'DENY', W: 'GRANT_WITH_GRANT_OPTION' } as const
const CODES: Readonly<Record<string, string>> = {
  SELECT: 'SL',
  INSERT: 'IN',
  UPDATE: 'UP',
  DELETE: 'DL',
  EXECUTE: 'EX',
  REFERENCES: 'RF',
  CONTROL: 'CL',
  ALTER: 'AL',
  CONNECT: 'CO',
  'VIEW DEFINITION': 'VW',
}
const bytes = (hex: string | null) => (hex === null ? null : Uint8Array.from(Buffer.from(hex, 'hex')))

export const SECURITY_VIEWS: Readonly<Record<string, CatalogView>> = {
  'sys.database_principals': {
    columns: `name:sysname principal_id:int type:char(1) type_desc:nvarchar(60)? default_schema_name:sysname? create_date:datetime modify_date:datetime owning_principal_id:int?
sid:varbinary(85)? is_fixed_role:bit authentication_type:int authentication_type_desc:nvarchar(60)? default_language_name:sysname? default_language_lcid:int? allow_encrypted_value_modifications:bit`,
    *rows({ session, database }) {
      const owner = seesAll(session, database)
      const own = principalIds(session, database)
      for (const each of [...database.principals.values()].sort((a, b) => a.id - b.id)) {
        if (!owner && !own.has(each.id) && !each.fixed && each.id > 4) continue
        // dbo is whoever owns the database.
        const sid =
          each.id === 1
            ? (session.server.logins.get(database.owner.toLowerCase())?.sid ?? '01')
            : each.id === 2
              ? '00'
              : each.sid
        yield {
          name: each.name,
          principal_id: each.id,
          type: each.type,
          type_desc: TYPE_DESC[each.type] ?? null,
          default_schema_name: each.defaultSchema,
          create_date: database.created,
          modify_date: database.created,
          owning_principal_id: each.ownerId,
          sid: bytes(sid),
          is_fixed_role: each.fixed,
          authentication_type:
            each.authentication === 'INSTANCE' ? 1 : each.authentication === 'DATABASE' ? 2 : 0,
          authentication_type_desc: each.authentication,
          default_language_name: null,
          default_language_lcid: null,
          allow_encrypted_value_modifications: false,
        }
      }
    },
  },
  'sys.database_role_members': {
    columns: 'role_principal_id:int member_principal_id:int',
    *rows({ session, database }) {
      const user = userOf(session, database)
      for (const { roleId, memberId } of database.roleMembers.values())
        if (seesAll(session, database) || memberId === user?.id)
          yield { role_principal_id: roleId, member_principal_id: memberId }
    },
  },
  'sys.database_permissions': {
    columns: `class:tinyint class_desc:nvarchar(60)? major_id:int minor_id:int grantee_principal_id:int grantor_principal_id:int type:char(4) permission_name:nvarchar(128)?
state:char(1) state_desc:nvarchar(60)?`,
    *rows({ session, database }) {
      const owner = seesAll(session, database)
      const own = principalIds(session, database)
      // The server's own grants to public on its views.
      yield {
        class: 1,
        class_desc: 'OBJECT_OR_COLUMN',
        major_id: -425,
        minor_id: 0,
        grantee_principal_id: 0,
        grantor_principal_id: 1,
        type: 'SL  ',
        permission_name: 'SELECT',
        state: 'G',
        state_desc: 'GRANT',
      }
      for (const each of database.permissions.values()) {
        if (!owner && !own.has(each.granteeId)) continue
        yield {
          class: each.class,
          class_desc: CLASS_DESC[each.class] ?? null,
          major_id: each.majorId,
          minor_id: each.minorId,
          grantee_principal_id: each.granteeId,
          grantor_principal_id: each.grantorId,
          type: (CODES[each.name] ?? 'OTHR').padEnd(4),
          permission_name: each.name,
          state: each.state,
          state_desc: STATE_DESC[each.state],
        }
      }
    },
  },
}
