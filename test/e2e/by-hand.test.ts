import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runLifeboat } from '../testbed/command-line.ts'
import { compareObjects } from '../testbed/compare-objects.ts'
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

async function dump(url: string, password: string, codec: string): Promise<Record<string, string>> {
  const place = await mkdtemp(join(folder, 'sink-'))
  const to = ['--to', `file://${place}`, '--recipient', join(folder, 'hand.pub.asc')]
  const from = ['--from', url, '--password', 'env:PASSWORD']
  const id = await lifeboat(['dump', ...from, ...to, '--codec', codec], { PASSWORD: password })
  return { JOB: 'default', ID: id, BACKUP: place, KEY: join(folder, 'hand.sec.asc'), GNUPGHOME: gpg.path }
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
    const password = target.password.replaceAll('\\', '\\\\').replaceAll('"', '\\"')
    await writeFile(
      join(cwd, 'target.cnf'),
      `[client]\nsocket="${target.socket}"\nuser=${target.user}\npassword="${password}"\n`,
      { mode: 0o600 },
    )
    const printed = await runByHand([...carefulWay('file'), 'mysql'], { folder: cwd, env })
    expectWhole(printed, 2)
    expect(printed).toContain('tables: restored')
    expect(printed).toContain('views: restored')
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
