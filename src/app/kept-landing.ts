import { choiceOf, type KeptLanding, keptFlags } from '../runbooks/kept-landing.ts'
import type { LandingChoice } from '../runbooks/landing-zone.ts'
import type { WayFlags } from '../runbooks/way-flags.ts'
import type { Inventory } from './inventory/record.ts'
import { runsInFolder } from './past-runs.ts'
import { findPrepared, type PreparedLanding, preparedLandings } from './prepared-landings.ts'

/** Ways that make something new where nothing was. */
const LANDING_WAYS = new Set([
  ...['restore-snapshot', 'restore-replicated-backup', 'copy-snapshot', 'aurora-add-region', 'native'],
])

export interface KeptPlaces {
  readonly stateFolder: string
  /** That the operator has opened, and vouches for. */
  readonly inventory: Inventory | undefined
}

/**
 * What of the landing zone was settled before, for options that are not given: by a run of prepare on this machine, else by the
 * inventory. A sink is not asked: whoever can write there must not choose who is let in. Of prepare itself only what the operator
 * had named: what it has made it makes again where it is gone.
 */
export async function addKeptLanding(way: string, flags: WayFlags, places: KeptPlaces): Promise<WayFlags> {
  const { source, target, db = [] } = flags
  const [id] = db
  if (source === undefined || target === undefined || id === undefined) return flags
  if (way !== 'prepare' && !LANDING_WAYS.has(way)) return flags
  const wanted = { source, target, db: id.toLowerCase() }
  const prepared = findPrepared(await preparedHere(places.stateFolder), wanted)
  const kept = prepared ?? inventoryLanding(places.inventory, wanted)
  if (kept === undefined) return flags
  const choice = way === 'prepare' ? chosenBefore(prepared) : choiceOf(kept.entries)
  const { flags: added, words } = keptFlags(flags, choice)
  if (words.length === 0) return flags
  return { ...flags, ...added, keptLanding: { from: kept.from, at: kept.at, words } }
}

/** Newest first. */
export async function preparedHere(stateFolder: string): Promise<readonly PreparedLanding[]> {
  return preparedLandings((await runsInFolder(stateFolder)).runs)
}

/** What the inventory says of the target; undefined where it was taken without it. */
export function inventoryLanding(
  inventory: Inventory | undefined,
  wanted: Pick<PreparedLanding, 'source' | 'target' | 'db'>,
): KeptLanding | undefined {
  if (inventory?.source !== wanted.source || inventory.target !== wanted.target) return undefined
  const entries = inventory.landing.find(({ database }) => database === wanted.db)?.entries
  if (entries === undefined) return undefined
  return { from: `inventory ${inventory.id}`, at: inventory.ended, entries }
}

function chosenBefore(prepared: PreparedLanding | undefined): LandingChoice {
  const { subnetGroup, securityGroup, parameterGroup, optionGroup, kmsKey } = prepared?.chosen ?? {}
  return {
    subnetGroup: subnetGroup ?? null,
    securityGroups: securityGroup ?? [],
    parameterGroup: parameterGroup ?? null,
    optionGroup: optionGroup ?? null,
    kmsKey: kmsKey ?? null,
  }
}
