import type { ObjectOwner, Permission, Principal, RoleMember, SchemaModel } from '../catalog/model.ts'
import { quoteName, quoteText } from '../catalog/quote.ts'
import type { Step } from './step.ts'

/** 15023: a user or role of that name is there. */
const PRINCIPAL_EXISTS = [15023]

export function scriptPrincipal(principal: Principal): Step {
  const name = quoteName(principal.name)
  if (principal.kind === 'role') {
    return {
      kind: 'role',
      name,
      onFailure: 'report',
      batches: [`CREATE ROLE ${name}`],
      exists: PRINCIPAL_EXISTS,
    }
  }
  const schema =
    principal.defaultSchema === undefined
      ? ''
      : ` WITH DEFAULT_SCHEMA = ${quoteName(principal.defaultSchema)}`
  const orphan = `CREATE USER ${name} WITHOUT LOGIN${schema}`
  const connect = principal.mayNotConnect ? [`REVOKE CONNECT FROM ${name}`] : []
  const user = { kind: 'user', name, onFailure: 'report', exists: PRINCIPAL_EXISTS } as const
  if (principal.authentication === 'external') {
    return { ...user, batches: [`CREATE USER ${name} FROM EXTERNAL PROVIDER${schema}`, ...connect] }
  }
  if (principal.login === undefined) return { ...user, batches: [orphan, ...connect] }
  const { login } = principal
  return {
    ...user,
    login,
    batches: [
      [
        `IF SUSER_ID(${quoteText(login)}) IS NULL`,
        `  ${orphan}`,
        'ELSE',
        `  CREATE USER ${name} FOR LOGIN ${quoteName(login)}${schema}`,
      ].join('\n'),
      ...connect,
    ],
    // Where the login is the owner of the database, it is dbo and can be no other user.
    otherwise: { batch: orphan, lost: `it is made without its login '${login}'` },
  }
}

/** After all of them are there. */
export function scriptRoleOwner(principal: Principal): readonly Step[] {
  if (principal.owner === undefined) return []
  return [owner(`ROLE::${quoteName(principal.name)}`, principal.owner)]
}

export function scriptRoleMember({ role, member }: RoleMember): Step {
  return {
    kind: 'member of role',
    name: `${quoteName(member)} in ${quoteName(role)}`,
    onFailure: 'report',
    batches: [`ALTER ROLE ${quoteName(role)} ADD MEMBER ${quoteName(member)}`],
  }
}

export function scriptSchemaOwner(schema: SchemaModel): readonly Step[] {
  return schema.owner === 'dbo' ? [] : [owner(`SCHEMA::${quoteName(schema.name)}`, schema.owner)]
}

export function scriptOwner({ securable, owner: name }: ObjectOwner): Step {
  return owner(securable, name)
}

/** Before the permissions, which it takes away. */
function owner(securable: string, name: string): Step {
  return {
    kind: 'owner',
    name: `${quoteName(name)} of ${securable}`,
    onFailure: 'report',
    batches: [`ALTER AUTHORIZATION ON ${securable} TO ${quoteName(name)}`],
  }
}

/** Tried again, since who passed a permission on must have it first. */
export function scriptPermission(permission: Permission): Step {
  const { state, securable, column, grantee, grantor } = permission
  const verb = state === 'GRANT_WITH_GRANT_OPTION' ? 'GRANT' : state
  const on =
    securable === undefined ? '' : ` ON ${securable}${column === undefined ? '' : ` (${quoteName(column)})`}`
  const text = [
    `${verb} ${permission.permission}${on}`,
    `${verb === 'REVOKE' ? 'FROM' : 'TO'} ${quoteName(grantee)}`,
    ...(state === 'GRANT_WITH_GRANT_OPTION' ? ['WITH GRANT OPTION'] : []),
    ...(grantor === undefined ? [] : [`AS ${quoteName(grantor)}`]),
  ].join(' ')
  return { kind: 'permission', name: text, onFailure: 'retry', batches: [text] }
}
