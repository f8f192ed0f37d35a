import type { AccountList } from '../core/accounts.ts'
import { faultOf, isTransient } from '../core/cloud-fault.ts'
import { messageOf, throwIfAborted } from '../core/errors.ts'
import { withTimeLimit } from '../core/time-limit.ts'
import { type SealedAccounts, sealAccounts } from './compare-accounts.ts'
import type { NotLookedAt } from './ports/database.ts'
import type { Endpoint } from './ports/rds.ts'
import type { CloudPorts, RegionPorts } from './ports.ts'
import { endpointOf, findDatabase } from './posture.ts'

/** Who may do what at the old database, before anything is done. Plain JSON: it is kept in the journal with the facts. */
export interface SourceAccounts {
  /** `eu-west-1/shop`. */
  readonly of: string
  readonly endpoint: Endpoint | null
  readonly sealed: SealedAccounts | null
  /** Why they are not known; null where they are. */
  readonly reason: string | null
  /** Null for the database itself; else the operator's file that stands for it, and of when it is. */
  readonly from: string | null
}

/** Read at another time, for when the old database gives no answer. */
export interface KeptAccounts {
  readonly sealed: SealedAccounts
  /** Which file, and of when it is. */
  readonly from: string
}

const LONGEST_MS = 120_000
const ENDPOINT_MS = 20_000
const MOST_TRIES = 3

export interface LookedAtAccounts {
  readonly endpoint: Endpoint | undefined
  readonly found: AccountList | NotLookedAt
}

/**
 * Best-effort and bounded, as nobody may be kept from leaving a region by it. The database itself is asked, which may answer where its
 * control plane is dead: at the endpoint that the operator gave, or that the region or an inventory knows.
 */
export async function lookAtAccounts(
  db: string,
  given: Endpoint | undefined,
  ports: Pick<CloudPorts, 'source' | 'remembered' | 'database'>,
  mayAsk: boolean,
  signal: AbortSignal,
): Promise<LookedAtAccounts> {
  const bounded = withTimeLimit(signal, LONGEST_MS)
  try {
    const endpoint = given ?? (await findEndpoint(db, ports, mayAsk, withTimeLimit(signal, ENDPOINT_MS)))
    throwIfAborted(signal)
    const found = endpoint === undefined ? NO_ENDPOINT : await askAgain(ports, endpoint, bounded)
    return { endpoint, found }
  } catch (thrown) {
    throwIfAborted(signal)
    if (faultOf(thrown) === undefined && !bounded.aborted) throw thrown
    return { endpoint: given, found: { unknown: messageOf(thrown) } }
  }
}

/** The same, as a journal keeps it; where the database gives no answer, what the operator has kept. */
export async function readSourceAccounts(
  db: string,
  given: Endpoint | undefined,
  ports: Pick<CloudPorts, 'source' | 'remembered' | 'rememberedAccounts' | 'database'>,
  mayAsk: boolean,
  signal: AbortSignal,
): Promise<SourceAccounts> {
  const { endpoint = null, found } = await lookAtAccounts(db, given, ports, mayAsk, signal)
  const about = { of: `${ports.source.region}/${db}`, endpoint }
  if (!('unknown' in found)) return { ...about, sealed: sealAccounts(found), reason: null, from: null }
  const kept = ports.rememberedAccounts
  return kept === undefined
    ? { ...about, sealed: null, reason: found.unknown, from: null }
    : { ...about, sealed: kept.sealed, reason: null, from: kept.from }
}

const NO_ENDPOINT: NotLookedAt = { unknown: 'its endpoint is not known: --from HOST:PORT names it' }

async function askAgain(
  { database }: Pick<CloudPorts, 'database'>,
  endpoint: Endpoint,
  signal: AbortSignal,
): Promise<AccountList | NotLookedAt> {
  for (let tries = 1; ; tries++) {
    try {
      return await database.accounts(endpoint, signal)
    } catch (thrown) {
      if (!isTransient(thrown) || tries >= MOST_TRIES) throw thrown
    }
  }
}

async function findEndpoint(
  db: string,
  { source, remembered }: Pick<CloudPorts, 'source' | 'remembered'>,
  mayAsk: boolean,
  signal: AbortSignal,
): Promise<Endpoint | undefined> {
  const known = source.inventory !== undefined
  const places = [...(remembered === undefined ? [] : [remembered]), ...(mayAsk || known ? [source] : [])]
  for (const place of places) {
    const endpoint = await endpointAt(db, place, signal)
    if (endpoint !== undefined) return endpoint
  }
  return undefined
}

async function endpointAt(
  db: string,
  place: RegionPorts,
  signal: AbortSignal,
): Promise<Endpoint | undefined> {
  for (let tries = 1; ; tries++) {
    try {
      const found = await findDatabase(place, db, signal)
      return found && endpointOf(found)
    } catch (thrown) {
      const fault = faultOf(thrown)
      if (fault === undefined && !signal.aborted) throw thrown
      const again = isTransient(thrown) && fault !== 'unavailable' && tries < MOST_TRIES && !signal.aborted
      if (!again) return undefined
    }
  }
}
