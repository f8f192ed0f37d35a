import { expect, test } from 'vitest'
import { ASSESSED_WAYS, type Verdict } from '../../../../src/app/assess/verdict.ts'
import { loadWay, WAY_NAMES } from '../../../../src/app/ways.ts'
import type { WayFlags } from '../../../../src/runbooks/way-flags.ts'
import { simulatedPorts } from '../../../../src/simulation/cloud.ts'
import { SCENE } from '../../../../src/simulation/scene.ts'
import type { World } from '../../../../src/simulation/world.ts'
import { assessWorld, FLAGS, furnished, inventoryOf, SOURCE, strike, TARGET } from './scene.ts'

type Disaster = readonly [name: string, strike: (world: World) => void]

function kill(region: string): (world: World) => void {
  return (world) => {
    world.region(region).dead = true
  }
}

const DISASTERS: readonly Disaster[] = [
  ['all is well', () => undefined],
  ["the source's control plane is dead", kill(SOURCE)],
  [
    'the source is dark',
    (world) => {
      world.region(SOURCE).dead = true
      for (const host of world.databases.keys()) if (host.includes(SOURCE)) world.databases.delete(host)
    },
  ],
  ["the target's control plane is dead", kill(TARGET)],
  ['the target has no subnet group', (world) => world.region(TARGET).subnetGroups.clear()],
  ['the target has no parameter group', (world) => world.region(TARGET).parameterGroups.clear()],
  ['the target has no key', (world) => world.region(TARGET).keys.clear()],
  ['nothing was copied across', (world) => world.region(TARGET).snapshots.clear()],
  [
    'there is no replica, nor a global database',
    (world) => {
      world.region(TARGET).instances.clear()
      world.globals.clear()
    },
  ],
  [
    'a snapshot is still being copied',
    (world) => {
      for (const snapshot of world.region(TARGET).snapshots.values()) snapshot.status = 'copying'
    },
  ],
  [
    'the target is the primary already',
    (world) => {
      for (const global of world.globals.values())
        global.members = global.members.map((member) => ({ ...member, writer: !member.writer }))
    },
  ],
]

const BACKUPS = {
  name: 'frankfurt',
  look: () =>
    Promise.resolve([
      {
        ...{ sink: 'frankfurt', job: 'shop', id: '20261122T200500Z-k3f9', started: '2026-11-22T20:05:00Z' },
        ...{ dumpMs: 1, plainBytes: 1, storedBytes: 1, engine: 'mysql', passedOver: [], drill: null },
      },
    ]),
}

const ways = ASSESSED_WAYS.filter((way) => WAY_NAMES.includes(way))
const cases = (['instance', 'cluster', 'lone-cluster'] as const).flatMap((kind) =>
  DISASTERS.map(([name, strike]) => ({ kind, name, strike })),
)

test('there are ways that can be taken', () => {
  expect(ways).toEqual(expect.arrayContaining(['promote-replica', 'copy-snapshot']))
})

/** What a way itself says, asked as its command asks: its plan, or why it is closed. */
async function tryWay(world: World, name: string, command: string | null): Promise<string | undefined> {
  const way = await loadWay(name)
  const flags = command === null ? allFlags() : flagsOf(command)
  const ports = simulatedPorts(world, SOURCE, TARGET)
  const { signal } = new AbortController()
  try {
    const options = way.choose(flags)
    const { steps } = way.plan(options, await way.gather(options, ports, signal), {
      id: '20261122T210500Z-k3f9',
    })
    for (const step of steps) {
      // From the first change on a look finds what is not made yet.
      if (step.effect !== 'read') break
      // Whether writers were stopped is the operator's part: a verdict names it as what comes first.
      if (step.id === 'check-fence') continue
      const seen = await step.observe(ports, signal)
      if (seen.state === 'blocked') return `${step.id}: ${seen.reason}`
    }
    return undefined
  } catch (thrown) {
    return (thrown as Error).message
  }
}

test.each(cases)(
  '$kind, $name: no way is open here that would refuse, nor closed that would go',
  async ({ kind, strike }) => {
    const furnish = () => {
      const world = furnished(kind)
      strike(world)
      return world
    }
    const verdicts: Verdict[] = []
    for (const flags of [FLAGS, { ...FLAGS, ...allFlags() }])
      verdicts.push(...((await assessWorld(furnish(), { flags, sinks: [BACKUPS] })).databases[0]?.ways ?? []))
    for (const { way, state, command, reasons } of verdicts.filter((each) => ways.includes(each.way))) {
      // A restore by itself is no runbook: it asks no control plane.
      if (command?.startsWith('lifeboat restore ') === true) continue
      const refusal = await tryWay(furnish(), way, command)
      if (state === 'open') expect(refusal, `${way}: ${command}`).toBeUndefined()
      if (state === 'closed') expect(refusal, `${way}: ${reasons.join('; ')}`).toBeDefined()
      expect(reasons, way).not.toEqual([])
    }
  },
)

const SERVICES = ['rds', 'ec2', 'kms', 'cloudwatch'] as const

/** How the control planes of the source may be silent. */
const SILENCES: readonly Disaster[] = [
  ['dead', kill(SOURCE)],
  DISASTERS[2] ?? ['', () => undefined],
  ...(
    [
      ['refused', 'unavailable', 'ECONNREFUSED'],
      ['a black hole', 'unavailable', 'TimeoutError'],
      ['5xx', 'unavailable', 'HTTP 503'],
      ['without a name', 'unavailable', 'ENOTFOUND'],
      ['throttled', 'throttled', 'Throttling'],
      ['denied', 'denied', 'AccessDenied'],
    ] as const
  ).map(
    ([name, fault, code]): Disaster => [
      name,
      (world) => {
        for (const service of SERVICES) strike(world, service, SOURCE, fault, code)
      },
    ],
  ),
]

/** What there is to be had once the source is silent, and an inventory says what it was. */
const LEFT: Readonly<Record<'instance' | 'cluster' | 'lone-cluster', readonly string[]>> = {
  instance: ['native', 'promote-replica', 'restore-replicated-backup', 'restore-snapshot'],
  cluster: ['aurora-failover', 'native', 'restore-snapshot'],
  'lone-cluster': ['native', 'restore-snapshot'],
}

test.each(
  (['instance', 'cluster', 'lone-cluster'] as const).flatMap((kind) =>
    SILENCES.map(([name, silence]) => ({ kind, name, silence })),
  ),
)(
  '$kind, the source $name: by the inventory, the ways that need none of it are open, and go',
  async ({ kind, name, silence }) => {
    const furnish = () => {
      const world = furnished(kind)
      silence(world)
      return world
    }
    const inventory = await inventoryOf(furnished(kind))
    const found = await assessWorld(furnish(), { flags: {}, inventory, sinks: [BACKUPS] })
    expect(found.inventory?.id).toBe(inventory.id)
    const [db] = found.databases
    expect(db?.identity).toMatchObject({ known: true, asOf: inventory.ended })
    const open = db?.ways.filter(({ state }) => state === 'open') ?? []
    // A primary that only has too much to do is likely well: whether to switch over or to fail over nobody knows yet.
    const unsure = name === 'throttled' ? ['aurora-failover'] : []
    expect(open.map(({ way }) => way).toSorted()).toEqual(LEFT[kind].filter((way) => !unsure.includes(way)))
    for (const { way, command } of open) {
      expect(command, way).not.toMatch(/ [A-Z]+(-[A-Z]+)*( |$)(?<!KEY-FILE ?|DATABASE-URL ?)/)
      if (command?.startsWith('lifeboat migrate') === true)
        expect(await tryWay(furnish(), way, command), `${way}: ${command}`).toBeUndefined()
    }
    // Nothing that needs the source is offered: closed, or unknown where it may yet answer.
    for (const way of ['copy-snapshot', 'aurora-add-region'])
      expect(db?.ways.find((each) => each.way === way)?.state, way).not.toBe('open')
  },
)

/** All that anybody could say: what is closed then is closed. */
function allFlags(): WayFlags {
  return {
    ...FLAGS,
    ...{ source: SOURCE, target: TARGET, db: ['shop'], accept: ['data-loss', 'unencrypted-copy'] },
    ...{ subnetGroup: SCENE.subnetGroup, class: [SCENE.instanceClass] },
    // What the source has, the other region is to have too.
    parameterGroup: SCENE.parameterGroup,
  }
}

const LISTS = new Set(['db', 'securityGroup', 'class', 'zone', 'accept'])

/** As the command line reads them. */
function flagsOf(command: string): WayFlags {
  const [, , , ...words] = command.split(' ')
  const flags: Record<string, string | string[]> = {}
  for (let at = 0; at < words.length; at += 2) {
    const name = (words[at] ?? '').slice(2).replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
    const value = words[at + 1] ?? ''
    flags[name] = LISTS.has(name) ? [...(flags[name] ?? []), value] : value
  }
  return flags
}
