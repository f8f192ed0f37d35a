import { LifeboatError } from '../core/errors.ts'
import { nameOf, RUN_TAG } from '../core/runbook.ts'
import { FENCED_FROM } from '../runbooks/fence-network.ts'
import type { Fenced } from '../runbooks/unfence-facts.ts'
import { needOneDb, needRegions, type Regions, type WayFlags } from '../runbooks/way-flags.ts'
import { simulatedPorts } from '../simulation/cloud.ts'
import { furnish, SCENE } from '../simulation/scene.ts'
import { parseStrike } from '../simulation/strikes.ts'
import { createWorld, type World } from '../simulation/world.ts'
import type { Cloud, SimulatedKind } from './open-cloud.ts'

/** A cloud in memory that has the database and its landing zone, in which what is asked for goes wrong. */
export function simulateCloud(flags: WayFlags, kind: SimulatedKind, faults: readonly string[]): Cloud {
  const { source, target } = needRegions(flags)
  const world = simulatedWorld(flags, kind, faults)
  return {
    ports: simulatedPorts(world, source, target),
    clock: world.time.clock,
    flags: {
      ...{ securityGroup: [SCENE.securityGroup(target)], kmsKey: SCENE.keyAlias },
      ...{ subnetGroup: SCENE.subnetGroup, class: [SCENE.instanceClass] },
      ...flags,
    },
    [Symbol.dispose]: () => undefined,
  }
}

export function simulatedWorld(flags: WayFlags, kind: SimulatedKind, faults: readonly string[]): World {
  const { source, target } = needRegions(flags)
  const db = needOneDb(flags, 'simulate')
  const world = createWorld({ start: new Date().toISOString() })
  const scene = kind === 'lone-cluster' ? ({ kind: 'cluster', global: 'none' } as const) : { kind }
  furnish(world, { source, target, db, ...scene })
  if (flags.fenced !== undefined) putUpFence(world, source, flags.fenced)
  // A rehearsal that names where clients are to go is one of the time after the promotion.
  if (flags.to !== undefined) world.databases.set(flags.to.replace(/:\d+$/, ''), 'writable')
  for (const fault of faults) strike(world, fault)
  return world
}

/** As a run of fence would have left it. */
export function standingFence({ source }: Regions, db: string, kind: SimulatedKind): Fenced {
  const isInstance = kind === 'instance'
  const host = `${db}.${isInstance ? '' : 'cluster-'}c1sim.${source}.rds.amazonaws.com`
  return {
    ...{ run: '20261122T210500Z-k3f9', db, endpoint: { host, port: 3306 } },
    sql: { client: 'mysql', undo: ['SET GLOBAL read_only = OFF'] },
    network: {
      ...{ kind: isInstance ? 'instance' : 'cluster', vpcId: `vpc-${source}` },
      securityGroups: [SCENE.securityGroup(source)],
    },
  }
}

function putUpFence(world: World, region: string, { run, db, endpoint, network }: Fenced): void {
  const state = world.region(region)
  world.databases.set(endpoint.host, 'read-only')
  if (network === null) return
  const id = 'sg-0000000000000fe2c'
  const tags = { [RUN_TAG]: run, [FENCED_FROM]: network.securityGroups.join('/') }
  const name = nameOf({ id: run }, 'fence')
  const group = { id, name, description: 'fence', vpcId: network.vpcId, tags, inbound: [], outbound: [] }
  state.securityGroups.set(id, group)
  const there = (network.kind === 'instance' ? state.instances : state.clusters).get(db)
  if (there !== undefined) there.securityGroups = [id]
}

/** `dead:REGION` is its control plane, `dark:REGION` its databases too; the rest are calls that fail. */
function strike(world: World, fault: string): void {
  const [, what, region] = /^(dead|dark):([a-z0-9-]+)$/.exec(fault) ?? []
  if (what === undefined || region === undefined) {
    const [, full] = /^full:(.+)$/.exec(fault) ?? []
    if (full === undefined) world.strike(parseStrike(fault))
    else exhaust(world, full)
    return
  }
  world.region(region).dead = true
  if (what === 'dead') return
  for (const host of world.databases.keys()) if (host.includes(`.${region}.`)) world.databases.delete(host)
}

/** `REGION/CLASS` or `REGION/CLASS/ZONE`. */
function exhaust(world: World, text: string): void {
  const [region, ...rest] = text.split('/')
  if (region === undefined || rest.length === 0 || rest.length > 2) {
    throw new LifeboatError('usage', `unable to simulate fault 'full:${text}': it is not full:REGION/CLASS`, {
      hint: 'Write it like full:eu-central-1/db.r6g.large.',
    })
  }
  world.region(region).exhausted.add(rest.join('/'))
}
