import { type Judgement, type Known, showTime } from './rule.ts'

/** The newest drill of a job that passed, or else the newest of all. */
export interface LastDrill {
  readonly at: Date
  /** `passed`, or what it was instead. */
  readonly outcome: string
}

export interface DrillHistory {
  readonly last: LastDrill | undefined
  /** When the oldest backup was begun that is whole. */
  readonly oldestBackup: Date | undefined
}

export interface DrillFacts {
  readonly history: Known<DrillHistory>
  readonly maxAgeMs: number
  readonly now: Date
}

/** Clocks differ a little. A drill from further ahead would look new for as long: it does not count. */
const AHEAD_MS = 15 * 60_000

/**
 * A drill restores a backup, so the first backup can have none behind it: a job whose oldest backup is younger than a drill
 * may be old has that long to pass its first.
 */
export function judgeDrill({ history, maxAgeMs, now }: DrillFacts): Judgement {
  const remedy = 'Restore the newest backup into a scratch server as a drill, and see that it passes.'
  if (!history.known) return { state: 'unknown', found: history.reason, remedy }
  const { last, oldestBackup } = history.value
  const ageMs = last === undefined ? undefined : now.getTime() - last.at.getTime()
  const most = showTime(maxAgeMs)
  if (last?.outcome === 'passed' && ageMs !== undefined && ageMs >= -AHEAD_MS && ageMs <= maxAgeMs) {
    return { state: 'ok', found: `the last was ${showTime(Math.max(0, ageMs))} ago` }
  }
  if (oldestBackup === undefined)
    return { state: 'ok', found: 'there is no backup yet that one could restore' }
  const dueMs = oldestBackup.getTime() + maxAgeMs
  if (now.getTime() <= dueMs) {
    return { state: 'ok', found: `the first is due by ${new Date(dueMs).toISOString().slice(0, 10)}` }
  }
  return { state: 'violated', found: describe(last, ageMs, most), remedy }
}

function describe(last: LastDrill | undefined, ageMs: number | undefined, most: string): string {
  if (last === undefined || ageMs === undefined) return `there was none, and backups are older than ${most}`
  const when = last.at.toISOString()
  if (last.outcome !== 'passed') return `the last one, of ${when}, did not pass (${last.outcome})`
  if (ageMs < 0) return `the last one is dated ${when}, which is to come: a clock is wrong`
  return `the last one was ${showTime(ageMs)} ago, and ${most} are allowed`
}
