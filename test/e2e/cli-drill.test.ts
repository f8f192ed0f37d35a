import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CliServer, startCliMariadb, startCliPostgres } from '../testbed/cli-servers.ts'
import { runLifeboat } from '../testbed/command-line.ts'
import { createGpgHome } from '../testbed/gpg-home.ts'
import { readPrometheusText } from '../testbed/prometheus-text.ts'
import { lacks } from '../testbed/requirement.ts'

const ROWS = 2000

const SERVERS = [
  ['mariadb', 'MariaDB', startCliMariadb, 'shop'],
  ['postgres', 'PostgreSQL', startCliPostgres, 'shop'],
] as const

for (const [requirement, flavour, start, database] of SERVERS) {
  describe.skipIf(lacks(requirement, 'gpg'))(`drills with ${flavour}`, { timeout: 120_000 }, () => {
    let home: string
    let server: CliServer
    let config: string
    let id: string
    const run = (...args: string[]) =>
      runLifeboat(args, { home, env: { DB_PASSWORD: server.password, TMPDIR: join(home, 'scratch') } })
    const drill = async (...args: string[]) => {
      const ran = await run('drill', ...args, '--config', config, '--json')
      return { ...ran, json: ran.stdout === '' ? undefined : JSON.parse(ran.stdout) }
    }
    const records = async () =>
      (await readdir(join(home, 'sink', 'shop', 'evidence'))).filter((name) => name.endsWith('.json'))
    const record = async (name: string) =>
      JSON.parse(await readFile(join(home, 'sink', 'shop', 'evidence', name), 'utf8'))

    beforeAll(async () => {
      home = await mkdtemp(join(tmpdir(), 'lb-drill-'))
      // As root the servers run as accounts of their own, which must get there.
      await chmod(home, 0o755)
      await mkdir(join(home, 'scratch'))
      await mkdir(join(home, 'metrics'))
      server = await start()
      await server.seed(ROWS)
      config = join(home, 'lifeboat.yaml')
      for (const name of ['shop', 'signer']) {
        const made = await run('keygen', '--name', name, '--out', home, '--no-passphrase')
        expect(made.stderr + made.stdout).toContain(name)
      }
      const check = (name: string, query: string, expectation: string) =>
        `      - { name: ${name}, database: ${database}, query: '${query}', expect: ${expectation} }`
      await writeFile(
        config,
        `version: 1
keys:
  shop: { public: ${home}/shop.pub.asc, secret: ${home}/shop.sec.asc }
  signer: { public: ${home}/signer.pub.asc, secret: ${home}/signer.sec.asc }
  other: { public: ${home}/signer.pub.asc, secret: ${home}/signer.sec.asc }
signing: { key: signer }
signers: [signer]
metrics: { textfile: ${home}/metrics/lifeboat.prom }
sinks: { near: { url: file://${home}/sink } }
defaults: { sinks: [near], recipients: [shop], classification: development, drill: { key: shop } }
jobs:
  shop:
    source: { url: '${server.url}', password: env:DB_PASSWORD }
    rto: 10m
    rpo: 1h
    checks:
${check('all items', 'SELECT COUNT(*) FROM item', String(ROWS))}
${check('many items', 'SELECT COUNT(*) FROM item', "'>= 10'")}
${check('a name', 'SELECT name FROM item WHERE id = 1', 'not empty')}
${check('time', 'SELECT CURRENT_TIMESTAMP', '{ maxAge: 1h }')}
`,
      )
      const dumped = await run('dump', 'shop', '--config', config)
      expect(dumped.exitCode, dumped.stderr).toBe(0)
      id = dumped.stdout.trim()
    }, 120_000)
    afterAll(async () => {
      await server?.[Symbol.asyncDispose]()
      await rm(home, { recursive: true, force: true })
    })

    test('a job passes: rows, checks, times, a signed record that gpg accepts', async () => {
      const { exitCode, stderr, json } = await drill('shop', '--audit', join(home, 'audit.jsonl'))
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
      expect(json).toMatchObject({
        outcome: 'passed',
        job: 'shop',
        backup: { id, server: { flavour } },
        target: { kind: 'local', server: { flavour } },
        tables: 1,
        rows: ROWS,
        counted: true,
        rto: { measuredMs: expect.any(Number), promisedMs: 600_000 },
        rpo: { measuredMs: expect.any(Number), promisedMs: 3_600_000 },
        warnings: [],
      })
      expect(json.checks.map(({ outcome }: { outcome: string }) => outcome)).toEqual(Array(4).fill('passed'))
      expect(json.rto.measuredMs).toBeGreaterThanOrEqual(json.phases.serverMs + json.phases.restoreMs)
      // No name in the table, which a check has read, gets into the record.
      const path = join(home, 'sink', json.record)
      const stored = await readFile(path, 'utf8')
      expect(JSON.parse(stored)).toMatchObject({ id: json.id, outcome: 'passed' })
      expect(stored).not.toMatch(/SELECT|item WHERE/)
      await using gpg = await createGpgHome()
      gpg.run(await readFile(join(home, 'signer.pub.asc')), '--import')
      gpg.run(Buffer.alloc(0), '--verify', `${path}.sig`, path)
      expect(await readdir(join(home, 'scratch'))).toEqual([])

      const lines = (await readFile(join(home, 'audit.jsonl'), 'utf8')).trim().split('\n')
      expect(lines.map((line) => JSON.parse(line))).toMatchObject([
        { event: 'start', verb: 'drill', job: 'shop', target: 'local' },
        { event: 'end', verb: 'drill', exitCode: 0, backup: id },
      ])
      const listed = await run('list', '--at', 'near', '--config', config, '--json')
      expect(JSON.parse(listed.stdout).backups).toMatchObject([{ id, verifiedLevel: 'restored' }])
      const metrics = readPrometheusText(await readFile(`${home}/metrics/lifeboat.prom`, 'utf8'))
      const labels = `job=shop,sink=file://${home}/sink`
      expect(metrics.get('lifeboat_last_drill_success')?.samples.get(labels)).toBe(1)
      expect(metrics.get('lifeboat_last_drill_restore_seconds')?.samples.get(labels)).toBeGreaterThan(0)
    })

    test('report shows it, and its signature', async () => {
      const args = ['report', '--at', 'near', '--config', config]
      const shown = await run(...args)
      expect(shown.stdout).toMatch(/shop .* passed .* 4\/4 +yes/)
      const { drills } = JSON.parse((await run(...args, '--json')).stdout)
      expect(drills).toMatchObject([{ job: 'shop', outcome: 'passed', signedBy: expect.any(String) }])
      const other = await run(
        'report',
        '--at',
        'near',
        '--config',
        config,
        '--signer',
        `${home}/shop.pub.asc`,
      )
      expect(other).toMatchObject({ exitCode: 32 })
    })

    test('a promise that is not kept is 44, after the report, and recorded', async () => {
      const text = await readFile(config, 'utf8')
      const strict = join(home, 'strict.yaml')
      await writeFile(strict, text.replace('rto: 10m', 'rto: 1s').replace('rpo: 1h', 'rpo: 1s'))
      const slow = await run('drill', 'shop', '--config', strict)
      expect(slow.exitCode).toBe(44)
      expect(slow.stderr).toMatch(/unable to keep what is promised for job 'shop'/)
      expect(slow.stdout).toMatch(/TOO SLOW/)
      const newest = (await records()).sort().at(-1) ?? ''
      expect(await record(newest)).toMatchObject({ outcome: 'too-slow', error: { code: 'policy' } })
    })

    test('a check that fails is 31, and what it read stays here', async () => {
      const text = await readFile(config, 'utf8')
      const wrong = join(home, 'wrong.yaml')
      await writeFile(
        wrong,
        text
          .replace("'>= 10'", "'>= 1000000'")
          .replace("WHERE id = 1'", "WHERE id = 0'")
          .replace('SELECT CURRENT_TIMESTAMP', 'SELECT nonsense FROM nowhere'),
      )
      const ran = await run('drill', 'shop', '--config', wrong, '--json')
      expect(ran.exitCode).toBe(31)
      const json = JSON.parse(ran.stdout)
      expect(json).toMatchObject({
        outcome: 'failed',
        error: { code: 'integrity' },
        checks: [
          { outcome: 'passed' },
          { outcome: 'failed', found: ROWS },
          { outcome: 'failed', reason: 'it gave nothing' },
          { outcome: 'failed', reason: expect.stringContaining('nowhere') },
        ],
      })
      expect(JSON.stringify(await record(`${json.id}.json`))).not.toContain('nowhere')
      expect(await readdir(join(home, 'scratch'))).toEqual([])
    })

    test('a wrong key and a damaged backup fail, are recorded, and leave nothing', async () => {
      const before = (await records()).length
      const keyless = await drill('shop', '--key', `${home}/signer.sec.asc`)
      expect(keyless).toMatchObject({
        exitCode: 30,
        json: { outcome: 'failed', error: { code: 'key-unusable' } },
      })
      const folder = join(home, 'sink', 'shop', 'data', id)
      const name = (await readdir(folder)).filter((each) => /^0001\./.test(each)).sort()[0] ?? ''
      const whole = await readFile(join(folder, name))
      const damaged = Buffer.from(whole)
      damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] ?? 0) ^ 1
      await writeFile(join(folder, name), damaged)
      try {
        const { exitCode, json } = await drill('shop')
        expect(exitCode).toBe(31)
        expect(json).toMatchObject({
          outcome: 'failed',
          error: { code: 'integrity' },
          rto: { measuredMs: null },
        })
        expect(json.error.hint).not.toMatch(/--replace/)
      } finally {
        await writeFile(join(folder, name), whole)
      }
      expect((await records()).length).toBe(before + 2)
      expect(await readdir(join(home, 'scratch'))).toEqual([])
    })

    test('records are no backups, and prune leaves them', async () => {
      const before = await records()
      const args = [
        'prune',
        'shop',
        '--confirm',
        '--config',
        config,
        '--keep-last',
        '1',
        '--sweep-older-than',
        '1m',
      ]
      const pruned = await run(...args)
      expect(pruned.exitCode, pruned.stderr).toBe(0)
      expect(await records()).toEqual(before)
      const listed = await run('list', '--at', 'near', '--config', config, '--json')
      expect(JSON.parse(listed.stdout).backups).toHaveLength(1)
    })

    test('a scratch server takes it, keeps it with a warning, and takes another only when told', async () => {
      await using scratch = await start()
      const env = { DB_PASSWORD: server.password, SCRATCH_PASSWORD: scratch.password }
      const into = async (...more: string[]) => {
        const args = [
          'drill',
          id,
          '--job',
          'shop',
          '--into',
          scratch.url,
          '--password',
          'env:SCRATCH_PASSWORD',
        ]
        return runLifeboat([...args, '--config', config, '--json', ...more], { home, env })
      }
      const first = await into()
      expect(first.exitCode, first.stdout + first.stderr).toBe(0)
      const json = JSON.parse(first.stdout)
      expect(json).toMatchObject({ outcome: 'passed', target: { kind: 'into' }, rows: ROWS })
      expect(json.warnings).toContainEqual(
        expect.objectContaining({ message: expect.stringMatching(/stays there/) }),
      )
      const second = await into()
      expect(second.exitCode).toBe(41)
      expect(JSON.parse(second.stdout).error.hint).toMatch(/empty server of its own/)
      expect((await into('--replace')).exitCode).toBe(0)
    })

    test('a drill that takes too long is ended, recorded, and leaves nothing', async () => {
      const ran = await run('drill', 'shop', '--config', config, '--timeout', '1s')
      expect(ran.exitCode).toBe(43)
      expect(ran.stderr).toMatch(/longer than the 1 s of --timeout/)
      const newest = (await records()).sort().at(-1) ?? ''
      expect(await record(newest)).toMatchObject({ outcome: 'failed', error: { code: 'timed-out' } })
      expect(await readdir(join(home, 'scratch'))).toEqual([])
    })

    test('a job that is not there leaves no trace', async () => {
      const ran = await drill('--at', 'near', '--job', 'shopp')
      expect(ran.exitCode).toBe(21)
      expect(await readdir(join(home, 'sink'))).toEqual(['shop'])
    })
  })
}
