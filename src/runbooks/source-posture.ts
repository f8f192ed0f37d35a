import { faultOf, isTransient } from '../core/cloud-fault.ts'
import { messageOf, throwIfAborted } from '../core/errors.ts'
import { withTimeLimit } from '../core/time-limit.ts'
import { PARITY_CHECKS } from './parity.ts'
import type { CloudPorts, RegionPorts } from './ports.ts'
import { findDatabase, type Posture, readPosture, type SeenPosture } from './posture.ts'

/** How the old database is protected, as far as anybody can say. Plain JSON: it is kept in the journal with the facts. */
export interface SourcePosture {
  readonly from: 'source' | 'inventory' | 'backup' | 'nowhere'
  readonly known: Partial<Posture>
  /** Why not all of it is known; null where it is. */
  readonly reason: string | null
}

const LONGEST_MS = 20_000
const MOST_TRIES = 3
const PARTS = PARITY_CHECKS.length

/**
 * Best-effort and bounded: nobody may be kept from leaving a region by what only measures the other. The region itself is asked where the
 * way may ask it, then the inventory that the operator has named, for what is missing; `said` is what the way itself knows.
 */
export async function readSourcePosture(
  db: string,
  { source, remembered }: Pick<CloudPorts, 'source' | 'remembered'>,
  mayAsk: boolean,
  said: Partial<Posture>,
  signal: AbortSignal,
): Promise<SourcePosture> {
  const isLive = source.inventory === undefined
  const places = [...(mayAsk || !isLive ? [source] : []), ...(remembered === undefined ? [] : [remembered])]
  const bounded = withTimeLimit(signal, LONGEST_MS)
  let known: Partial<Posture> = {}
  let from: SourcePosture['from'] = 'nowhere'
  const reasons: string[] = []
  for (const place of places) {
    if (Object.keys(known).length === PARTS) break
    const seen = await readPlace(db, place, signal, bounded)
    if (typeof seen === 'string') {
      reasons.push(seen)
      continue
    }
    if (from === 'nowhere') from = place.inventory === undefined ? 'source' : 'inventory'
    known = { ...seen.known, ...known }
    reasons.push(...new Set(Object.values(seen.unknown)))
  }
  if (from === 'nowhere' && Object.keys(said).length > 0) from = 'backup'
  known = { ...said, ...known }
  if (places.length === 0)
    reasons.push(`this way does not ask ${source.region}, and no --inventory was given`)
  const isWhole = Object.keys(known).length === PARTS
  return { from, known, reason: isWhole ? null : reasons.join('; ') || 'nobody says it' }
}

async function readPlace(
  db: string,
  place: RegionPorts,
  signal: AbortSignal,
  bounded: AbortSignal,
): Promise<SeenPosture | string> {
  for (let tries = 1; ; tries++) {
    try {
      const found = await findDatabase(place, db, bounded)
      if (found === undefined) return `${nameOf(place)} has no '${db}'`
      return await readPosture(found, place, 'unknown', bounded)
    } catch (thrown) {
      throwIfAborted(signal)
      const fault = faultOf(thrown)
      if (fault === undefined && !bounded.aborted) throw thrown
      // A region that gives no answer gives none to the next call either; one that is only busy does.
      if (isTransient(thrown) && fault !== 'unavailable' && tries < MOST_TRIES && !bounded.aborted) continue
      return `${nameOf(place)}: ${messageOf(thrown)}`
    }
  }
}

function nameOf({ region, inventory }: RegionPorts): string {
  return inventory === undefined ? region : `inventory ${inventory} of ${region}`
}
