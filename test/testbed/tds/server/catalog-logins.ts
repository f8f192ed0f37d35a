import type { CatalogView } from './catalog.ts'
import { FIXED_SERVER_ROLES, mayAtServer } from './permissions.ts'
import type { SessionState } from './state.ts'

const STATE_DESC = { G: 'GRANT', D: 'DENY', W: 'GRANT_WITH_GRANT_OPTION' } as const

/** All others see themselves only, without an error. */
const seesAll = (session: SessionState) => mayAtServer(session, 'VIEW ANY DEFINITION')

export const LOGIN_VIEWS: Readonly<Record<string, CatalogView>> = {
  'sys.server_principals': {
    columns: `name:sysname principal_id:int sid:varbinary(85)? type:char(1) type_desc:nvarchar(60)? is_disabled:bit? create_date:datetime modify_date:datetime
default_database_name:sysname? default_language_name:sysname? credential_id:int? owning_principal_id:int? is_fixed_role:bit`,
    *rows({ session }) {
      for (const [at, name] of ['public', ...FIXED_SERVER_ROLES].entries())
        yield {
          name,
          principal_id: at + 2,
          sid: Uint8Array.from([at + 2]),
          type: 'R',
          type_desc: 'SERVER_ROLE',
          is_disabled: false,
          create_date: session.server.started,
          modify_date: session.server.started,
          default_database_name: null,
          default_language_name: null,
          credential_id: null,
          owning_principal_id: 1,
          is_fixed_role: at > 0,
        }
      for (const login of session.server.logins.values()) {
        if (!seesAll(session) && login !== session.login && login.name !== 'sa') continue
        yield {
          name: login.name,
          principal_id: login.id,
          sid: Uint8Array.from(Buffer.from(login.sid, 'hex')),
          type: 'S',
          type_desc: 'SQL_LOGIN',
          is_disabled: login.disabled ?? false,
          create_date: session.server.started,
          modify_date: session.server.started,
          default_database_name: 'master',
          default_language_name: 'us_english',
          credential_id: null,
          owning_principal_id: null,
          is_fixed_role: false,
        }
      }
    },
  },
  'sys.server_role_members': {
    columns: 'role_principal_id:int member_principal_id:int',
    *rows({ session }) {
      for (const login of session.server.logins.values())
        if (seesAll(session) || login === session.login)
          for (const role of login.serverRoles)
            yield {
              role_principal_id: FIXED_SERVER_ROLES.indexOf(role) + 3,
              member_principal_id: login.id,
            }
    },
  },
  'sys.server_permissions': {
    columns: `class:tinyint class_desc:nvarchar(60)? major_id:int minor_id:int grantee_principal_id:int grantor_principal_id:int type:char(4) permission_name:nvarchar(128)?
state:char(1) state_desc:nvarchar(60)?`,
    *rows({ session }) {
      const row = (grantee: number, name: string, state: keyof typeof STATE_DESC, endpoint?: number) => ({
        class: endpoint === undefined ? 100 : 105,
        class_desc: endpoint === undefined ? 'SERVER' : 'ENDPOINT',
        major_id: endpoint ?? 0,
        minor_id: 0,
        grantee_principal_id: grantee,
        grantor_principal_id: 1,
        type: 'OTHR',
        permission_name: name,
        state,
        state_desc: STATE_DESC[state],
      })
      yield row(2, 'VIEW ANY DATABASE', 'G')
      yield row(2, 'CONNECT', 'G', 4)
      for (const login of session.server.logins.values()) {
        if (!seesAll(session) && login !== session.login) continue
        yield row(login.id, 'CONNECT SQL', 'G')
        for (const { name, state } of login.permissions ?? []) yield row(login.id, name, state)
      }
    },
  },
}
