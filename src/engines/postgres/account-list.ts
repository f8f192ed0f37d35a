import { type AccountList, accountList } from '../../core/accounts.ts'
import { messageOf, throwIfAborted } from '../../core/errors.ts'
import { isProviderRole, listDatabases, PROVIDER_DATABASE, readServerFacts } from './catalog.ts'
import { type Connection, connect, connectMaintenance, type Server } from './connection.ts'

type Right = readonly [name: string, grant: string]

/** Roles with their attributes and memberships, then who may do what with each database and with what lies in it. */
export async function readAccounts(server: Server, signal: AbortSignal): Promise<AccountList> {
  await using maintenance = await connectMaintenance(server, signal)
  const { rds } = await readServerFacts(maintenance)
  const roles = await readRoles(maintenance)
  const rights = [...roles.rights, ...(await readRights(maintenance, DATABASES))]
  const limits: string[] = []
  for (const { name, allowsConnections, invalid, isTemplate } of await listDatabases(maintenance)) {
    if (isTemplate || !allowsConnections || invalid || name === PROVIDER_DATABASE) continue
    try {
      await using session = await connect(server, name, signal)
      rights.push(...(await readRights(session, WITHIN)))
    } catch (thrown) {
      throwIfAborted(signal)
      limits.push(`database ${name}: ${messageOf(thrown)}`)
    }
  }
  const names = ['PUBLIC', ...roles.names].filter((name) => !(rds && isProviderRole(name)))
  return accountList(names, rights, limits)
}

interface RoleRow {
  readonly name: string
  readonly login: boolean
  readonly attributes: readonly string[]
  readonly connections: number
  readonly until: string | null
}

async function readRoles(
  connection: Connection,
): Promise<{ readonly names: readonly string[]; readonly rights: readonly Right[] }> {
  const rows = await connection.query<RoleRow>(
    `SELECT rolname AS name, rolcanlogin AS login, rolconnlimit AS connections,
       to_char(rolvaliduntil AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS until,
       array_remove(ARRAY[CASE WHEN rolsuper THEN 'SUPERUSER' END, CASE WHEN rolcreatedb THEN 'CREATEDB' END,
         CASE WHEN rolcreaterole THEN 'CREATEROLE' END, CASE WHEN rolreplication THEN 'REPLICATION' END,
         CASE WHEN rolbypassrls THEN 'BYPASSRLS' END, CASE WHEN NOT rolinherit THEN 'NOINHERIT' END], NULL) AS attributes
     FROM pg_roles WHERE rolname !~ '^pg_'`,
  )
  const members = await connection.query<{ name: string; role: string; admin: boolean }>(
    `SELECT m.rolname AS name, g.rolname AS role, bool_or(admin_option) AS admin FROM pg_auth_members
       JOIN pg_roles m ON m.oid = member JOIN pg_roles g ON g.oid = roleid GROUP BY 1, 2`,
  )
  return {
    names: rows.map(({ name }) => name),
    rights: [
      ...rows.flatMap(({ name, login, attributes, connections, until }) =>
        [
          ...(login ? ['may log in'] : []),
          ...attributes,
          ...(connections >= 0 ? [`CONNECTION LIMIT ${connections}`] : []),
          ...(until === null ? [] : [`VALID UNTIL ${until}`]),
        ].map((grant): Right => [name, grant]),
      ),
      ...members.flatMap(({ name, role, admin }): Right[] => [
        [name, `member of ${role}`],
        ...(admin ? [[name, `ADMIN OPTION of ${role}`] as const] : []),
      ]),
    ],
  }
}

interface RightRow {
  readonly name: string
  readonly privilege: string
  readonly grantable: boolean
  readonly object: string
}

async function readRights(connection: Connection, sql: string): Promise<readonly Right[]> {
  const rows = await connection.query<RightRow>(sql)
  return rows.flatMap(({ name, privilege, grantable, object }): Right[] => [
    [name, `${privilege} ON ${object}`],
    ...(grantable ? [[name, `GRANT OPTION for ${privilege} ON ${object}`] as const] : []),
  ])
}

/**
 * Where nobody has granted anything the list is null, and the default holds: both are written out. What an owner may do with
 * what is theirs goes without saying, but that it is theirs does not.
 */
function rightsOn(what: {
  readonly from: string
  readonly where: string
  readonly acl: string
  readonly kind: string
  readonly owner: string
  readonly object: string
}): string {
  const { from, where, acl, kind, owner, object } = what
  return `SELECT pg_get_userbyid(${owner}) AS name, 'OWNER' AS privilege, false AS grantable, ${object} AS object
    FROM ${from} WHERE ${where}
    UNION ALL
    SELECT ${GRANTEE}, a.privilege_type, a.is_grantable, ${object}
    FROM ${from} CROSS JOIN LATERAL aclexplode(coalesce(${acl}, acldefault(${kind}, ${owner}))) a
    WHERE a.grantee <> ${owner} AND ${where}`
}

const GRANTEE = `CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END`

const DATABASES = rightsOn({
  from: 'pg_database',
  where: `NOT datistemplate AND datname <> '${PROVIDER_DATABASE}'`,
  ...{ acl: 'datacl', kind: `'d'::"char"`, owner: 'datdba', object: `'database ' || quote_ident(datname)` },
})

/** Of the user: initdb's own schemas, and members of extensions, are the same wherever their version is. */
const schemaOf = (schema: string) =>
  `${schema} NOT IN ('pg_catalog', 'information_schema') AND ${schema} !~ '^pg_(toast|temp_|toast_temp_)'`
const notOfExtension = (catalog: string, oid: string) =>
  `NOT EXISTS (SELECT FROM pg_depend WHERE classid = '${catalog}'::regclass AND objid = ${oid} AND deptype = 'e')`
const IN_HERE = `|| ' in ' || quote_ident(current_database())`
const RELATION = `CASE c.relkind WHEN 'S' THEN 'sequence ' WHEN 'v' THEN 'view ' ELSE 'table ' END
  || quote_ident(n.nspname) || '.' || quote_ident(c.relname)`
const RELATIONS = `pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace`
const OF_RELATIONS = `${schemaOf('n.nspname')} AND ${notOfExtension('pg_class', 'c.oid')}`

const WITHIN = [
  rightsOn({
    from: 'pg_namespace n',
    where: `${schemaOf('n.nspname')} AND ${notOfExtension('pg_namespace', 'n.oid')}`,
    ...{ acl: 'n.nspacl', kind: `'n'::"char"`, owner: 'n.nspowner' },
    object: `'schema ' || quote_ident(n.nspname) ${IN_HERE}`,
  }),
  rightsOn({
    from: RELATIONS,
    where: `c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND ${OF_RELATIONS}`,
    acl: 'c.relacl',
    kind: `CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char"`,
    ...{ owner: 'c.relowner', object: `${RELATION} ${IN_HERE}` },
  }),
  rightsOn({
    from: 'pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace',
    where: `${schemaOf('n.nspname')} AND ${notOfExtension('pg_proc', 'p.oid')}`,
    ...{ acl: 'p.proacl', kind: `'f'::"char"`, owner: 'p.proowner' },
    object: `'routine ' || quote_ident(n.nspname) || '.' || quote_ident(p.proname) || '(' || pg_get_function_identity_arguments(p.oid) || ')' ${IN_HERE}`,
  }),
  `SELECT ${GRANTEE}, a.privilege_type, a.is_grantable,
     'column ' || quote_ident(t.attname) || ' of ' || ${RELATION} ${IN_HERE}
   FROM ${RELATIONS} JOIN pg_attribute t ON t.attrelid = c.oid AND NOT t.attisdropped
   CROSS JOIN LATERAL aclexplode(t.attacl) a WHERE ${OF_RELATIONS}`,
  `SELECT ${GRANTEE}, a.privilege_type, a.is_grantable,
     CASE f.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'routines' WHEN 'T' THEN 'types' ELSE 'schemas' END
     || ' that ' || quote_ident(pg_get_userbyid(f.defaclrole)) || ' will make'
     || coalesce(' in schema ' || (SELECT quote_ident(nspname) FROM pg_namespace WHERE oid = f.defaclnamespace), '') ${IN_HERE}
   FROM pg_default_acl f CROSS JOIN LATERAL aclexplode(f.defaclacl) a`,
].join('\n UNION ALL\n')
