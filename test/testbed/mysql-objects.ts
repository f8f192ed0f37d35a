import { createHash } from 'node:crypto'
import { type Connection, type ConnectionOptions, createConnection, type RowDataPacket } from 'mysql2/promise'

/** Accounts that a server has from the start, or that a test bed makes to log in with: never part of a comparison. */
const OWN_ACCOUNTS = [
  'root',
  'lifeboat',
  'mysql',
  'mariadb.sys',
  'mysql.sys',
  'mysql.session',
  'mysql.infoschema',
  'PUBLIC',
]
const SYSTEM_DATABASES = ['mysql', 'sys', 'information_schema', 'performance_schema']

/**
 * Everything of the user's on a server, by name: definitions as the server shows them, rows as a digest of the multiset
 * of all rows. It goes to the server directly, past any dump tool, so that it can tell what a dump tool left out.
 */
export async function listMysqlObjects(options: ConnectionOptions): Promise<Map<string, string>> {
  const connection = await createConnection({ ...options, charset: 'utf8mb4_bin', dateStrings: true })
  try {
    await connection.query("SET SESSION time_zone = '+00:00', SESSION sql_mode = ''")
    const objects = new Map<string, string>()
    for (const database of await column(
      connection,
      'SELECT SCHEMA_NAME FROM information_schema.SCHEMATA ORDER BY 1',
    )) {
      if (!SYSTEM_DATABASES.includes(database)) await addDatabase(connection, database, objects)
    }
    await addAccounts(connection, objects)
    return objects
  } finally {
    await connection.end()
  }
}

async function addDatabase(
  connection: Connection,
  database: string,
  objects: Map<string, string>,
): Promise<void> {
  const name = (kind: string, object: string) => `${kind} ${quote(database)}.${quote(object)}`
  objects.set(
    `database ${quote(database)}`,
    await definition(connection, `SHOW CREATE DATABASE ${quote(database)}`),
  )
  const tables = await rows<'name' | 'type'>(
    connection,
    'SELECT TABLE_NAME AS name, TABLE_TYPE AS type FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? ORDER BY 1',
    [database],
  )
  for (const { name: table, type } of tables) {
    const full = `${quote(database)}.${quote(table)}`
    const kind = type === 'VIEW' ? 'view' : type === 'SEQUENCE' ? 'sequence' : 'table'
    objects.set(name(kind, table), await definition(connection, `SHOW CREATE TABLE ${full}`))
    if (kind !== 'view')
      objects.set(name('rows of', table), await digestRows(connection, `SELECT * FROM ${full}`))
  }
  for (const trigger of await column(
    connection,
    'SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ?',
    [database],
  )) {
    objects.set(
      name('trigger', trigger),
      await definition(connection, `SHOW CREATE TRIGGER ${quote(database)}.${quote(trigger)}`),
    )
  }
  const routines = await rows<'name' | 'type'>(
    connection,
    'SELECT ROUTINE_NAME AS name, ROUTINE_TYPE AS type FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ?',
    [database],
  )
  for (const { name: routine, type } of routines) {
    objects.set(
      name(String(type).toLowerCase(), routine),
      await definition(connection, `SHOW CREATE ${type} ${quote(database)}.${quote(routine)}`),
    )
  }
  for (const event of await column(
    connection,
    'SELECT EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ?',
    [database],
  )) {
    objects.set(
      name('event', event),
      await definition(connection, `SHOW CREATE EVENT ${quote(database)}.${quote(event)}`),
    )
  }
}

async function addAccounts(connection: Connection, objects: Map<string, string>): Promise<void> {
  const accounts = await rows<'user' | 'host'>(
    connection,
    'SELECT User AS user, Host AS host FROM mysql.user ORDER BY 1, 2',
    [],
  )
  for (const { user, host } of accounts) {
    if (OWN_ACCOUNTS.includes(user)) continue
    // A role of MariaDB has no host and no password; SHOW CREATE USER does not know it.
    const account = host === '' ? quoteText(user) : `${quoteText(user)}@${quoteText(host)}`
    const created = host === '' ? 'role' : await definition(connection, `SHOW CREATE USER ${account}`)
    const grants = await column(connection, `SHOW GRANTS FOR ${account}`)
    objects.set(`account ${account}`, [created, ...grants.map(inColumnOrder).sort()].join('\n'))
  }
}

/** A server lists the columns of a grant in the order of its own memory. */
function inColumnOrder(grant: string): string {
  const name = '`(?:[^`]|``)*`'
  return grant.replace(
    new RegExp(`\\((${name}(?:, ${name})*)\\)`, 'g'),
    (_, columns: string) => `(${columns.match(new RegExp(name, 'g'))?.sort().join(', ')})`,
  )
}

/** All columns but those that say when and under which connection it was made. */
async function definition(connection: Connection, sql: string): Promise<string> {
  const [row] = await rows(connection, sql, [])
  const lasting = Object.entries(row ?? {}).filter(
    ([column]) => !/^(Created|character_set_client|collation_connection)$/i.test(column),
  )
  // Once a dump has been loaded MySQL repeats the character set that the collation names anyway.
  return JSON.stringify(lasting.map(([, value]) => value)).replace(/CHARACTER SET \w+ (?=COLLATE )/g, '')
}

/** Rows and SHA-256 of the sorted digests of all rows: equal for the same rows in any order. */
async function digestRows(connection: Connection, sql: string): Promise<string> {
  const [found] = await connection.query<RowDataPacket[][]>({
    sql,
    rowsAsArray: true,
    // The server's own text of each value: no rounding, no time zone, no decoding.
    typeCast: (field) => field.buffer(),
  })
  const digests = (found as unknown as (Buffer | null)[][]).map((row) => {
    const hash = createHash('sha256')
    for (const value of row) hash.update(value === null ? 'NULL;' : `${value.length}:`).update(value ?? '')
    return hash.digest('hex')
  })
  const all = createHash('sha256').update(digests.sort().join('\n')).digest('hex')
  return `${digests.length} rows, ${all}`
}

async function rows<Column extends string>(
  connection: Connection,
  sql: string,
  values: readonly string[],
): Promise<Record<Column, string>[]> {
  const [found] = await connection.query<RowDataPacket[]>(sql, [...values])
  return found as Record<Column, string>[]
}

async function column(
  connection: Connection,
  sql: string,
  values: readonly string[] = [],
): Promise<string[]> {
  return (await rows(connection, sql, values)).map((row) => String(Object.values(row)[0]))
}

function quote(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}

function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
