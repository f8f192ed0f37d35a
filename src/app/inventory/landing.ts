import {
  type LandingEntry,
  mapLandingZone,
  NO_CHOICE,
  needsOfCluster,
  needsOfInstance,
} from '../../runbooks/landing-zone.ts'
import { wrongWithTrust } from '../../runbooks/role-trust.ts'
import { findPrepared, type PreparedLanding } from '../prepared-landings.ts'
import type { Inventory, Section } from './record.ts'
import type { TakenRoles } from './take-roles.ts'

/** What of the target region stands for what a database refers to. */
export interface DatabaseLanding {
  readonly database: string
  readonly entries: readonly LandingEntry[]
}

const SECTIONS: Readonly<Record<LandingEntry['kind'], readonly Section[]>> = {
  'subnet-group': ['subnetGroups'],
  'security-group': ['securityGroups'],
  'parameter-group': ['instanceParameterGroups', 'clusterParameterGroups'],
  'option-group': ['optionGroups'],
  key: ['keys'],
  role: [],
}

/** What decides beside the regions what stands for what. */
export interface LandingWays extends TakenRoles {
  readonly account: string | undefined
  /** Newest first. */
  readonly prepared: readonly PreparedLanding[]
}

/** Of each database that stands by itself: as prepare has settled it, else by the names of things; empty without a target region. */
export function landingOf(
  { regions: [source, target], unknown }: Pick<Inventory, 'regions' | 'unknown'>,
  { prepared, ...iam }: LandingWays,
): DatabaseLanding[] {
  if (source === undefined || target === undefined) return []
  const unasked = new Set(unknown.flatMap(({ region, what }) => (region === target.region ? [what] : [])))
  const needs = [
    ...source.instances.filter(({ clusterId }) => clusterId === undefined).map(needsOfInstance),
    ...source.clusters.map(needsOfCluster),
  ]
  const roles = wrongRoles(iam, target.region)
  return needs.map((each) => {
    const wanted = { source: source.region, target: target.region, db: each.id }
    const kept = findPrepared(prepared, wanted)?.entries ?? []
    return {
      database: each.id,
      entries: mapLandingZone(each, source, target, NO_CHOICE, { kept, roles }).map((entry) =>
        entry.target === null && SECTIONS[entry.kind].some((section) => unasked.has(section))
          ? { ...entry, missing: `${target.region} could not be asked for it` }
          : entry,
      ),
    }
  })
}

/** Without a number of the account nobody is shut out for it. */
function wrongRoles(
  { roles, gone, account }: Omit<LandingWays, 'prepared'>,
  region: string,
): ReadonlyMap<string, string | null> {
  return new Map([
    ...gone.map((arn) => [arn, 'there is none such'] as const),
    ...roles.map(
      (role) => [role.arn, wrongWithTrust(role, region, account ?? role.arn.split(':')[4] ?? '')] as const,
    ),
  ])
}
