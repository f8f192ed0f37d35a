import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runLifeboat } from '../testbed/command-line.ts'

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'lifeboat-migrate-policy-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

const SHOP = ['--source', 'eu-west-1', '--target', 'eu-central-1', '--db', 'shop', '--simulate'] as const
const PROMOTE = ['migrate', 'promote-replica', ...SHOP, '--accept-split-brain'] as const
const LOGIN = ['--login', 'mysql://admin@any'] as const
const OLD = 'shop.c1sim.eu-west-1.rds.amazonaws.com'
const run = (...args: readonly string[]) => runLifeboat(args, { home })

interface Rule {
  readonly rule: string
  readonly state: string
}

async function refused(...args: readonly string[]) {
  const { exitCode, stderr, stdout } = await run(...args, '--json')
  expect(stdout).toBe('')
  const { error } = JSON.parse(stderr)
  const broken = ((error.details?.broken ?? []) as Rule[]).map(({ rule, state }) => `${rule} ${state}`)
  return { exitCode, ...error, ...error.details, broken }
}

async function done(...args: readonly string[]) {
  const { exitCode, stdout, stderr } = await run(...args, '--json')
  expect(stderr).toBe('')
  expect(exitCode).toBe(0)
  return JSON.parse(stdout)
}

async function recordsOf(file: string) {
  return (await readFile(file, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

async function config(job: string): Promise<readonly string[]> {
  const path = join(home, 'lifeboat.yaml')
  await writeFile(
    path,
    `version: 1
sinks: { near: { url: file://${home}/near } }
audit: { file: ${home}/job-audit.jsonl }
jobs:
  ledger: { source: 'mysql://backup@${OLD}', sinks: [near], encryption: false${job} }
  sandbox: { source: 'mysql://backup@other.c1sim.eu-west-1.rds.amazonaws.com', sinks: [near], encryption: false, classification: development }
`,
  )
  return ['--config', path]
}

describe('a class', () => {
  test('names every rule that is not met at once, and nothing starts', async () => {
    const audit = join(home, 'refused.jsonl')
    const way = ['migrate', 'restore-snapshot', ...SHOP, '--classification'] as const
    expect(await refused(...way, 'regulated', '--rto', '1m', '--rpo', '1m')).toMatchObject({
      ...{ exitCode: 44, code: 'policy', classification: 'regulated', classified: true },
      broken: [
        ...['copy-verification violated', 'audit violated', 'audit-comparison unknown'],
        ...['grants-comparison unknown', 'rto violated', 'rpo violated'],
      ],
      hint: expect.stringContaining('journal, report and audit log say so'),
    })
    const business = await refused(...way, 'business-critical', '--audit', audit)
    expect(business.broken).toEqual(['copy-verification violated', 'rto violated', 'rpo violated'])
    const [start, end] = await recordsOf(audit)
    expect(start).toMatchObject({ verb: 'migrate', way: 'restore-snapshot', source: 'eu-west-1/shop' })
    expect(end).toMatchObject({ exitCode: 44, code: 'policy' })
    expect(await done(...way, 'development')).toMatchObject({ outcome: 'done' })
  })

  test('is met: recorded, promised and kept, which the report says', async () => {
    const audit = join(home, 'kept.jsonl')
    const report = await done(
      ...[...PROMOTE, ...LOGIN, '--confirm', '--audit', audit],
      ...['--classification', 'regulated', '--rto', '2h', '--rpo', '5m'],
    )
    expect(report).toMatchObject({
      outcome: 'done',
      policy: {
        ...{ classification: 'regulated', classified: true, job: null, emergency: null },
        rto: { promisedMs: 7_200_000, measuredMs: expect.any(Number), kept: true },
        rpo: { promisedMs: 300_000, measuredMs: 4_000, kept: true },
      },
    })
    expect(report.policy.rules.map(({ state }: Rule) => state)).toEqual(Array(8).fill('ok'))
    const [start, end] = await recordsOf(audit)
    expect(start).toMatchObject({
      ...{ verb: 'migrate', way: 'promote-replica', runbook: report.run, accepted: ['split-brain'] },
      ...{ source: 'eu-west-1/shop', target: 'eu-central-1/shop-replica', options: ['confirm', 'simulate'] },
    })
    expect(end).toMatchObject({ event: 'end', exitCode: 0 })
    expect(await run('audit', 'verify', '--file', audit)).toMatchObject({ exitCode: 0 })
  })

  test('is overridden by an emergency, which is written into journal, report and audit log', async () => {
    const audit = join(home, 'emergency.jsonl')
    const all = [...PROMOTE, '--confirm', '--classification', 'regulated', '--emergency', '--audit', audit]
    const { exitCode, stdout, stderr } = await run(...all)
    expect(exitCode).toBe(0)
    expect(stderr).toMatch(/emergency: overridden: copy-verification .*rto .*rpo/)
    expect(stdout).toMatch(/emergency, which overrode copy-verification, rto, rpo/)
    const [start] = await recordsOf(audit)
    expect(start.emergency).toEqual({ overridden: ['copy-verification', 'rto', 'rpo'] })
    const journal = join(home, 'state/simulated/runbooks', start.runbook, 'journal.jsonl')
    expect((await recordsOf(journal)).find(({ event }) => event === 'policy')).toMatchObject({
      ...{ classification: 'regulated', emergency: { overridden: ['copy-verification', 'rto', 'rpo'] } },
    })
    expect(await run('audit', 'verify', '--file', audit)).toMatchObject({ exitCode: 0 })
  })

  test('holds for a run that goes on, and what it was given stays', async () => {
    const audit = join(home, 'resumed.jsonl')
    const held = [...PROMOTE, ...LOGIN, '--audit', audit]
    const first = await refused(...held, '--classification', 'regulated', '--rto', '2h', '--rpo', '5m')
    expect(first).toMatchObject({ exitCode: 41 })
    const again = ['--resume', first.run, '--confirm']
    expect(await refused(...PROMOTE, ...LOGIN, ...again)).toMatchObject({
      ...{ exitCode: 44, broken: ['audit violated'] },
    })
    const other = await refused(...held, ...again, '--classification', 'development')
    expect(other).toMatchObject({ exitCode: 2, message: expect.stringMatching(/held to class regulated/) })
    expect(await done(...held, ...again)).toMatchObject({
      ...{ outcome: 'done', attempts: 2, policy: { classification: 'regulated', rto: { kept: true } } },
    })
    expect((await recordsOf(audit)).map(({ event, exitCode }) => exitCode ?? event)).toEqual([
      ...['start', 41, 'start', 0],
    ])
  })

  test('is shown by a dry run, which fails nothing', async () => {
    const plan = [...PROMOTE, '--classification', 'business-critical', '--rto', '2h', '--dry-run']
    const shown = await run(...plan)
    expect(shown).toMatchObject({ exitCode: 0, stderr: '' })
    expect(shown.stdout).toMatch(/Held to class business-critical:[\s\S]*- ok, snapshot-encryption: they are/)
    expect(shown.stdout).toMatch(/- not met, rpo: .*nothing is promised\. Write rpo: 4h/)
    const { policy } = await done(...plan)
    expect(policy).toMatchObject({ classification: 'business-critical', classified: true, job: null })
    expect(policy.rules).toContainEqual(expect.objectContaining({ rule: 'rto', state: 'ok', remedy: null }))
  })
})

describe('the configuration', () => {
  test('a job whose source is this database holds, and counts as regulated without a class', async () => {
    const path = await config('')
    expect(await refused(...PROMOTE, ...path)).toMatchObject({
      ...{ exitCode: 44, classification: 'regulated', classified: false },
      broken: ['copy-verification violated', 'rto violated', 'rpo violated'],
    })
    const flag = await refused(...PROMOTE, ...path, '--classification', 'development')
    expect(flag).toMatchObject({ exitCode: 2, message: expect.stringMatching(/job 'ledger'/) })
  })

  test('its class, its promises and its audit log are what holds', async () => {
    const path = await config(', classification: business-critical, rto: 4h, rpo: 26h')
    const report = await done(...PROMOTE, ...LOGIN, ...path, '--confirm')
    expect(report.policy).toMatchObject({
      ...{
        classification: 'business-critical',
        job: 'ledger',
        rto: { promisedMs: 4 * 3_600_000, kept: true },
      },
    })
    expect((await recordsOf(join(home, 'job-audit.jsonl'))).at(-2)).toMatchObject({ job: 'ledger' })
  })

  test('another database is none of its jobs', async () => {
    const path = await config('')
    const other = ['--source', 'eu-west-1', '--target', 'eu-central-1', '--db', 'elsewhere', '--simulate']
    const report = await done('migrate', 'restore-snapshot', ...other, ...path)
    expect(report.policy).toBeNull()
    expect(await refused('migrate', 'restore-snapshot', ...other, ...path, '--job', 'ledgr')).toMatchObject({
      ...{ exitCode: 3, hint: expect.stringMatching(/Did you mean 'ledger'/) },
    })
  })

  test('a fence and a cutover move no data: they are to be recorded, and that is all', async () => {
    const path = await config('')
    const fenced = await done('migrate', 'fence', ...SHOP, ...LOGIN, ...path, '--confirm')
    expect(fenced.policy).toMatchObject({
      classification: 'regulated',
      rules: [{ rule: 'audit', state: 'ok' }],
    })
    const regions = ['--source', 'eu-west-1', '--target', 'eu-central-1', '--simulate']
    const moved = ['cutover', 'prepare', ...regions, '--from', `${OLD}:3306`, '--confirm']
    expect((await done(...moved, ...path)).policy).toMatchObject({ job: 'ledger' })
    const last = (await recordsOf(join(home, 'job-audit.jsonl'))).slice(-4)
    expect(last.map(({ verb, way }) => [verb, way])).toEqual([
      ...[
        ['migrate', 'fence'],
        ['migrate', undefined],
      ],
      ...[
        ['cutover', 'prepare'],
        ['cutover', undefined],
      ],
    ])
    expect(await refused(...moved, '--classification', 'regulated')).toMatchObject({
      ...{ exitCode: 44, broken: ['audit violated'] },
    })
  })

  test('a slip in it stops a run, and the hint says how it goes without; a plan only warns', async () => {
    const path = join(home, 'broken.yaml')
    await writeFile(path, 'version: 1\njobz: {}\n')
    expect(await refused(...PROMOTE, '--config', path)).toMatchObject({
      ...{ exitCode: 3, hint: expect.stringMatching(/--emergency, and --audit/) },
    })
    expect(await run(...PROMOTE, '--config', path, '--dry-run')).toMatchObject({
      ...{ exitCode: 0, stderr: expect.stringMatching(/class of this database is not known/) },
    })
    expect(await run(...PROMOTE, '--config', path, '--emergency', '--confirm')).toMatchObject({ exitCode: 0 })
  })
})

describe('a source that is dead', () => {
  const dark = ['--fault', 'dark:eu-west-1'] as const

  test('who could do what there is what a plan of another day has kept, and of this database alone', async () => {
    const kept = join(home, 'shop.plan.json')
    const plan = await run(...PROMOTE, ...LOGIN, '--dry-run', '--json')
    expect(plan.stdout).not.toContain('SELECT ON')
    await writeFile(kept, plan.stdout)
    const held = [
      '--classification',
      'regulated',
      '--rto',
      '2h',
      '--rpo',
      '5m',
      '--audit',
      `${home}/dead.jsonl`,
    ]
    const all = [...PROMOTE, ...LOGIN, ...dark, ...held]
    const without = await refused(...all)
    expect(without.broken).toEqual(['audit-comparison unknown', 'grants-comparison unknown'])
    const given = await refused(...all, '--accounts', kept)
    expect(given.broken).toEqual(['audit-comparison unknown'])

    const report = await done(...PROMOTE, ...LOGIN, ...dark, '--accounts', kept, '--confirm')
    expect(report.beware.join('\n')).toMatch(/who may do what there is as in \S+shop\.plan\.json, written 20/)
    expect(report.steps.at(-1).checks).toEqual([expect.objectContaining({ name: 'accounts', state: 'ok' })])

    const verify = ['migrate', 'verify', ...SHOP, '--target-id', 'shop-replica', ...dark, '--accounts', kept]
    const { stdout } = await run(...verify, '--json')
    expect(JSON.parse(stdout).checks).toContainEqual(
      expect.objectContaining({
        name: 'accounts',
        state: 'ok',
        found: expect.stringContaining('compared with'),
      }),
    )
    const other = ['--source', 'eu-west-1', '--target', 'eu-central-1', '--db', 'other', '--simulate']
    const wrong = await refused('migrate', 'promote-replica', ...other, '--accounts', kept)
    expect(wrong).toMatchObject({ exitCode: 2, message: expect.stringMatching(/eu-west-1\/shop, not of/) })
    await writeFile(kept, '{}')
    expect(await refused(...PROMOTE, '--accounts', kept)).toMatchObject({ exitCode: 31 })
  })
})

describe('an audit log that can not be written', () => {
  test('stops the run beforehand; in an emergency it goes on, and says so', async () => {
    const audit = join(home, 'folder.jsonl')
    await mkdir(audit)
    const held = [...PROMOTE, ...LOGIN, '--confirm', '--audit', audit, '--rto', '2h', '--rpo', '5m']
    const stopped = await run(...held, '--classification', 'regulated')
    expect(stopped).toMatchObject({ exitCode: 3, stdout: '' })
    const [, journal = ''] = /journal (\S+)/.exec(stopped.stderr) ?? []
    await expect(readFile(journal)).rejects.toMatchObject({ code: 'ENOENT' })
    const { exitCode, stdout } = await run(...held, '--classification', 'regulated', '--emergency', '--json')
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout).policy.emergency).toEqual({ overridden: ['audit'] })
  })
})
