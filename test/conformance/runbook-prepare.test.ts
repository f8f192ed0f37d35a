import { describe, expect, test } from 'vitest'
import { prepare } from '../../src/runbooks/prepare.ts'
import { furnish, SCENE } from '../../src/simulation/scene.ts'
import type { World } from '../../src/simulation/world.ts'
import { createRunbookScene } from '../testbed/runbook-scene.ts'
import { describeRunbook } from './runbook-suite.ts'

const regions = { source: 'eu-west-1', target: 'eu-central-1' }
const flags = { ...regions, db: ['shop'] }

/** A target region with a VPC and subnets, and an application's security group; nothing for databases. */
function bare(world: World, kind: 'instance' | 'cluster'): void {
  furnish(world, { ...regions, db: 'shop', kind })
  const [from, to] = [world.region(regions.source), world.region(regions.target)]
  for (const things of [to.subnetGroups, to.securityGroups, to.parameterGroups, to.optionGroups, to.keys])
    things.clear()
  const own = from.securityGroups.get(SCENE.securityGroup(regions.source))
  if (own === undefined) throw new Error('no group')
  const app = { ...own, id: 'sg-app', name: 'application', inbound: [] }
  from.securityGroups.set('sg-app', app)
  from.securityGroups.set('sg-gone', { ...app, id: 'sg-gone', name: 'reports' })
  to.securityGroups.set('sg-there', { ...app, id: 'sg-there', vpcId: `vpc-${regions.target}` })
  const mysql = { protocol: 'tcp', fromPort: 3306, toPort: 3306 }
  own.inbound = [
    ...own.inbound,
    { ...mysql, peer: 'sg-app' },
    { ...mysql, peer: own.id },
    { ...mysql, peer: 'sg-gone' },
    { ...mysql, peer: 'pl-1234' },
  ]
  const vpc = to.vpcs.get(`vpc-${regions.target}`)
  if (vpc !== undefined) to.vpcs.set(vpc.id, { ...vpc, cidr: '10.9.0.0/16' })
  const standard = from.optionGroups.get(SCENE.optionGroup)
  if (standard !== undefined)
    from.optionGroups.set(standard.name, {
      ...standard,
      options: [
        { name: 'MARIADB_AUDIT_PLUGIN', settings: { SERVER_AUDIT_EVENTS: 'CONNECT' }, securityGroups: [] },
      ],
    })
  for (const key of from.keys.values())
    key.policy =
      '{"Statement":[{"Condition":{"StringEquals":{"kms:ViaService":"rds.eu-west-1.amazonaws.com"}}}]}'
}

function expectPrepared(world: World, kind: 'instance' | 'cluster'): void {
  const to = world.region(regions.target)
  expect(to.subnetGroups.get(SCENE.subnetGroup)).toMatchObject({ vpcId: `vpc-${regions.target}` })
  expect(to.subnetGroups.get(SCENE.subnetGroup)?.subnets).toHaveLength(3)
  const groups = [...to.securityGroups.values()].filter(({ name }) => name === 'database')
  expect(groups).toHaveLength(1)
  const rule = { protocol: 'tcp', fromPort: 3306, toPort: 3306 }
  // The VPC's own addresses are those of the new one; of a group that is not there nobody is let in.
  expect(groups[0]?.inbound).toEqual([
    { protocol: 'tcp', fromPort: 3306, toPort: 5432, peer: '10.9.0.0/16' },
    { ...rule, peer: 'sg-there' },
    { ...rule, peer: groups[0]?.id },
  ])
  expect(to.parameterGroups.get(`${kind}/${SCENE.parameterGroup}`)).toMatchObject({
    ...{ family: kind === 'instance' ? 'mysql8.0' : 'aurora-mysql8.0' },
    parameters: [{ name: 'require_secure_transport', value: '1' }],
  })
  const keys = [...to.keys.values()]
  expect(keys).toEqual([expect.objectContaining({ aliases: [SCENE.keyAlias], managedBy: 'customer' })])
  expect(keys[0]?.policy).toContain('rds.eu-central-1.amazonaws.com')
  if (kind === 'instance')
    expect(to.optionGroups.get(SCENE.optionGroup)?.options.map(({ name }) => name)).toEqual([
      'MARIADB_AUDIT_PLUGIN',
    ])
  else expect(to.optionGroups.size).toBe(0)
}

describeRunbook('prepare, for an instance', {
  way: prepare,
  flags,
  tooShortMs: 1_000,
  furnish: (world) => bare(world, 'instance'),
  expectDone: (world) => expectPrepared(world, 'instance'),
})

describeRunbook('prepare, for an Aurora cluster', {
  way: prepare,
  flags,
  tooShortMs: 1_000,
  furnish: (world) => bare(world, 'cluster'),
  expectDone: (world) => expectPrepared(world, 'cluster'),
})

describe('prepare', () => {
  const scene = (given: object, change: (world: World) => void = () => undefined) =>
    createRunbookScene({
      way: prepare,
      flags: { ...flags, ...given },
      furnish(world) {
        bare(world, 'instance')
        change(world)
      },
      expectDone: () => undefined,
    })

  test('says who is not let in any more, and what stands for what at the end', async () => {
    await using it = await scene({})
    const { warnings, steps } = await it.run()
    expect(warnings).toEqual([
      expect.stringContaining('lets reports in'),
      expect.stringContaining('prefix list pl-1234'),
    ])
    const seen = steps.find(({ id }) => id === 'check-landing-zone')?.seen
    expect(seen).toMatchObject({
      ...{ vpc: `vpc-${regions.target}`, 'subnet-group private': SCENE.subnetGroup },
      'security-group database': expect.stringMatching(/^sg-/),
      [`key ${SCENE.keyAlias}`]: expect.stringMatching(/^arn:aws:kms:eu-central-1/),
    })
  })

  test('says which roles RDS of the other region could not assume; where IAM is dead, nothing', async () => {
    const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`
    const trust = (region: string) =>
      JSON.stringify({
        Statement: {
          ...{ Effect: 'Allow', Principal: { Service: 'rds.amazonaws.com' }, Action: 'sts:AssumeRole' },
          Condition: { ArnLike: { 'aws:SourceArn': `arn:aws:rds:${region}:111122223333:db:*` } },
        },
      })
    const roles = (world: World) => {
      const shop = world.region(regions.source).instances.get('shop')
      if (shop !== undefined) shop.roles = ['good', 'gone', 'local'].map(role)
      world.roles.set(role('good'), trust('eu-*'))
      world.roles.set(role('local'), trust(regions.source))
    }
    await using it = await scene({}, roles)
    const about = ({ warnings }: { readonly warnings: readonly string[] }) =>
      warnings.filter((line) => line.startsWith('role '))
    expect(about(await it.run())).toEqual([
      expect.stringContaining(`${role('gone')}: there is none such`),
      expect.stringContaining(`${role('local')}: it lets in RDS for arn:aws:rds:${regions.source}:`),
    ])
    await using blind = await scene({}, (world) => {
      roles(world)
      world.region('us-east-1').dead = true
    })
    expect(about(await blind.run())).toEqual([])
  })

  test('tells what stands for a thing of the source, and is not like it', async () => {
    await using it = await createRunbookScene({
      ...{ way: prepare, flags, expectDone: () => undefined },
      furnish(world) {
        furnish(world, { ...regions, db: 'shop', kind: 'instance' })
        const to = world.region(regions.target)
        for (const [name, group] of to.parameterGroups)
          to.parameterGroups.set(name, { ...group, parameters: [] })
        for (const group of to.securityGroups.values()) group.inbound = []
        const standard = world.region(regions.source).optionGroups.get(SCENE.optionGroup)
        const audit = { name: 'MARIADB_AUDIT_PLUGIN', settings: {}, securityGroups: [] }
        if (standard !== undefined)
          world.region(regions.source).optionGroups.set(SCENE.optionGroup, { ...standard, options: [audit] })
      },
    })
    const { warnings } = await it.run()
    expect(warnings).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^Security group sg-\S+ of eu-central-1 lets nobody in/),
        expect.stringMatching(
          /^Parameter group tuned of eu-central-1 .*: require_secure_transport\. .*--parameter-group/,
        ),
        expect.stringMatching(
          /^Option group standard of eu-central-1 .*: MARIADB_AUDIT_PLUGIN\. .*--option-group/,
        ),
      ]),
    )
  })

  test('says why a key that is there can not stand for that of the source', async () => {
    await using it = await createRunbookScene({
      ...{ way: prepare, flags, expectDone: () => undefined },
      furnish(world) {
        furnish(world, { ...regions, db: 'shop', kind: 'instance' })
        const { keys } = world.region(regions.target)
        for (const [id, key] of keys) keys.set(id, { ...key, spec: 'RSA_2048' })
      },
    })
    await expect(it.run()).rejects.toThrow(/can not be used: its spec is RSA_2048/)
  })

  test('no check of its lines takes any text for an answer', () => {
    const { options, facts } = prepare.example
    const { steps } = prepare.plan(options, facts, { id: '20261122T210500Z-k3f9' })
    for (const step of steps)
      for (const { expect: expected } of [step.check() ?? []].flat()) expect(expected, step.id).not.toBe('…')
  })

  test('makes nothing where everything is there', async () => {
    await using it = await createRunbookScene({
      ...{ way: prepare, flags, expectDone: () => undefined },
      furnish: (world) => furnish(world, { ...regions, db: 'shop', kind: 'instance' }),
    })
    expect((await it.run()).warnings).toEqual([expect.stringContaining('is in eu-central-1 already')])
    expect(it.changes()).toEqual([])
  })

  test('takes what the operator names, and makes nothing in its place', async () => {
    const group = { name: 'theirs', vpcId: `vpc-${regions.target}`, description: '', subnets: [] }
    await using it = await scene({ subnetGroup: 'theirs', securityGroup: ['sg-there'] }, (world) => {
      world.region(regions.target).subnetGroups.set('theirs', group)
    })
    const { steps } = await it.run()
    expect(steps.map(({ id }) => id).filter((id) => /subnet|security/.test(id))).toEqual([])
    await using gone = await scene({ subnetGroup: 'theirs' })
    await expect(gone.run()).rejects.toMatchObject({
      message: expect.stringContaining('no subnet group theirs'),
    })
  })

  test.each<[string, (world: World) => void, string]>([
    ['no VPC of the same name', (world) => world.region(regions.target).vpcs.clear(), 'no VPC and subnets'],
    [
      'subnets in one zone',
      (world) => {
        const { subnets } = world.region(regions.target)
        for (const id of [...subnets.keys()].slice(1)) subnets.delete(id)
      },
      'no VPC and subnets',
    ],
    [
      'a parameter group of another family',
      (world) =>
        world.region(regions.target).parameterGroups.set(`instance/${SCENE.parameterGroup}`, {
          ...{ name: SCENE.parameterGroup, family: 'mysql5.7', description: '', parameters: [] },
        }),
      'of family mysql5.7',
    ],
    [
      'an option group of another version',
      (world) =>
        world.region(regions.target).optionGroups.set(SCENE.optionGroup, {
          ...{ name: SCENE.optionGroup, engine: 'mysql', majorVersion: '5.7', description: '', options: [] },
        }),
      'of mysql 5.7, not mysql 8.0',
    ],
    [
      'a source that has private subnets besides public ones, without names',
      (world) => {
        const { subnets } = world.region(regions.source)
        const [first] = subnets.values()
        if (first !== undefined) subnets.set('subnet-public', { ...first, id: 'subnet-public' })
      },
      'no VPC and subnets',
    ],
  ])('is closed by %s', async (_, change, reason) => {
    await using it = await scene({}, change)
    await expect(it.plan()).rejects.toMatchObject({
      ...{ code: 'step-failed', message: expect.stringContaining(reason) },
    })
    expect(it.changes()).toEqual([])
  })

  test('finds subnets by their names, with the region in them', async () => {
    await using it = await scene({}, (world) => {
      for (const region of [regions.source, regions.target]) {
        const { subnets } = world.region(region)
        for (const [index, subnet] of [...subnets.values()].entries())
          subnets.set(subnet.id, { ...subnet, name: index < 2 ? `${region}-private-${index}` : 'public' })
        const group = world.region(regions.source).subnetGroups.get(SCENE.subnetGroup)
        if (group !== undefined && group.subnets.length > 2)
          world
            .region(regions.source)
            .subnetGroups.set(group.name, { ...group, subnets: group.subnets.slice(0, 2) })
      }
    })
    await it.run()
    const made = it.world.region(regions.target).subnetGroups.get(SCENE.subnetGroup)
    expect(made?.subnets.map(({ zone }) => zone)).toEqual(['eu-central-1a', 'eu-central-1b'])
  })
})
