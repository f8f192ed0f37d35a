import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runLifeboat } from '../testbed/command-line.ts'
import { compareObjects } from '../testbed/compare-objects.ts'
import { type MysqlContainer, startMysqlContainer } from '../testbed/containers/mysql.ts'
import { createGpgHome, type GpgHome } from '../testbed/gpg-home.ts'
import { type MariadbServer, startMariadb } from '../testbed/mariadb.ts'
import { loadMysqlFixture } from '../testbed/mysql-fixture.ts'
import { listMysqlObjects } from '../testbed/mysql-objects.ts'
import { type PostgresServer, startPostgres } from '../testbed/postgres.ts'
import { loadPostgresFixture } from '../testbed/postgres-fixture.ts'
import { listPostgresObjects } from '../testbed/postgres-objects.ts'
import { lacks } from '../testbed/requirement.ts'
import { carefulWay, runByHand } from './by-hand-page.ts'

let folder: string
let gpg: GpgHome

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'by-hand-'))
  gpg = await createGpgHome()
  await lifeboat(['keygen', '--name', 'hand', '--out', folder, '--no-passphrase'])
})

afterAll(async () => {
  await gpg[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

async function lifeboat(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { exitCode, stdout, stderr } = await runLifeboat(args, { home: folder, env })
  expect(exitCode, stderr).toBe(0)
  return String(stdout).trim()
}

async function dump(
  url: string,
  password: string,
  codec: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Record<string, string>> {
  const place = await mkdtemp(join(folder, 'sink-'))
  const to = ['--to', `file://${place}`, '--recipient', join(folder, 'hand.pub.asc')]
  const from = ['--from', url, '--password', 'env:PASSWORD']
  const id = await lifeboat(['dump', ...from, ...to, '--codec', codec], { PASSWORD: password, ...more })
  return { JOB: 'default', ID: id, BACKUP: place, KEY: join(folder, 'hand.sec.asc'), GNUPGHOME: gpg.path }
}

function formatLogin(server: { socket: string; user?: string; password: string }): string {
  const password = server.password.replaceAll('\\', '\\\\').replaceAll('"', '\\"')
  return `[client]\nsocket="${server.socket}"\nuser=${server.user ?? 'root'}\npassword="${password}"\n`
}

function expectWhole(printed: string, parts: number): void {
  expect(printed).not.toContain('DAMAGED')
  expect(printed.match(/^part \d{4}: good$/gm)).toHaveLength(parts)
}

describe.skipIf(lacks('gpg', 'mariadb'))('MariaDB, restored by hand as docs/format.md says', () => {
  let source: MariadbServer
  const objects = ({ socket: socketPath, user, password }: MariadbServer) =>
    listMysqlObjects({ socketPath, user, password })

  beforeAll(async () => {
    source = await startMariadb()
    await loadMysqlFixture(source, 'mariadb')
  })
  afterAll(() => source[Symbol.asyncDispose]())

  test.each(['gzip', 'zstd'])('%s', async (codec) => {
    const env = { ...(await dump(source.url, source.password, codec)), CLIENT: 'mariadb' }
    await using target = await startMariadb()
    const cwd = await mkdtemp(join(folder, 'run-'))
    await writeFile(join(cwd, 'target.cnf'), formatLogin(target), { mode: 0o600 })
    const printed = await runByHand([...carefulWay('file'), 'mysql'], { folder: cwd, env })
    expectWhole(printed, 2)
    expect(printed).toContain('tables: restored')
    expect(printed).toContain('views: restored')
    expect(compareObjects(await objects(source), await objects(target))).toEqual([])
  })
})

describe.skipIf(lacks('gpg', 'mysql'))('MySQL, restored by hand as docs/format.md says', () => {
  /** Folder with the container's clients, for PATH. */
  async function clients(server: MysqlContainer): Promise<string> {
    const programs = await mkdtemp(join(folder, 'clients-'))
    for (const [name, command] of Object.entries(server.commands)) {
      const file = join(programs, name)
      // The scratch folder is in the container too: with it on PATH the client would find this file again.
      await writeFile(file, `#!/bin/sh\nPATH=/usr/bin:/bin exec ${command.join(' ')} "$@"\n`, { mode: 0o755 })
    }
    return `${programs}${delimiter}${process.env.PATH}`
  }

  test('gzip', async () => {
    await using source = await startMysqlContainer()
    const PATH = await clients(source)
    const optionFile = join(folder, 'source.cnf')
    await writeFile(optionFile, formatLogin(source), { mode: 0o600 })
    const run = async (sql: string) => {
      const args = [`--defaults-extra-file=${optionFile}`, '--comments', '--default-character-set=utf8mb4']
      return (await execa('mysql', args, { input: sql, env: { PATH } })).stdout
    }
    await loadMysqlFixture({ run }, 'mysql')
    const env = { ...(await dump(source.url(), source.password, 'gzip', { PATH })), CLIENT: 'mysql', PATH }
    await using target = await startMysqlContainer()
    const cwd = await mkdtemp(join(folder, 'run-'))
    await writeFile(join(cwd, 'target.cnf'), formatLogin(target), { mode: 0o600 })
    const printed = await runByHand([...carefulWay('file'), 'mysql'], { folder: cwd, env })
    expectWhole(printed, 2)
    expect(printed).toContain('tables: restored')
    expect(printed, printed).toContain('views: restored')
    const objects = ({ socket: socketPath, password }: MysqlContainer) =>
      listMysqlObjects({ socketPath, user: 'root', password })
    expect(compareObjects(await objects(source), await objects(target))).toEqual([])
  })
})

describe.skipIf(lacks('gpg', 'postgres'))('PostgreSQL, restored by hand as docs/format.md says', () => {
  let source: PostgresServer
  const objects = ({ folder: host, port, binFolder }: PostgresServer) =>
    listPostgresObjects({ host, port, user: 'postgres', binFolder })
  const reach = (target: PostgresServer) => ({
    PGHOST: target.folder,
    PGPORT: String(target.port),
    PGUSER: 'postgres',
    PATH: `${target.binFolder}${delimiter}${process.env.PATH}`,
  })

  beforeAll(async () => {
    source = await startPostgres()
    await loadPostgresFixture(source)
  })
  afterAll(() => source.stop())

  test.each(['gzip', 'zstd'])('%s', async (codec) => {
    const env = await dump(source.url(), source.password, codec)
    await using target = await startPostgres()
    const cwd = await mkdtemp(join(folder, 'run-'))
    const printed = await runByHand([...carefulWay('file'), 'postgres'], {
      folder: cwd,
      env: { ...env, ...reach(target) },
    })
    const { parts } = JSON.parse(await readFile(join(cwd, 'contents.json'), 'utf8'))
    expectWhole(printed, parts.length)
    expect(printed.match(/^part \d+: restored$/gm)).toHaveLength(parts.length - 1)
    expect(compareObjects(await objects(source), await objects(target))).toEqual([])
  })

  test('layout=dumpall', async () => {
    const env = await dump(source.url({ query: { layout: 'dumpall' } }), source.password, 'gzip')
    await using target = await startPostgres()
    const cwd = await mkdtemp(join(folder, 'run-'))
    const printed = await runByHand([...carefulWay('file'), 'postgres-dumpall'], {
      folder: cwd,
      env: { ...env, ...reach(target) },
    })
    expectWhole(printed, 1)
    expect(compareObjects(await objects(source), await objects(target))).toEqual([])
  })
})
