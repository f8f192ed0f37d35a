import { expect, test } from 'vitest'
import { restoreReplicatedBackup } from '../../../src/runbooks/restore-replicated-backup.ts'
import type { WayFlags } from '../../../src/runbooks/way-flags.ts'
import { simulatedPorts } from '../../../src/simulation/cloud.ts'
import { furnish, SCENE } from '../../../src/simulation/scene.ts'
import { createWorld, type World } from '../../../src/simulation/world.ts'

const { signal } = new AbortController()
const regions = { source: 'eu-west-1', target: 'eu-central-1' }
const FLAGS: WayFlags = {
  ...{ ...regions, db: ['shop'], securityGroup: [SCENE.securityGroup(regions.target)] },
  ...{ subnetGroup: SCENE.subnetGroup, class: [SCENE.instanceClass] },
}

async function planned(flags: WayFlags, alter: (world: World) => void = () => undefined) {
  const world = createWorld()
  furnish(world, { ...regions, db: 'shop', kind: 'instance' })
  alter(world)
  const options = restoreReplicatedBackup.choose({ ...FLAGS, ...flags })
  const ports = simulatedPorts(world, regions.source, regions.target)
  const facts = await restoreReplicatedBackup.gather(options, ports, signal)
  return restoreReplicatedBackup.plan(options, facts, { id: '20261122T210500Z-k3f9' })
}

function backups(change: object) {
  return (world: World) => {
    for (const backup of world.region(regions.target).backups.values()) Object.assign(backup, change)
  }
}

test.each(['yesterday', '2026-11-22T20:55:00', '2026-13-40T00:00:00Z'])('%s is no moment', (at) => {
  expect(() => restoreReplicatedBackup.choose({ ...FLAGS, at })).toThrow('is no moment')
})

test('a moment outside of the window is refused, with the window', async () => {
  for (const at of ['2026-11-22T21:04:00Z', '2026-11-01T00:00:00Z']) {
    await expect(planned({ at })).rejects.toThrow(
      'is not within 2026-11-15T21:05:00.000Z to 2026-11-22T20:59:00.000Z',
    )
  }
})

test.each<[string, WayFlags, (world: World) => void, string]>([
  [
    'no backups',
    {},
    (world) => world.region(regions.target).backups.clear(),
    'has no replicated backups of it from eu-west-1',
  ],
  [
    'those of another region',
    {},
    backups({ region: 'us-east-1' }),
    'has no replicated backups of it from eu-west-1',
  ],
  [
    'none that is there yet',
    {},
    backups({ status: 'creating', earliest: undefined, latest: undefined }),
    'are creating',
  ],
  ['none encrypted', {}, backups({ encrypted: false }), 'are not encrypted'],
  ['an option group that is not there', { optionGroup: 'other' }, () => undefined, "no option group 'other'"],
])('is closed with %s', async (_, flags, alter, said) => {
  await expect(planned(flags, alter)).rejects.toMatchObject({
    ...{ code: 'step-failed', message: expect.stringContaining(said) },
    hint: expect.stringMatching(/./),
  })
})

test('the line by hand says which moment', async () => {
  const words = async (flags: WayFlags) =>
    (await planned(flags)).steps.find(({ id }) => id === 'restore')?.command()[0]?.argv
  expect(await words({})).toContain('--use-latest-restorable-time')
  expect(await words({ at: '2026-11-22T12:00:00Z' })).toEqual(
    expect.arrayContaining(['--restore-time', '2026-11-22T12:00:00.000Z']),
  )
})

test('warns of what option groups lose on the way', async () => {
  const warned = async (flags: WayFlags, change: object) =>
    (await planned(flags, backups(change))).warnings.join('\n')
  const oracle = await warned({}, { engine: 'oracle-ee' })
  for (const option of ['NATIVE_NETWORK_ENCRYPTION', 'OEM', 'OEM_AGENT', 'SSL'])
    expect(oracle).toContain(option)
  const optionless = { engine: 'sqlserver-se', optionGroup: 'tde' }
  expect(await warned({}, optionless)).toContain('does not replicate option groups of SQL Server')
  expect(await warned({ optionGroup: SCENE.optionGroup }, optionless)).toContain(
    `make sure that ${SCENE.optionGroup} has the options`,
  )
  expect(await warned({}, { optionGroup: 'gone' })).toContain('The source had option group gone')
  expect(await warned({}, {})).not.toMatch(/option/i)
})
