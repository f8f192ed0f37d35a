import { expect, test } from 'vitest'
import { runbookPolicy } from '../../../src/app/runbook-policy.ts'
import type { RunbookReport } from '../../../src/app/runbook-report.ts'
import { copySnapshot } from '../../../src/runbooks/copy-snapshot.ts'
import { judgeKeyPolicy } from '../../../src/runbooks/key-policy.ts'
import { restoreSnapshot } from '../../../src/runbooks/restore-snapshot.ts'
import { SAID_BY_BACKUP, withChecks } from '../../../src/runbooks/with-checks.ts'
import { furnish, SCENE } from '../../../src/simulation/scene.ts'
import type { World } from '../../../src/simulation/world.ts'
import { createRunbookScene, RUN } from '../../testbed/runbook-scene.ts'

const regions = { source: 'eu-west-1', target: 'eu-central-1' }

async function run(flags: object, alter: (world: World) => void) {
  await using scene = await createRunbookScene({
    way: withChecks(restoreSnapshot, SAID_BY_BACKUP),
    flags: {
      ...{ ...regions, db: ['shop'], targetId: 'shop-new', subnetGroup: SCENE.subnetGroup },
      ...{ securityGroup: [SCENE.securityGroup(regions.target)], class: [SCENE.instanceClass], ...flags },
    },
    furnish(world) {
      furnish(world, { ...regions, db: 'shop', kind: 'instance' })
      alter(world)
    },
    expectDone: () => undefined,
  })
  const outcome = await scene.run().catch((thrown: unknown) => thrown)
  return { outcome, changes: scene.changes(), world: scene.world, records: await scene.records() }
}

test('what is denied is said before anything is made, and tried only where that is accepted', async () => {
  const deny = (world: World) => void world.deniedActions.add('rds:RestoreDBInstanceFromDBSnapshot')
  const { outcome, changes } = await run({}, deny)
  expect(outcome).toMatchObject({
    ...{
      code: 'step-failed',
      message: expect.stringMatching(/denied: rds:RestoreDBInstanceFromDBSnapshot on arn:/),
    },
    hint: expect.stringMatching(/--print-policy.*--accept denied/),
  })
  expect(changes).toEqual([])
  expect((await run({ accept: ['denied'] }, deny)).outcome).toMatchObject({ outcome: 'done' })
})

test('IAM is asked of actions by their names, which takes no wildcards; so is whoever types it', async () => {
  await using scene = await createRunbookScene({
    way: withChecks(copySnapshot),
    flags: {
      ...{ ...regions, db: ['shop'], subnetGroup: SCENE.subnetGroup, kmsKey: SCENE.keyAlias },
      securityGroup: [SCENE.securityGroup(regions.target)],
    },
    furnish: (world) => furnish(world, { ...regions, db: 'shop', kind: 'instance' }),
    expectDone: () => undefined,
  })
  const {
    runbook: { steps },
  } = await scene.plan()
  const actions = steps.flatMap((step) => step.permissions().flatMap((permission) => permission.actions))
  expect(actions).toContain('kms:ReEncryptFrom')
  expect(actions.filter((action) => action.includes('*'))).toEqual([])
  const lines = steps[0]?.command().map(({ argv }) => argv.join(' ')) ?? []
  const changes = steps.filter(({ effect }) => effect !== 'read')
  for (const action of changes.flatMap((step) => step.permissions().flatMap((each) => each.actions))) {
    expect(lines.join('\n')).toContain(action)
  }
})

test('an IAM that is dead holds up nothing', async () => {
  const { outcome, records } = await run({}, (world) => {
    world.region('us-east-1').dead = true
  })
  expect(outcome).toMatchObject({ outcome: 'done' })
  const looked = records.find((record) => record.event === 'step' && record.step === 'check-permissions')
  expect(looked).toMatchObject({ state: 'done', reason: expect.stringContaining('not known of') })
})

test.each(['rds:DescribeAccountAttributes', 'rds:DescribeOrderableDBInstanceOptions'])(
  '%s that may not be called, or gives no answer, holds up nothing',
  async (operation) => {
    for (const fault of ['denied', 'unavailable'] as const) {
      const { outcome, records } = await run({}, (world) => world.strike({ operation, fault, times: 99 }))
      expect(outcome).toMatchObject({ outcome: 'done' })
      const reasons = records.map((record) => (record.event === 'step' ? record.reason : undefined))
      expect(reasons).toContainEqual(expect.stringContaining('not known: '))
    }
  },
)

test.each<[string, object, (world: World) => void, RegExp]>([
  [
    'a version that is not offered',
    {},
    (world) => {
      world.region(regions.target).orderable = []
    },
    /eu-central-1 does not offer mysql 8\.0\.40/,
  ],
  [
    'a class that is not offered',
    { class: ['db.x1.large'] },
    () => undefined,
    /db\.x1\.large is not offered/,
  ],
  [
    'a zone without it',
    { multiAz: false, zone: ['eu-central-1z'] },
    () => undefined,
    /not offered in eu-central-1z/,
  ],
  [
    'no such class in two zones',
    {},
    (world) => {
      const target = world.region(regions.target)
      target.orderable = target.orderable.map((offer) => ({ ...offer, multiAz: false }))
    },
    /not offered in two zones at once/,
  ],
  [
    'a quota that is used up',
    {},
    (world) => void world.region(regions.target).quotas.set('DBInstances', 1),
    /DBInstances: 1 of 1 in use, 1 needed/,
  ],
])('%s is said before anything is made', async (_, flags, alter, said) => {
  const { outcome, changes } = await run(flags, alter)
  expect(outcome).toMatchObject({ code: 'step-failed', message: expect.stringMatching(said) })
  expect((outcome as { hint?: string }).hint).toBeDefined()
  expect(changes).toEqual([])
})

test('a class that is not offered is passed over for the next', async () => {
  const { outcome, world } = await run({ class: ['db.x1.large', SCENE.otherClass] }, () => undefined)
  expect(outcome).toMatchObject({ outcome: 'done' })
  expect(world.region(regions.target).instances.get('shop-new')?.instanceClass).toBe(SCENE.otherClass)
})

test('what is sent is estimated by its size and the region that it leaves', () => {
  const { example, plan } = withChecks(copySnapshot)
  const estimate = (source: string, gib: number, usdPerGib: number | null = null) => {
    const own = { ...example.options.own, source }
    return plan({ ...example.options, own, usdPerGib }, { ...example.facts, gib }, RUN).estimate
  }
  expect(estimate('eu-west-1', 200)).toMatchObject({ transferGib: 200, transferUsd: 4 })
  expect(estimate('eu-west-1', 200)).toMatchObject({ usdPerGib: 0.02, price: 'list of 2025' })
  expect(estimate('eu-west-1', 200, 0.005)).toMatchObject({
    transferUsd: 1,
    usdPerGib: 0.005,
    price: 'given',
  })
  expect(estimate('xx-north-1', 100, 0.5)?.transferUsd).toBe(50)
  expect(estimate('sa-east-1', 100)?.transferUsd).toBe(13.8)
  expect(estimate('xx-north-1', 100)?.transferUsd).toBeNull()
  expect(estimate('eu-west-1', 0)).toMatchObject({ transferGib: null, transferUsd: null })
  const small = estimate('eu-west-1', 10)?.maxMs ?? 0
  expect(estimate('eu-west-1', 10_000)?.maxMs).toBeGreaterThan(small + 24 * 3_600_000)
})

test('the printed policy has what gathering and the checks ask for too', () => {
  const { example, plan } = withChecks(copySnapshot)
  const { iam } = runbookPolicy(
    plan(example.options, example.facts, RUN),
    'arn:aws:iam::111122223333:user/ops',
  )
  expect(iam.Statement.flatMap(({ Action }) => Action)).toEqual(
    expect.arrayContaining([
      ...['rds:DescribeDBSubnetGroups', 'sts:GetCallerIdentity', 'iam:SimulatePrincipalPolicy'],
      ...['rds:DescribeOrderableDBInstanceOptions', 'rds:DescribeAccountAttributes'],
    ]),
  )
})

const caller = { account: '111122223333', arn: 'arn:aws:sts::111122223333:assumed-role/ops/alice' }
const statement = (more: object) =>
  JSON.stringify({ Statement: [{ Effect: 'Allow', Action: 'kms:*', Resource: '*', ...more }] })
const root = { AWS: 'arn:aws:iam::111122223333:root' }

test.each([
  ['{}', 'unknown'],
  ['no policy', 'unknown'],
  [statement({ Principal: root }), 'allowed'],
  [statement({ Principal: { AWS: 'arn:aws:iam::111122223333:role/path/ops' } }), 'allowed'],
  [statement({ Principal: { AWS: 'arn:aws:iam::111122223333:role/other' } }), 'denied'],
  [statement({ Principal: root, Action: ['kms:Create*', 'kms:Put*'] }), 'allowed'],
  [statement({ Principal: root, Action: 'kms:Put*' }), 'denied'],
  [statement({ Principal: '*', Condition: { StringEquals: { 'kms:ViaService': 'x' } } }), 'unknown'],
  [statement({ Principal: root, Effect: 'Deny' }), 'denied'],
  [statement({ Principal: root, NotAction: 'kms:Put*' }), 'unknown'],
])('a key with the policy %s: %s', (policy, decision) => {
  expect(judgeKeyPolicy(policy, caller, 'kms:CreateGrant').decision).toBe(decision)
})

test('a look at alarms that is denied keeps nobody: the report says what was not seen', async () => {
  const { outcome } = await run({}, (world) => {
    world.deniedActions.add('cloudwatch:DescribeAlarms')
    world.strike({ operation: 'cloudwatch:DescribeAlarms', fault: 'denied', times: 10 })
  })
  expect(outcome).toMatchObject({ outcome: 'done' })
  const { steps } = outcome as RunbookReport
  expect(steps.at(-1)?.checks).toContainEqual(
    expect.objectContaining({
      ...{ name: 'alarms', state: 'warning', found: expect.stringMatching(/^could not be looked at: /) },
    }),
  )
})
