import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runLifeboat } from '../testbed/command-line.ts'
import { type MariadbServer, startMariadb } from '../testbed/mariadb.ts'
import { BANK, countMoney } from '../testbed/mysql-transfers.ts'
import { lacks } from '../testbed/requirement.ts'

describe.skipIf(lacks('mariadb'))('the command line with --jobs', { timeout: 60_000 }, () => {
  let home: string
  let source: MariadbServer
  let target: MariadbServer

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'lifeboat-e2e-'))
    ;[source, target] = await Promise.all([startMariadb(), startMariadb()])
    await source.run(BANK)
  }, 120_000)
  afterAll(async () => {
    await Promise.all([source?.[Symbol.asyncDispose](), target?.[Symbol.asyncDispose]()])
    await rm(home, { recursive: true, force: true })
  })

  test('dumps in pieces of one moment, and restores them verified', async () => {
    const env = { DB_PASSWORD: source.password, TARGET_PASSWORD: target.password }
    const sink = `file://${join(home, 'backups')}`
    const dumpArgs = ['dump', '--from', source.url, '--password', 'env:DB_PASSWORD', '--to', sink]
    const dump = await runLifeboat([...dumpArgs, '--no-encryption', '--jobs', '3'], { home, env })
    expect(dump).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(/dumped 2 databases/) })
    const manifest = await readFile(join(home, `backups/default/backups/${dump.stdout}.json`), 'utf8')
    expect(JSON.parse(manifest)).toMatchObject({
      consistency: 'one snapshot of all tables, shared by several connections',
      position: { exact: true },
    })
    const stored = await readdir(join(home, 'backups/default/data', dump.stdout))
    expect(stored.filter((name) => name.endsWith('.sql.gz')).length).toBeGreaterThan(5)

    const restoreArgs = ['restore', '--from', sink, '--into', target.url, '--password', 'env:TARGET_PASSWORD']
    const restore = await runLifeboat([...restoreArgs, '--jobs', '2'], { home, env })
    expect(restore).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/restored and verified/) })
    expect(await countMoney(target)).toBe(await countMoney(source))
  })
})
