import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BlackHole, startBlackHole } from '../testbed/black-hole.ts'
import { runLifeboat } from '../testbed/command-line.ts'

interface Check {
  readonly level: string
  readonly topic: string
  readonly message: string
  readonly hint: string | null
}

describe('doctor --offline', () => {
  let home: string
  /** Where every AWS API would be asked, were one asked. */
  let aws: BlackHole
  /** Takes connections like a database; nobody may say a word to it. */
  let database: BlackHole

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'lifeboat-offline-'))
    aws = await startBlackHole()
    database = await startBlackHole()
  })
  afterAll(async () => {
    await aws[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
    await rm(home, { recursive: true })
  })

  async function offline(args: readonly string[], env: Record<string, string> = {}) {
    const endpoint = `http://${aws.host}:${aws.port}`
    const run = await runLifeboat(['doctor', '--offline', ...args, '--json'], {
      home,
      env: { AWS_ENDPOINT_URL: endpoint, AWS_EC2_METADATA_SERVICE_ENDPOINT: endpoint, ...env },
    })
    expect(run.stderr).toBe('')
    const report = JSON.parse(run.stdout) as { exitCode: number; checks: Check[] }
    expect(run.exitCode).toBe(report.exitCode)
    for (const { level, hint } of report.checks) if (level !== 'ok') expect(hint).toMatch(/\S/)
    return { ...report, of: (topic: string) => report.checks.filter((check) => check.topic === topic) }
  }
  const found = (level: string, message: RegExp, hint?: RegExp) =>
    expect.objectContaining({
      level,
      message: expect.stringMatching(message),
      ...(hint !== undefined && { hint: expect.stringMatching(hint) }),
    })

  test('asks no AWS API, whatever gives the credentials, and does not speak to the database', async () => {
    const from = `mysql://me@localhost:${database.port}`
    for (const env of [
      {},
      { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' },
      { AWS_ROLE_ARN: 'arn:aws:iam::1:role/x', AWS_WEB_IDENTITY_TOKEN_FILE: '/dev/null' },
    ]) {
      const report = await offline(['--from', from, '--to', 's3://bucket/x?region=eu-west-1&sse=kms'], env)
      expect(report.exitCode).toBe(0)
      expect(report.of('encryption')).toEqual([found('warning', /KMS/)])
    }
    expect(aws.connections).toBe(0)
    expect(database.connections).toBe(3)
  })

  test('tells an address for the time when DNS is dead', async () => {
    const report = await offline(['--from', `mysql://me@localhost:${database.port}`])
    expect(report.of('database')).toEqual([
      found('warning', /^localhost is /, new RegExp(`connect=\\S+:${database.port}:`)),
      found('ok', /takes connections/),
    ])
    expect(report.of('CA bundle')).toEqual([found('ok', /tls=require verifies no certificate/)])
    const known = await offline(['--from', `mysql://me@db.invalid?connect=127.0.0.1:${database.port}`])
    expect(known.of('database')).toEqual([found('ok', /takes connections/)])
  })

  test('an address that nobody knows, and a port where nobody listens', async () => {
    const unknown = await offline(['--from', 'postgres://me@db.invalid'])
    expect(unknown.exitCode).toBe(12)
    expect(unknown.of('database')).toEqual([found('failure', /unable to resolve 'db.invalid'/)])
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    await new Promise((resolve) => server.close(resolve))
    const closed = await offline(['--from', `postgres://me@127.0.0.1:${port}`])
    expect(closed.of('database')).toEqual([found('failure', /ECONNREFUSED/)])
  })

  test('a CA bundle that is not on this machine', async () => {
    const from = `mysql://me@x.c1.eu-west-1.rds.amazonaws.com?connect=127.0.0.1:${database.port}&tls-ca=${home}/none.pem`
    const report = await offline(['--from', from, '--to', 's3://bucket/x?region=eu-west-1'])
    expect(report.exitCode).toBe(3)
    expect(report.of('database').at(-1)).toEqual(found('failure', /unable to read CA file/))
    expect(report.of('sink')).toEqual([found('warning', /is in eu-west-1, as the database is/)])
  })

  test.for<[string, Record<string, string>, string, ReturnType<typeof found>]>([
    [
      'static',
      { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' },
      '',
      found('ok', /static key in the environment/),
    ],
    [
      'temporary',
      {
        AWS_ACCESS_KEY_ID: 'a',
        AWS_SECRET_ACCESS_KEY: 'b',
        AWS_SESSION_TOKEN: 'c',
        AWS_CREDENTIAL_EXPIRATION: '2099-01-01T00:00:00Z',
      },
      '',
      found('warning', /expires at 2099-01-01T00:00:00.000Z, and nobody renews it/),
    ],
    [
      'expired',
      {
        AWS_ACCESS_KEY_ID: 'a',
        AWS_SECRET_ACCESS_KEY: 'b',
        AWS_SESSION_TOKEN: 'c',
        AWS_CREDENTIAL_EXPIRATION: '2020-01-01T00:00:00Z',
      },
      '',
      found('failure', /expired at 2020/),
    ],
    [
      'of a program, whose arguments stay secret',
      {},
      '&profile=program',
      found('warning', /^profile 'program' runs '\/bin\/helper' for credentials: it was not run$/),
    ],
    ['of an instance', {}, '', found('warning', /IMDS\), which was not asked/)],
    ['none', { AWS_EC2_METADATA_DISABLED: 'true' }, '', found('failure', /there are none/)],
  ])('credentials: %s', async ([, env, option, expected]) => {
    await writeFile(
      join(home, 'aws-config'),
      '[profile program]\ncredential_process = /bin/helper --token hush\n',
    )
    const file = { AWS_CONFIG_FILE: join(home, 'aws-config') }
    const report = await offline(['--to', `s3://bucket/x?region=eu-west-1${option}`], { ...file, ...env })
    expect(report.of('credentials')).toEqual([expected])
    expect(JSON.stringify(report)).not.toContain('hush')
  })

  test('an SSH host, a folder, a configuration, a key', async () => {
    const ssh = await offline([
      '--to',
      `ssh://me@127.0.0.1:${database.port}/x`,
      '--recipient',
      join(home, 'none.asc'),
    ])
    expect(ssh.of('sink')).toEqual([found('ok', /takes connections/)])
    expect(ssh.of('recipient')).toEqual([found('failure', /no such file/)])
    await writeFile(join(home, 'lifeboat.yaml'), 'version: 1\nsinks: { here: { url: file:///x } }\n')
    const folder = await offline(['--to', 'here', '--config', join(home, 'lifeboat.yaml')])
    expect(folder.of('sink')).toEqual([found('ok', /needs no AWS/)])
    expect(folder.of('configuration')).toEqual([
      found('ok', /lifeboat\.yaml is on this machine and is valid/),
    ])
    const broken = await offline(['--config', join(home, 'none.yaml')])
    expect(broken.of('configuration')).toEqual([found('failure', /none\.yaml/)])
  })

  test('of a job: the places of its copies too, and whether its key signs', async () => {
    const config = join(home, 'lifeboat.yaml')
    const keygen = ['keygen', '--out', home, '--no-passphrase', '--name']
    for (const name of ['signer', 'other']) {
      expect(await runLifeboat([...keygen, name], { home })).toMatchObject({ exitCode: 0 })
    }
    const write = (signers: string) =>
      writeFile(
        config,
        `version: 1
keys:
  signer: { public: ${home}/signer.pub.asc, secret: ${home}/signer.sec.asc }
  other: { public: ${home}/other.pub.asc }
sinks:
  near: { url: 'file://${home}/near' }
  far: { url: 's3://bucket/x?region=eu-west-1' }
signing: { key: signer }
signers: [${signers}]
jobs:
  shop:
    source: mysql://me@localhost:${database.port}
    sinks: [near, far]
    recipients: [other]
    classification: development
`,
      )
    await write('signer')
    const env = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' }
    const well = await offline(['shop', '--config', config], env)
    expect(well.of('sink')).toEqual([found('ok', /is a folder/), found('ok', /bucket is in eu-west-1/)])
    expect(well.of('credentials')).toEqual([found('ok', /a static key/)])
    expect(well.of('signing')).toEqual([found('ok', /signs, and a restore trusts it/)])

    await write('other')
    const strange = await offline(['shop', '--config', config], env)
    expect(strange.of('signing')).toEqual([found('failure', /./)])
    expect(strange.exitCode).toBe(32)
    const { stdout, exitCode } = await runLifeboat(['config', 'check', '--config', config], { home })
    expect({ stdout, exitCode }).toMatchObject({
      exitCode: 32,
      stdout: expect.stringMatching(/none of signers is/),
    })
  })
})
