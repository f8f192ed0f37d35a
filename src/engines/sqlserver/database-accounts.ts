import { permissionRights, type Right } from './account-rights.ts'
import { buildOwners } from './catalog/build-owners.ts'
import { buildPermissions } from './catalog/build-permissions.ts'
import { buildPrincipals } from './catalog/build-principals.ts'
import type { Principal } from './catalog/model.ts'
import { createNames } from './catalog/names.ts'
import { CATALOG_QUERIES, type CatalogQueryName } from './catalog/queries.ts'
import { quoteName } from './catalog/quote.ts'
import { type CatalogRows, readQuery } from './catalog/read-rows.ts'
import { maybeNumber, maybeText, number, text } from './catalog/row.ts'
import { PERMISSIONS_TEXT } from './probe-database.ts'
import type { FoundAccounts } from './server-accounts.ts'
import type { Session, SqlRow } from './session.ts'

const LOOKED_AT: readonly CatalogQueryName[] = [
  ...(['schemas', 'types', 'xmlSchemaCollections', 'objects'] as const),
  ...(['principals', 'roleMembers', 'permissions'] as const),
]

/** sys.database_principals.type of those that a script can't make, and that may do something all the same. */
const UNSCRIPTED: Readonly<Record<string, string>> = {
  A: 'application role',
  C: 'user of a certificate',
  K: 'user of a key',
}

/** Users and roles of the database that the session is in. */
export async function readDatabaseAccounts(
  session: Session,
  database: string,
  own: string,
  signal: AbortSignal,
): Promise<FoundAccounts> {
  const [may = {}] = await session.query(PERMISSIONS_TEXT, signal)
  // The views show only the login's own lines then, and no error.
  if ((may.may_see ?? null) !== null && Number(may.may_see) === 0)
    return {
      ...{ names: [], rights: [] },
      limits: [`users and roles of database ${database}, which login '${own}' may not see (VIEW DEFINITION)`],
    }
  const warnings: string[] = []
  const rows = await readAccountRows(session, warnings, signal)
  const found = accountsOf(rows, ` in ${quoteName(database)}`)
  return { ...found, limits: [...warnings, ...found.limits].map((limit) => `database ${database}: ${limit}`) }
}

async function readAccountRows(
  session: Session,
  warnings: string[],
  signal: AbortSignal,
): Promise<CatalogRows> {
  const found = new Map<string, readonly SqlRow[]>()
  const read = async (name: CatalogQueryName) => {
    found.set(name, await readQuery(session, CATALOG_QUERIES[name], warnings, signal))
  }
  for (const name of LOOKED_AT) await read(name)
  // Of all views the longest, and seldom needed.
  if (found.get('permissions')?.some((row) => number(row, 'minor_id') !== 0) === true) await read('columns')
  return Object.fromEntries(
    Object.keys(CATALOG_QUERIES).map((name) => [name, found.get(name) ?? []]),
  ) as CatalogRows
}

function accountsOf(rows: CatalogRows, place: string): FoundAccounts {
  const names = createNames(rows)
  const { principals, roleMembers } = buildPrincipals(rows, names)
  const unscripted = rows.principals.flatMap((row) => {
    const kind = UNSCRIPTED[text(row, 'type').trim()]
    return kind === undefined ? [] : [{ name: text(row, 'name'), kind }]
  })
  const accounts = new Map([
    ...[...principals, ...unscripted].map(
      ({ name, kind }) => [name, `${kind} ${quoteName(name)}${place}`] as const,
    ),
    ['public', `role [public]${place}`] as const,
  ])
  const { permissions, notCaptured } = buildPermissions(rows, names, [
    ...principals,
    ...unscripted.map(
      ({ name }): Principal => ({ name, kind: 'user', authentication: 'none', mayNotConnect: false }),
    ),
  ])
  // Every database has a guest: one who may do something is worth to be named.
  if (permissions.some(({ grantee }) => grantee === 'guest')) accounts.set('guest', `user [guest]${place}`)
  const of = (name: string | undefined, right: string): readonly Right[] => {
    const account = name === undefined ? undefined : accounts.get(name)
    return account === undefined ? [] : [[account, right]]
  }
  const logins = new Map(rows.principals.map((row) => [text(row, 'name'), row]))
  const lost = notCaptured.reduce((sum, { count }) => sum + count, 0)
  return {
    names: [...accounts.values()],
    rights: [
      ...principals.flatMap((principal) =>
        wayIn(principal, logins).flatMap((way) => of(principal.name, way)),
      ),
      ...principals.flatMap(({ name, owner }) => of(owner, `owner of ROLE::${quoteName(name)}`)),
      ...roleMembers.flatMap(({ role, member }) => of(member, `member of ${quoteName(role)}`)),
      ...rows.schemas.flatMap((row) =>
        of(
          names.principal(maybeNumber(row, 'principal_id') ?? -1),
          `owner of SCHEMA::${quoteName(text(row, 'name'))}`,
        ),
      ),
      ...buildOwners(rows, names).flatMap(({ securable, owner }) => of(owner, `owner of ${securable}`)),
      ...permissions.flatMap(({ grantee, securable, ...permission }) =>
        permissionRights(accounts.get(grantee) ?? grantee, { ...permission, on: securable ?? 'DATABASE' }),
      ),
    ],
    limits:
      lost === 0 ? [] : [`permissions on keys, assemblies and other objects that are not read (${lost})`],
  }
}

/** Of a user whose login is gone, none: it keeps its rights, and nobody can use them, which is the usual loss of a move. */
function wayIn(
  { name, authentication, login = name }: Principal,
  rows: ReadonlyMap<string, SqlRow>,
): readonly string[] {
  switch (authentication) {
    case 'none':
      return []
    case 'database':
      return ['may log in, by a password of its own']
    case 'external':
      return ['may log in, by directory']
    case 'login': {
      const row = rows.get(name)
      const isOrphan = row !== undefined && 'login_name' in row && maybeText(row, 'login_name') === undefined
      return isOrphan ? [] : [`for login ${quoteName(login)}`]
    }
  }
}
