import { expect, test } from 'vitest'
import { parseDatabaseUrl } from '../../../../src/core/database-url.ts'
import type { Finding } from '../../../../src/core/finding.ts'
import { Secret } from '../../../../src/core/secret.ts'
import { createSqlServerEngine } from '../../../../src/engines/sqlserver/index.ts'
import { type SqlServer, startSqlServer } from '../../../testbed/sqlserver.ts'

async function findingsOf(server: SqlServer, database?: string): Promise<readonly Finding[]> {
  const url = parseDatabaseUrl(server.url(database === undefined ? {} : { database }))
  const context = { searchPath: '', password: async () => new Secret(server.password) }
  await using engine = createSqlServerEngine(url, context)
  const { findings } = await engine.probe('source', new AbortController().signal)
  return findings.filter(({ topic }) => topic === 'databases')
}

test('a database that is not online is left with a warning, and is a failure where it is all that is meant', async () => {
  await using server = await startSqlServer()
  expect(await findingsOf(server)).toMatchObject([
    { level: 'warning', message: expect.stringContaining('no user database') },
  ])
  await server.run('CREATE DATABASE asleep\nGO\nALTER DATABASE asleep SET OFFLINE\nGO\nCREATE DATABASE shop')
  expect(await findingsOf(server)).toMatchObject([
    { level: 'warning', message: expect.stringContaining("'asleep' is OFFLINE") },
  ])
  const failure = { level: 'failure', message: "no database that is meant is online: 'asleep' is OFFLINE" }
  expect(await findingsOf(server, 'asleep')).toMatchObject([failure])
  await server.run('DROP DATABASE shop')
  expect(await findingsOf(server)).toMatchObject([failure])
})
