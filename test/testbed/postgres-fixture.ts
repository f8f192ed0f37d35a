import { readFile } from 'node:fs/promises'

const folder = new URL('../fixtures/postgres/', import.meta.url)

/** Databases of the fixture, with the file that fills each. */
export const POSTGRES_FIXTURE_DATABASES: readonly { readonly name: string; readonly file: string }[] = [
  { name: 'shop', file: 'shop.sql' },
  { name: `Odd "Name" it's 🦊`, file: 'odd.sql' },
  { name: 'postgres', file: 'postgres.sql' },
]

/** Statements that no transaction may hold, one by one; each database is made before it is filled. */
const CLUSTER = [
  `CREATE DATABASE shop OWNER shop_owner TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8' CONNECTION LIMIT 50`,
  `CREATE DATABASE "Odd ""Name"" it's 🦊" OWNER "Odd ""Role"" 🦊"`,
  `CREATE DATABASE empty TEMPLATE template0 IS_TEMPLATE true`,
  `COMMENT ON DATABASE shop IS 'the shop''s own; database'`,
  `ALTER DATABASE shop SET timezone = 'Europe/Berlin'`,
  `ALTER DATABASE shop SET search_path = shop, public, "Odd Schema"`,
  `ALTER DATABASE postgres SET work_mem = '8MB'`,
  `ALTER ROLE app IN DATABASE shop SET work_mem = '16MB'`,
  `REVOKE ALL ON DATABASE shop FROM PUBLIC`,
  `GRANT CONNECT ON DATABASE shop TO readers`,
]

/** Loads the realistic fixture into a fresh server. */
export async function loadPostgresFixture(server: {
  query(sql: string, database?: string): Promise<unknown>
}): Promise<void> {
  const read = (file: string) => readFile(new URL(file, folder), 'utf8')
  await server.query(await read('roles.sql'))
  for (const statement of CLUSTER) await server.query(statement)
  for (const { name, file } of POSTGRES_FIXTURE_DATABASES) await server.query(await read(file), name)
}
