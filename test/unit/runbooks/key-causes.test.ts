import { expect, test } from 'vitest'
import { copySnapshot } from '../../../src/runbooks/copy-snapshot.ts'
import { keyCauses } from '../../../src/runbooks/key-causes.ts'
import { simulatedPorts } from '../../../src/simulation/cloud.ts'
import { furnish, SCENE } from '../../../src/simulation/scene.ts'
import { createWorld, type World } from '../../../src/simulation/world.ts'
import { createRunbookScene, type RunbookHarness } from '../../testbed/runbook-scene.ts'

const { signal } = new AbortController()
const regions = { source: 'eu-west-1', target: 'eu-central-1' }
const STRANGERS = JSON.stringify({
  Statement: [{ Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::999999999999:root' }, Action: 'kms:*' }],
})

function keyOf(world: World, region: string) {
  const key = [...world.region(region).keys.values()].find(({ aliases }) => aliases.includes(SCENE.keyAlias))
  if (key === undefined) throw new Error(`${region} has no key`)
  return key
}

function scene() {
  const world = createWorld()
  furnish(world, { ...regions, db: 'shop', kind: 'instance' })
  const ports = simulatedPorts(world, regions.source, regions.target)
  const [from, to] = [keyOf(world, regions.source), keyOf(world, regions.target)]
  const causes = (keys = { source: from.arn, target: to.arn }) => keyCauses(keys, ports, signal)
  return { world, from, to, causes }
}

test('of sound keys there is nothing to say', async () => {
  expect(await scene().causes()).toEqual([])
})

test('each key is looked at in its own region', async () => {
  const { from, to, causes } = scene()
  from.state = 'PendingDeletion'
  to.enabled = false
  to.state = 'Disabled'
  expect(await causes()).toEqual([
    expect.stringMatching(/^key arn:aws:kms:eu-west-1:.*: it will be deleted/),
    expect.stringMatching(/^key arn:aws:kms:eu-central-1:.*: its state is Disabled/),
  ])
})

test('a key of the wrong region, and one that is not there', async () => {
  const { from, causes } = scene()
  expect(await causes({ source: from.arn, target: from.arn })).toEqual([
    expect.stringMatching(/it is a key of eu-west-1: a copy is encrypted with one of eu-central-1/),
  ])
  expect(await causes({ source: from.arn, target: 'alias/none' })).toEqual([
    expect.stringMatching(/eu-central-1 has no such key/),
  ])
})

test("AWS's own key is no cause where the snapshot lies under it, and one for a copy", async () => {
  const { from, to, causes } = scene()
  from.managedBy = 'aws'
  expect(await causes()).toEqual([])
  to.managedBy = 'aws'
  expect(await causes()).toEqual([expect.stringMatching(/AWS manages it/)])
})

test('a policy that lets only strangers in says who may not do what', async () => {
  const { to, causes } = scene()
  to.policy = STRANGERS
  expect(await causes()).toEqual([
    expect.stringMatching(
      /kms:CreateGrant of arn:aws:iam::111122223333:role\/lifeboat: .*nobody like the caller/,
    ),
    expect.stringMatching(/kms:DescribeKey/),
  ])
})

test('a region that gives no answer is said, not taken for a sound key', async () => {
  const { world, causes } = scene()
  world.region(regions.source).dead = true
  expect(await causes()).toEqual([expect.stringMatching(/it can not be looked at/)])
})

const harness: RunbookHarness = {
  way: copySnapshot,
  flags: {
    ...{ ...regions, db: ['shop'], kmsKey: SCENE.keyAlias },
    securityGroup: [SCENE.securityGroup(regions.target)],
  },
  furnish: (world) => furnish(world, { ...regions, db: 'shop', kind: 'instance' }),
  expectDone: () => undefined,
}

test('a copy that is refused says which key it is, and why', async () => {
  await using staged = await createRunbookScene(harness)
  const { world } = staged
  keyOf(world, regions.source).policy = STRANGERS
  world.strike({ operation: 'rds:CopyDBSnapshot', fault: 'denied', times: 1 })
  await expect(staged.run()).rejects.toMatchObject({
    message: expect.stringMatching(/key arn:aws:kms:eu-west-1:.*kms:CreateGrant.*nobody like the caller/),
    hint: expect.stringMatching(/--print-policy .*--kms-key/),
    details: { fault: 'denied', causes: expect.any(Array) },
  })
})

test('a copy that fails hours later does, too', async () => {
  await using staged = await createRunbookScene(harness)
  const { world } = staged
  const onStep = ({ step, state }: { step: string; state: string }) => {
    if (step !== 'copy-snapshot' || state !== 'running') return
    for (const snapshot of world.region(regions.target).snapshots.values())
      if (snapshot.status === 'copying') snapshot.status = 'failed'
    keyOf(world, regions.source).state = 'Disabled'
  }
  await expect(staged.run({ onStep })).rejects.toMatchObject({
    message: expect.stringMatching(/its status is failed; key arn:aws:kms:eu-west-1:.*its state is Disabled/),
    hint: expect.stringMatching(/Mend that key .*delete lifeboat-/),
  })
})

test('a refused copy whose keys are both well says that they were looked at, and where the refusal is written', async () => {
  await using staged = await createRunbookScene(harness)
  staged.world.strike({ operation: 'rds:CopyDBSnapshot', fault: 'key', times: 1 })
  await expect(staged.run()).rejects.toMatchObject({
    message: expect.stringMatching(/both keys were looked at, and nothing is wrong with them$/),
    hint: expect.stringMatching(/aws cloudtrail lookup-events --region eu-central-1 .*kms\.amazonaws\.com/),
    details: { fault: 'key' },
  })
})

test('a copy that fails later while both keys are well, too', async () => {
  await using staged = await createRunbookScene(harness)
  const { world } = staged
  const onStep = ({ step, state }: { step: string; state: string }) => {
    if (step !== 'copy-snapshot' || state !== 'running') return
    for (const snapshot of world.region(regions.target).snapshots.values())
      if (snapshot.status === 'copying') snapshot.status = 'failed'
  }
  await expect(staged.run({ onStep })).rejects.toMatchObject({
    message: expect.stringMatching(/its status is failed; both keys were looked at, and nothing is wrong/),
    hint: expect.stringMatching(/cloudtrail .*delete lifeboat-/),
  })
})

test('a copy that encrypts what was not encrypted has one key to look at', async () => {
  const furnishPlain = (world: World) =>
    furnish(world, { ...regions, db: 'shop', kind: 'instance', encrypted: false })
  await using staged = await createRunbookScene({ ...harness, furnish: furnishPlain })
  staged.world.strike({ operation: 'rds:CopyDBSnapshot', fault: 'denied', times: 1 })
  await expect(staged.run()).rejects.toMatchObject({
    message: expect.stringMatching(/its key was looked at, and nothing is wrong with it$/),
    hint: expect.stringMatching(/^Give this account what --print-policy shows\./),
  })
})

test('a policy that nobody may read is said, not taken for well', async () => {
  const { world, causes } = scene()
  world.strike({ operation: 'kms:GetKeyPolicy', fault: 'denied', times: 1 })
  expect(await causes()).toEqual([expect.stringMatching(/its policy can not be looked at: .*denied/i)])
})
