import { readFile } from 'node:fs/promises'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { createPrivateFolder } from '../../../src/core/private-folder.ts'
import { runTool } from '../../../src/core/tool.ts'
import { lacks } from '../requirement.ts'
import { startCephContainer } from './ceph.ts'
import type { Command } from './container.ts'
import { startMotoContainer } from './moto.ts'
import { startMysqlContainer } from './mysql.ts'
import { startPostgresContainer } from './postgres.ts'

const signal = AbortSignal.timeout(60_000)
const runInside = (command: Command, args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  runTool({ name: command.at(-1) ?? '', command, args, env }, signal)

describe.skipIf(lacks('mysql'))('the MySQL container', () => {
  test('answers on TCP with verified TLS, on its socket, and to its own client with a private option file', async () => {
    await using server = await startMysqlContainer()
    await using secrets = await createPrivateFolder()
    const optionFile = await secrets.file(
      'my.cnf',
      `[client]\npassword="${server.password.replace(/[\\"]/g, '\\$&')}"\n`,
    )
    const connection = await mysql.createConnection({
      host: 'localhost',
      port: server.port,
      user: 'root',
      password: server.password,
      ssl: { ca: await readFile(server.caFile, 'utf8'), rejectUnauthorized: true, verifyIdentity: true },
    })
    const [rows] = await connection.query("SHOW STATUS LIKE 'Ssl_version'")
    await connection.end()
    expect(rows).toEqual([{ Variable_name: 'Ssl_version', Value: 'TLSv1.3' }])
    expect(await server.query('CREATE DATABASE shop; SELECT 1 AS one')).toEqual([{ one: 1 }])
    const dump = await runInside(server.commands.mysqldump, [
      `--defaults-extra-file=${optionFile}`,
      ...['--host=127.0.0.1', `--port=${server.port}`, '--user=root', '--ssl-mode=VERIFY_IDENTITY'],
      ...[`--ssl-ca=${server.caFile}`, '--databases', 'shop'],
    ])
    expect(dump).toContain('-- Dump completed')
    expect(dump).not.toContain('MariaDB')
  })

  test('is another server each time', async () => {
    const uuids: unknown[] = []
    for (let round = 0; round < 2; round += 1) {
      await using server = await startMysqlContainer()
      uuids.push(...(await server.query('SELECT @@server_uuid AS uuid')).map((row) => row.uuid))
    }
    expect(new Set(uuids).size).toBe(2)
  })
})

describe.skipIf(lacks('postgres-newer'))('the PostgreSQL container', () => {
  test('answers on TCP with verified TLS only, on its socket, and to its own clients', async () => {
    await using server = await startPostgresContainer()
    await using secrets = await createPrivateFolder()
    const password = server.password.replace(/[\\:]/g, '\\$&')
    const passFile = await secrets.file('pgpass', `*:*:*:*:${password}\n`)
    const address = { host: 'localhost', port: server.port, user: 'postgres', password: server.password }
    const client = new pg.Client({ ...address, ssl: { ca: await readFile(server.caFile, 'utf8') } })
    await client.connect()
    const { rows } = await client.query('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()')
    await client.end()
    expect(rows).toEqual([{ ssl: true }])
    await expect(new pg.Client({ ...address, ssl: false }).connect()).rejects.toThrow(/no encryption/)
    expect(await server.query('SELECT 1 AS one; SELECT 2 AS two')).toEqual([{ two: 2 }])
    const dump = await runInside(
      server.commands.pg_dumpall,
      ['--host=localhost', `--port=${server.port}`, '--username=postgres'],
      { PGPASSFILE: passFile, PGSSLMODE: 'verify-full', PGSSLROOTCERT: server.caFile },
    )
    expect(dump).toContain('-- PostgreSQL database cluster dump complete')
    const folder = await server.makeServerFolder('fast')
    await server.query(`CREATE TABLESPACE fast LOCATION '${folder}'`)
  })
})

describe.skipIf(lacks('s3')).each([
  ['Ceph', startCephContainer],
  ['moto', startMotoContainer],
] as const)('the S3 container of %s', (_, start) => {
  test('lists a new bucket through the AWS command line', async () => {
    await using server = await start()
    const aws = (...args: readonly string[]) =>
      runInside(
        server.commands.aws,
        ['--endpoint-url', server.endpoint, '--region', server.region, ...args],
        {
          AWS_ACCESS_KEY_ID: server.accessKeyId,
          AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
        },
      )
    await aws('s3', 'mb', 's3://boats')
    expect(await aws('s3', 'ls')).toMatch(/ boats\n$/)
  })
})
