/** How many to keep of what. A rule of 0 is none. */
export interface Retention {
  readonly last?: number | undefined
  readonly hourly?: number | undefined
  readonly daily?: number | undefined
  readonly weekly?: number | undefined
  readonly monthly?: number | undefined
  readonly yearly?: number | undefined
  /** Not a rule: what the rules leave is filled up to so many. */
  readonly minimum?: number | undefined
}

export interface Dated {
  readonly id: string
  /** When its dump began. */
  readonly at: Date
}

export const RETENTION_RULES = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const
type Rule = (typeof RETENTION_RULES)[number]

/** Names the period of a rule that a time lies in, in UTC. Undefined for `last`, where each backup is its own. */
const PERIODS: Readonly<Record<Exclude<Rule, 'last'>, (at: Date) => string>> = {
  hourly: (at) => `${at.toISOString().slice(0, 13)}h`,
  daily: (at) => at.toISOString().slice(0, 10),
  weekly: isoWeek,
  monthly: (at) => at.toISOString().slice(0, 7),
  yearly: (at) => at.toISOString().slice(0, 4),
}

export function hasRule(retention: Retention): boolean {
  return RETENTION_RULES.some((rule) => (retention[rule] ?? 0) > 0)
}

/**
 * Which backups the rules keep, and why. Each rule by itself keeps the newest backup of each of the newest N periods that
 * have one, as restic and borg do: a period without a backup does not count.
 */
export function keptByRules(
  backups: readonly Dated[],
  retention: Retention,
): ReadonlyMap<string, readonly string[]> {
  const kept = new Map<string, string[]>()
  const newestFirst = [...backups].sort(compareNewestFirst)
  for (const rule of RETENTION_RULES) {
    const most = retention[rule] ?? 0
    const periods = new Set<string>()
    for (const { id, at } of newestFirst) {
      if (periods.size >= most) break
      const period = rule === 'last' ? `${periods.size + 1} of ${most}` : PERIODS[rule](at)
      if (periods.has(period)) continue
      periods.add(period)
      kept.set(id, [...(kept.get(id) ?? []), `${rule} ${period}`])
    }
  }
  return kept
}

/** The newest of those that are not kept, as many as are missing from the minimum. */
export function fillToMinimum(
  backups: readonly Dated[],
  kept: ReadonlySet<string>,
  minimum: number,
): readonly string[] {
  const present = backups.filter(({ id }) => kept.has(id)).length
  return [...backups]
    .sort(compareNewestFirst)
    .filter(({ id }) => !kept.has(id))
    .slice(0, Math.max(0, minimum - present))
    .map(({ id }) => id)
}

/** Ids of the same moment are told apart by their own order, so that the answer never depends on a listing's. */
export function compareNewestFirst(a: Dated, b: Dated): number {
  return b.at.getTime() - a.at.getTime() || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0)
}

const DAY_MS = 86_400_000

/** `2026-W47` of ISO 8601: weeks begin on Monday and belong to the year of their Thursday. */
function isoWeek(at: Date): string {
  const day = Math.floor(at.getTime() / DAY_MS)
  // Day 0 of the epoch was a Thursday.
  const thursday = new Date((day - ((((day + 3) % 7) + 7) % 7) + 3) * DAY_MS)
  const year = thursday.getUTCFullYear()
  const week = Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / DAY_MS / 7) + 1
  return `${year}-W${String(week).padStart(2, '0')}`
}
