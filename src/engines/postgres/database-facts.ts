import type { Connection } from './connection.ts'

/** What a restore must know of a database before it loads it; stored, encrypted, in the contents. */
export interface DatabaseFacts {
  readonly name: string
  readonly estimateBytes?: number
  readonly extensions: readonly string[]
  /** Roles that own something here, or that something is granted to. */
  readonly roles: readonly string[]
  readonly owners: readonly string[]
  readonly tablespaces: readonly string[]
  readonly owner: string
  /** Where the database itself lies, and the locale with which it can be made elsewhere. */
  readonly home: string
  readonly encoding: string
  readonly collate: string
  readonly ctype: string
  /** As in pg_database.datlocprovider: c, i (15 and later) or b (17 and later). */
  readonly provider: string
  /** Of ICU or of the built-in provider. */
  readonly locale: string | null
  readonly icuRules: string | null
  /** -1: none. */
  readonly connectionLimit: number
  readonly isTemplate: boolean
  readonly comment: string | null
  readonly securityLabels: readonly { readonly provider: string; readonly label: string }[]
  /** Null where privileges on the database itself were never changed. */
  readonly privileges: readonly DatabasePrivilege[] | null
  /** `ALTER DATABASE … SET` lines: for a database that exists at the target (`postgres`), which pg_restore won't alter. */
  readonly settings: readonly {
    readonly role: string | null
    readonly name: string
    readonly value: string
  }[]
}

export interface DatabasePrivilege {
  /** Null: PUBLIC. */
  readonly grantee: string | null
  readonly grantor: string
  readonly privilege: string
  readonly grantable: boolean
}

const OWN_OID = '(SELECT oid FROM pg_database WHERE datname = current_database())'

export async function readDatabaseFacts(connection: Connection): Promise<DatabaseFacts> {
  const { database } = connection
  const names = async (sql: string) => (await connection.query<{ name: string }>(sql)).map(({ name }) => name)
  const owned = ['pg_class rel', 'pg_proc pro', 'pg_namespace nsp', 'pg_type typ'].map((entry) => {
    const [catalog, prefix] = entry.split(' ')
    // What belongs to an extension comes with it, and with the owner that it gets there.
    return `SELECT ${prefix}owner FROM ${catalog} o WHERE oid >= 16384 AND NOT EXISTS (
      SELECT FROM pg_depend WHERE classid = '${catalog}'::regclass AND objid = o.oid AND deptype = 'e')`
  })
  const lines = await connection.query<{ role: string | null; line: string }>(
    `SELECT CASE WHEN setrole <> 0 THEN pg_get_userbyid(setrole) END AS role, unnest(setconfig) AS line
     FROM pg_db_role_setting WHERE setdatabase = ${OWN_OID}`,
  )
  const [own] = await connection.query<{
    owner: string
    home: string
    encoding: string
    collate: string
    ctype: string
    provider: string
    locale: string | null
    icuRules: string | null
    connectionLimit: number
    isTemplate: boolean
    comment: string | null
    changed: boolean
  }>(
    // The columns of the provider came with 15 and 16, and got another name with 17: JSON has those that there are.
    `SELECT pg_get_userbyid(datdba) AS owner, spcname AS home, pg_encoding_to_char(encoding) AS encoding,
       datcollate AS collate, datctype AS ctype, coalesce(to_jsonb(d) ->> 'datlocprovider', 'c') AS provider,
       coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale') AS locale,
       to_jsonb(d) ->> 'daticurules' AS "icuRules", datconnlimit AS "connectionLimit", datistemplate AS "isTemplate",
       shobj_description(d.oid, 'pg_database') AS comment, datacl IS NOT NULL AS changed
     FROM pg_database d JOIN pg_tablespace t ON t.oid = dattablespace WHERE d.oid = ${OWN_OID}`,
  )
  if (own === undefined) throw new Error('the database does not know itself')
  const { changed, ...entry } = own
  return {
    name: database,
    ...entry,
    privileges: changed ? await readDatabasePrivileges(connection, database) : null,
    securityLabels: await connection.query(
      `SELECT provider, label FROM pg_shseclabel WHERE classoid = 'pg_database'::regclass AND objoid = ${OWN_OID}`,
    ),
    extensions: await names(`SELECT extname AS name FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1`),
    roles: await names(
      `SELECT DISTINCT rolname AS name FROM pg_shdepend JOIN pg_roles r ON r.oid = refobjid
       WHERE refclassid = 'pg_authid'::regclass
         AND (dbid = ${OWN_OID} OR (classid = 'pg_database'::regclass AND objid = ${OWN_OID})) ORDER BY 1`,
    ),
    owners: await names(
      `SELECT DISTINCT pg_get_userbyid(owner) AS name FROM
         (SELECT datdba FROM pg_database WHERE oid = ${OWN_OID} UNION SELECT defaclrole FROM pg_default_acl
          UNION ${owned.join(' UNION ')}) AS all_owners (owner)
       ORDER BY 1`,
    ),
    tablespaces: await names(
      `SELECT DISTINCT spcname AS name FROM pg_tablespace t
       WHERE spcname NOT IN ('pg_default', 'pg_global')
         AND (EXISTS (SELECT FROM pg_class WHERE reltablespace = t.oid)
           OR EXISTS (SELECT FROM pg_database WHERE dattablespace = t.oid AND datname = current_database()))
       ORDER BY 1`,
    ),
    settings: lines.map(({ role, line }) => {
      const at = line.indexOf('=')
      return { role, name: line.slice(0, at), value: line.slice(at + 1) }
    }),
  }
}

/** Whose grants these are is kept, since only the owner's and a superuser's own can be given as they are. */
export async function readDatabasePrivileges(
  connection: Connection,
  database: string,
): Promise<readonly DatabasePrivilege[]> {
  return await connection.query<DatabasePrivilege>(
    `SELECT CASE WHEN grantee <> 0 THEN pg_get_userbyid(grantee) END AS grantee, pg_get_userbyid(grantor) AS grantor,
       privilege_type AS privilege, is_grantable AS grantable
     FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba)))
     WHERE datname = $1 ORDER BY 1 NULLS FIRST, 2, 3`,
    [database],
  )
}
