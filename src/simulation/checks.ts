import { struck } from './strikes.ts'
import type { Mutable, RegionState, World } from './world.ts'

/** One call of one region, with what it refuses as AWS would. */
export interface SimulatedCall {
  readonly operation: string
  readonly state: RegionState
  readonly world: World
}

export function found<T>({ operation, state }: SimulatedCall, thing: T | undefined, name: string): T {
  if (thing !== undefined) return thing
  throw struck('not-found', operation, state.name, `${name} not found`)
}

export function refuse(
  { operation, state }: SimulatedCall,
  fault: Parameters<typeof struck>[0],
  reason: string,
): never {
  throw struck(fault, operation, state.name, reason)
}

export function mustBeNew(call: SimulatedCall, there: boolean, name: string): void {
  if (there) refuse(call, 'exists', `${name} already exists`)
}

export function mustBeAvailable(
  call: SimulatedCall,
  thing: { readonly id: string; readonly status: string },
): void {
  if (thing.status !== 'available') refuse(call, 'busy', `${thing.id} is ${thing.status}`)
}

export function mustFit(call: SimulatedCall, quota: string, used: number): void {
  const most = call.state.quotas.get(quota) ?? Number.POSITIVE_INFINITY
  if (used >= most) refuse(call, 'quota', `${quota}: ${used} of ${most} in use`)
}

/** Keys that RDS takes: of this region, enabled, symmetric, for encryption. */
export function usableKey(call: SimulatedCall, name: string): string {
  const { keys } = call.state
  const key =
    keys.get(name) ?? [...keys.values()].find(({ arn, aliases }) => arn === name || aliases.includes(name))
  if (key === undefined) refuse(call, 'key', `${name} is no key of ${call.state.name}`)
  if (!key.enabled || key.state !== 'Enabled') refuse(call, 'key', `${key.arn} is ${key.state}`)
  if (key.spec !== 'SYMMETRIC_DEFAULT') refuse(call, 'key', `${key.arn} is ${key.spec}`)
  return key.arn
}

export function mustHaveGroups(
  call: SimulatedCall,
  groups: {
    readonly subnetGroup?: string
    readonly securityGroups?: readonly string[]
    readonly parameterGroup?: string
    readonly optionGroup?: string
  },
  of: 'instance' | 'cluster' = 'instance',
): void {
  const { subnetGroups, securityGroups, parameterGroups, optionGroups } = call.state
  const { subnetGroup, parameterGroup, optionGroup } = groups
  if (subnetGroup !== undefined) found(call, subnetGroups.get(subnetGroup), `subnet group ${subnetGroup}`)
  for (const id of groups.securityGroups ?? []) found(call, securityGroups.get(id), `security group ${id}`)
  if (parameterGroup !== undefined)
    found(call, parameterGroups.get(`${of}/${parameterGroup}`), `parameter group ${parameterGroup}`)
  if (optionGroup !== undefined) found(call, optionGroups.get(optionGroup), `option group ${optionGroup}`)
}

export function mustHaveRoom(call: SimulatedCall, instanceClass: string, zone: string | undefined): void {
  const { exhausted, orderable } = call.state
  const offer = orderable.find((each) => each.instanceClass === instanceClass)
  if (offer === undefined) refuse(call, 'invalid', `${instanceClass} is not offered`)
  if (zone !== undefined && !offer.zones.includes(zone))
    refuse(call, 'invalid', `${instanceClass} is not offered in ${zone}`)
  const zones = zone === undefined ? offer.zones : [zone]
  const full =
    exhausted.has(instanceClass) || zones.every((each) => exhausted.has(`${instanceClass}/${each}`))
  if (full) refuse(call, 'capacity', `no ${instanceClass} left${zone === undefined ? '' : ` in ${zone}`}`)
}

/** Sets what is given, and leaves alone what is not. */
export function assign<T extends object>(thing: Mutable<T>, change: Partial<T>): void {
  for (const [name, value] of Object.entries(change))
    if (value !== undefined) Object.assign(thing, { [name]: value })
}
