import type { DatabaseUrl } from '../../core/database-url.ts'
import type { Session } from './server-access.ts'
import { isAtLeast, readServerVersion, type ServerVersion } from './version.ts'

export interface DatabaseInfo {
  readonly name: string
  readonly charset: string
  readonly collation: string
  readonly estimateBytes: number
}

export interface TableInfo {
  readonly database: string
  readonly table: string
  readonly kind: 'table' | 'view' | 'sequence'
  readonly engine: string
  readonly created: string
  /** Of its rows as they are stored, roughly. */
  readonly bytes: number
  readonly versioned: boolean
  /** A view whose tables, columns or definer are gone. */
  readonly broken: boolean
}

export interface Inventory {
  readonly server: ServerVersion
  /** Run by Amazon RDS or Aurora. */
  readonly managed: boolean
  readonly databases: readonly DatabaseInfo[]
  readonly tables: readonly TableInfo[]
  /** Engines whose tables are part of a transaction. */
  readonly transactional: ReadonlySet<string>
}

const SYSTEM_SCHEMAS = ['mysql', 'sys', 'information_schema', 'performance_schema', 'ndbinfo']
/** Where RDS puts its own; elsewhere a user may well have databases of these names. */
const MANAGED_SCHEMAS = ['innodb', 'tmp', 'rdsadmin']

export async function readServer(session: Session): Promise<{ server: ServerVersion; managed: boolean }> {
  const [row] = await session.query(
    'SELECT @@version AS version, @@version_comment AS comment, @@datadir AS datadir',
  )
  return {
    server: readServerVersion(String(row?.version), String(row?.comment)),
    managed: String(row?.datadir).startsWith('/rdsdbdata'),
  }
}

/** What the account can see of the user's databases, narrowed to the URL's. */
export async function readInventory(
  session: Session,
  url: Pick<DatabaseUrl, 'database'>,
): Promise<Inventory> {
  const { server, managed } = await readServer(session)
  const hidden = new Set(managed ? [...SYSTEM_SCHEMAS, ...MANAGED_SCHEMAS] : SYSTEM_SCHEMAS)
  if (server.flavour === 'MySQL' && isAtLeast(server.numbers, [8])) {
    // Otherwise sizes and creation times may be a day old.
    await session.query('SET SESSION information_schema_stats_expiry = 0')
  }
  const schemata = await session.query(
    'SELECT SCHEMA_NAME AS name, DEFAULT_CHARACTER_SET_NAME AS charset, DEFAULT_COLLATION_NAME AS collation ' +
      'FROM information_schema.SCHEMATA ORDER BY SCHEMA_NAME',
  )
  const names = schemata.filter((row) => {
    const name = String(row.name)
    return !hidden.has(name.toLowerCase()) && (url.database === undefined || name === url.database)
  })
  const wanted = new Set(names.map((row) => String(row.name)))
  const tables = (
    await session.query(
      'SELECT TABLE_SCHEMA AS db, TABLE_NAME AS name, TABLE_TYPE AS type, ENGINE AS engine, DATA_LENGTH AS bytes, ' +
        'CREATE_TIME AS created, TABLE_COMMENT AS comment FROM information_schema.TABLES',
    )
  ).filter((row) => wanted.has(String(row.db)))
  const engines = await session.query(
    "SELECT ENGINE AS name FROM information_schema.ENGINES WHERE TRANSACTIONS = 'YES'",
  )
  return {
    server,
    managed,
    databases: names.map((row) => ({
      name: String(row.name),
      charset: String(row.charset),
      collation: String(row.collation),
      estimateBytes: tables
        .filter((table) => table.db === row.name)
        .reduce((sum, table) => sum + Number(table.bytes ?? 0), 0),
    })),
    tables: tables.map((row) => ({
      database: String(row.db),
      table: String(row.name),
      kind: row.type === 'VIEW' ? 'view' : row.type === 'SEQUENCE' ? 'sequence' : 'table',
      engine: String(row.engine ?? ''),
      created: String(row.created ?? ''),
      bytes: Number(row.bytes ?? 0),
      versioned: row.type === 'SYSTEM VERSIONED',
      broken: row.type === 'VIEW' && /references invalid/.test(String(row.comment)),
    })),
    transactional: new Set(engines.map((row) => String(row.name).toLowerCase())),
  }
}
