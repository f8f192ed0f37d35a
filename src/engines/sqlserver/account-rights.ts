import type { Permission } from './catalog/model.ts'
import { quoteName } from './catalog/quote.ts'

export type Right = readonly [name: string, right: string]

/** What a login or user holds by one permission, in words that name no database: those are of the account. */
export function permissionRights(
  name: string,
  permission: Pick<Permission, 'state' | 'permission' | 'column'> & { readonly on: string },
): readonly Right[] {
  const { state, column, on } = permission
  const columns = column === undefined ? '' : ` (${quoteName(column)})`
  const right = `${permission.permission}${columns} ON ${on}`
  switch (state) {
    case 'GRANT':
      return [[name, right]]
    case 'GRANT_WITH_GRANT_OPTION':
      return [
        [name, right],
        [name, `may grant ${right}`],
      ]
    default:
      // DENY; REVOKE is one column's, of a table that was granted.
      return [[name, `${state} ${right}`]]
  }
}
