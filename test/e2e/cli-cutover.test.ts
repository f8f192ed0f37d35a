import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runLifeboat } from '../testbed/command-line.ts'

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'lifeboat-cutover-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

const REHEARSAL = ['--simulate', '--source', 'eu-west-1', '--target', 'eu-central-1']
const run = (...args: readonly string[]) => runLifeboat(['cutover', ...args], { home })

test('a rehearsal stops at the old database, then at the switch, and goes on to its end', async () => {
  const unfenced = await run('run', ...REHEARSAL, '--json')
  expect(unfenced).toMatchObject({ exitCode: 42, stdout: '' })
  const { error } = JSON.parse(unfenced.stderr)
  expect(error.message).toMatch(/still takes writes/)
  expect(error.details.elsewhere.join('\n')).toMatch(/Connection strings/)
  const stopped = await run('run', ...REHEARSAL, '--accept-split-brain', '--json')
  expect(stopped.exitCode).toBe(41)
  const { run: id } = JSON.parse(stopped.stderr).error.details
  const done = await run('run', ...REHEARSAL, '--resume', id, '--confirm', '--json')
  expect(done).toMatchObject({ exitCode: 0, stderr: '' })
  const report = JSON.parse(done.stdout)
  expect(report).toMatchObject({ way: 'cutover run', outcome: 'done', simulated: true })
  expect(report.rollback).toContain(`lifeboat cutover rollback --of ${id} --confirm`)
})

test('--dry-run and --print-policy show, and change nothing', async () => {
  const plan = await run('prepare', ...REHEARSAL, '--dry-run')
  expect(plan).toMatchObject({ exitCode: 0, stderr: '' })
  expect(plan.stdout).toMatch(/aws route53 change-resource-record-sets --region us-east-1/)
  const policy = await run('run', ...REHEARSAL, '--print-policy')
  expect(policy.stdout).toMatch(/ChangeResourceRecordSetsNormalizedRecordNames/)
})

test('where Route 53 takes no changes it says so, and what is left to do', async () => {
  const dead = await run(
    'run',
    ...REHEARSAL,
    '--accept-split-brain',
    '--confirm',
    '--fault',
    'dead:us-east-1',
  )
  expect(dead.exitCode).toBe(42)
  expect(dead.stderr).toMatch(/control plane of Route 53 gives no good answer/)
  expect(dead.stderr).toMatch(
    /health check[\s\S]*Application Recovery Controller[\s\S]*Connection strings[\s\S]*hint: Give clients the new/,
  )
})

test('pairs of failover records are rehearsed, and the line that switches them is told where DNS is dead', async () => {
  const made = await run('prepare', ...REHEARSAL, '--failover-records', '--service', 'shop.service', '--json')
  expect(made).toMatchObject({ exitCode: 0, stderr: '' })
  const report = JSON.parse(made.stdout)
  expect(report.steps.map(({ id }: { id: string }) => id)).toEqual([
    ...['failover-alarm', 'failover-check', 'pair-1'],
  ])
  expect(report.afterwards).toContain('Restart: shop.service')
  const [line = 'none'] = report.afterwards.join('\n').match(/aws cloudwatch put-metric-data .* --value 1/)
  const dead = await run(
    'run',
    ...REHEARSAL,
    '--accept-split-brain',
    '--confirm',
    '--fault',
    'dead:us-east-1',
  )
  expect(dead.stderr.replaceAll(/\s+/g, ' ')).toContain(line)
})

test.each([
  [['run', ...REHEARSAL, '--failover-records'], 2, /--failover-records is of prepare only/],
  [['rollback', ...REHEARSAL], 2, /each rehearsal has a cloud of its own/],
  [['rollback', '--of', '20261122T210500Z-k3f9'], 2, /nothing is known here of run/],
  [['run', ...REHEARSAL, '--of', '20261122T210500Z-k3f9'], 2, /--of is of rollback only/],
  [['run', ...REHEARSAL, '--from', 'shop'], 2, /--from 'shop': it is not HOST:PORT/],
  [['run', ...REHEARSAL, '--from', 'a.example:1', '--to', 'A.example.:1'], 2, /is not HOST:PORT|same host/],
  [['switch', ...REHEARSAL], 2, /prepare, run, rollback/],
] as const)('%j ends with %i', async (args, exitCode, said) => {
  const result = await run(...args)
  expect(result.stderr).toMatch(said)
  expect(result).toMatchObject({ exitCode, stdout: '' })
})
