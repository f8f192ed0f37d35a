import { type Assessment, assess } from '../../../../src/app/assess/assess.ts'
import type { GatherRequest } from '../../../../src/app/assess/gather.ts'
import type { AssessedWay, Verdict } from '../../../../src/app/assess/verdict.ts'
import type { Inventory } from '../../../../src/app/inventory/record.ts'
import { takeInventory } from '../../../../src/app/inventory/take-inventory.ts'
import { cloudFault, type Fault } from '../../../../src/core/cloud-fault.ts'
import { simulatedPorts } from '../../../../src/simulation/cloud.ts'
import { createPulse } from '../../../../src/simulation/pulse.ts'
import { furnish, SCENE } from '../../../../src/simulation/scene.ts'
import { createWorld, type World } from '../../../../src/simulation/world.ts'

export const SOURCE = 'eu-west-1'
export const TARGET = 'eu-central-1'
export const FLAGS = { securityGroup: [SCENE.securityGroup(TARGET)], kmsKey: SCENE.keyAlias }

export function furnished(kind: 'instance' | 'cluster' | 'lone-cluster' = 'instance'): World {
  const world = createWorld()
  const scene = kind === 'lone-cluster' ? ({ kind: 'cluster', global: 'none' } as const) : { kind }
  furnish(world, { source: SOURCE, target: TARGET, db: 'shop', ...scene })
  return world
}

export function requestOf(world: World, given: Partial<GatherRequest> = {}): GatherRequest {
  return {
    ports: simulatedPorts(world, SOURCE, TARGET),
    pulse: createPulse(world),
    clock: world.time.clock,
    timeoutMs: 15_000,
    databases: ['shop'],
    flags: FLAGS,
    inventory: undefined,
    sinks: [],
    past: [],
    prepared: [],
    login: undefined,
    ...given,
  }
}

export function assessWorld(world: World, given: Partial<GatherRequest> = {}): Promise<Assessment> {
  return assess(requestOf(world, given), new AbortController().signal)
}

export function wayOf({ databases }: Assessment, way: AssessedWay, id = 'shop'): Verdict {
  const found = databases.find((db) => db.id === id)?.ways.find((verdict) => verdict.way === way)
  if (found === undefined) throw new Error(`${way} of ${id} was not assessed`)
  return found
}

export function states(assessment: Assessment, id = 'shop'): Readonly<Record<string, string>> {
  const ways = assessment.databases.find((db) => db.id === id)?.ways ?? []
  return Object.fromEntries(ways.map(({ way, state }) => [way, state]))
}

/** Every call of a service in a region fails so, for good. */
export function strike(world: World, service: string, region: string, fault: Fault, vendorCode: string) {
  const { call } = world
  Object.assign(world, {
    call: ((operation, where, kind, signal, work) =>
      operation.startsWith(`${service}:`) && where === region
        ? Promise.reject(
            cloudFault(fault, `unable to look: ${vendorCode}`, { operation, region: where, vendorCode }),
          )
        : call(operation, where, kind, signal, work)) satisfies World['call'],
  })
}

/** Of both regions, taken while all was well. */
export function inventoryOf(world: World): Promise<Inventory> {
  return takeInventory(
    {
      ports: simulatedPorts(world, SOURCE, TARGET),
      ...{ both: true, databases: undefined, id: '20261122T210500Z-k3f9', job: 'inventory' },
      ...{ clock: world.time.clock, timeoutMs: 60_000 },
    },
    new AbortController().signal,
  )
}
