import { expect, test } from 'vitest'
import { fence } from '../../src/runbooks/fence.ts'
import { furnish, SCENE } from '../../src/simulation/scene.ts'
import type { World } from '../../src/simulation/world.ts'
import { createRunbookScene, RUN, type RunbookHarness } from '../testbed/runbook-scene.ts'
import { describeRunbook } from './runbook-suite.ts'

const regions = { source: 'eu-west-1', target: 'eu-central-1' }
const HOST = 'shop.c1sim.eu-west-1.rds.amazonaws.com'
const NAME = `lifeboat-${RUN.id.toLowerCase()}-fence`
const flags = { ...regions, db: ['shop'] }

function groupOf(world: World) {
  return [...world.region(regions.source).securityGroups.values()].find(({ name }) => name === NAME)
}

function expectClosed(world: World, groups: readonly string[] | undefined): void {
  expect(groupOf(world)).toMatchObject({
    inbound: [],
    tags: { 'lifeboat:run': RUN.id, 'lifeboat:fenced-from': expect.stringMatching(/^sg-/) },
  })
  expect(groups).toEqual([groupOf(world)?.id])
}

const instance: RunbookHarness = {
  way: fence,
  flags,
  furnish: (world) => furnish(world, { ...regions, db: 'shop', kind: 'instance' }),
  expectDone(world) {
    expect(world.databases.get(HOST)).toBe('read-only')
    expectClosed(world, world.region(regions.source).instances.get('shop')?.securityGroups)
  },
}
describeRunbook('fence', instance)

test('a cluster is fenced as a whole', async () => {
  await using scene = await createRunbookScene({
    ...instance,
    furnish: (world) => furnish(world, { ...regions, db: 'shop', kind: 'cluster' }),
  })
  expect((await scene.run()).outcome).toBe('done')
  const { world } = scene
  expect(world.databases.get('shop.cluster-c1sim.eu-west-1.rds.amazonaws.com')).toBe('read-only')
  expectClosed(world, world.region(regions.source).clusters.get('shop')?.securityGroups)
})

test('where the API is dead and the database answers, SQL alone keeps writers out, and it says what that can not hold', async () => {
  await using scene = await createRunbookScene({ ...instance, flags: { ...flags, from: `${HOST}:3306` } })
  scene.world.region(regions.source).dead = true
  const { runbook } = await scene.plan()
  expect(runbook.steps.map(({ id }) => id)).toEqual(['fence-sql', 'check-fenced'])
  expect(runbook.warnings.join('\n')).toMatch(/gone when the server restarts[\s\S]*no security group/)
  expect(runbook.afterwards[0]).toMatch(/When eu-west-1 is back, fence again/)
  expect((await scene.run()).outcome).toBe('done')
  expect(scene.world.databases.get(HOST)).toBe('read-only')
})

test('where the API does not let this account look, SQL does what it can all the same', async () => {
  await using scene = await createRunbookScene({ ...instance, flags: { ...flags, from: `${HOST}:3306` } })
  scene.world.strike({ operation: 'rds:DescribeDBInstances', fault: 'denied', times: 1000 })
  const { runbook } = await scene.plan()
  expect(runbook.steps.map(({ id }) => id)).toEqual(['fence-sql', 'check-fenced'])
  expect(runbook.warnings.join()).toMatch(/gives this account no answer/)
  await using blind = await createRunbookScene(instance)
  blind.world.strike({ operation: 'rds:DescribeDBInstances', fault: 'denied', times: 1000 })
  await expect(blind.plan()).rejects.toMatchObject({ details: { fault: 'denied' } })
})

test.each(['unavailable', 'denied'] as const)(
  'SQL fences where AWS is %s, even to be asked who calls: a login is all it takes',
  async (fault) => {
    await using scene = await createRunbookScene({ ...instance, flags: { ...flags, from: `${HOST}:3306` } })
    for (const operation of ['sts:GetCallerIdentity', 'rds:DescribeDBClusters', 'rds:DescribeDBInstances'])
      scene.world.strike({ operation, fault, times: 1000 })
    expect((await scene.run()).outcome).toBe('done')
    expect(scene.world.databases.get(HOST)).toBe('read-only')
  },
)

test('where neither answers nothing is fenced, and it does not say so', async () => {
  await using scene = await createRunbookScene({ ...instance, flags: { ...flags, from: `${HOST}:3306` } })
  scene.world.region(regions.source).dead = true
  scene.world.databases.clear()
  await expect(scene.run()).rejects.toMatchObject({
    code: 'step-failed',
    message: expect.stringMatching(/neither eu-west-1 nor the database answers: nothing could be fenced/),
    hint: expect.stringMatching(/It may come back and take writes/),
  })
})

test('without an endpoint, and with no API to ask for it, it is closed', async () => {
  await using scene = await createRunbookScene(instance)
  scene.world.region(regions.source).dead = true
  await expect(scene.run()).rejects.toMatchObject({ hint: expect.stringMatching(/--from HOST:PORT/) })
})

test('the way back is in the report: its own security groups, and each statement', async () => {
  await using scene = await createRunbookScene(instance)
  const report = await scene.run()
  expect(report.rollback.join('\n')).toContain(
    `--vpc-security-group-ids ${SCENE.securityGroup('eu-west-1')} --apply-immediately`,
  )
  expect(report.rollback).toContain('By SQL, in this order: SET GLOBAL read_only = OFF')
  expect(report.rollback[0]).toBe(`lifeboat migrate unfence ${RUN.id} --confirm`)
})

test('a rule in the closed group is not overlooked', async () => {
  await using scene = await createRunbookScene(instance)
  await scene.run({ confirm: false }).catch(() => undefined)
  await scene.run()
  const group = groupOf(scene.world)
  if (group !== undefined) group.inbound = [{ protocol: '-1', peer: '0.0.0.0/0' }]
  await expect(scene.run()).rejects.toMatchObject({
    message: expect.stringMatching(/somebody has put 1 rules/),
  })
})
