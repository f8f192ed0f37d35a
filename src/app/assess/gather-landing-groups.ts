import type { SnapshotKind } from '../../runbooks/ports/rds-backups.ts'
import type { OptionGroup, ParameterGroup } from '../../runbooks/ports/rds-groups.ts'
import { type Inventory, sourceOf } from '../inventory/record.ts'
import { type Answer, known, mapAnswer } from './answer.ts'
import type { Ask } from './ask.ts'
import type { Identity, Needed } from './evidence.ts'
import type { GatherRequest } from './gather.ts'
import { nameFor, UNKNOWN_OWN, type Wanted } from './landing-name.ts'

export async function parameterGroupOf(
  wanted: Wanted,
  { flags, ports: { source, target }, inventory }: GatherRequest,
  ask: Ask,
): Promise<Answer<Needed | null>> {
  const { identity, kind } = wanted
  const name = nameFor(wanted, 'parameter-group', flags.parameterGroup, (own) => own.parameterGroup)
  if (name === undefined) return UNKNOWN_OWN
  if (name === null) return known(null)
  const at = { service: 'rds', region: target.region } as const
  const own = identity.known ? identity.value.parameterGroup : null
  const [found, versions, before] = await Promise.all([
    ask(at, async (signal) => (await target.rds.parameterGroup(kind, name, signal)) ?? null),
    identity.known
      ? ask(at, (signal) => target.rds.engineVersions(identity.value.engine, signal))
      : UNKNOWN_OWN,
    own === null
      ? known(null)
      : identity.known && identity.asOf !== null && inventory !== undefined
        ? known(keptGroups(inventory, kind).find((group) => group.name === own) ?? null)
        : ask({ service: 'rds', region: source.region }, async (signal) => {
            return (await source.rds.parameterGroup(kind, own, signal)) ?? null
          }),
  ])
  return mapAnswer(found, (group) => {
    const family = versions.known
      ? versions.value.find(({ version }) => identity.known && version === identity.value.engineVersion)
          ?.family
      : undefined
    return {
      ...{ name, there: group !== null },
      wrong:
        group === null || family === undefined || group.family === family
          ? null
          : `it is of family ${group.family}, and its version needs ${family}`,
      differs: group === null || !before.known ? [] : differing(before.value, group),
    }
  })
}

function keptGroups(inventory: Inventory, kind: SnapshotKind): readonly ParameterGroup[] {
  const { instanceParameterGroups, clusterParameterGroups } = sourceOf(inventory)
  return kind === 'instance' ? instanceParameterGroups : clusterParameterGroups
}

function differing(before: ParameterGroup | null, after: ParameterGroup): readonly string[] {
  const set = new Map(after.parameters.map(({ name, value }) => [name, value]))
  return (before?.parameters ?? [])
    .filter(({ name, value }) => set.get(name) !== value)
    .map(({ name }) => name)
}

export async function optionGroupOf(
  wanted: Wanted,
  { flags, ports: { target } }: GatherRequest,
  ask: Ask,
): Promise<Answer<Needed | null>> {
  const { identity } = wanted
  const name = nameFor(wanted, 'option-group', flags.optionGroup, (own) => own.optionGroup)
  if (name === undefined) return UNKNOWN_OWN
  if (name === null) return known(null)
  const found = await ask(
    { service: 'rds', region: target.region },
    async (signal) => (await target.rds.optionGroup(name, signal)) ?? null,
  )
  return mapAnswer(found, (group) => ({
    ...{ name, there: group !== null, differs: [] },
    wrong:
      group === null || !identity.known || isForVersion(group, identity.value)
        ? null
        : `it is of ${group.engine} ${group.majorVersion}, and not of ${identity.value.engine} ${identity.value.engineVersion}`,
  }))
}

/** `8.0` stands for 8.0.40, `16` for 16.4, `15.00` for 15.00.4073.23.v1. */
function isForVersion(group: OptionGroup, { engine, engineVersion }: Identity): boolean {
  return group.engine === engine && `${engineVersion}.`.startsWith(`${group.majorVersion}.`)
}
