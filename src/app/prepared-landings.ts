import type { KeptLanding } from '../runbooks/kept-landing.ts'
import { LANDING_CHECK, seenName } from '../runbooks/landing-check.ts'
import type { LandingEntry } from '../runbooks/landing-zone.ts'
import type { PrepareFacts } from '../runbooks/prepare-facts.ts'
import type { WayFlags } from '../runbooks/way-flags.ts'
import type { PastRun } from './past-runs.ts'

/** What a run of prepare has settled, for one database between two regions. */
export interface PreparedLanding extends KeptLanding {
  readonly source: string
  readonly target: string
  readonly db: string
  /** What the operator had named, as options. */
  readonly chosen: Pick<
    WayFlags,
    'subnetGroup' | 'securityGroup' | 'parameterGroup' | 'optionGroup' | 'kmsKey'
  >
}

/** Newest first, as the runs are; of what was never ended nothing counts. */
export function preparedLandings(runs: readonly PastRun[]): readonly PreparedLanding[] {
  return runs.flatMap((run) => preparedBy(run) ?? [])
}

export function findPrepared(
  landings: readonly PreparedLanding[],
  wanted: Pick<PreparedLanding, 'source' | 'target' | 'db'>,
): PreparedLanding | undefined {
  return landings.find(
    ({ source, target, db }) => source === wanted.source && target === wanted.target && db === wanted.db,
  )
}

function preparedBy({ run, records }: PastRun): PreparedLanding | undefined {
  const planned = records.find((record) => record.event === 'planned')
  const end = records.find((record) => record.event === 'ended' && record.outcome === 'done')
  if (planned?.way !== 'prepare' || end === undefined) return undefined
  const { source, target, db, ...flags } = planned.flags as WayFlags
  const [id] = db ?? []
  if (source === undefined || target === undefined || id === undefined) return undefined
  const seen: Record<string, unknown> = {}
  for (const record of records)
    if (record.event === 'step' && record.step === LANDING_CHECK) Object.assign(seen, record.seen)
  const { subnetGroup, securityGroup, parameterGroup, optionGroup, kmsKey } = flags
  const given = { subnetGroup, securityGroup, parameterGroup, optionGroup, kmsKey }
  return {
    ...{ from: `prepare, run ${run}`, at: end.at, source, target, db: id.toLowerCase() },
    entries: entriesOf(planned.facts as PrepareFacts, seen),
    chosen: Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  }
}

/** What was not there when the run was planned is what it has made. */
function entriesOf(facts: PrepareFacts, seen: Readonly<Record<string, unknown>>): readonly LandingEntry[] {
  const { subnetGroup, securityGroups, parameterGroup, optionGroup, key } = facts
  const names: Readonly<Record<LandingEntry['kind'], readonly (string | undefined)[]>> = {
    'subnet-group': [subnetGroup?.name],
    // One for each that was missing, in this order.
    'security-group': securityGroups.map(({ name }) => name),
    'parameter-group': [parameterGroup?.name],
    'option-group': [optionGroup?.name],
    key: [key?.alias],
    role: [],
  }
  const next = new Map<string, number>()
  return facts.landing.map((entry) => {
    if (entry.target !== null) return entry
    const { kind } = entry
    const index = next.get(kind) ?? 0
    next.set(kind, index + 1)
    const name = names[kind][index]
    const made = name === undefined ? undefined : seen[seenName(kind, name)]
    return typeof made === 'string' ? { ...entry, target: made, missing: null } : entry
  })
}
