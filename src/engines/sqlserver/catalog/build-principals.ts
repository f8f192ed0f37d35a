import type { SqlRow } from '../session.ts'
import type { Principal, RoleMember } from './model-security.ts'
import type { Names } from './names.ts'
import type { CatalogRows } from './read-rows.ts'
import { flag, maybeNumber, maybeText, number, text } from './row.ts'

export interface BuiltPrincipals {
  readonly principals: readonly Principal[]
  readonly roleMembers: readonly RoleMember[]
  readonly notCaptured: readonly { readonly what: string; readonly count: number; readonly reason: string }[]
}

/** Every database has them; public is a role that needs no making. */
const OWN = ['dbo', 'guest', 'sys', 'information_schema', 'public']

/** sys.database_principals.type of users that can be made: SQL, Windows user and group, Entra user and group. */
const USERS = ['S', 'U', 'G', 'E', 'X']

const LOST: readonly { readonly what: string; readonly reason: string; is(row: SqlRow): boolean }[] = [
  {
    what: 'application roles',
    reason: 'their passwords can not be read: create them again, with their permissions',
    is: (row) => typeOf(row) === 'A',
  },
  {
    what: 'users of certificates and asymmetric keys',
    reason: 'the keys can not be read by SQL',
    is: (row) => ['C', 'K'].includes(typeOf(row)),
  },
  {
    what: 'passwords of contained users',
    reason: 'they can not be read: the users are made without a login, set passwords anew',
    is: (row) => typeOf(row) === 'S' && maybeText(row, 'authentication_type_desc') === 'DATABASE',
  },
]

export function buildPrincipals(rows: CatalogRows, names: Names): BuiltPrincipals {
  const own = rows.principals.filter(
    (row) => !OWN.includes(text(row, 'name').toLowerCase()) && !flag(row, 'is_fixed_role'),
  )
  const connecting = new Set(
    rows.permissions
      .filter((row) => number(row, 'class') === 0 && text(row, 'permission_name').trim() === 'CONNECT')
      .map((row) => number(row, 'grantee_principal_id')),
  )
  const principals = own.flatMap((row): Principal | readonly Principal[] => {
    const name = text(row, 'name')
    const defaultSchema = maybeText(row, 'default_schema_name')
    if (typeOf(row) === 'R') {
      const owner = names.principal(maybeNumber(row, 'owning_principal_id') ?? -1)
      return {
        name,
        kind: 'role',
        authentication: 'none',
        mayNotConnect: false,
        ...(owner === undefined || owner === 'dbo' ? {} : { owner }),
      }
    }
    if (!USERS.includes(typeOf(row))) return []
    const authentication = authenticationOf(row)
    return {
      name,
      kind: 'user',
      authentication,
      // Where no permission at all can be seen, the server does not show them.
      mayNotConnect: connecting.size > 0 && !connecting.has(number(row, 'principal_id')),
      ...(defaultSchema === undefined ? {} : { defaultSchema }),
      ...(authentication === 'login' ? { login: maybeText(row, 'login_name') ?? name } : {}),
    }
  })
  const known = new Set(principals.map(({ name }) => name))
  return {
    principals,
    roleMembers: rows.roleMembers.flatMap((row) => {
      const role = names.principal(number(row, 'role_principal_id'))
      const member = names.principal(number(row, 'member_principal_id'))
      return role === undefined || member === undefined || !known.has(member) ? [] : { role, member }
    }),
    notCaptured: LOST.flatMap(({ what, reason, is }) => {
      const count = own.filter(is).length
      return count === 0 ? [] : { what, count, reason }
    }),
  }
}

function authenticationOf(row: SqlRow): Principal['authentication'] {
  if (['E', 'X'].includes(typeOf(row))) return 'external'
  switch (maybeText(row, 'authentication_type_desc')) {
    case 'NONE':
      return 'none'
    case 'DATABASE':
      return 'database'
    case 'EXTERNAL':
      return 'external'
    default:
      // INSTANCE, WINDOWS, or a server that doesn't say.
      return 'login'
  }
}

function typeOf(row: SqlRow): string {
  return text(row, 'type').trim()
}
