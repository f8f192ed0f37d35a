import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../testbed/cli-servers.ts'
import { runLifeboat, startLifeboat } from '../testbed/command-line.ts'
import { imageOf } from '../testbed/containers/image.ts'
import { type MysqlServer, startMysqlServer } from '../testbed/mysql-server.ts'
import { lacks } from '../testbed/requirement.ts'

const docker = async (...args: string[]) => (await promisify(execFile)('docker', args)).stdout.trim()
const drillContainers = async () =>
  (await docker('ps', '--all', '--filter', 'label=lifeboat.drill', '--format', '{{.Names}}'))
    .split('\n')
    .filter(Boolean)

/** MySQL 9 in a container, with the clients of this machine's MariaDB. */
describe.skipIf(lacks('containers', 'mysql', 'mariadb'))(
  'drills in a container',
  { timeout: 180_000 },
  () => {
    let home: string
    let source: MysqlServer
    let config: string
    const env = () => ({ DB_PASSWORD: source.password })
    const run = (...args: string[]) =>
      runLifeboat([...args, '--config', config], { home, env: env(), timeoutMs: 150_000 })

    beforeAll(async () => {
      home = await mkdtemp(join(tmpdir(), 'lb-drill-container-'))
      source = await startMysqlServer()
      await source.run(
        'CREATE DATABASE shop; CREATE TABLE shop.item (id INT PRIMARY KEY); INSERT INTO shop.item VALUES (1), (2)',
      )
      config = join(home, 'lifeboat.yaml')
      const job = `{ source: { url: '${source.url}', password: env:DB_PASSWORD }, sinks: [near], encryption: false, classification: development`
      await writeFile(
        config,
        `version: 1
sinks: { near: { url: file://${home}/sink } }
jobs:
  shop: ${job}, drill: { container: '${imageOf('mysql')}' }, checks: [{ name: two, database: shop, query: SELECT COUNT(*) FROM item, expect: 2 }] }
  slow: ${job}, drill: { container: '${imageOf('mysql')}' }, checks: [{ name: slow, query: SELECT SLEEP(600), expect: 0 }] }
`,
      )
      for (const job of ['shop', 'slow']) {
        const ran = await run('dump', job)
        expect(ran.exitCode, ran.stderr).toBe(0)
      }
    }, 240_000)
    afterAll(async () => {
      await source?.[Symbol.asyncDispose]()
      await rm(home, { recursive: true, force: true })
    })

    test('pass, without a network, and leave no container', async () => {
      const ran = await run('drill', 'shop', '--json')
      expect(ran.exitCode, ran.stderr).toBe(0)
      expect(JSON.parse(ran.stdout)).toMatchObject({
        outcome: 'passed',
        target: { kind: 'container', server: { flavour: 'MySQL' } },
        counted: true,
        rows: 2,
        checks: [{ outcome: 'passed', found: 2 }],
      })
      expect(await drillContainers()).toEqual([])
    })

    test('end with an agent that is killed, or by the next one', async () => {
      const child = startLifeboat(['drill', 'slow', '--config', config], {
        home,
        env: env(),
        timeoutMs: 150_000,
      })
      const restored = async () =>
        (await readdir(join(home, 'sink', 'slow', 'verified')).catch(() => [])).length > 0
      await until(restored, 120_000)
      const [name] = await drillContainers()
      expect(await docker('inspect', '--format', '{{.HostConfig.NetworkMode}}', name ?? '')).toBe('none')
      child.kill('SIGKILL')
      await child
      const ran = await run('drill', 'shop', '--json')
      expect(ran.exitCode, ran.stderr).toBe(0)
      await until(async () => (await drillContainers()).length === 0, 60_000)
    })

    test('an image that is not there is told at once', async () => {
      const ran = await run(
        'drill',
        'shop',
        '--container',
        '--image',
        'lifeboat-test/no-such-image:1',
        '--json',
      )
      expect(ran.exitCode).toBe(11)
      const { error } = JSON.parse(ran.stdout)
      expect(error.message).toMatch(/docker.* run[\s\S]*no-such-image/)
    })
  },
)
