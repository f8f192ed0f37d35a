/** What a server must be able to do for the tests of both vendors. */
export interface SqlServer {
  run(sql: string): Promise<string>
  /** The vendor's own dump of the named databases, as text. */
  dump(args: readonly string[]): Promise<string>
}

const SYSTEM = "('mysql', 'sys', 'information_schema', 'performance_schema')"

/** Everything that a backup must carry, as text: the vendor's dump of schema and data, then accounts and grants. */
export async function snapshotMysql(server: SqlServer): Promise<string> {
  const names = (
    await server.run(
      `SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME NOT IN ${SYSTEM} ORDER BY 1`,
    )
  )
    .split('\n')
    .filter((name) => name !== '')
  const dump =
    names.length === 0
      ? ''
      : await server.dump([
          ...[
            '--single-transaction',
            '--routines',
            '--triggers',
            '--events',
            '--hex-blob',
            '--no-tablespaces',
          ],
          ...['--default-character-set=utf8mb4', '--skip-dump-date', '--databases', '--', ...names],
        ])
  const plain = dump
    .replace(/^-- Host: .*$/m, '')
    // MySQL remembers whether a column's charset was written out, as every restored dump does.
    .replace(/ CHARACTER SET (\w+)(?= COLLATE \1_)/g, '')
  return `${plain}\n${await accounts(server)}`
}

async function accounts(server: SqlServer): Promise<string> {
  const rows = await server.run(
    "SELECT CONCAT('`', REPLACE(User, '`', '``'), '`', IF(Host = '', '', CONCAT('@`', Host, '`'))) FROM mysql.user " +
      "WHERE User NOT IN ('lifeboat', 'root', 'PUBLIC') AND User NOT LIKE 'mysql.%' AND User NOT LIKE 'mariadb.%' ORDER BY 1",
  )
  const lines: string[] = []
  for (const account of rows.split('\n').filter((row) => row !== '')) {
    const isRole = !/`@`/.test(account)
    if (!isRole) lines.push(await server.run(`SHOW CREATE USER ${account}`))
    // The order of grants and of columns in them is that of creation, which means nothing.
    lines.push(...(await server.run(`SHOW GRANTS FOR ${account}`)).split('\n').map(withSortedColumns).sort())
  }
  return lines.join('\n')
}

function withSortedColumns(grant: string): string {
  return grant.replace(
    /\(([^()]*)\)/g,
    (_all, columns: string) => `(${columns.split(', ').sort().join(', ')})`,
  )
}
