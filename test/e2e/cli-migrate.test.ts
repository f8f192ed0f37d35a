import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { exportPlain } from '../../src/app/inventory/export-plain.ts'
import { takeInventory } from '../../src/app/inventory/take-inventory.ts'
import { simulateCloud } from '../../src/app/simulate-cloud.ts'
import { runLifeboat } from '../testbed/command-line.ts'

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'lifeboat-migrate-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

const REGIONS = ['--source', 'eu-west-1', '--target', 'eu-central-1', '--db', 'shop']
const run = (args: readonly string[]) => runLifeboat(['migrate', ...args], { home })

test('a rehearsal stops before the switch, goes on when it is confirmed, and keeps its journal at the sink', async () => {
  const sink = join(home, 'sink')
  const way = ['promote-replica', '--simulate', '--at', `file://${sink}`]
  const first = await run([...way, ...REGIONS, '--accept-split-brain', '--json'])
  expect(first).toMatchObject({ exitCode: 41, stdout: '' })
  const { error } = JSON.parse(first.stderr)
  const { run: id, report } = error.details
  const line = `lifeboat migrate promote-replica --resume ${id} --simulate --at file://${sink} --confirm`
  expect(error.hint).toBe(`When it may happen: ${line}`)
  expect(report).toMatchObject({ run: id, outcome: 'confirmation-required' })
  const second = await run([...line.split(' ').slice(2), '--json'])
  expect(second).toMatchObject({ exitCode: 0, stderr: '' })
  expect(JSON.parse(second.stdout)).toMatchObject({ run: id, outcome: 'done', attempts: 2, simulated: true })
  const local = await readFile(join(home, 'state/simulated/runbooks', id, 'journal.jsonl'), 'utf8')
  expect(await readFile(join(sink, 'simulated/runbooks', id, 'journal.jsonl'), 'utf8')).toBe(local)
  expect(await readFile(join(sink, 'simulated/runbooks', id, 'report.txt'), 'utf8')).toContain(': done')
})

test('of a dead region an inventory says how the database was protected; without it that is unknown, and told', async () => {
  const flags = { source: 'eu-west-1', target: 'eu-central-1', db: ['shop'] }
  using cloud = simulateCloud(flags, 'instance', [])
  const { signal } = new AbortController()
  const record = await takeInventory(
    {
      ...{ ports: cloud.ports, both: true, databases: undefined, id: '20261122T210500Z-k3f9', job: 'shop' },
      ...{ clock: cloud.clock, timeoutMs: 60_000 },
    },
    signal,
  )
  const inventory = await exportPlain(record, home)
  const way = [
    'promote-replica',
    '--simulate',
    ...REGIONS,
    '--fault',
    'dead:eu-west-1',
    '--accept-split-brain',
  ]
  const known = await run([...way, '--confirm', '--inventory', inventory, '--json'])
  expect(known, known.stderr).toMatchObject({ exitCode: 0 })
  const parityOf = (stdout: string) =>
    JSON.parse(stdout).steps.find(({ id }: { id: string }) => id === 'parity').checks
  expect(parityOf(known.stdout)).toHaveLength(9)
  expect(parityOf(known.stdout)).toContainEqual({
    ...{ name: 'log-exports', state: 'ok', found: 'error', source: 'error' },
  })
  const unknown = await run([...way, '--confirm', '--json'])
  expect(unknown, unknown.stderr).toMatchObject({ exitCode: 0 })
  expect(JSON.parse(unknown.stdout).beware.join(' ')).toMatch(/protected is not known .*--inventory FILE/)
  expect(parityOf(unknown.stdout)).toContainEqual(
    expect.objectContaining({ name: 'parameters', state: 'unknown', source: 'unknown' }),
  )
})

test('--dry-run and --print-policy show, and leave nothing', async () => {
  const plan = await run(['copy-snapshot', '--simulate', ...REGIONS, '--dry-run'])
  expect(plan).toMatchObject({ exitCode: 0, stderr: '' })
  expect(plan.stdout).toMatch(/^A rehearsal, in a cloud in memory: .*would be for real\.\n\ncopy-snapshot: /)
  expect(plan.stdout).toMatch(/\n {3}aws rds copy-db-snapshot --region eu-central-1 /)
  expect(plan.stdout).toMatch(/until this prints 'available 100':/)
  const policy = await run(['copy-snapshot', '--simulate', ...REGIONS, '--print-policy', '--json'])
  const printed = JSON.parse(policy.stdout)
  expect(printed.iam.Statement.length).toBeGreaterThan(3)
  expect(Object.keys(printed.keys)).toHaveLength(2)
})

test('a rehearsal says that it is one, since its report names what may be real', async () => {
  const { stdout } = await run(['copy-snapshot', '--simulate', ...REGIONS])
  expect(stdout).toMatch(/^A rehearsal, .*\n\ncopy-snapshot, run \S+: done\n/)
})

test.each([
  [['promot-replica', ...REGIONS, '--simulate'], 2, /no such way[\s\S]*Did you mean promote-replica/],
  [['promote-replica', '--simulate', '--target', 'eu-central-1', '--db', 'shop'], 2, /--source is missing/],
  [['promote-replica', '--simulate', ...REGIONS, '--accept', 'all'], 2, /nothing is called 'all'/],
  [['promote-replica', '--simulate', ...REGIONS, '--db', 'other'], 2, /takes one --db/],
  [['promote-replica', ...REGIONS, '--fault', 'dead:eu-west-1'], 2, /--fault is of --simulate only/],
  [['promote-replica', '--simulate', ...REGIONS, '--fault', 'x'], 2, /FAULT:OPERATION:TIMES/],
  [['promote-replica', '--simulate', ...REGIONS, '--resume', 'x', '--dry-run'], 2, /a plan runs nothing/],
  [['promote-replica', '--simulate', ...REGIONS, '--beside', 'shop'], 2, /--beside makes a real dump/],
  [['copy-snapshot', ...REGIONS, '--beside', 'shop'], 3, /unable to find a configuration/],
  [['copy-snapshot', '--simulate', ...REGIONS, '--fault', 'dead:eu-west-1'], 42, /native way/],
  [
    ['copy-snapshot', '--simulate', ...REGIONS, '--deadline', '5m'],
    43,
    /--resume \S+ --simulate --deadline 4h/,
  ],
] as const)('%j ends with %i', async (args, exitCode, said) => {
  const result = await run(args)
  expect(result.exitCode).toBe(exitCode)
  expect(result.stderr).toMatch(said)
  expect(result.stdout).toBe('')
})
