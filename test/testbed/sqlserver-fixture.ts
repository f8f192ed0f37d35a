import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Real or played: whatever runs a script with GO lines. */
export interface ScriptRunner {
  run(sql: string, database?: string): Promise<unknown>
}

const FOLDER = join(import.meta.dirname, '../fixtures/sqlserver')

export const APP_LOGIN = { user: 'app_login', password: 'App-Login-1' }

/** `shop`, which allows SNAPSHOT isolation, and `zoo`, which doesn't; `orphan` in shop has lost its login. */
export async function loadSqlServerFixture(server: ScriptRunner): Promise<void> {
  await server.run(`CREATE LOGIN app_login WITH PASSWORD = '${APP_LOGIN.password}'
CREATE LOGIN gone_login WITH PASSWORD = 'Gone-Login-1'
GO
CREATE DATABASE shop
GO
ALTER DATABASE shop SET ALLOW_SNAPSHOT_ISOLATION ON
GO
CREATE DATABASE zoo COLLATE Latin1_General_100_CI_AS_SC`)
  for (const name of ['shop', 'zoo'])
    await server.run(await readFile(join(FOLDER, `${name}.sql`), 'utf8'), name)
  await server.run('DROP LOGIN gone_login')
}
