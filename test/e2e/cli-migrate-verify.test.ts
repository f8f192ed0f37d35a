import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runLifeboat } from '../testbed/command-line.ts'
import { type MariadbServer, startMariadb } from '../testbed/mariadb.ts'
import { lacks } from '../testbed/requirement.ts'
import { startSqlServer } from '../testbed/sqlserver.ts'

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'lifeboat-verify-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

describe.skipIf(lacks('mariadb'))('migrate verify on an application host, with no credentials of AWS', () => {
  let server: MariadbServer
  beforeAll(async () => {
    server = await startMariadb()
  }, 60_000)
  afterAll(() => server?.[Symbol.asyncDispose]())

  const verify = (...args: readonly string[]) =>
    runLifeboat(
      [
        ...['migrate', 'verify', '--to', `127.0.0.1:${server.port}`],
        ...['--login', server.url, '--password', 'env:DB_PASSWORD', '--json', ...args],
      ],
      { home, env: { DB_PASSWORD: server.password } },
    )

  test('climbs to a write and to the newest row, and leaves nothing', async () => {
    const before = await server.run('SHOW DATABASES')
    const result = await verify('--newest-query', 'SELECT 42')
    expect(result).toMatchObject({ exitCode: 0, stderr: '' })
    const { passed, checks } = JSON.parse(result.stdout)
    expect(passed).toBe(true)
    expect(checks.map(({ name, state }: { name: string; state: string }) => `${name} ${state}`)).toEqual([
      ...['dns ok', 'tcp ok', 'tls ok', 'login ok', 'read ok', 'write ok', 'newest ok', 'rows skipped'],
      ...['accounts skipped', 'aws skipped'],
    ])
    expect(await server.run('SHOW DATABASES')).toBe(before)
  })

  test('with --from who may do what is compared: what is missing fails, and is taken by name alone', async () => {
    await using old = await startMariadb()
    const accounts =
      "CREATE USER app@'%' IDENTIFIED BY 'hunter-two'; GRANT SELECT, INSERT ON shop.* TO app@'%'"
    for (const each of [old, server]) await each.run(accounts)
    const login = `mariadb://${server.user}@any?tls=require`
    const compare = async (...args: readonly string[]) => {
      const result = await verify('--no-write', '--from', `127.0.0.1:${old.port}`, '--login', login, ...args)
      expect(result.stdout + result.stderr).not.toMatch(/hunter/)
      const { checks } = JSON.parse(result.stdout) as { checks: { name: string; found: string }[] }
      return { ...result, row: checks.find(({ name }) => name === 'accounts') }
    }
    try {
      expect(await compare()).toMatchObject({ exitCode: 0, row: { state: 'ok' } })
      await server.run("REVOKE INSERT ON shop.* FROM app@'%'")
      expect(await compare()).toMatchObject({
        exitCode: 42,
        row: { state: 'failed', found: expect.stringContaining('app@% lacks INSERT ON `shop`.*') },
      })
      expect(await compare('--accept', 'accounts')).toMatchObject({ exitCode: 0, row: { state: 'accepted' } })
    } finally {
      await server.run("DROP USER app@'%'")
    }
  })

  test('a query that fails is a check that fails', async () => {
    const result = await verify('--no-write', '--newest-query', 'SELECT x FROM nowhere')
    expect(result.exitCode).toBe(42)
    expect(JSON.parse(result.stdout).checks).toContainEqual(
      expect.objectContaining({ name: 'newest', state: 'failed' }),
    )
  })

  test('rows are compared with a backup: what was added is fine, what is gone is not', async () => {
    const sink = `file://${join(home, 'sink')}`
    const count = () => verify('--no-write', '--backups', sink, '--job', 'shop')
    const rowsOf = (stdout: string) =>
      JSON.parse(stdout).checks.find(({ name }: { name: string }) => name === 'rows')
    await server.run(
      'CREATE DATABASE shop; CREATE TABLE shop.orders (id INT); CREATE TABLE shop.items (id INT)',
    )
    await server.run('INSERT INTO shop.orders VALUES (1), (2), (3); INSERT INTO shop.items VALUES (1)')
    try {
      const dumped = await runLifeboat(
        [
          ...['dump', '--from', server.url, '--password', 'env:DB_PASSWORD', '--to', sink],
          ...['--job', 'shop', '--no-encryption'],
        ],
        { home, env: { DB_PASSWORD: server.password } },
      )
      expect(dumped.exitCode, dumped.stderr).toBe(0)
      await server.run('INSERT INTO shop.orders VALUES (4)')
      const more = await count()
      expect(more).toMatchObject({ exitCode: 0 })
      expect(rowsOf(more.stdout)).toMatchObject({
        state: 'ok',
        found: expect.stringContaining('4 then, 5 now'),
      })

      await server.run('DELETE FROM shop.orders WHERE id > 2; DROP TABLE shop.items')
      const fewer = await count()
      expect(fewer).toMatchObject({ exitCode: 42 })
      expect(rowsOf(fewer.stdout)).toMatchObject({
        ...{ state: 'failed', accept: 'rows' },
        found: expect.stringMatching(/1 missing, 1 with fewer rows: shop\.items, shop\.orders \(2 of 3\)$/),
      })
      const accepted = await verify('--no-write', '--backups', sink, '--job', 'shop', '--accept', 'rows')
      expect(accepted).toMatchObject({ exitCode: 0 })
    } finally {
      await server.run('DROP DATABASE shop')
    }
  })
})

test.each([
  [[], /nothing says which database/],
  [['--to', 'x.example'], /^error: unable to read --to 'x.example': it is not HOST:PORT/],
  [['--to', 'x.example:1', '--resume', 'x'], /no steps to plan/],
  [['--to', 'x.example:1', '--password', 'env:X'], /--password goes with --login/],
  [['--to', 'x.example:1', '--backups', 'file:///tmp/none'], /which needs --login/],
] as const)('%j is refused', async (args, said) => {
  const result = await runLifeboat(['migrate', 'verify', ...args], { home, env: { X: 'y' } })
  expect(result).toMatchObject({ exitCode: 2, stdout: '' })
  expect(result.stderr).toMatch(said)
})

test('a typo of verify is told from a way that there is not', async () => {
  const { stderr, exitCode } = await runLifeboat(['migrate', 'verfy', '--to', 'x.example:1'], { home })
  expect({ exitCode, stderr }).toEqual({
    exitCode: 2,
    stderr: expect.stringContaining('Did you mean verify?'),
  })
})

describe('migrate verify at SQL Server (stand-in)', () => {
  test('a user whose login was forgotten at the new server is named, and so is what nobody may see', async () => {
    await using old = await startSqlServer()
    await using now = await startSqlServer()
    for (const each of [old, now]) {
      await each.run("CREATE DATABASE shop\nGO\nCREATE LOGIN app WITH PASSWORD = 'hunter-two'")
      await each.run('CREATE USER app FOR LOGIN app; GRANT EXECUTE TO app', 'shop')
    }
    const at = ({ port }: { readonly port: number }) => `127.0.0.1:${port}`
    const compare = async (user: string, password: string) => {
      const login = ['--login', `sqlserver://${user}@any?tls=require`, '--password', 'env:DB_PASSWORD']
      const result = await runLifeboat(
        ['migrate', 'verify', '--to', at(now), '--from', at(old), '--no-write', '--json', ...login],
        { home, env: { DB_PASSWORD: password } },
      )
      expect(result.stdout + result.stderr).not.toMatch(/hunter/)
      const { checks } = JSON.parse(result.stdout) as { checks: { name: string; found: string }[] }
      return { exitCode: result.exitCode, row: checks.find(({ name }) => name === 'accounts') }
    }
    expect(await compare('sa', old.password)).toMatchObject({ exitCode: 0, row: { state: 'ok' } })
    expect(await compare('app', 'hunter-two')).toMatchObject({
      exitCode: 42,
      row: {
        state: 'failed',
        found: expect.stringContaining("login 'app' may not see (VIEW ANY DEFINITION)"),
      },
    })
    // As where a login is made anew: it has another SID.
    await now.run("DROP LOGIN app\nGO\nCREATE LOGIN app WITH PASSWORD = 'hunter-two'")
    expect(await compare('sa', old.password)).toMatchObject({
      exitCode: 42,
      row: { state: 'failed', found: 'user [app] in [shop] lacks for login [app]' },
    })
  })
})
