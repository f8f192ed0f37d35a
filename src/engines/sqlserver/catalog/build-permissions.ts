import type { SqlRow } from '../session.ts'
import type { Permission, Principal } from './model-security.ts'
import type { Names } from './names.ts'
import { quoteName, quoteObject } from './quote.ts'
import type { CatalogRows } from './read-rows.ts'
import { number, text } from './row.ts'

export interface BuiltPermissions {
  readonly permissions: readonly Permission[]
  readonly notCaptured: readonly { readonly what: string; readonly count: number; readonly reason: string }[]
}

export function buildPermissions(
  rows: CatalogRows,
  names: Names,
  principals: readonly Principal[],
): BuiltPermissions {
  const known = new Set([...principals.map(({ name }) => name), 'public', 'guest'])
  const kinds = new Map(principals.map(({ name, kind }) => [name, kind]))
  const collections = new Map(
    rows.xmlSchemaCollections.map((row) => [
      number(row, 'xml_collection_id'),
      { schema: names.schema(number(row, 'schema_id')), name: text(row, 'name') },
    ]),
  )
  /** Undefined for what is not scripted; the empty text is the database. */
  const securableOf = (row: SqlRow): string | undefined => {
    const id = number(row, 'major_id')
    switch (number(row, 'class')) {
      case 0:
        return ''
      case 1: {
        const object = names.object(id)
        return object === undefined ? undefined : `OBJECT::${quoteObject(object)}`
      }
      case 3:
        return `SCHEMA::${quoteName(names.schema(id))}`
      case 4: {
        const name = names.principal(id) ?? ''
        const kind = kinds.get(name)
        return kind === undefined ? undefined : `${kind.toUpperCase()}::${quoteName(name)}`
      }
      case 6: {
        const type = names.type(id)
        return type === undefined ? undefined : `TYPE::${quoteObject(type)}`
      }
      case 10: {
        const collection = collections.get(id)
        return collection === undefined ? undefined : `XML SCHEMA COLLECTION::${quoteObject(collection)}`
      }
      default:
        return undefined
    }
  }
  const permissions: Permission[] = []
  let lost = 0
  for (const row of rows.permissions) {
    const grantee = names.principal(number(row, 'grantee_principal_id'))
    if (grantee === 'dbo') continue
    const grantor = names.principal(number(row, 'grantor_principal_id'))
    const securable = securableOf(row)
    const minor = number(row, 'minor_id')
    const column = minor === 0 ? undefined : names.column(number(row, 'major_id'), minor)
    if (grantee === undefined || !known.has(grantee) || securable === undefined) {
      lost += 1
      continue
    }
    permissions.push({
      state: text(row, 'state_desc').trim(),
      permission: text(row, 'permission_name').trim(),
      securable: securable === '' ? undefined : securable,
      column,
      grantee,
      grantor: grantor === 'dbo' ? undefined : grantor,
    })
  }
  return {
    permissions,
    notCaptured:
      lost === 0
        ? []
        : [
            {
              what: 'permissions of or on what is not captured',
              count: lost,
              reason: 'who has them, or what they are about, is not scripted',
            },
          ],
  }
}
