import type { LandingEntry, LandingNeeds, LandingZone } from './landing-zone.ts'
import { differing } from './parity.ts'
import type { ParameterGroup } from './ports/rds-groups.ts'

/** What stands for a thing of the source and is not like it, in whole sentences: `prepare` overwrites nothing. */
export function landingDifferences(
  { kind }: LandingNeeds,
  landing: readonly LandingEntry[],
  from: LandingZone,
  to: LandingZone,
): readonly string[] {
  const groups = kind === 'instance' ? 'instanceParameterGroups' : 'clusterParameterGroups'
  const found = landing.flatMap((entry) => {
    if (entry.target === null) return []
    if (entry.kind === 'parameter-group') {
      const names = differing(setBy(entry.source, from[groups]), setBy(entry.target, to[groups]))
      if (names.length === 0) return []
      return [
        `Parameter group ${entry.target} of ${to.region} does not set as in ${from.region}: ${names.join(', ')}. It is not overwritten: set them there, or name another with --parameter-group.`,
      ]
    }
    if (entry.kind === 'security-group')
      return entry.target
        .split(',')
        .filter((id) => to.securityGroups.find((group) => group.id === id)?.inbound.length === 0)
        .map(
          (id) =>
            `Security group ${id} of ${to.region} lets nobody in: add rules there for those who have to reach the database.`,
        )
    if (entry.kind === 'option-group') {
      const options = ({ optionGroups }: LandingZone, name: string) =>
        optionGroups.find((group) => group.name === name)?.options.map((option) => option.name) ?? []
      const there = options(to, entry.target)
      const lacking = options(from, entry.source).filter((name) => !there.includes(name))
      if (lacking.length === 0) return []
      return [
        `Option group ${entry.target} of ${to.region} lacks what that of ${from.region} has: ${lacking.join(', ')}. It is not overwritten: add them there, or name another with --option-group.`,
      ]
    }
    return []
  })
  // Several groups of the source may have one in common.
  return [...new Set(found)]
}

function setBy(name: string, groups: readonly ParameterGroup[]): Readonly<Record<string, string>> {
  const parameters = groups.find((group) => group.name === name)?.parameters ?? []
  return Object.fromEntries(parameters.map((parameter) => [parameter.name, parameter.value]))
}
