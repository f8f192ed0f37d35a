import { readFile } from 'node:fs/promises'

const folder = new URL('../fixtures/mysql/', import.meta.url)

/** Loads the realistic fixture into a fresh server through the vendor's own client. */
export async function loadMysqlFixture(
  server: { run(sql: string): Promise<string> },
  vendor: 'mariadb' | 'mysql',
): Promise<void> {
  for (const name of [`accounts-${vendor}`, 'data', `extra-${vendor}`, 'grants']) {
    await server.run(await readFile(new URL(`${name}.sql`, folder), 'utf8'))
  }
}
