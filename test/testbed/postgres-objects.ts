import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { execa } from 'execa'
import pg from 'pg'

export interface PostgresAccess {
  /** Folder of the Unix socket: the test bed trusts it. */
  readonly host: string
  readonly port: number
  readonly user: string
  readonly binFolder: string
}

/**
 * Everything of the user's on a server, by name. Definitions come from the vendor's own pg_dump, one entry per object;
 * rows, sequence values and large objects from the server itself, past any dump tool.
 */
export async function listPostgresObjects(access: PostgresAccess): Promise<Map<string, string>> {
  const objects = new Map<string, string>()
  const globals = await tool(access, 'pg_dumpall', ['--globals-only', '--no-comments'])
  objects.set(
    'globals',
    globals
      .split('\n')
      .filter((line) => line !== '' && !/^(--|SET |\\(un)?restrict )/.test(line))
      // The login of the test bed itself: each server was made with a salt of its own.
      .filter((line) => !line.startsWith('ALTER ROLE postgres WITH '))
      .sort()
      .join('\n'),
  )
  const databases = await query(
    access,
    'postgres',
    'SELECT datname FROM pg_database WHERE datallowconn ORDER BY 1',
  )
  for (const [database] of databases) {
    if (database === null || database === undefined || database === 'template1') continue
    await addDefinitions(access, database, objects)
    await addRows(access, database, objects)
  }
  return objects
}

async function addDefinitions(
  access: PostgresAccess,
  database: string,
  objects: Map<string, string>,
): Promise<void> {
  const create = database === 'postgres' ? [] : ['--create']
  const script = await tool(access, 'pg_dump', ['--schema-only', ...create, '--dbname', conninfo(database)])
  for (const entry of script.split(/^--\n-- (?=Name: )/m).slice(1)) {
    const [title = '', ...body] = entry.split('\n')
    const text = body.filter((line) => !/^(--|$|SET |SELECT pg_catalog\.set_config|\\)/.test(line)).join('\n')
    const key = `${database}: ${title}`
    objects.set(key, [objects.get(key), text].filter((part) => part !== undefined).join('\n'))
  }
}

async function addRows(
  access: PostgresAccess,
  database: string,
  objects: Map<string, string>,
): Promise<void> {
  const relations = await query(
    access,
    database,
    `SELECT format('%I.%I', n.nspname, c.relname), c.relkind::text, c.relispopulated::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'm', 'S') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%'
       AND c.relpersistence <> 't' AND c.relispopulated ORDER BY 1`,
  )
  for (const [relation, kind, populated] of relations) {
    if (populated === 'false') {
      objects.set(`${database}: rows of ${relation}`, 'not populated')
      continue
    }
    const sql =
      kind === 'S' ? `SELECT last_value, is_called FROM ${relation}` : `SELECT t.* FROM ONLY ${relation} AS t`
    objects.set(
      `${database}: rows of ${relation}`,
      digest(await query(access, database, kind === 'm' ? `SELECT * FROM ${relation}` : sql)),
    )
  }
  const large = await query(
    access,
    database,
    "SELECT loid, pageno, encode(data, 'hex') FROM pg_largeobject ORDER BY 1, 2",
  )
  objects.set(`${database}: large objects`, digest(large))
}

function digest(rows: readonly (readonly (string | null)[])[]): string {
  const digests = rows.map((row) => {
    const hash = createHash('sha256')
    for (const value of row) hash.update(value === null ? 'NULL;' : `${Buffer.byteLength(value)}:${value}`)
    return hash.digest('hex')
  })
  return `${rows.length} rows, ${createHash('sha256').update(digests.sort().join('\n')).digest('hex')}`
}

async function query(access: PostgresAccess, database: string, sql: string): Promise<(string | null)[][]> {
  const client = new pg.Client({ ...access, database, ssl: false })
  await client.connect()
  try {
    await client.query(
      "SET timezone = 'UTC'; SET extra_float_digits = 3; SET bytea_output = 'hex'; SET row_security = off",
    )
    // The server's own text of each value: no number or date of JavaScript in between.
    const types = { getTypeParser: () => (text: string) => text }
    const result = await client.query<(string | null)[]>({
      text: sql,
      rowMode: 'array',
      types: types as never,
    })
    return result.rows
  } finally {
    await client.end()
  }
}

async function tool(access: PostgresAccess, name: string, args: readonly string[]): Promise<string> {
  const connection = ['--host', access.host, '--port', String(access.port), '--username', access.user]
  const { stdout } = await execa(join(access.binFolder, name), [...connection, ...args], {
    maxBuffer: 256 * 1024 * 1024,
  })
  return stdout
}

/** pg_dump's --dbname takes a connection string where the name itself looks like one. */
function conninfo(database: string): string {
  return `dbname='${database.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
