/** Every way out there is to be, built or not, best first where nothing tells them apart. */
export const ASSESSED_WAYS = [
  'aurora-failover',
  'promote-replica',
  'restore-replicated-backup',
  'restore-snapshot',
  'copy-snapshot',
  'aurora-add-region',
  'native',
] as const
export type AssessedWay = (typeof ASSESSED_WAYS)[number]

export type Openness = 'open' | 'closed' | 'unknown'

/** One thing that has to hold for a way to be open. */
export interface Condition {
  readonly state: Openness
  /** In a phrase. */
  readonly reason: string
}

/**
 * What a number rests on: what was measured, here or at an earlier time; what is usual for AWS; both, one after the other; or
 * nothing, where there is no number.
 */
export interface Rests {
  readonly on: 'measured' | 'partly-measured' | 'typical' | 'nothing'
  /** When it was measured; null for just now, and for what was not. */
  readonly at: string | null
}

/** A span, since nobody knows to the minute. Null where nothing is known of it. */
export interface Estimate {
  readonly leastMs: number | null
  readonly mostMs: number | null
  readonly rests: Rests
  /** The same in words, with what exactly was measured. */
  readonly basis: string
}

export interface Verdict {
  readonly way: AssessedWay
  readonly state: Openness
  /** Why it is so. */
  readonly reasons: readonly string[]
  /** What is lost of the data. */
  readonly rpo: Estimate
  /** Until the database takes writes in the other region. */
  readonly rto: Estimate
  /** To be done or looked at before, in whole sentences. */
  readonly first: readonly string[]
  /** What no longer holds afterwards, in whole sentences. */
  readonly breaks: readonly string[]
  /** Begins it. Words in capitals are for the operator to fill in. Null where it is closed. */
  readonly command: string | null
}

export interface Draft extends Pick<Verdict, 'way' | 'rpo' | 'rto' | 'first' | 'breaks'> {
  readonly conditions: readonly Condition[]
  /** What starts it, word by word. */
  readonly command: readonly string[]
}

/** One thing that stands in the way closes it; one that nobody knows leaves it unknown. */
export function opennessOf(conditions: readonly Condition[]): Openness {
  if (conditions.some(({ state }) => state === 'closed')) return 'closed'
  return conditions.some(({ state }) => state === 'unknown') ? 'unknown' : 'open'
}

/** What decided comes alone: nobody reads ten good reasons beside a bad one. */
export function reasonsOf(conditions: readonly Condition[]): readonly string[] {
  const state = opennessOf(conditions)
  return [...new Set(conditions.filter((each) => each.state === state).map(({ reason }) => reason))].filter(
    (reason) => reason !== '',
  )
}

const ORDER: readonly Openness[] = ['open', 'unknown', 'closed']

/** Best first: open ones before others, and then by the time that is lost in all, of data and of service. */
export function rank(verdicts: readonly Verdict[]): readonly Verdict[] {
  return verdicts.toSorted(
    (a, b) =>
      ORDER.indexOf(a.state) - ORDER.indexOf(b.state) ||
      compare(lostMs(a), lostMs(b)) ||
      ASSESSED_WAYS.indexOf(a.way) - ASSESSED_WAYS.indexOf(b.way),
  )
}

export function lostMs({ rpo, rto }: Pick<Verdict, 'rpo' | 'rto'>): number {
  return (rpo.mostMs ?? Number.POSITIVE_INFINITY) + (rto.mostMs ?? Number.POSITIVE_INFINITY)
}

/** Of two infinities neither is less. */
function compare(a: number, b: number): number {
  return a === b ? 0 : a - b
}
