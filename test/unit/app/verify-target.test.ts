import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { exportPlain } from '../../../src/app/inventory/export-plain.ts'
import { takeInventory } from '../../../src/app/inventory/take-inventory.ts'
import { simulateCloud } from '../../../src/app/simulate-cloud.ts'
import { type TargetRequest, verifyTarget } from '../../../src/app/verify-target.ts'
import { stubAwsEnvironment } from '../../testbed/aws-environment.ts'
import { freePort } from '../../testbed/containers/free-port.ts'

const { signal } = new AbortController()
const request: TargetRequest = {
  flags: { source: 'eu-west-1', target: 'eu-central-1', db: ['shop'], targetId: 'shop-replica' },
  ...{ simulate: 'instance', faults: [], write: true, accept: [] },
}
const NEW = 'shop-replica.c1sim.eu-central-1.rds.amazonaws.com:3306'

async function states(change: Partial<TargetRequest>) {
  const report = await verifyTarget({ ...request, ...change }, signal)
  return { report, of: Object.fromEntries(report.checks.map(({ name, state }) => [name, state])) }
}

test('a replica that nobody has promoted is not fit, and each reason has its line', async () => {
  const { report, of } = await states({})
  expect(report).toMatchObject({ endpoint: NEW, passed: false })
  expect(of).toMatchObject({
    ...{
      dns: 'ok',
      tcp: 'ok',
      tls: 'ok',
      login: 'ok',
      read: 'ok',
      write: 'failed',
      newest: 'skipped',
      rows: 'ok',
    },
    ...{ backups: 'failed', alarms: 'warning', encryption: 'ok', 'backup-retention': 'failed' },
  })
})

test('what is weaker is accepted by its name, and by that alone', async () => {
  const { of } = await states({ accept: ['backup-retention'] })
  expect(of).toMatchObject({ 'backup-retention': 'accepted', 'deletion-protection': 'failed' })
  await expect(states({ accept: ['everything'] })).rejects.toMatchObject({
    code: 'usage',
    hint: expect.stringMatching(/backup-retention/),
  })
})

test('one that takes writes does, and its newest row is shown', async () => {
  const flags = { ...request.flags, to: NEW }
  const { report, of } = await states({ flags, newestQuery: 'SELECT max(at) FROM orders' })
  expect(of).toMatchObject({ write: 'ok', newest: 'ok' })
  expect(report.checks.find(({ name }) => name === 'newest')?.found).toMatch(/^\d{4}-/)
})

test('accounts and grants are those of the source, or it is told what they lack', async () => {
  expect((await states({})).of.accounts).toBe('ok')
  const { of } = await states({ flags: { ...request.flags, from: 'nowhere.example.com:3306' } })
  expect(of.accounts).toBe('failed')
})

test('no scratch table is written where none may be', async () => {
  expect((await states({ write: false })).of.write).toBe('skipped')
})

test('a dead source region, or a target that is not there, is no pass', async () => {
  const dead = await states({ faults: ['dead:eu-west-1'] })
  expect(dead.of.parity).toBe('failed')
  const gone = await states({ flags: { ...request.flags, targetId: 'nobody' } })
  expect(gone.report).toMatchObject({ endpoint: null, passed: false })
  expect(gone.of).toEqual({ endpoint: 'failed', aws: 'failed' })
  const dark = await states({ faults: ['dark:eu-central-1'], flags: { ...request.flags, to: NEW } })
  expect(dark.report.passed).toBe(false)
  expect(dark.of).toMatchObject({ dns: 'failed', aws: 'failed' })
})

test('of a dead source an inventory says what it was', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lifeboat-verify-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  using cloud = simulateCloud(request.flags, 'instance', [])
  const record = await takeInventory(
    {
      ...{ ports: cloud.ports, both: true, databases: undefined, id: '20261122T210500Z-k3f9', job: 'shop' },
      ...{ clock: cloud.clock, timeoutMs: 60_000 },
    },
    signal,
  )
  const inventory = await exportPlain(record, folder)
  const { of, report } = await states({ faults: ['dead:eu-west-1'], inventory })
  expect(of).toMatchObject({ encryption: 'ok', 'deletion-protection': 'failed', parameters: 'ok' })
  expect(report.checks.find(({ name }) => name === 'deletion-protection')).toMatchObject({
    ...{ found: 'off', source: 'on' },
    lines: [expect.stringMatching(/^aws rds modify-db-instance .* --deletion-protection/)],
  })
})

test('without an account to log in with, accounts are not compared, whatever the old region says', async () => {
  stubAwsEnvironment()
  const nothing = `http://127.0.0.1:${await freePort()}`
  vi.stubEnv('AWS_ENDPOINT_URL', nothing)
  onTestFinished(() => void vi.unstubAllEnvs())
  const { simulate: _, ...live } = request
  const report = await verifyTarget({ ...live, flags: { ...live.flags, to: nothing.slice(7) } }, signal)
  expect(report.checks.find(({ name }) => name === 'accounts')).toEqual({
    ...{ name: 'accounts', state: 'skipped', found: 'no account was given' },
  })
  expect(report.checks.find(({ name }) => name === 'aws')).toMatchObject({ state: 'failed' })
})
