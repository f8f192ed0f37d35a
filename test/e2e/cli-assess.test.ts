import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { openCloud } from '../../src/aws/index.ts'
import { stubAwsEnvironment } from '../testbed/aws-environment.ts'
import { startCliMariadb } from '../testbed/cli-servers.ts'
import { runLifeboat } from '../testbed/command-line.ts'
import { freePort } from '../testbed/containers/free-port.ts'
import { startMotoContainer } from '../testbed/containers/moto.ts'
import type { S3Container } from '../testbed/containers/s3-container.ts'
import { noDatabase } from '../testbed/no-database.ts'
import { lacks } from '../testbed/requirement.ts'

const SOURCE = 'eu-west-1'
const TARGET = 'eu-central-1'
const REGIONS = ['--source', SOURCE, '--target', TARGET]
const SECRET = 'correct horse battery staple'
const { signal } = new AbortController()

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'lifeboat-assess-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

interface Way {
  readonly way: string
  readonly state: string
  readonly command: string | null
  readonly reasons: readonly string[]
}

describe('in the simulation', { timeout: 60_000 }, () => {
  const run = (...args: string[]) => runLifeboat(['assess', ...REGIONS, '--db', 'shop', ...args], { home })

  test('a table, and the best way first', async () => {
    const { stdout, stderr, exitCode } = await run('--simulate')
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 })
    expect(stdout).toMatch(/^eu-west-1 to eu-central-1, .* \(simulated, /)
    expect(stdout).toMatch(/\nWAY +STATE +DATA LOST +TIME +WHY\npromote-replica +open +4 s +5 min to 20 min /)
    expect(stdout).toContain('\npromote-replica, the best that is open\n')
    expect(stdout).toContain('\nkeys of eu-central-1 that RDS can use: alias/databases\n')
  })

  test('what an earlier run took is in the table, from this machine or from a sink', async () => {
    const run = '20261101T210500Z-k3f9'
    const flags = { source: SOURCE, target: TARGET, db: ['shop'] }
    const records = [
      { event: 'planned', at: '2026-11-01T21:05:00.000Z', format: 1, run, way: 'restore-snapshot', flags },
      { event: 'started', at: '2026-11-01T21:05:01.000Z', host: 'ops', lifeboat: '1.0.0' },
      { event: 'ended', at: '2026-11-01T21:29:01.000Z', outcome: 'done' },
    ].map((record) => JSON.stringify({ ...record, facts: { gib: 200 }, steps: [] }))
    for (const place of ['state', 'sink-of-runs']) {
      const elsewhere = await mkdtemp(join(tmpdir(), 'lifeboat-assess-'))
      await mkdir(join(elsewhere, place, 'runbooks', run), { recursive: true })
      await writeFile(join(elsewhere, place, 'runbooks', run, 'journal.jsonl'), `${records.join('\n')}\n`)
      const at = ['--at', `file://${elsewhere}/sink-of-runs`]
      const args = ['assess', ...REGIONS, '--db', 'shop', '--simulate', ...(place === 'state' ? [] : at)]
      const { stdout } = await runLifeboat(args, { home: elsewhere })
      expect(stdout).toMatch(/\nrestore-snapshot +open .* 24 min to 36 min \(measured 2026-11-01\) /)
      expect(stdout).toContain(`  time: measured: run ${run} of it took 24 min for 200 GiB\n`)
      expect(stdout).toMatch(/\npromote-replica +open +4 s +5 min to 20 min \(typical\) /)
      await rm(elsewhere, { recursive: true })
    }
  })

  test('what prepare has settled for real is not looked for in a rehearsal', async () => {
    const run = '20261101T210500Z-k3f9'
    const flags = { source: SOURCE, target: TARGET, db: ['shop'], subnetGroup: 'of-the-real-region' }
    const landing = [{ kind: 'subnet-group', source: 'private', target: 'of-the-real-region', missing: null }]
    const facts = { landing, subnetGroup: null, securityGroups: [], parameterGroup: null }
    const records = [
      { event: 'planned', at: '2026-11-01T21:05:00.000Z', format: 1, run, way: 'prepare', flags, steps: [] },
      { event: 'started', at: '2026-11-01T21:05:01.000Z', host: 'ops', lifeboat: '1.0.0' },
      { event: 'ended', at: '2026-11-01T21:05:09.000Z', outcome: 'done' },
    ].map((record) => JSON.stringify({ ...record, facts: { ...facts, optionGroup: null, key: null } }))
    const elsewhere = await mkdtemp(join(tmpdir(), 'lifeboat-assess-'))
    await mkdir(join(elsewhere, 'state/runbooks', run), { recursive: true })
    await writeFile(join(elsewhere, 'state/runbooks', run, 'journal.jsonl'), `${records.join('\n')}\n`)
    const args = ['assess', ...REGIONS, '--db', 'shop', '--simulate']
    const { stdout } = await runLifeboat(args, { home: elsewhere })
    expect(stdout).not.toContain('of-the-real-region')
    expect(stdout).toMatch(/\nrestore-snapshot +open /)
    await rm(elsewhere, { recursive: true })
  })

  test('each command that it prints makes a plan', async () => {
    const { stdout } = await run('--simulate', '--json')
    const { databases, simulated } = JSON.parse(stdout)
    expect(simulated).toBe(true)
    const lines = (databases[0].ways as Way[]).flatMap(({ command }) =>
      command?.startsWith('lifeboat migrate ') ? [command] : [],
    )
    expect(lines.length).toBeGreaterThan(3)
    for (const line of lines) {
      const [, ...words] = line.split(' ')
      const plan = await runLifeboat([...words, '--simulate', '--dry-run'], { home })
      expect(plan, line).toMatchObject({ exitCode: 0, stderr: '' })
    }
  })

  test('status 42 where nothing is surely open, with all that is known', async () => {
    const faults = [SOURCE, TARGET].flatMap((region) => ['--fault', `dark:${region}`])
    const { stdout, stderr, exitCode } = await run('--simulate', ...faults, '--json')
    expect(exitCode).toBe(42)
    expect(stderr).toBe('')
    const found = JSON.parse(stdout)
    expect(found.databases[0].ways.map(({ state }: Way) => state)).not.toContain('open')
    expect(found.warnings).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/no inventory says what was there/) }),
    ])
  })

  test.each([
    [['--fault', 'dead:eu-west-1'], 2, /--fault is of --simulate only/],
    [['--simulate', '--inventory', '/nowhere.json'], 3, /unable to read inventory '\/nowhere.json'/],
    [['--simulate', '--timeout', 'soon'], 2, /90s, 10m or 2h/],
    [['--db', 'other', '--from', 'mysql://me@db.example'], 2, /--from is of one database/],
  ] as const)('%j ends with %i', async (args, exitCode, said) => {
    const result = await run(...args)
    expect(result.exitCode).toBe(exitCode)
    expect(result.stderr).toMatch(said)
    expect(result.stdout).toBe('')
  })
})

describe.skipIf(lacks('mariadb'))('with a real server', { timeout: 60_000 }, () => {
  test('the account logs in, and the newest backup is the one to restore', async () => {
    await using server = await startCliMariadb()
    await server.seed(10)
    const sink = `file://${home}/backups`
    const run = (args: readonly string[], password = server.password) =>
      runLifeboat([...args, '--from', server.url, '--password', 'env:DB_PASSWORD', '--json'], {
        home,
        env: { DB_PASSWORD: password },
      })
    const dumped = await run(['dump', '--to', sink, '--job', 'shop', '--no-encryption'])
    expect(dumped.exitCode, dumped.stderr).toBe(0)
    const { id } = JSON.parse(dumped.stdout)
    const asked = ['assess', ...REGIONS, '--db', 'shop', '--simulate', '--at', sink]
    const { databases, sinks } = JSON.parse((await run(asked)).stdout)
    expect(databases[0].login).toMatchObject({ known: true, value: expect.stringMatching(/^MariaDB /) })
    expect(sinks).toMatchObject([
      { sink, backups: { known: true, value: [{ id, job: 'shop', drill: null }] } },
    ])
    const native = (databases[0].ways as Way[]).find(({ way }) => way === 'native')
    expect(native).toMatchObject({ state: 'open', reasons: [expect.stringContaining(id)] })
    expect(native?.command).toContain(`--backups ${sink} --job shop`)
    const refused = JSON.parse((await run(asked, 'wrong')).stdout)
    expect(refused.databases[0].login).toMatchObject({
      known: false,
      reason: expect.stringMatching(/denied/i),
    })
  })
})

describe.skipIf(lacks('aws'))('with a fake of AWS', { timeout: 120_000 }, () => {
  let moto: S3Container

  const env = (endpoint: string) => ({
    ...{ AWS_ACCESS_KEY_ID: 'lifeboat', AWS_SECRET_ACCESS_KEY: 'not-so-secret', KEY_PASSPHRASE: SECRET },
    ...{ AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' },
    ...{ AWS_EC2_METADATA_DISABLED: 'true', AWS_ENDPOINT_URL: endpoint },
  })
  const run = (endpoint: string, ...args: string[]) => runLifeboat(args, { home, env: env(endpoint) })
  const assess = async (endpoint: string, ...args: string[]) => {
    const { stdout, stderr, exitCode } = await run(endpoint, 'assess', ...REGIONS, ...args, '--json')
    if (stdout === '') throw new Error(stderr)
    return { exitCode, ...JSON.parse(stdout) }
  }

  beforeAll(async () => {
    moto = await startMotoContainer()
    stubAwsEnvironment()
    using cloud = openCloud({ source: SOURCE, target: TARGET, endpoint: moto.endpoint }, noDatabase)
    const own = { description: 'databases', tags: {} }
    for (const { ec2, rds } of [cloud.source, cloud.target]) {
      const subnets = await ec2.subnets((await ec2.vpcs(signal))[0]?.id, signal)
      await rds.createSubnetGroup({ ...own, name: 'private', subnetIds: subnets.map(({ id }) => id) }, signal)
    }
    await cloud.source.rds.createInstance(
      {
        ...{ id: 'shop', engine: 'mysql', engineVersion: '8.0.40', instanceClass: 'db.t4g.medium', tags: {} },
        ...{ storage: { type: 'gp3', gib: 20 }, masterUser: 'captain', multiAz: false, port: 3306 },
        ...{ subnetGroup: 'private', securityGroups: [], publiclyAccessible: false },
        ...{ deletionProtection: false, backupRetentionDays: 7 },
      },
      signal,
    )
    const keygen = ['keygen', '--name', 'ops', '--out', `${home}/keys`, '--passphrase', 'env:KEY_PASSPHRASE']
    expect(await run(moto.endpoint, ...keygen)).toMatchObject({ exitCode: 0 })
  })
  afterAll(async () => {
    vi.unstubAllEnvs()
    await moto?.stop()
  })

  test('all databases of the region, with no --db', async () => {
    const found = await assess(moto.endpoint)
    expect(found).toMatchObject({
      ...{ source: SOURCE, target: TARGET, simulated: false, inventory: null, problem: null, warnings: [] },
      account: { known: true, value: '123456789012' },
      databases: [{ id: 'shop', identity: { known: true, value: { engineVersion: '8.0.40', gib: 20 } } }],
    })
    for (const { service, region, state } of found.planes)
      expect([service, region, state]).toEqual([service, region, 'reachable'])
  })

  test('without credentials it says so, and how to get some', async () => {
    const { AWS_ACCESS_KEY_ID: _, ...others } = env(moto.endpoint)
    const { stdout, stderr, exitCode } = await runLifeboat(['assess', ...REGIONS, '--db', 'shop'], {
      ...{ home, env: others },
    })
    expect(exitCode).toBe(42)
    expect(stderr).toMatch(
      /^warning: AWS could not be asked: no usable credentials .*aws sso login.*--profile/,
    )
    expect(stdout).toMatch(/\nrds +eu-west-1 +no-credentials /)
    expect(stdout).not.toMatch(/impaired|RDS of \S+ answers/)
  })

  test('once AWS is dead, by the inventory: sealed at a sink, or exported in plain text', async () => {
    const sink = `file://${home}/sink`
    const taken = ['inventory', ...REGIONS, '--to', sink, '--recipient', join(home, 'keys/ops.pub.asc')]
    // 42: stored, and the fake has not all that was asked.
    expect([0, 42]).toContain((await run(moto.endpoint, ...taken)).exitCode)
    const dead = `http://127.0.0.1:${await freePort()}`
    const opening = ['--key', join(home, 'keys/ops.sec.asc'), '--passphrase', 'env:KEY_PASSPHRASE']
    const found = await assess(dead, '--at', sink, ...opening)
    expect(found).toMatchObject({ exitCode: 42, warnings: [], inventory: { id: expect.any(String) } })
    expect(found.planes.filter(({ state }: { state: string }) => state !== 'dead')).toEqual([])
    const [db] = found.databases
    expect(db).toMatchObject({
      id: 'shop',
      identity: { known: true, asOf: found.inventory.ended, value: { instanceClass: 'db.t4g.medium' } },
    })
    const out = join(home, 'plain')
    const exported = ['inventory', 'export', '--at', sink, '--plain', '--out', out, ...opening]
    expect(await run(moto.endpoint, ...exported)).toMatchObject({ exitCode: 0 })
    const plain = await assess(dead, '--inventory', join(out, `${found.inventory.id}.json`))
    expect(plain.databases[0].identity).toEqual(db.identity)
    await writeFile(join(home, 'bad.json'), '{"format": 1}')
    const bad = await run(dead, 'assess', ...REGIONS, '--inventory', join(home, 'bad.json'))
    expect(bad).toMatchObject({ exitCode: 31, stdout: '' })
  })

  test('a sink that can not be reached is one answer among others', async () => {
    const sink = `ssh://nobody@127.0.0.1:${await freePort()}/backups`
    const { sinks, exitCode } = await assess(moto.endpoint, '--db', 'shop', '--at', sink, '--timeout', '9s')
    expect(exitCode).toBe(42)
    expect(sinks).toEqual([{ sink, backups: expect.objectContaining({ known: false }) }])
  })
})
