import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  GetBucketLifecycleConfigurationCommand,
  GetBucketPolicyCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketPolicyCommand,
} from '@aws-sdk/client-s3'
import { execa } from 'execa'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { fixBucket, warnBeforeFirstDump } from '../../src/app/doctor-bucket.ts'
import type { RunEvent } from '../../src/app/run-event.ts'
import { parseS3SinkUrl } from '../../src/sinks/s3/index.ts'
import { type BucketPosture, createBucketPosture } from '../../src/sinks/s3/posture/index.ts'
import { runLifeboat } from '../testbed/command-line.ts'
import { type HttpFaultProxy, s3Error, startHttpFaultProxy } from '../testbed/http-fault-proxy.ts'
import { lacks } from '../testbed/requirement.ts'
import { S3_SERVERS, type S3Server, startS3Server } from '../testbed/s3-server.ts'

const TOPICS = [
  'region',
  'public access',
  'encryption',
  'TLS only',
  'versioning',
  'Object Lock',
  'access logging',
  'incomplete uploads',
]

describe.skipIf(lacks('s3')).each(S3_SERVERS)('posture of a bucket on %s', { timeout: 60_000 }, (name) => {
  let server: S3Server
  let proxy: HttpFaultProxy
  let bucket: string
  let state: string
  let posture: BucketPosture
  const { signal } = new AbortController()

  beforeAll(async () => {
    server = await startS3Server(name)
  })
  afterAll(() => server[Symbol.asyncDispose]())
  beforeEach(async () => {
    proxy = await startHttpFaultProxy(server.endpoint)
    bucket = await server.newBucket()
    state = await mkdtemp(join(tmpdir(), 'lifeboat-posture-'))
    posture = open()
  })
  afterEach(async () => {
    await posture[Symbol.asyncDispose]()
    await proxy[Symbol.asyncDispose]()
    await rm(state, { recursive: true })
  })

  const location = () => ({
    bucket,
    prefix: 'db',
    endpoint: proxy.endpoint,
    region: server.region,
    pathStyle: true,
  })
  const open = () => createBucketPosture(location())
  const choice = () => ({ posture, logBucket: `${bucket}-logs`, lockDays: 14 })
  const levels = (findings: readonly { level: string; topic: string }[]) =>
    Object.fromEntries(steady(findings).map(({ topic, level }) => [topic, level]))
  const look = async () => levels((await posture.look(undefined, signal)).findings)

  // Ceph 20.2 hangs up on most requests for what no one ever put of public access: sometimes it is known, sometimes not.
  const fickle = name === 'ceph' ? ['public access', 'bucket'] : []
  const answered = TOPICS.filter((topic) => !fickle.includes(topic))
  // Every topic but the region has a remedy, and public access is closed last.
  const mended = answered
    .slice(1)
    .toSorted((a, b) => Number(a === 'public access') - Number(b === 'public access'))
  const guarded = Object.fromEntries(answered.map((topic) => [topic, 'ok']))
  const steady = <T extends { readonly topic: string }>(all: readonly T[]) =>
    all.filter(({ topic }) => !fickle.includes(topic))

  test('of a new bucket: what is missing is a warning, never a failure', async () => {
    const { findings, complete } = await posture.look(undefined, signal)
    expect(levels(findings)).toEqual({
      ...Object.fromEntries(answered.map((topic) => [topic, 'warning'])),
      region: 'ok',
    })
    if (name !== 'ceph') expect(complete).toBe(true)
    expect(await posture.defaultEncryption(signal)).toEqual({ known: true, value: undefined })
    for (const { level, hint } of findings) if (level === 'warning') expect(hint).toMatch(/\w.*\.$/)
    // As it stands there, the command reaches the same bucket.
    const typed = /--to '?(s3:[^' ]+)'? --fix-bucket/.exec(
      findings.find(({ topic }) => topic === 'versioning')?.hint ?? '',
    )
    expect(parseS3SinkUrl(typed?.[1] ?? '')).toMatchObject(location())
  })

  test('is the region of the database, or another one, or one that nobody knows', async () => {
    const region = async (database: string | undefined) =>
      (await posture.look({ region: database }, signal)).findings.find(({ topic }) => topic === 'region')
    expect(await region(server.region)).toMatchObject({
      level: 'warning',
      hint: expect.stringMatching(/another region/),
    })
    expect(await region('eu-west-1')).toMatchObject({
      level: 'ok',
      message: expect.stringMatching(/the database in eu-west-1$/),
    })
    expect(await region(undefined)).toMatchObject({
      level: 'ok',
      message: expect.stringMatching(/does not tell its region$/),
    })
  })

  test('is mended, keeps what others configured, and needs nothing the second time', async () => {
    const theirs = {
      Sid: 'Theirs',
      Effect: 'Allow',
      Principal: { AWS: '*' },
      Action: 's3:GetObject',
      Resource: `arn:aws:s3:::${bucket}/public/*`,
    }
    await server.client.send(
      new PutBucketPolicyCommand({
        Bucket: bucket,
        Policy: JSON.stringify({ Version: '2012-10-17', Statement: [theirs] }),
      }),
    )
    const rule = {
      ID: 'theirs',
      Status: 'Enabled',
      Filter: { Prefix: 'old/' },
      Expiration: { Days: 30 },
    } as const
    await server.client.send(
      new PutBucketLifecycleConfigurationCommand({
        Bucket: bucket,
        LifecycleConfiguration: { Rules: [rule] },
      }),
    )

    const plan = await fixBucket({ ...choice(), create: false, confirm: false }, signal)
    expect(new Set(plan.fixes.map(({ outcome }) => outcome))).toEqual(new Set(['would-apply']))
    expect(steady(plan.fixes).map(({ topic }) => topic)).toEqual(mended)
    expect(await look()).toMatchObject({ versioning: 'warning', 'TLS only': 'warning' })

    const done = await fixBucket({ ...choice(), create: false, confirm: true }, signal)
    expect(steady(done.fixes)).toEqual(steady(plan.fixes).map((fix) => ({ ...fix, outcome: 'applied' })))
    expect(levels(done.findings)).toEqual(guarded)
    expect(await posture.defaultEncryption(signal)).toEqual({ known: true, value: 'AES256' })
    const { Policy } = await server.client.send(new GetBucketPolicyCommand({ Bucket: bucket }))
    expect(JSON.parse(Policy ?? '').Statement).toMatchObject([theirs, { Sid: 'LifeboatDenyPlainHttp' }])
    const { Rules } = await server.client.send(new GetBucketLifecycleConfigurationCommand({ Bucket: bucket }))
    expect(Rules?.map(({ ID }) => ID).toSorted()).toEqual(['lifeboat-abort-incomplete-uploads', 'theirs'])

    expect(steady((await fixBucket({ ...choice(), create: false, confirm: true }, signal)).fixes)).toEqual([])
  })

  test('is mended by the printed lines too', async () => {
    const { fixes } = await fixBucket({ ...choice(), create: false, confirm: false }, signal)
    const [aws, ...words] = server.aws
    for (const line of fixes.flatMap(({ commands }) => commands)) {
      // As a shell reads it, with the test's own way to start the AWS CLI in place of `aws`.
      const { stdout } = await execa('sh', ['-c', `printf '%s\\0' ${line}`])
      const [, ...args] = stdout.split('\0').slice(0, -1)
      await execa(aws, [...words, ...args], { env: { ...server.env, PYTHONWARNINGS: 'ignore' } })
    }
    expect(await look()).toEqual(guarded)
  })

  test('of a bucket that is made by it has all', async () => {
    const name = `${bucket}-made`
    await using made = createBucketPosture({ ...location(), bucket: name })
    const request = { ...choice(), posture: made, create: true }
    const plan = await fixBucket({ ...request, confirm: false }, signal)
    expect(plan.fixes).toMatchObject([{ topic: 'bucket', outcome: 'would-apply' }])
    const { fixes, findings } = await fixBucket({ ...request, confirm: true }, signal)
    expect(fixes.filter(({ outcome }) => outcome !== 'applied')).toEqual([])
    expect(levels(findings)).toEqual(guarded)
    // Again, as after a run that broke off.
    expect((await fixBucket({ ...request, confirm: true }, signal)).fixes).toMatchObject([
      { topic: 'bucket' },
    ])
  })

  test('that nobody may see is unknown: one warning with the rights that it takes', async () => {
    proxy.inject({ on: () => true, kind: 'answer', status: 403, body: s3Error('AccessDenied', 'no') })
    const { findings, complete } = await posture.look(undefined, signal)
    expect(complete).toBe(false)
    // An answer to HEAD has no body to say why.
    expect(findings).toMatchObject([
      {
        level: 'warning',
        message: expect.stringMatching(/unknown .*region, public access, .*denied/),
        hint: expect.stringMatching(/s3:GetBucketPolicy/),
      },
    ])
    const { fixes } = await fixBucket({ ...choice(), create: false, confirm: true }, signal)
    expect(fixes).toEqual([])
  })

  test('that may be seen but not changed fails fix by fix, with the right that each takes', async () => {
    proxy.inject({
      on: ({ method }) => method === 'PUT',
      kind: 'answer',
      status: 403,
      body: s3Error('AccessDenied', 'no'),
    })
    const { fixes } = await fixBucket({ ...choice(), create: false, confirm: true }, signal)
    expect(steady(fixes).map(({ topic }) => topic)).toEqual(mended)
    for (const { outcome, error } of fixes) {
      expect(outcome).toBe('failed')
      expect(error).toMatchObject({ code: 'sink-denied', hint: expect.stringMatching(/s3:(Put|Create)\w+/) })
    }
  })

  test('is shown, and mended, from the command line', async () => {
    const { endpoint } = proxy
    const url = `s3://${bucket}/db?endpoint=${endpoint}&region=${server.region}&path-style=true`
    const run = (...args: string[]) =>
      runLifeboat(['doctor', '--to', url, ...args], { home: state, env: { ...server.env } })
    const plan = await run('--fix-bucket')
    expect(plan).toMatchObject({ exitCode: 0, stderr: '' })
    expect(plan.stdout).toMatch(/^aws s3api put-bucket-versioning --bucket .*'\{"Status":"Enabled"\}'/m)
    expect(plan.stdout).toMatch(/# \d changes to make: run it again with --confirm/)
    for (const line of plan.stdout.split('\n')) expect(line).toMatch(/^(#|aws s3api |$)/)
    const done = await run('--fix-bucket', '--confirm', '--json')
    expect(done.exitCode).toBe(0)
    const { fixes, checks } = JSON.parse(done.stdout)
    expect(steady<{ topic: string }>(fixes).map(({ topic }) => topic)).toEqual(mended)
    expect(levels(checks)).toEqual(guarded)
    const plain = JSON.parse((await run('--json')).stdout)
    expect(plain.checks).toContainEqual(expect.objectContaining({ level: 'ok', topic: 'versioning' }))
    expect((await run('--confirm')).stderr).toMatch(/--confirm goes with --fix-bucket/)
  })

  describe('before the first dump', () => {
    let events: RunEvent[]
    const warn = (endpoint: string) => {
      events = []
      const sinkUrl = `s3://${bucket}/db?endpoint=${endpoint}&region=${server.region}&path-style=true`
      const databaseUrl = 'mysql://me@db.c1.us-east-1.rds.amazonaws.com'
      return warnBeforeFirstDump(
        { sinkUrl, databaseUrl, stateFolder: state, onEvent: (event) => events.push(event) },
        signal,
      )
    }
    const warnings = () => events.filter(({ kind }) => kind === 'warning')

    test('warns of what is missing, and once only if all was known', async () => {
      await warn(proxy.endpoint)
      expect(warnings()).toHaveLength(8)
      await warn(proxy.endpoint)
      if (name !== 'ceph') expect(warnings()).toEqual([])
    })
  })
})
