import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runLifeboat } from '../testbed/command-line.ts'

let home: string
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'lifeboat-unfence-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

const REGIONS = ['--source', 'eu-west-1', '--target', 'eu-central-1']
const REHEARSAL = ['--simulate', ...REGIONS, '--db', 'shop']
const RUN = '20261122T210500Z-k3f9'
const migrate = (...args: readonly string[]) => runLifeboat(['migrate', ...args], { home })

test('a rehearsal waits for --confirm, and lifts on --resume', async () => {
  const stopped = await migrate('unfence', ...REHEARSAL, '--json')
  expect(stopped).toMatchObject({ exitCode: 41, stdout: '' })
  const { run } = JSON.parse(stopped.stderr).error.details
  expect(run).not.toBe(RUN)
  const done = await migrate('unfence', ...REHEARSAL, '--resume', run, '--confirm', '--json')
  expect(done).toMatchObject({ exitCode: 0, stderr: '' })
  expect(JSON.parse(done.stdout)).toMatchObject({ way: 'unfence', run, outcome: 'done', attempts: 2 })
})

test('a plan shows the lines, a policy what they need', async () => {
  const plan = await migrate('unfence', ...REHEARSAL, '--dry-run')
  expect(plan).toMatchObject({ exitCode: 0, stderr: '' })
  expect(plan.stdout).toMatch(/aws rds modify-db-instance .*--vpc-security-group-ids sg-/)
  expect(plan.stdout).toMatch(/mysql .*SET GLOBAL read_only = OFF/)
  const policy = await migrate('unfence', ...REHEARSAL, '--print-policy')
  expect(policy.stdout).toMatch(/rds:ModifyDBInstance[\s\S]*db:shop/)
})

test('a run of another way, or of a rehearsal, is none that it lifts', async () => {
  const fenced = await migrate('fence', ...REHEARSAL, '--confirm', '--json')
  expect(fenced, fenced.stderr).toMatchObject({ exitCode: 0 })
  const { run } = JSON.parse(fenced.stdout)
  expect(await readdir(join(home, 'state/simulated/runbooks'))).toContain(run)
  const refused = await migrate('unfence', run, '--confirm')
  expect(refused.exitCode).toBe(2)
  expect(refused.stderr).toMatch(/nothing is known here of run/)
})

test.each([
  [['unfence', RUN], 2, /nothing is known here of run/],
  [['unfence', 'shop'], 2, /that is no id of a run/],
  [['unfence', RUN, ...REHEARSAL], 2, /each rehearsal has a cloud of its own/],
  [['unfence', RUN, '--resume', RUN], 2, /--resume goes on with a run of unfence/],
  [['unfence', '--resume', RUN], 2, /nothing is known of it here/],
  [['unfence', ...REGIONS], 2, /--db is missing/],
  [['unfence', RUN, RUN], 2, /too many/],
  [['fence', RUN], 2, /'fence' takes no '20261122T210500Z-k3f9' after it/],
] as const)('%j ends with %i', async (args, exitCode, said) => {
  const result = await migrate(...args)
  expect(result.stderr).toMatch(said)
  expect(result).toMatchObject({ exitCode, stdout: '' })
})
