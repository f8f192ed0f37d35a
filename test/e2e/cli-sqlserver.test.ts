import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { runLifeboat } from '../testbed/command-line.ts'
import { createLine, KEY_PASSPHRASE, type Line } from '../testbed/line.ts'
import { type LinePlace, startFilePlace } from '../testbed/line-places.ts'
import { type SqlServer, startSqlServer } from '../testbed/sqlserver.ts'
import { APP_LOGIN, loadSqlServerFixture } from '../testbed/sqlserver-fixture.ts'

/** The way of an operator, against the stand-in; test/e2e/line-vendors.test.ts goes it with Microsoft's own server. */
describe('the command line with SQL Server', { timeout: 120_000 }, () => {
  let line: Line
  let place: LinePlace
  let source: SqlServer
  let target: SqlServer
  let at: string
  beforeAll(async () => {
    ;[line, place, source, target] = await Promise.all([
      createLine(),
      startFilePlace(),
      startSqlServer(),
      startSqlServer({ facts: { name: 'another-server' } }),
    ])
    await loadSqlServerFixture(source)
    await target.run(`CREATE LOGIN ${APP_LOGIN.user} WITH PASSWORD = '${APP_LOGIN.password}'`)
  }, 60_000)
  afterAll(async () => {
    await Promise.all([line, place, source, target].map((each) => each?.[Symbol.asyncDispose]()))
  })

  const ordersAt = (server: SqlServer) =>
    server.run('SELECT OrderId, Placed FROM sales.[Order] ORDER BY OrderId', 'shop')

  test('doctor names the server, its databases, and what is not captured', async () => {
    const args = ['doctor', '--from', source.url(), '--password', 'env:DB_PASSWORD']
    const run = await runLifeboat(args, { home: line.home, env: { DB_PASSWORD: source.password } })
    expect(run.stdout).toMatch(/Microsoft SQL Server 16\./)
    expect(run.stdout).toMatch(/host name verified as localhost/)
    expect(run.stdout).toMatch(/ALTER DATABASE \[zoo\] SET ALLOW_SNAPSHOT_ISOLATION ON/)
    expect(run.stdout).not.toContain(source.password)
    expect(run.exitCode).toBe(0)
  })

  test.each([
    ['alone', []],
    ['several tables at once', ['--jobs', '3']],
  ] as const)('dump, list, verify and restore: %s', async (_name, jobs) => {
    at = await (await place.newRoot()).url()
    const id = await line.dump(source, source.url(), at, { args: jobs })
    const list = await runLifeboat(['list', '--at', at, '--json'], { home: line.home })
    expect(JSON.parse(list.stdout).backups).toMatchObject([{ id, usable: true, counts: 'exact' }])
    const verify = ['verify', '--at', at, '--deep', ...line.key]
    const verified = await runLifeboat(verify, { home: line.home, env: { KEY_PASSPHRASE } })
    expect(verified).toMatchObject({ exitCode: 0, stderr: '' })
    const args = [...jobs, ...(jobs.length === 0 ? [] : ['--replace'])]
    expect(await line.restore(target, at, target.url(), { args })).toMatchObject({ id, verified: true })
    expect(await ordersAt(target)).toEqual(await ordersAt(source))
  })

  test('refuses the server that the dump came from, and a wrong password, which it does not repeat', async () => {
    const same = line.startRestore(source, at, source.url(), { args: ['--replace'] })
    expect((await line.failureOf(same, 'source-protected')).message).toMatch(
      /the server that the dump came from/,
    )
    const wrong = line.startDump({ password: 'wr0ng-w0rd' }, source.url(), at)
    const failure = await line.failureOf(wrong, 'engine-unreachable')
    expect(failure.message).toMatch(/Login failed for user 'sa' \(error 18456\)|Login failed for user 'sa'/)
    expect(JSON.stringify(failure)).not.toContain('wr0ng-w0rd')
  })

  test.each(['SIGINT', 'SIGTERM'] as const)(
    '%s in the middle of a table leaves nothing behind',
    async (signal) => {
      const hit = Promise.withResolvers<void>()
      using _fault = source.fault({
        match: /^SELECT .* FROM \[sales\]\.\[Order\]$/s,
        stall: true,
        onHit: hit.resolve,
      })
      const root = await place.newRoot()
      const run = line.startDump(source, source.url(), await root.url())
      await hit.promise
      run.kill(signal)
      await line.failureOf(run, signal === 'SIGINT' ? 'interrupted' : 'terminated')
      expect(await readdir(join(line.home, 'state/runs'))).toEqual([])
      await vi.waitFor(() => expect(source.endpoint.connections).toEqual([]))
    },
  )
})
