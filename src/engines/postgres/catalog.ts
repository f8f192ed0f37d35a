import type { Connection } from './connection.ts'
import { codeOf } from './failures.ts'

export interface DatabaseEntry {
  readonly name: string
  readonly allowsConnections: boolean
  /** `datconnlimit = -2`: a DROP DATABASE was cut off. */
  readonly invalid: boolean
  readonly mayConnect: boolean
  readonly isTemplate: boolean
  readonly tablespace: string
  readonly bytes: number | undefined
}

export async function listDatabases(connection: Connection): Promise<readonly DatabaseEntry[]> {
  const rows = await connection.query<DatabaseEntry & { readonly bytes: string | null }>(
    `SELECT datname AS name, datallowconn AS "allowsConnections", datconnlimit = -2 AS invalid,
       datistemplate AS "isTemplate", spcname AS tablespace,
       has_database_privilege(d.oid, 'CONNECT') AS "mayConnect",
       CASE WHEN datallowconn AND datconnlimit <> -2 AND has_database_privilege(d.oid, 'CONNECT')
         THEN pg_database_size(d.oid) END AS bytes
     FROM pg_database d JOIN pg_tablespace t ON t.oid = dattablespace
     ORDER BY datname COLLATE "C"`,
  )
  return rows.map((row) => ({ ...row, bytes: row.bytes === null ? undefined : Number(row.bytes) }))
}

/** What people made has numbers from 16384 (FirstNormalObjectId): initdb's own objects lie below. */
export async function holdsUserObjects(connection: Connection): Promise<boolean> {
  const [row] = await connection.query<{ found: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_class WHERE oid >= 16384 AND relpersistence <> 't' AND relnamespace <> 'pg_toast'::regnamespace)
       OR EXISTS (SELECT FROM pg_namespace WHERE oid >= 16384 AND nspname !~ '^pg_(toast_)?temp_')
       OR EXISTS (SELECT FROM pg_proc WHERE oid >= 16384)
       OR EXISTS (SELECT FROM pg_type WHERE oid >= 16384 AND typrelid = 0 AND typelem = 0)
       OR EXISTS (SELECT FROM pg_extension WHERE oid >= 16384)
       OR EXISTS (SELECT FROM pg_event_trigger)
       OR EXISTS (SELECT FROM pg_publication)
       OR EXISTS (SELECT FROM pg_foreign_data_wrapper WHERE oid >= 16384)
       OR EXISTS (SELECT FROM pg_foreign_server)
       OR EXISTS (SELECT FROM pg_largeobject_metadata) AS found`,
  )
  return row?.found === true
}

export interface Relation {
  readonly schema: string
  readonly name: string
  /** r: table, m: materialised view, p: partitioned table, f: foreign table, S: sequence. */
  readonly kind: 'r' | 'm' | 'p' | 'f' | 'S'
  readonly unlogged: boolean
  readonly populated: boolean
  readonly readable: boolean
  readonly rowSecurity: boolean
}

/** All that has rows or values, without the members of extensions, largest first. */
export async function listRelations(connection: Connection): Promise<readonly Relation[]> {
  return await connection.query<Relation>(
    `SELECT nspname AS schema, relname AS name, relkind AS kind, relpersistence = 'u' AS unlogged,
       relispopulated AS populated,
       CASE WHEN relkind = 'S' THEN has_sequence_privilege(c.oid, 'SELECT')
         ELSE has_table_privilege(c.oid, 'SELECT') END AND has_schema_privilege(n.oid, 'USAGE') AS readable,
       relkind IN ('r', 'p') AND row_security_active(c.oid) AS "rowSecurity"
     FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
     WHERE relkind IN ('r', 'm', 'p', 'f', 'S') AND relpersistence <> 't'
       AND nspname NOT IN ('pg_catalog', 'information_schema') AND nspname !~ '^pg_(toast|temp_|toast_temp_)'
       AND NOT EXISTS (SELECT FROM pg_depend
         WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e')
     ORDER BY relpages DESC, nspname COLLATE "C", relname COLLATE "C"`,
  )
}

export interface ServerFacts {
  /** As in `SHOW server_version`. */
  readonly version: string
  readonly major: number
  readonly user: string
  readonly superuser: boolean
  readonly bypassRls: boolean
  readonly createDb: boolean
  readonly createRole: boolean
  readonly readsPasswords: boolean
  readonly inRecovery: boolean
  /** A managed server of RDS or Aurora: its own roles and database are not the user's. */
  readonly rds: boolean
}

export async function readServerFacts(connection: Connection): Promise<ServerFacts> {
  const [row] = await connection.query<
    Omit<ServerFacts, 'major' | 'readsPasswords'> & { readonly number: string }
  >(
    `SELECT current_setting('server_version') AS version, current_setting('server_version_num') AS number,
       rolname AS user, rolsuper AS superuser, rolbypassrls AS "bypassRls", rolcreatedb AS "createDb",
       rolcreaterole AS "createRole",
       pg_is_in_recovery() AS "inRecovery",
       EXISTS (SELECT FROM pg_roles WHERE rolname = 'rdsadmin') AS rds
     FROM pg_roles WHERE rolname = current_user`,
  )
  if (row === undefined) throw new Error('the current user is no role')
  const { number, ...facts } = row
  return {
    ...facts,
    major: Math.floor(Number(number) / 10_000),
    readsPasswords: await readsPasswords(connection),
  }
}

/** Tried, not asked: a managed server may refuse whatever the privileges of the table say. */
async function readsPasswords(connection: Connection): Promise<boolean> {
  try {
    await connection.query('SELECT rolpassword FROM pg_authid LIMIT 1')
    return true
  } catch (thrown) {
    if (codeOf(thrown) === '42501') return false
    throw thrown
  }
}

/** RDS and Aurora bring these; a role of the user's own may only start like them where there is no rdsadmin. */
export function isProviderRole(name: string): boolean {
  return (
    /^rds_/.test(name) ||
    ['rdsadmin', 'rdsrepladmin', 'rdstopmgr', 'rdsproxyadmin', 'rdswriteforwarduser'].includes(name)
  )
}

export const PROVIDER_DATABASE = 'rdsadmin'

export interface Selection {
  /** In the order in which they are dumped. */
  readonly taken: readonly DatabaseEntry[]
  /** Databases of the user that a dump has to leave out. */
  readonly left: readonly { readonly name: string; readonly reason: string }[]
  /** Databases that should be taken, but that this user may not connect to. */
  readonly denied: readonly string[]
  /** `template1` holds objects of its own, which every new database then gets. */
  readonly changedTemplate: boolean
}

/**
 * Which databases are the user's. `postgres` and `template1` are everywhere: `postgres` counts where something was
 * made in it, `template1` is never taken.
 */
export async function selectDatabases(
  entries: readonly DatabaseEntry[],
  only: string | undefined,
  holdsObjects: (database: string) => Promise<boolean>,
): Promise<Selection> {
  const taken: DatabaseEntry[] = []
  const left: { name: string; reason: string }[] = []
  const denied: string[] = []
  let changedTemplate = false
  for (const entry of entries) {
    const { name } = entry
    if (name === 'template0' || name === PROVIDER_DATABASE) continue
    if (only !== undefined && name !== only) continue
    if (entry.invalid) left.push({ name, reason: 'it is invalid: a DROP DATABASE was cut off' })
    else if (!entry.allowsConnections) left.push({ name, reason: 'it allows no connections' })
    else if (name === 'template1') {
      if (entry.mayConnect) changedTemplate = await holdsObjects(name)
    } else if (!entry.mayConnect) denied.push(name)
    else if (name !== 'postgres' || only === name || (await holdsObjects(name))) taken.push(entry)
  }
  return { taken, left, denied, changedTemplate }
}
