import { permissionRights, type Right } from './account-rights.ts'
import type { CatalogQuery } from './catalog/query.ts'
import { quoteName } from './catalog/quote.ts'
import { readQuery } from './catalog/read-rows.ts'
import { flag, maybeText, number, text } from './catalog/row.ts'
import { isOwnLogin } from './own-logins.ts'
import type { Session, SqlRow } from './session.ts'

export interface FoundAccounts {
  readonly names: readonly string[]
  readonly rights: readonly Right[]
  readonly limits: readonly string[]
}

/** No look at sys.sql_logins: it holds the hashes. */
export const SERVER_ACCOUNT_QUERIES = {
  principals: {
    what: 'logins',
    view: 'sys.server_principals',
    columns: ['principal_id', 'name', 'type', 'is_disabled'],
    optional: ['is_fixed_role'],
    orderBy: 'principal_id',
  },
  roleMembers: {
    what: 'members of server roles',
    view: 'sys.server_role_members',
    columns: ['role_principal_id', 'member_principal_id'],
  },
  permissions: {
    what: 'permissions at the server',
    view: 'sys.server_permissions',
    columns: ['class', 'major_id', 'grantee_principal_id', 'permission_name', 'state_desc'],
  },
  owners: {
    what: 'owners of databases',
    view: 'sys.databases',
    columns: ['name', 'SUSER_SNAME(owner_sid) AS owner_name'],
    // master, tempdb, model, msdb.
    where: 'database_id > 4',
  },
} as const satisfies Record<string, CatalogQuery>

/** Without it the views show only the login's own lines, and no error. The second came with SQL Server 2022. */
export const MAY_SEE_LOGINS_TEXT = `SELECT HAS_PERMS_BY_NAME(NULL, NULL, N'VIEW ANY DEFINITION') AS may_see,
  HAS_PERMS_BY_NAME(NULL, NULL, N'VIEW ANY SECURITY DEFINITION') AS may_see_security`

const WAYS_IN: Readonly<Record<string, string>> = {
  S: 'by password',
  U: 'by Windows account',
  G: 'by Windows group',
  E: 'by directory account',
  X: 'by directory group',
}

export async function readServerAccounts(
  session: Session,
  own: string,
  signal: AbortSignal,
): Promise<FoundAccounts> {
  const [may = {}] = await session.query(MAY_SEE_LOGINS_TEXT, signal)
  if (Number(may.may_see) !== 1 && Number(may.may_see_security) !== 1)
    return {
      ...{ names: [], rights: [] },
      limits: [`logins and server roles, which login '${own}' may not see (VIEW ANY DEFINITION)`],
    }
  const warnings: string[] = []
  const read = (query: CatalogQuery) => readQuery(session, query, warnings, signal)
  const principals = await read(SERVER_ACCOUNT_QUERIES.principals)
  const members = await read(SERVER_ACCOUNT_QUERIES.roleMembers)
  const permissions = await read(SERVER_ACCOUNT_QUERIES.permissions)
  const owners = await read(SERVER_ACCOUNT_QUERIES.owners)

  const byId = new Map(principals.map((row) => [number(row, 'principal_id'), row]))
  const accountOf = (id: number) => {
    const row = byId.get(id)
    return row === undefined ? undefined : serverAccount(row)
  }
  const logins = principals.filter((row) => typeOf(row) in WAYS_IN)
  const held = holdings(permissions, byId)
  return {
    names: principals.flatMap((row) => serverAccount(row) ?? []),
    rights: [
      ...logins.flatMap((row): Right[] => {
        const name = loginAccount(text(row, 'name'))
        const how = WAYS_IN[typeOf(row)] ?? ''
        return [[name, how], ...(flag(row, 'is_disabled') ? [] : [[name, 'may log in'] as const])]
      }),
      ...members.flatMap((row): Right[] => {
        const member = accountOf(number(row, 'member_principal_id'))
        const role = byId.get(number(row, 'role_principal_id'))
        if (member === undefined || role === undefined) return []
        return [[member, `member of server role ${quoteName(text(role, 'name'))}`]]
      }),
      ...held.rights,
      ...owners.flatMap((row): Right[] => {
        const owner = maybeText(row, 'owner_name')
        const database = quoteName(text(row, 'name'))
        return owner === undefined ? [] : [[loginAccount(owner), `owner of database ${database}`]]
      }),
    ],
    limits: [...warnings, ...held.limits],
  }
}

export function loginAccount(name: string): string {
  return `login ${quoteName(name)}`
}

/** Undefined for those that servers and providers make for themselves. */
function serverAccount(row: SqlRow): string | undefined {
  const name = text(row, 'name')
  const isPublic = name === 'public'
  if (isOwnLogin(name)) return undefined
  if (typeOf(row) in WAYS_IN) return loginAccount(name)
  // Servers that don't say which roles are fixed have no others: below 11 lie sysadmin and its like.
  const isFixed = flag(row, 'is_fixed_role') || number(row, 'principal_id') < 11
  return typeOf(row) === 'R' && (isPublic || !isFixed) ? `server role ${quoteName(name)}` : undefined
}

function holdings(
  permissions: readonly SqlRow[],
  byId: ReadonlyMap<number, SqlRow>,
): Pick<FoundAccounts, 'rights' | 'limits'> {
  let unnamed = 0
  const rights = permissions.flatMap((row): readonly Right[] => {
    const grantee = byId.get(number(row, 'grantee_principal_id'))
    const account = grantee && serverAccount(grantee)
    if (account === undefined) return []
    const on = securableOf(row, byId)
    if (on === undefined) {
      // Below lie the endpoints that each server has, which are public's.
      if (number(row, 'major_id') >= 65_536) unnamed += 1
      return []
    }
    const state = text(row, 'state_desc').trim()
    const permission = text(row, 'permission_name').trim()
    return permissionRights(account, { state, permission, column: undefined, on })
  })
  return {
    rights,
    limits: unnamed === 0 ? [] : [`permissions on endpoints and availability groups (${unnamed})`],
  }
}

/** Classes 100 and 101 of sys.server_permissions: the server, and its logins and roles. */
function securableOf(row: SqlRow, byId: ReadonlyMap<number, SqlRow>): string | undefined {
  const of = number(row, 'class')
  if (of === 100) return 'SERVER'
  const principal = of === 101 ? byId.get(number(row, 'major_id')) : undefined
  if (principal === undefined) return undefined
  const kind = typeOf(principal) === 'R' ? 'SERVER ROLE' : 'LOGIN'
  return `${kind}::${quoteName(text(principal, 'name'))}`
}

function typeOf(row: SqlRow): string {
  return text(row, 'type').trim()
}
