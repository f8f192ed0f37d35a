import { expect, test } from 'vitest'
import { takeInventory } from '../../../src/app/inventory/take-inventory.ts'
import { addKeptLanding, preparedHere } from '../../../src/app/kept-landing.ts'
import { loadWay } from '../../../src/app/ways.ts'
import type { WayFlags } from '../../../src/runbooks/way-flags.ts'
import { simulatedPorts } from '../../../src/simulation/cloud.ts'
import { furnish, SCENE } from '../../../src/simulation/scene.ts'
import type { World } from '../../../src/simulation/world.ts'
import { createRunbookScene, RUN } from '../../testbed/runbook-scene.ts'
import { assessWorld, SOURCE, TARGET, wayOf } from './assess/scene.ts'

const { signal } = new AbortController()
const wanted = { source: SOURCE, target: TARGET, db: 'shop' }
const flags = { source: SOURCE, target: TARGET, db: ['Shop'] }
const ROLE = 'arn:aws:iam::111122223333:role/imports'

/** A target whose groups have other names, and which lacks a security group and a key. */
function elsewhere(world: World): void {
  furnish(world, { ...wanted, kind: 'instance' })
  const [from, to] = [world.region(SOURCE), world.region(TARGET)]
  const group = to.subnetGroups.get(SCENE.subnetGroup)
  if (group === undefined) throw new Error('no group')
  to.subnetGroups.clear()
  to.subnetGroups.set('db-private', { ...group, name: 'db-private' })
  to.securityGroups.clear()
  // What lies there is under a key that does not stand for that of the source.
  for (const key of to.keys.values()) key.aliases = ['alias/other']
  const instance = from.instances.get('shop')
  if (instance !== undefined) instance.roles = [ROLE]
}

async function prepared(more: WayFlags = {}) {
  const scene = await createRunbookScene({
    way: await loadWay('prepare'),
    flags: { ...flags, subnetGroup: 'db-private', ...more },
    furnish: elsewhere,
    expectDone: () => undefined,
  })
  await scene.run()
  return scene
}

test('what prepare has found and made is what ways take, and their plan tells', async () => {
  await using scene = await prepared()
  const { world, folder } = scene
  const to = world.region(TARGET)
  const [madeGroup] = [...to.securityGroups.keys()]
  const madeKey = [...to.keys.values()].find(({ aliases }) => aliases.includes(SCENE.keyAlias))
  const added = await addKeptLanding('copy-snapshot', flags, { stateFolder: folder, inventory: undefined })
  expect(added).toMatchObject({
    ...{ subnetGroup: 'db-private', securityGroup: [madeGroup], parameterGroup: SCENE.parameterGroup },
    ...{ optionGroup: SCENE.optionGroup, kmsKey: madeKey?.arn },
  })
  const way = await loadWay('copy-snapshot')
  const options = way.choose(added)
  const facts = await way.gather(options, simulatedPorts(world, SOURCE, TARGET), signal)
  const { warnings } = way.plan(options, facts, RUN)
  expect(warnings[0]).toMatch(
    new RegExp(
      `^As settled by prepare, run ${RUN.id}, of .*: --subnet-group db-private --security-group sg-`,
    ),
  )
  // What was given wins, and is not told as if it were not.
  const given = { ...flags, subnetGroup: 'mine', securityGroup: ['sg-mine'], kmsKey: 'alias/mine' }
  const merged = await addKeptLanding('copy-snapshot', given, { stateFolder: folder, inventory: undefined })
  expect(merged).toMatchObject({ ...given, parameterGroup: SCENE.parameterGroup })
  expect(merged.keptLanding?.words.join()).not.toMatch(/mine|subnet-group/)
})

test('ways that make nothing, another database and another direction take nothing', async () => {
  await using scene = await prepared()
  const places = { stateFolder: scene.folder, inventory: undefined }
  for (const way of ['promote-replica', 'aurora-failover', 'fence'])
    expect(await addKeptLanding(way, flags, places)).toEqual(flags)
  const other = { ...flags, db: ['other'] }
  expect(await addKeptLanding('copy-snapshot', other, places)).toEqual(other)
  const back = { ...flags, source: TARGET, target: SOURCE }
  expect(await addKeptLanding('copy-snapshot', back, places)).toEqual(back)
})

test('prepare itself keeps what was named, and makes again what it had made', async () => {
  await using scene = await prepared()
  const again = await addKeptLanding('prepare', flags, { stateFolder: scene.folder, inventory: undefined })
  expect(again).toMatchObject({ ...flags, subnetGroup: 'db-private' })
  expect(again).not.toHaveProperty('securityGroup')
  expect(again).not.toHaveProperty('kmsKey')
  expect(again.keptLanding?.words).toEqual(['--subnet-group db-private'])
})

test('a run of prepare that has not come to its end settles nothing', async () => {
  const scene = await createRunbookScene({
    way: await loadWay('prepare'),
    flags: { ...flags, subnetGroup: 'db-private' },
    furnish: elsewhere,
    expectDone: () => undefined,
  })
  await using _ = scene
  scene.world.strike({ operation: 'kms:CreateKey', fault: 'denied', times: 1 })
  await expect(scene.run()).rejects.toThrow()
  expect(await preparedHere(scene.folder)).toEqual([])
})

test('the inventory keeps it, and hands it to ways and to assess where the source is dead', async () => {
  await using scene = await prepared()
  const { world, folder } = scene
  world.roles.set(ROLE, '{"Statement":[]}')
  const take = (stateFolder: string | undefined) =>
    preparedHere(stateFolder ?? '/nowhere').then((settled) =>
      takeInventory(
        {
          ports: simulatedPorts(world, SOURCE, TARGET),
          ...{ both: true, databases: undefined, id: RUN.id, job: 'inventory', prepared: settled },
          ...{ clock: world.time.clock, timeoutMs: 60_000 },
        },
        signal,
      ),
    )
  const inventory = await take(folder)
  const entries = inventory.landing[0]?.entries ?? []
  expect(entries.filter(({ missing }) => missing !== null)).toEqual([
    { kind: 'role', source: ROLE, target: null, missing: expect.stringMatching(/does not let rds/) },
  ])
  expect(inventory.roles).toEqual([{ arn: ROLE, trust: '{"Statement":[]}' }])
  // Taken elsewhere it goes by names, and says what is missing.
  const blind = (await take(undefined)).landing[0]?.entries
  expect(blind?.find(({ kind }) => kind === 'subnet-group')).toMatchObject({ target: null })

  const places = { stateFolder: '/nowhere', inventory }
  expect(await addKeptLanding('restore-snapshot', flags, places)).toMatchObject({
    ...{ subnetGroup: 'db-private', keptLanding: { from: `inventory ${RUN.id}` } },
  })
  world.region(SOURCE).dead = true
  const found = await assessWorld(world, { flags: {}, inventory })
  expect(wayOf(found, 'restore-snapshot')).toMatchObject({
    ...{ state: 'open', command: expect.stringContaining('--subnet-group db-private --security-group sg-') },
    first: expect.arrayContaining([
      expect.stringMatching(/^Role .*\/imports is of no use in eu-central-1: /),
    ]),
  })
})

test('assess takes it, and closes a way where it is gone since, before the day', async () => {
  await using scene = await prepared()
  const { world } = scene
  const settled = await preparedHere(scene.folder)
  const assessed = () => assessWorld(world, { flags: {}, prepared: settled })
  const before = await assessed()
  expect(before.databases[0]?.landing.kept).toMatchObject({ from: `prepare, run ${RUN.id}` })
  expect(wayOf(before, 'copy-snapshot')).toMatchObject({
    ...{ state: 'open', command: expect.stringContaining('--subnet-group db-private') },
  })
  const to = world.region(TARGET)
  const [groupId = ''] = [...to.securityGroups.keys()]
  to.securityGroups.clear()
  expect(wayOf(await assessed(), 'copy-snapshot')).toMatchObject({
    ...{ state: 'closed', reasons: [expect.stringContaining(`has no security group ${groupId}`)] },
  })
  to.subnetGroups.clear()
  to.keys.clear()
  expect(wayOf(await assessed(), 'copy-snapshot').reasons).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/no subnet group 'db-private'/),
      expect.stringMatching(/has no key arn:aws:kms:/),
    ]),
  )
  // The database is in another group by now: what was settled for the old one is not for it.
  const own = world.region(SOURCE).instances.get('shop')
  if (own !== undefined) own.subnetGroup = 'other'
  expect(wayOf(await assessed(), 'copy-snapshot').reasons).toEqual(
    expect.arrayContaining([expect.stringMatching(/no subnet group 'other'/)]),
  )
})

test('where nothing is known of the source but what prepare has settled, that is the landing', async () => {
  await using scene = await prepared()
  const { world } = scene
  world.region(SOURCE).dead = true
  const flagsOf = { class: [SCENE.instanceClass] }
  const found = await assessWorld(world, { flags: flagsOf, prepared: await preparedHere(scene.folder) })
  expect(found.databases[0]?.identity.known).toBe(false)
  expect(wayOf(found, 'restore-snapshot')).toMatchObject({
    ...{ state: 'open', command: expect.stringContaining('--subnet-group db-private --security-group sg-') },
  })
})

test('groups of another family or version close a way; parameters that differ are told', async () => {
  await using scene = await prepared()
  const { world } = scene
  const to = world.region(TARGET)
  const key = `instance/${SCENE.parameterGroup}`
  const group = to.parameterGroups.get(key)
  const options = to.optionGroups.get(SCENE.optionGroup)
  if (group === undefined || options === undefined) throw new Error('no groups')
  const given = { flags: { subnetGroup: 'db-private', securityGroup: [...to.securityGroups.keys()] } }
  const reasons = async () => wayOf(await assessWorld(world, given), 'copy-snapshot').reasons.join('; ')
  to.parameterGroups.set(key, { ...group, parameters: [] })
  const told = wayOf(await assessWorld(world, given), 'copy-snapshot')
  expect(told).toMatchObject({ state: 'open' })
  expect(told.first.join()).toMatch(
    /'tuned' of eu-central-1 does not set as in eu-west-1: require_secure_transport/,
  )
  to.parameterGroups.set(key, { ...group, family: 'mysql5.7' })
  expect(await reasons()).toMatch(/'tuned' of eu-central-1 can not be used: it is of family mysql5.7/)
  to.parameterGroups.set(key, group)
  to.optionGroups.set(SCENE.optionGroup, { ...options, majorVersion: '5.7' })
  expect(await reasons()).toMatch(/'standard' of eu-central-1 can not be used: it is of mysql 5.7/)
})
