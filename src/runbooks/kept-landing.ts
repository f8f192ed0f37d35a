import type { LandingChoice, LandingEntry } from './landing-zone.ts'
import type { WayFlags } from './way-flags.ts'

/** What of the target stands for what a database refers to, as it was settled before the day it is needed. */
export interface KeptLanding {
  /** `prepare, run 20261122T210500Z-k3f9`, `inventory 20261122T210500Z-k3f9`. */
  readonly from: string
  readonly at: string
  readonly entries: readonly LandingEntry[]
}

/** Of a thing of the source. */
export function keptTarget(
  entries: readonly LandingEntry[],
  kind: LandingEntry['kind'],
  source: string | null | undefined,
): string | undefined {
  return entries.find((entry) => entry.kind === kind && entry.source === source)?.target ?? undefined
}

/** All of it, where nobody can say any more what the source refers to. */
export function choiceOf(entries: readonly LandingEntry[]): LandingChoice {
  const targets = (kind: LandingEntry['kind']) => [
    ...new Set(
      entries.flatMap((entry) => (entry.kind === kind && entry.target !== null ? idsOf(entry.target) : [])),
    ),
  ]
  const first = (kind: LandingEntry['kind']) => targets(kind)[0] ?? null
  return {
    subnetGroup: first('subnet-group'),
    securityGroups: targets('security-group'),
    parameterGroup: first('parameter-group'),
    optionGroup: first('option-group'),
    kmsKey: first('key'),
  }
}

/** Several groups may stand for one. */
export function idsOf(target: string): readonly string[] {
  return target.split(',')
}

type LandingFlags = Pick<
  WayFlags,
  'subnetGroup' | 'securityGroup' | 'parameterGroup' | 'optionGroup' | 'kmsKey'
>

const OPTIONS = {
  subnetGroup: 'subnet-group',
  securityGroup: 'security-group',
  parameterGroup: 'parameter-group',
  optionGroup: 'option-group',
  kmsKey: 'kms-key',
} as const

/** What was kept, for each option that was not given; and the words for it. */
export function keptFlags(
  given: LandingFlags,
  { subnetGroup, securityGroups, parameterGroup, optionGroup, kmsKey }: LandingChoice,
): { readonly flags: LandingFlags; readonly words: readonly string[] } {
  const kept: LandingFlags = {
    ...(subnetGroup !== null && { subnetGroup }),
    ...(securityGroups.length > 0 && { securityGroup: securityGroups }),
    ...(parameterGroup !== null && { parameterGroup }),
    ...(optionGroup !== null && { optionGroup }),
    ...(kmsKey !== null && { kmsKey }),
  }
  const names = (Object.keys(kept) as (keyof LandingFlags)[]).filter((name) => given[name] === undefined)
  const taken = Object.fromEntries(names.map((name) => [name, kept[name]])) as LandingFlags
  return {
    flags: taken,
    words: names.map((name) => `--${OPTIONS[name]} ${[kept[name]].flat().join(' ')}`),
  }
}
