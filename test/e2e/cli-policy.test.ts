import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeEvidence } from '../../src/app/drill/evidence-store.ts'
import { createManifestSigner } from '../../src/app/registry.ts'
import { newBackupId } from '../../src/core/backup-layout.ts'
import type { Evidence } from '../../src/core/evidence.ts'
import { Secret } from '../../src/core/secret.ts'
import { createFileSink } from '../../src/sinks/file/index.ts'
import { runLifeboat } from '../testbed/command-line.ts'
import { createLeaseAgent } from '../testbed/lease-agent.ts'
import { startMariadb } from '../testbed/mariadb.ts'
import { lacks } from '../testbed/requirement.ts'

interface Broken {
  readonly rule: string
  readonly state: string
  readonly remedy: string
}

describe.skipIf(lacks('mariadb'))('guardrails by class', () => {
  let home: string
  let server: Awaited<ReturnType<typeof startMariadb>>
  const env = () => ({ DB_PASSWORD: server.password, KEY_PASSPHRASE: 'open sesame' })
  const run = (...args: string[]) => runLifeboat(args, { home, env: env() })

  /** A job that has all that a class may demand, but for what is said otherwise. */
  const write = async (job: string, rest = '') => {
    const path = join(home, 'lifeboat.yaml')
    await writeFile(
      path,
      `version: 1
keys:
  ops: { public: ${home}/keys/ops.pub.asc }
  twin: { public: ${home}/keys/ops.pub.asc }
  escrow: { public: ${home}/keys/escrow.pub.asc }
  signer: { public: ${home}/keys/signer.pub.asc, secret: ${home}/keys/signer.sec.asc, passphrase: 'env:KEY_PASSPHRASE' }
sinks:
  near: { url: file://${home}/near }
  far: { url: file://${home}/far }
  bucket: { url: 's3://backups-that-nobody-has/db?region=eu-central-1&endpoint=http://127.0.0.1:1' }
${rest}
defaults: { sinks: [near, far], recipients: [ops, escrow] }
jobs:
  open: { source: { url: '${server.url}', password: env:DB_PASSWORD }, classification: development, encryption: false, sinks: [near] }
  shop: { source: { url: '${server.url}', password: env:DB_PASSWORD }, ${job} }
`,
    )
    return ['--config', path] as const
  }
  const whole = () => `signing: { key: signer }\nsigners: [signer]\naudit: { file: ${home}/audit.jsonl }`
  const refused = async (...args: string[]) => {
    const { exitCode, stderr } = await run(...args, '--json')
    const { error } = JSON.parse(stderr) as {
      error: { code: string; details: { classification: string; classified: boolean; broken: Broken[] } }
    }
    return {
      exitCode,
      code: error.code,
      ...error.details,
      rules: error.details.broken?.map(({ rule }) => rule),
    }
  }
  const stored = async (place: string) =>
    (await readdir(join(home, place), { recursive: true }).catch(() => [])).filter((name) =>
      name.includes('shop'),
    )
  const manifest = async (id: string, job = 'shop') =>
    JSON.parse(await readFile(join(home, 'near', job, 'backups', `${id}.json`), 'utf8'))

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'lifeboat-policy-'))
    server = await startMariadb()
    await server.run('CREATE DATABASE shop; CREATE TABLE shop.t (a INT); INSERT INTO shop.t VALUES (1), (2);')
    const make = (name: string) =>
      run('keygen', '--name', name, '--out', `${home}/keys`, '--passphrase', 'env:KEY_PASSPHRASE')
    for (const name of ['ops', 'escrow', 'signer']) expect(await make(name)).toMatchObject({ exitCode: 0 })
  })
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]()
    await rm(home, { recursive: true, force: true })
  })

  test('a job without a class counts as regulated: all that is missing is named at once, and nothing starts', async () => {
    const config = await write('recipients: [ops, twin], sinks: [near, bucket]')
    const told = await refused('dump', 'shop', ...config)
    expect(told).toMatchObject({
      exitCode: 44,
      code: 'policy',
      classification: 'regulated',
      classified: false,
    })
    expect(told.rules).toEqual(['recipients', 'signing', 'sse-kms', 'audit', 'drill'])
    expect(told.broken.every(({ remedy }) => remedy.endsWith('.'))).toBe(true)
    expect(told.broken.map(({ state }) => state)).toEqual([
      'violated',
      'violated',
      'unknown',
      'violated',
      'unknown',
    ])
    const { stderr } = await run('dump', 'shop', ...config)
    expect(stderr).toMatch(/5 rules of class regulated, as which it counts since it states none, are not met/)
    expect(stderr).toMatch(/\| recipients: .*one key only\. Name a second[\s\S]*\| drill: /)
    expect(stderr).toMatch(/hint: .*classification:.*--emergency/)
    expect(await stored('near')).toEqual([])
  })

  test('mended, it runs: two keys, verified TLS, a signature, an audit log; its first drill is not due yet', async () => {
    const config = await write('classification: regulated', whole())
    const ran = await run('dump', 'shop', ...config, '--json')
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' })
    const told = JSON.parse(ran.stdout)
    expect(told).toMatchObject({ classification: 'regulated', overridden: null, verified: 'attested' })
    const first = await manifest(told.id)
    expect(first).toMatchObject({ classification: 'regulated', undrilledSince: expect.any(String) })
    const next = await run('dump', 'shop', ...config, '--json')
    const { undrilledSince } = await manifest(JSON.parse(next.stdout).id)
    expect(Date.parse(undrilledSince)).toBeLessThanOrEqual(Date.parse(first.started))
    expect(await manifest(told.id)).not.toHaveProperty('emergency')
    for (const place of ['near', 'far'])
      expect(await stored(place)).toContain(`shop/verified/${told.id}.json`)
  })

  test('what a flag takes away is refused, and that it was tried is in the audit log', async () => {
    const config = await write('classification: regulated', whole())
    expect((await refused('dump', 'shop', ...config, '--no-encryption')).rules).toEqual(['recipients'])
    const url = server.url.replace(/\?.*/, '?tls=require')
    expect((await refused('dump', 'shop', ...config, '--from', url)).rules).toEqual(['tls'])
    const log = (await readFile(join(home, 'audit.jsonl'), 'utf8')).trim().split('\n')
    expect(JSON.parse(log.at(-1) ?? '')).toMatchObject({
      event: 'end',
      verb: 'dump',
      exitCode: 44,
      code: 'policy',
    })
    expect(await refused('dump', 'shop', ...config, '--classification', 'development')).toMatchObject({
      exitCode: 2,
    })
  })

  test('once a backup is older than a drill may be, a drill is due', async () => {
    const config = await write('classification: regulated, drill: { maxAge: 1s }', whole())
    const waited = await refused('dump', 'shop', ...config)
    expect(waited.rules).toEqual(['drill'])
    expect(waited.broken[0]).toMatchObject({ state: 'violated' })
  })

  test('a drill counts that passed in time, and that a trusted signer vouches for', async () => {
    const config = await write('classification: regulated', whole())
    // The rule asks for the name alone.
    const old = join(home, 'near/shop/backups/20260101T000000Z-aaaa.json')
    await writeFile(old, '{}')
    const drilled = async (name: string | undefined, outcome: Evidence['outcome']) => {
      const passphrase = async () => new Secret('open sesame')
      const key = name === undefined ? {} : { file: `${home}/keys/${name}.sec.asc`, passphrase }
      const { signal } = new AbortController()
      const signer = await createManifestSigner({ ...key, searchPath: '' }, signal)
      await using sink = createFileSink({ folder: join(home, 'far') })
      await writeEvidence(sink, evidenceOf('shop', outcome), signer, signal)
    }
    try {
      const { broken } = await refused('dump', 'shop', ...config)
      expect(broken).toMatchObject([{ rule: 'drill', found: expect.stringMatching(/there was none/) }])
      await drilled('signer', 'failed')
      await drilled(undefined, 'passed')
      await drilled('ops', 'passed')
      const again = await refused('dump', 'shop', ...config)
      expect(again.broken).toMatchObject([
        { rule: 'drill', found: expect.stringMatching(/did not pass \(failed\)/) },
      ])
      await drilled('signer', 'passed')
      const ran = await run('dump', 'shop', ...config)
      expect(ran).toMatchObject({ exitCode: 0 })
      expect(await manifest(ran.stdout.trim())).not.toHaveProperty('undrilledSince')
    } finally {
      await rm(old)
    }
  })

  test('an emergency overrides what is missing, and manifest and audit log say so; encryption stays', async () => {
    const config = await write(
      'drill: { maxAge: 1s }, recipients: [ops], sinks: [near]',
      `audit: { file: ${home}/audit.jsonl }`,
    )
    const ran = await run('dump', 'shop', ...config, '--emergency', '--json')
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' })
    const told = JSON.parse(ran.stdout)
    const overridden = ['recipients', 'signing', 'drill', 'lease']
    expect(told).toMatchObject({ encrypted: true, classification: 'regulated', overridden })
    expect(await manifest(told.id)).toMatchObject({ emergency: { overridden } })
    expect(told.warnings[0].message).toMatch(
      /^emergency: overridden: recipients \(it opens for one key only\)/,
    )
    const log = (await readFile(join(home, 'audit.jsonl'), 'utf8')).trim().split('\n')
    expect(JSON.parse(log.at(-2) ?? '')).toMatchObject({ event: 'start', emergency: { overridden } })
    expect((await run('verify', told.id, '--job', 'shop', '--at', `file://${home}/near`)).exitCode).toBe(0)
  })

  test('an emergency goes without an audit log that can not be written, and never without encryption', async () => {
    const config = await write(
      'classification: regulated, sinks: [near]',
      `audit: { file: ${home}/keys/ops.pub.asc/audit }`,
    )
    expect(await run('dump', 'shop', ...config)).toMatchObject({ exitCode: 44 })
    const ran = await run('dump', 'shop', ...config, '--emergency', '--json')
    expect(ran).toMatchObject({ exitCode: 0 })
    expect(JSON.parse(ran.stdout).overridden).toContain('audit')
    const bare = ['--from', server.url, '--password', 'env:DB_PASSWORD', '--to', `file://${home}/bare`]
    expect(await run('dump', ...bare, '--emergency')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('--recipient'),
    })
    const waits = ['--emergency', '--wait-lease', '1m', '--recipient', `${home}/keys/ops.pub.asc`]
    expect(await run('dump', ...bare, ...waits)).toMatchObject({ exitCode: 2 })
  })

  test('an emergency goes unsigned where the signing key can not be used, and says so', async () => {
    const config = await write('classification: regulated, sinks: [near]', whole())
    const secret = join(home, 'keys/signer.sec.asc')
    await rename(secret, `${secret}.away`)
    try {
      expect(await run('dump', 'shop', ...config)).toMatchObject({ exitCode: 30 })
      const ran = await run('dump', 'shop', ...config, '--emergency', '--json')
      expect(ran).toMatchObject({ exitCode: 0 })
      const told = JSON.parse(ran.stdout)
      const overridden = ['signing', 'drill', 'lease']
      expect(told).toMatchObject({ encrypted: true, signer: null, overridden })
      expect(await manifest(told.id)).toMatchObject({ emergency: { overridden } })
      expect(told.warnings[0].message).toMatch(/^emergency: this backup is not signed: .*no such file/)
    } finally {
      await rename(`${secret}.away`, secret)
    }
  })

  test('an emergency waits for no lease and holds none', async () => {
    const config = await write('recipients: [ops]')
    const holder = createLeaseAgent(createFileSink({ folder: join(home, 'near') }), { job: 'open' })
    await holder.lease.take('20261122T210000Z-aaaa', new AbortController().signal)
    try {
      expect(await run('dump', 'open', ...config)).toMatchObject({ exitCode: 40 })
      const ran = await run('dump', 'open', ...config, '--emergency', '--json')
      expect(JSON.parse(ran.stdout)).toMatchObject({ classification: 'development', overridden: ['lease'] })
    } finally {
      await holder.lease[Symbol.asyncDispose]()
    }
  })

  test('business-critical demands promises and encryption', async () => {
    const config = await write('classification: business-critical, encryption: false, verify: false')
    expect((await refused('dump', 'shop', ...config)).rules).toEqual([
      'encryption',
      'verification',
      'rto',
      'rpo',
    ])
    const mended = await write('classification: business-critical, recipients: [ops], rto: 4h, rpo: 26h')
    expect(JSON.parse((await run('dump', 'shop', ...mended, '--json')).stdout)).toMatchObject({
      classification: 'business-critical',
      verified: 'attested',
    })
  })

  test('without a configuration nothing is demanded, unless --classification says so', async () => {
    const bare = ['--from', server.url, '--password', 'env:DB_PASSWORD', '--to', `file://${home}/bare`]
    const free = await run('dump', ...bare, '--no-encryption', '--json')
    expect(JSON.parse(free.stdout)).toMatchObject({ classification: null, overridden: null, verified: null })
    const classed = [
      ...bare,
      '--recipient',
      `${home}/keys/ops.pub.asc`,
      '--classification',
      'business-critical',
    ]
    expect((await refused('dump', ...classed)).rules).toEqual(['rto', 'rpo'])
    expect(await run('dump', ...classed, '--rto', '4h', '--rpo', '1d')).toMatchObject({ exitCode: 0 })
  })

  test('--all runs the others when one is refused, and ends with 44', async () => {
    const config = await write('recipients: [ops]')
    const { exitCode, stdout } = await run('dump', '--all', ...config, '--json')
    expect(exitCode).toBe(44)
    const { jobs } = JSON.parse(stdout) as { jobs: { job: string; ok: boolean; error?: { code: string } }[] }
    expect(jobs.map(({ job, ok, error }) => [job, ok, error?.code])).toEqual([
      ['open', true, undefined],
      ['shop', false, 'policy'],
    ])
  })

  test('config check and doctor show class and rules', async () => {
    const config = await write('recipients: [ops]', `audit: { file: ${home}/audit.jsonl }`)
    const checked = await run('config', 'check', ...config)
    expect(checked.exitCode).toBe(44)
    expect(checked.stdout).toMatch(/class +regulated, since it states no classification\n/)
    expect(checked.stdout).toMatch(
      /must +recipients violated, tls ok, signing violated, sse-kms ok, audit ok, drill not looked at/,
    )
    const { jobs } = JSON.parse((await run('config', 'check', ...config, '--json')).stdout)
    expect(jobs[0]).toMatchObject({ classification: 'development', rules: [] })
    expect(jobs[1].rules).toContainEqual(expect.objectContaining({ rule: 'tls', state: 'ok' }))

    const looked = await run('doctor', 'shop', ...config, '--json')
    const { exitCode, checks } = JSON.parse(looked.stdout)
    expect({ exitCode, ended: looked.exitCode }).toEqual({ exitCode: 44, ended: 44 })
    const rules = checks.filter(({ topic }: { topic: string }) => topic.startsWith('rule '))
    expect(rules.map(({ topic, level }: { topic: string; level: string }) => [topic, level])).toEqual([
      ['rule recipients', 'failure'],
      ['rule tls', 'ok'],
      ['rule signing', 'failure'],
      ['rule sse-kms', 'ok'],
      ['rule audit', 'ok'],
      ['rule drill', 'ok'],
    ])
    expect(checks.filter(({ topic }: { topic: string }) => topic === 'sink')).toHaveLength(2)
    expect(await run('doctor', 'shop', '--to', 'near', ...config)).toMatchObject({ exitCode: 2 })
    const offline = JSON.parse((await run('doctor', 'shop', '--offline', ...config, '--json')).stdout)
    expect(offline.checks).toContainEqual(
      expect.objectContaining({
        topic: 'rule drill',
        level: 'ok',
        message: expect.stringContaining('not looked at'),
      }),
    )
  })
})

function evidenceOf(job: string, outcome: Evidence['outcome']): Evidence {
  const now = new Date()
  const at = now.toISOString()
  const unmeasured = { measuredMs: null, promisedMs: null }
  return {
    format: 1,
    id: newBackupId(now),
    job,
    outcome,
    started: at,
    ended: at,
    lifeboat: '0.1.0',
    host: 'bastion-1',
    backup: {
      id: newBackupId(now),
      manifestSha256: null,
      started: null,
      signedBy: null,
      engine: null,
      server: null,
    },
    target: { kind: 'local', server: null },
    tables: 0,
    rows: 0,
    counted: false,
    checks: [],
    rto: unmeasured,
    rpo: unmeasured,
    phases: { serverMs: null, restoreMs: null, checksMs: null },
  }
}
