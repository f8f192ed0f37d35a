import type { Connection } from './connection.ts'

/** What a restore must know of a database before it loads it; stored, encrypted, in the contents. */
export interface DatabaseFacts {
  readonly name: string
  readonly estimateBytes?: number
  readonly extensions: readonly string[]
  /** Roles that own something here, or that something is granted to. */
  readonly roles: readonly string[]
  readonly owners: readonly string[]
  /** Privileges on the database itself were changed. */
  readonly granted: boolean
  readonly tablespaces: readonly string[]
  readonly owner: string
  /** Where the database itself lies, and the classic locale with which it can be made elsewhere. */
  readonly home: string
  readonly encoding: string
  readonly collate: string
  readonly ctype: string
  /** `ALTER DATABASE … SET` lines: for a database that exists at the target (`postgres`), which pg_restore won't alter. */
  readonly settings: readonly {
    readonly role: string | null
    readonly name: string
    readonly value: string
  }[]
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
  }>(
    `SELECT pg_get_userbyid(datdba) AS owner, spcname AS home, pg_encoding_to_char(encoding) AS encoding,
       datcollate AS collate, datctype AS ctype
     FROM pg_database d JOIN pg_tablespace t ON t.oid = dattablespace WHERE d.oid = ${OWN_OID}`,
  )
  if (own === undefined) throw new Error('the database does not know itself')
  return {
    name: database,
    ...own,
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
    granted: (await names('SELECT datname AS name FROM pg_database WHERE datacl IS NOT NULL')).includes(
      database,
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
