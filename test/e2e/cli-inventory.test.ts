import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CloudWatchClient, PutMetricAlarmCommand } from '@aws-sdk/client-cloudwatch'
import { CreateHostedZoneCommand, Route53Client } from '@aws-sdk/client-route-53'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { openCloud } from '../../src/aws/index.ts'
import { stubAwsEnvironment } from '../testbed/aws-environment.ts'
import { type CliServer, startCliMariadb } from '../testbed/cli-servers.ts'
import { runLifeboat, startLifeboat } from '../testbed/command-line.ts'
import { startMotoContainer } from '../testbed/containers/moto.ts'
import type { S3Container } from '../testbed/containers/s3-container.ts'
import { fileNames } from '../testbed/folder-contents.ts'
import { createGpgHome, type GpgHome } from '../testbed/gpg-home.ts'
import { startListener } from '../testbed/listener.ts'
import { noDatabase } from '../testbed/no-database.ts'
import { lacks } from '../testbed/requirement.ts'
import { throughProgram } from '../testbed/stock-program.ts'
import type { TypedPlan } from '../testbed/typed-lines.ts'

const SOURCE = 'eu-west-1'
const TARGET = 'eu-central-1'
const SECRET = 'correct horse battery staple'
const { signal } = new AbortController()

/** A whole account at a fake of AWS, by the command line; what is stored opens with stock gpg. */
describe.skipIf(lacks('aws', 'gpg'))('inventory', { timeout: 120_000 }, () => {
  let moto: S3Container
  let home: string
  let gpg: GpgHome
  let config: string
  let key: string
  let group: string
  const env = (more: Record<string, string> = {}) => ({
    ...{ AWS_ACCESS_KEY_ID: 'lifeboat', AWS_SECRET_ACCESS_KEY: 'not-so-secret', KEY_PASSPHRASE: SECRET },
    ...{ AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' },
    ...{ AWS_EC2_METADATA_DISABLED: 'true', AWS_ENDPOINT_URL: moto.endpoint },
    ...more,
  })
  const run = (args: readonly string[], more?: Record<string, string>) =>
    runLifeboat([...args, '--config', config], { home, env: env(more) })
  const json = async (...args: string[]) => {
    const { stdout, stderr, exitCode } = await run([...args, '--json'])
    if (stdout === '') throw new Error(stderr)
    return { exitCode, ...JSON.parse(stdout) }
  }
  const opening = () => ['--key', join(home, 'keys/ops.sec.asc'), '--passphrase', 'env:KEY_PASSPHRASE']
  const stored = async () =>
    (await fileNames(join(home, 'near'))).filter((name) => name.includes('inventory/'))

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'lifeboat-inventory-'))
    await mkdir(join(home, 'near'))
    gpg = await createGpgHome()
    moto = await startMotoContainer()
    stubAwsEnvironment()
    await furnishMoto()
    for (const name of ['ops', 'signer']) {
      const keygen = ['keygen', '--name', name, '--out', `${home}/keys`, '--passphrase', 'env:KEY_PASSPHRASE']
      expect(await runLifeboat(keygen, { home, env: env() })).toMatchObject({ exitCode: 0 })
    }
    config = join(home, 'lifeboat.yaml')
    await writeConfig('mysql://nobody@127.0.0.1:1')
  })
  afterAll(async () => {
    vi.unstubAllEnvs()
    await moto?.stop()
    await gpg?.[Symbol.asyncDispose]()
    await rm(home, { recursive: true, force: true })
  })

  async function writeConfig(source: string): Promise<void> {
    await writeFile(
      config,
      `version: 1
keys:
  ops: { public: ${home}/keys/ops.pub.asc }
  signer: { public: ${home}/keys/signer.pub.asc, secret: ${home}/keys/signer.sec.asc, passphrase: env:KEY_PASSPHRASE }
signing: { key: signer }
signers: [signer]
audit: { file: ${home}/audit.jsonl }
sinks:
  near: { url: 'file://${home}/near' }
  far: { url: 'file://${home}/far' }
defaults: { classification: development, recipients: [ops], sinks: [near, far] }
jobs:
  shop:
    source: { url: '${source}', password: env:DB_PASSWORD }
    inventory: { region: ${SOURCE}, databases: [shop], timeout: 30s }
`,
    )
  }

  async function furnishMoto(): Promise<void> {
    const { endpoint } = moto
    using cloud = openCloud({ source: SOURCE, target: TARGET, endpoint }, noDatabase)
    const { rds, ec2, kms } = cloud.source
    const vpc = (await ec2.vpcs(signal)).find(({ isDefault }) => isDefault)
    const subnets = await ec2.subnets(vpc?.id, signal)
    const own = { description: 'databases', tags: {} }
    await rds.createSubnetGroup({ ...own, name: 'private', subnetIds: subnets.map(({ id }) => id) }, signal)
    group = (await ec2.createSecurityGroup({ ...own, name: 'database', vpcId: vpc?.id ?? '' }, signal)).id
    const rule = { protocol: 'tcp', fromPort: 3306, toPort: 3306, peer: '10.0.0.0/16' }
    await ec2.allowInbound(group, [rule, { ...rule, peer: group }], signal)
    await rds.createParameterGroup({ ...own, of: 'instance', name: 'tuned', family: 'mysql8.0' }, signal)
    const parameter = { name: 'max_connections', value: '500', apply: 'immediate' } as const
    await rds.setParameters('instance', 'tuned', [parameter], signal)
    const { arn } = await kms.createKey(
      { description: 'databases', policy: '{}', tags: { team: 'sea' } },
      signal,
    )
    key = arn
    await kms.createAlias({ alias: 'alias/databases', keyId: arn }, signal)
    await rds.createInstance(
      {
        ...{ id: 'shop', engine: 'mysql', engineVersion: '8.0.40', instanceClass: 'db.t4g.medium' },
        ...{
          storage: { type: 'gp3', gib: 20 },
          masterUser: 'captain',
          kmsKeyArn: arn,
          tags: { app: 'shop' },
        },
        ...{ subnetGroup: 'private', securityGroups: [group], parameterGroup: 'tuned', multiAz: true },
        ...{ publiclyAccessible: false, deletionProtection: true, backupRetentionDays: 7, port: 3306 },
      },
      signal,
    )
    const made = await rds.instance('shop', signal)
    const cloudwatch = new CloudWatchClient({ endpoint, region: SOURCE })
    await cloudwatch.send(
      new PutMetricAlarmCommand({
        ...{
          AlarmName: 'cpu',
          Namespace: 'AWS/RDS',
          MetricName: 'CPUUtilization',
          Period: 60,
          Threshold: 90,
        },
        ...{ EvaluationPeriods: 1, ComparisonOperator: 'GreaterThanThreshold', Statistic: 'Average' },
        Dimensions: [{ Name: 'DBInstanceIdentifier', Value: 'shop' }],
      }),
    )
    const route53 = new Route53Client({ endpoint, region: 'us-east-1' })
    const zone = await route53.send(
      new CreateHostedZoneCommand({ Name: 'example.com', CallerReference: 'x' }),
    )
    const record = {
      name: 'db.example.com',
      type: 'CNAME',
      ttlSeconds: 300,
      values: [made?.endpoint?.host ?? ''],
    }
    const id = zone.HostedZone?.Id?.replace('/hostedzone/', '') ?? ''
    await cloud.route53.change(id, [{ action: 'create', record }], 'test', signal)
  }

  test('is taken by what the job says, shown, and recorded', async () => {
    const taken = await json('inventory', '--job', 'shop')
    expect(taken).toMatchObject({
      ...{ exitCode: 0, job: 'shop', source: SOURCE, target: null, instances: 1, unknown: [], warnings: [] },
      places: [
        { sink: `file://${home}/near`, ok: true },
        { sink: `file://${home}/far`, ok: true },
      ],
    })
    expect(await stored()).toEqual([
      `shop/inventory/${taken.id}.json.gz.pgp`,
      `shop/inventory/${taken.id}.json.gz.pgp.sig`,
    ])
    const shown = await json('inventory', 'show', taken.id, '--at', 'near', ...opening())
    expect(shown).toMatchObject({ exitCode: 0, id: taken.id, format: 1, signedBy: expect.any(String) })
    const [region] = shown.regions
    expect(region.instances).toEqual([
      expect.objectContaining({
        ...{ id: 'shop', engineVersion: '8.0.40', multiAz: true, deletionProtection: true, kmsKeyArn: key },
        ...{ storage: expect.objectContaining({ gib: 20 }), securityGroups: [group], tags: { app: 'shop' } },
      }),
    ])
    const rule = { protocol: 'tcp', fromPort: 3306, toPort: 3306 }
    expect(region.securityGroups[0].inbound).toEqual([
      expect.objectContaining({ ...rule, peer: '10.0.0.0/16' }),
      expect.objectContaining({ ...rule, peer: group }),
    ])
    expect(region.instanceParameterGroups[0].parameters).toEqual([
      { name: 'max_connections', value: '500', apply: 'immediate' },
    ])
    expect(region.keys[0]).toMatchObject({ aliases: ['alias/databases'], tags: { team: 'sea' } })
    expect(region.alarms).toEqual([
      expect.objectContaining({ name: 'cpu', definition: expect.objectContaining({ Threshold: 90 }) }),
    ])
    expect(shown.dns[0].records).toEqual([
      expect.objectContaining({ name: 'db.example.com', ttlSeconds: 300 }),
    ])
    const text = await run(['inventory', 'show', '--at', 'near', ...opening()])
    expect(text.stdout).toContain('instance shop: mysql 8.0.40, db.t4g.medium, gp3 20 GiB')
    expect(text.stdout).toContain('parameter group tuned (mysql8.0): max_connections=500')
    expect(text.stdout).toContain('db.example.com CNAME')
    const audit = (await readFile(join(home, 'audit.jsonl'), 'utf8')).trim().split('\n')
    expect(
      audit.map((line) => JSON.parse(line)).map(({ event, verb, options }) => [event, verb, options]),
    ).toEqual([
      ['start', 'inventory', undefined],
      ['end', 'inventory', undefined],
      ...[1, 2].flatMap(() => [
        ['start', 'inventory', ['show']],
        ['end', 'inventory', undefined],
      ]),
    ])
    expect((await run(['list', '--at', 'near'])).stderr).toContain('no backups')
  })

  test('opens with stock gpg and gunzip, and its signature with gpg', async () => {
    const [name = ''] = await stored()
    const { key: _, ...shown } = await json('inventory', 'show', '--at', 'near', ...opening())
    const secret = await readFile(join(home, 'keys/ops.sec.asc'))
    const loopback = ['--pinentry-mode', 'loopback', '--passphrase', SECRET]
    gpg.run(secret, ...loopback, '--import')
    gpg.run(await readFile(join(home, 'keys/signer.pub.asc')), '--import')
    const path = join(home, 'near', name)
    expect(() => gpg.run(Buffer.alloc(0), '--verify', `${path}.sig`, path)).not.toThrow()
    const plain = throughProgram(gpg.run(await readFile(path), ...loopback, '--decrypt'), 'gunzip', '-c')
    const record = JSON.parse(plain.toString())
    expect(shown).toMatchObject(record)
    expect(record.regions[0].instances[0].id).toBe('shop')
  })

  test('what can not be asked is named, stored as unknown, and 42 says so', async () => {
    // moto fails when it is asked for all option groups.
    const to = ['--to', `file://${home}/other`, '--recipient', `${home}/keys/ops.pub.asc`]
    const taken = await json('inventory', '--source', SOURCE, '--target', TARGET, ...to)
    expect(taken).toMatchObject({ exitCode: 42, job: 'inventory', target: TARGET, instances: 1 })
    expect(taken.unknown).toEqual([
      expect.objectContaining({ region: TARGET, what: 'optionGroups', reason: expect.any(String) }),
    ])
    expect(taken.warnings[0].message).toMatch(/^unknown: optionGroups of eu-central-1: /)
    const shown = await json(
      'inventory',
      'show',
      '--at',
      `file://${home}/other`,
      '--unsigned-ok',
      ...opening(),
    )
    expect(shown.unknown).toEqual(taken.unknown)
    expect(shown.regions[1].vpcs.length).toBeGreaterThan(0)
    const unsigned = await run(['inventory', 'show', '--at', `file://${home}/other`, ...opening()])
    expect(unsigned).toMatchObject({ exitCode: 32, stderr: expect.stringContaining('not signed') })
  })

  test('of a dead region nothing is stored: the last good one stays the newest', async () => {
    const before = await stored()
    const dead = await run(['inventory', '--job', 'shop'], { AWS_ENDPOINT_URL: 'http://127.0.0.1:1' })
    expect(dead).toMatchObject({ exitCode: 42, stdout: '' })
    expect(dead.stderr.replaceAll(/\s+/g, ' ')).toContain('inventories taken before are as they were')
    expect(await stored()).toEqual(before)
  })

  test('export keeps a copy beside the configuration, which is a place of its own', async () => {
    const { file, id } = await json('inventory', 'export', '--at', 'near', '--job', 'shop')
    expect(file).toBe(join(home, `inventory/shop/inventory/${id}.json.gz.pgp`))
    for (const name of [file, `${file}.sig`]) expect((await stat(name)).mode & 0o777).toBe(0o600)
    expect(await readFile(file)).toEqual(await readFile(join(home, `near/shop/inventory/${id}.json.gz.pgp`)))
    const again = await json('inventory', 'export', '--at', 'near', '--job', 'shop')
    expect(again).toMatchObject({ exitCode: 0, file })
    const shown = await json('inventory', 'show', '--at', `file://${home}/inventory`, ...opening())
    expect(shown).toMatchObject({ exitCode: 0, id })
    const out = join(home, 'offline')
    const plain = await json('inventory', 'export', id, '--at', 'near', '--plain', '--out', out, ...opening())
    expect(plain.file).toBe(join(out, `${id}.json`))
    expect((await stat(plain.file)).mode & 0o777).toBe(0o600)
    expect(JSON.parse(await readFile(plain.file, 'utf8'))).toMatchObject({ id, format: 1 })
  })

  test('diff shows what has drifted, from one to another and to now', async () => {
    const first = await json('inventory', 'show', '--at', 'near', '--job', 'shop', ...opening())
    const live = ['inventory', 'diff', 'latest', '--live', '--at', 'near', '--job', 'shop', ...opening()]
    expect(await json(...live)).toMatchObject({ exitCode: 0, same: true, changes: [], after: null })
    const only = await run(['inventory', 'diff', '--at', 'near', '--job', 'shop', ...opening()])
    expect(only).toMatchObject({ exitCode: 21, stderr: expect.stringContaining('--live') })
    using cloud = openCloud({ source: SOURCE, target: TARGET, endpoint: moto.endpoint }, noDatabase)
    await cloud.source.rds.modifyInstance('shop', { deletionProtection: false }, signal)
    const open = { protocol: 'tcp', fromPort: 3306, toPort: 3306, peer: '0.0.0.0/0' }
    await cloud.source.ec2.allowInbound(group, [open], signal)
    try {
      const drift = await json(...live)
      expect(drift.same).toBe(false)
      expect(
        drift.changes.map((change: { what: string; name: string }) => [change.what, change.name]),
      ).toEqual([
        ['instances', 'shop'],
        ['securityGroups', group],
      ])
      const { id } = await json('inventory', '--job', 'shop')
      const two = await run([
        'inventory',
        'diff',
        first.id,
        id,
        '--at',
        'near',
        '--job',
        'shop',
        ...opening(),
      ])
      expect(two.stdout).toContain('deletionProtection: true -> false')
      expect(await json('inventory', 'diff', '--at', 'near', '--job', 'shop', ...opening())).toMatchObject({
        ...{ before: first.id, after: id },
      })
    } finally {
      await cloud.source.rds.modifyInstance('shop', { deletionProtection: true }, signal)
      await cloud.source.ec2.revokeInbound(group, [open], signal)
    }
  })

  test('prepare makes in the other region what is missing; the next inventory says what stands for what', async () => {
    const regions = ['--source', SOURCE, '--target', TARGET]
    const place = `file://${home}/prepared`
    const inventory = async () => {
      const to = ['--to', place, '--recipient', `${home}/keys/ops.pub.asc`]
      await json('inventory', ...regions, ...to)
      const shown = await json('inventory', 'show', '--at', place, '--unsigned-ok', ...opening())
      return shown.landing[0].entries.map((each: { kind: string; target: string | null }) => [
        each.kind,
        each.target,
      ])
    }
    expect(await inventory()).toEqual([
      ['subnet-group', null],
      ['security-group', null],
      ['parameter-group', null],
      ['key', null],
    ])
    const out = join(home, 'opened')
    const exported = ['inventory', 'export', '--at', place, '--unsigned-ok', '--plain', '--out', out]
    const { file } = await json(...exported, ...opening())
    const prepare = ['migrate', 'prepare', ...regions, '--db', 'shop', '--json']
    const runPrepare = async (...more: string[]) => {
      const { stdout, stderr } = await runLifeboat([...prepare, ...more], { home, env: env() })
      if (stdout === '') throw new Error(stderr)
      return JSON.parse(stdout)
    }
    expect(await runPrepare('--inventory', file)).toMatchObject({ outcome: 'done' })
    expect(await inventory()).toEqual([
      ['subnet-group', 'private'],
      ['security-group', expect.stringMatching(/^sg-/)],
      ['parameter-group', 'tuned'],
      ['key', expect.stringMatching(/^arn:aws:kms:eu-central-1:/)],
    ])
  })

  test('the printed lines of prepare make the same, typed one after the other', async () => {
    const prepare = [
      'migrate',
      'prepare',
      '--source',
      SOURCE,
      '--target',
      'eu-north-1',
      '--db',
      'shop',
      '--json',
    ]
    const shown = await runLifeboat([...prepare, '--dry-run'], { home, env: env() })
    const { steps }: TypedPlan = JSON.parse(shown.stdout)
    // What was set is counted: one of these that fails ends the script.
    const counted = (check: TypedPlan['steps'][number]['check']) =>
      check !== null && /^\d+$/.test(check.expect) ? [`test "$(${check.line})" = ${check.expect}`] : []
    const lines = steps.flatMap(({ commands, check }) => [
      ...commands.map(({ line }) => line),
      ...counted(check),
    ])
    expect(lines.filter((line) => line.startsWith('test '))).toHaveLength(2)
    expect(lines.length).toBeGreaterThan(8)
    const script = [`aws() { ${moto.commands.aws.join(' ')} "$@"; }`, ...lines].join('\n')
    await execa('sh', ['-eu', '-c', script], { env: env({ PYTHONWARNINGS: 'ignore' }) })
    // A run looks at each thing, and finds that there is nothing left to make.
    const { stdout } = await runLifeboat(prepare, { home, env: env() })
    expect(JSON.parse(stdout)).toMatchObject({ outcome: 'done', steps: [{ id: 'check-landing-zone' }] })
    using cloud = openCloud({ source: SOURCE, target: 'eu-north-1', endpoint: moto.endpoint }, noDatabase)
    const made = (await cloud.target.ec2.securityGroups(undefined, signal)).find(
      ({ name }) => name === 'database',
    )
    expect(made?.inbound.map(({ peer }) => peer).sort()).toEqual(['10.0.0.0/16', made?.id])
    expect(await cloud.target.rds.parameterGroup('instance', 'tuned', signal)).toMatchObject({
      parameters: [{ name: 'max_connections', value: '500' }],
    })
  })

  describe.skipIf(lacks('mariadb'))('after a dump', () => {
    let server: CliServer
    beforeAll(async () => {
      server = await startCliMariadb()
      await server.seed(10)
      await writeConfig(server.url)
    })
    afterAll(() => server?.[Symbol.asyncDispose]())
    const aboutInventory = (stdout: string) =>
      JSON.parse(stdout).warnings.filter(({ message }: { message: string }) => message.includes('inventory'))
    const dump = (more: Record<string, string> = {}) =>
      run(['dump', 'shop', '--json'], { DB_PASSWORD: server.password, ...more })

    test('goes to all sinks of the job', async () => {
      const before = await stored()
      const { stdout, exitCode } = await dump()
      expect({ exitCode, warnings: aboutInventory(stdout) }).toEqual({ exitCode: 0, warnings: [] })
      const now = await stored()
      expect(now).toHaveLength(before.length + 2)
      const far = await fileNames(join(home, 'far'))
      expect(far.filter((name) => name.includes('inventory/'))).toEqual(now)
      const { regions } = await json('inventory', 'show', '--at', 'far', '--job', 'shop', ...opening())
      expect(regions[0].instances[0].id).toBe('shop')
    })

    test('a control plane that hangs is given up by hand, and the dump stands', async () => {
      await using silent = await startListener(() => undefined)
      const run = startLifeboat(['dump', 'shop', '--json', '--config', config], {
        home,
        env: env({ DB_PASSWORD: server.password, AWS_ENDPOINT_URL: silent.url }),
      })
      await vi.waitFor(() => expect(silent.heard.length).toBeGreaterThan(0), { timeout: 40_000 })
      run.kill('SIGINT')
      const { stdout, exitCode } = await run
      const { id } = JSON.parse(stdout)
      expect({ exitCode, warnings: aboutInventory(stdout) }).toEqual({
        exitCode: 0,
        warnings: [expect.objectContaining({ message: expect.stringContaining('interrupted') })],
      })
      expect(await json('verify', id, '--at', 'far', '--job', 'shop')).toMatchObject({ exitCode: 0 })
    })

    test('never changes its outcome, whatever the control plane does', async () => {
      const before = await stored()
      const { stdout, exitCode } = await dump({ AWS_ENDPOINT_URL: 'http://127.0.0.1:1' })
      const { id } = JSON.parse(stdout)
      expect({ exitCode, warnings: aboutInventory(stdout) }).toEqual({
        exitCode: 0,
        warnings: [
          {
            message: expect.stringMatching(
              /^no inventory was taken: unable to take an inventory of eu-west-1/,
            ),
            hint: expect.stringContaining('the backup is complete'),
          },
        ],
      })
      expect(await stored()).toEqual(before)
      expect(await json('verify', id, '--at', 'near', '--job', 'shop')).toMatchObject({ exitCode: 0 })
    })
  })

  test.each([
    [['inventory'], '--source is missing'],
    [['inventory', '--source', 'Frankfurt', '--to', 'file:///x', '--no-encryption'], 'no name of a region'],
    [['inventory', '--source', SOURCE, '--to', 'file:///x'], '--recipient'],
    [
      ['inventory', '--source', SOURCE, '--target', SOURCE, '--to', 'file:///x', '--no-encryption'],
      'same region',
    ],
    [['inventory', 'show', '--source', SOURCE, '--at', 'near'], "--source is not for 'inventory show'"],
    [['inventory', 'diff', 'a', 'b', '--live', '--at', 'near'], 'contradict each other'],
    [['inventory', '--live', '--job', 'shop'], "--live is not for 'inventory take'"],
    [['inventory', 'list'], 'Allowed choices'],
  ])('%j is refused', async (args, reason) => {
    const refused = await run(args)
    expect(refused).toMatchObject({ exitCode: 2, stdout: '' })
    expect(refused.stderr.replaceAll(/\s+/g, ' ')).toContain(reason)
  })

  test('without credentials it says how to get some, and not what to allow', async () => {
    const { AWS_ACCESS_KEY_ID: _, ...others } = env()
    const take = ['inventory', '--source', SOURCE, '--to', `file://${home}/none`, '--no-encryption']
    const { exitCode, stderr } = await runLifeboat(take, { home, env: others })
    expect(exitCode).toBe(42)
    expect(stderr).toMatch(/no usable credentials\nhint: Renew the credentials .*--profile/)
  })
})
