import {
  type LandingEntry,
  mapLandingZone,
  NO_CHOICE,
  needsOfCluster,
  needsOfInstance,
} from '../../runbooks/landing-zone.ts'
import type { Inventory, Section } from './record.ts'

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

/** Of each database that stands by itself, by the names of things; empty without a target region. */
export function landingOf({
  regions: [source, target],
  unknown,
}: Pick<Inventory, 'regions' | 'unknown'>): DatabaseLanding[] {
  if (source === undefined || target === undefined) return []
  const unasked = new Set(unknown.flatMap(({ region, what }) => (region === target.region ? [what] : [])))
  const needs = [
    ...source.instances.filter(({ clusterId }) => clusterId === undefined).map(needsOfInstance),
    ...source.clusters.map(needsOfCluster),
  ]
  return needs.map((each) => ({
    database: each.id,
    entries: mapLandingZone(each, source, target, NO_CHOICE).map((entry) =>
      entry.target === null && SECTIONS[entry.kind].some((section) => unasked.has(section))
        ? { ...entry, missing: `${target.region} could not be asked for it` }
        : entry,
    ),
  }))
}
