import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CliServer, startCliMariadb } from '../testbed/cli-servers.ts'
import { runLifeboat } from '../testbed/command-line.ts'
import { lacks } from '../testbed/requirement.ts'
import { type S3Server, startS3Server } from '../testbed/s3-server.ts'

/** What only a live bucket can answer: how it encrypts, how it is guarded, whether a drill lies there. */
describe.skipIf(lacks('mariadb', 's3'))('guardrails at a bucket', { timeout: 90_000 }, () => {
  let home: string
  let bucket: string
  let config: string
  let server: CliServer
  let s3: S3Server
  const env = () => ({ ...s3.env, DB_PASSWORD: server.password, KEY_PASSPHRASE: 'open sesame' })
  const run = (...args: string[]) => runLifeboat([...args, '--config', config], { home, env: env() })
  const dump = async (job: string, ...flags: string[]) => {
    const ran = await run('dump', job, ...flags, '--json')
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' })
    return JSON.parse(ran.stdout) as {
      id: string
      overridden: readonly string[] | null
      warnings: readonly { message: string }[]
    }
  }
  const manifest = async (job: string, id: string) => {
    const Key = `db/${job}/backups/${id}.json`
    const { Body } = await s3.client.send(new GetObjectCommand({ Bucket: bucket, Key }))
    return JSON.parse((await Body?.transformToString()) ?? '')
  }
  /** A new bucket has no default encryption: a look at it warns of that. */
  const looked = ({ warnings }: Awaited<ReturnType<typeof dump>>) =>
    warnings.some(({ message }) => message.startsWith('encryption: bucket '))

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'lifeboat-policy-s3-'))
    ;[server, s3] = await Promise.all([startCliMariadb(), startS3Server('ceph')])
    await server.seed(10)
    bucket = await s3.newBucket()
    config = join(home, 'lifeboat.yaml')
    for (const name of ['ops', 'escrow', 'signer']) {
      const out = ['--name', name, '--out', `${home}/keys`, '--passphrase', 'env:KEY_PASSPHRASE']
      expect(await runLifeboat(['keygen', ...out], { home, env: env() })).toMatchObject({ exitCode: 0 })
    }
    const key = (name: string) =>
      `{ public: ${home}/keys/${name}.pub.asc, secret: ${home}/keys/${name}.sec.asc, passphrase: 'env:KEY_PASSPHRASE' }`
    const at = `s3://${bucket}/db?region=${s3.region}&endpoint=${s3.endpoint}&path-style=true`
    const source = `{ url: '${server.url}', password: env:DB_PASSWORD }`
    await writeFile(
      config,
      `version: 1
keys:
  ops: ${key('ops')}
  escrow: ${key('escrow')}
  signer: ${key('signer')}
sinks:
  guarded: { url: '${at}&sse=kms&kms-key=${s3.kmsKey}' }
  plain: { url: '${at}' }
signing: { key: signer }
signers: [signer]
audit: { file: ${home}/audit.jsonl }
defaults: { classification: regulated, recipients: [ops, escrow], sinks: [guarded] }
jobs:
  shop:
    source: ${source}
    drill: { key: ops }
    checks: [{ name: rows, database: shop, query: SELECT COUNT(*) FROM item, expect: 10 }]
  bare: { source: ${source}, sinks: [plain] }
  alone: { source: ${source}, lease: false }
`,
    )
  })
  afterAll(async () => {
    await Promise.all([server?.[Symbol.asyncDispose](), s3?.[Symbol.asyncDispose]()])
    await rm(home, { recursive: true, force: true })
  })

  test('a regulated job dumps to one that encrypts with a KMS key, is drilled from there, and dumps again', async () => {
    const first = await dump('shop')
    expect(looked(first)).toBe(true)
    const { parts, undrilledSince, audit } = await manifest('shop', first.id)
    expect(undrilledSince).toEqual(expect.any(String))
    expect(audit).toMatchObject({ records: 1 })
    const Key = `db/shop/data/${first.id}/${parts[0].volumes[0].name}`
    const head = await s3.client.send(new HeadObjectCommand({ Bucket: bucket, Key }))
    expect(head).toMatchObject({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: s3.kmsKey })

    const drilled = await run('drill', 'shop', '--json')
    expect(drilled).toMatchObject({ exitCode: 0, stderr: '' })
    expect(JSON.parse(drilled.stdout).audit).toMatchObject({ records: 3 })
    const shown = await run('report', '--at', 'guarded', '--job', 'shop', '--json')
    expect(JSON.parse(shown.stdout)).toMatchObject({ drills: [{ outcome: 'passed' }] })
    const second = await dump('shop')
    expect(await manifest('shop', second.id)).not.toHaveProperty('undrilledSince')
    const audited = JSON.parse((await run('audit', 'verify', '--at', 'guarded', '--json')).stdout)
    expect(audited).toMatchObject({ backups: { vouching: 2 }, drills: { vouching: 1, elsewhere: [] } })
  })

  test('one that encrypts with no such key is refused, and nothing is stored', async () => {
    const { exitCode, stderr } = await run('dump', 'bare', '--json')
    const { details } = JSON.parse(stderr).error
    expect({ exitCode, details }).toMatchObject({
      exitCode: 44,
      details: { broken: [{ rule: 'sse-kms', state: 'violated', found: expect.stringContaining(bucket) }] },
    })
    expect((await s3.names(bucket)).filter((name) => name.includes('/bare/'))).toEqual([])
  })

  test('an emergency asks the bucket nothing, and says so beside what else it goes without', async () => {
    const told = await dump('bare', '--emergency')
    expect(looked(told)).toBe(false)
    const overridden = ['sse-kms', 'drill', 'lease', 'bucket-posture']
    expect(told.overridden).toEqual(overridden)
    expect(await manifest('bare', told.id)).toMatchObject({ emergency: { overridden } })
    // A job that takes no lease goes without none.
    expect((await dump('alone', '--emergency')).overridden).toEqual(['drill', 'bucket-posture'])
  })
})
