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
  /** What the newest backup says, for the oldest may be pruned: since when there have been backups and no drill. */
  readonly undrilledSince: Date | undefined
}

export interface DrillFacts {
  readonly history: Known<DrillHistory>
  readonly maxAgeMs: number
  readonly now: Date
}

/** Clocks differ a little. A drill from further ahead would look new for as long: it does not count. */
const AHEAD_MS = 15 * 60_000

/** For the manifest of the next backup; undefined once a drill has passed, or where nobody knows. */
export function undrilledSince({ history, now }: DrillFacts): Date | undefined {
  if (!history.known || history.value.last?.outcome === 'passed') return undefined
  return firstBackup(history.value) ?? now
}

function firstBackup({ oldestBackup, undrilledSince: said }: DrillHistory): Date | undefined {
  if (oldestBackup === undefined || said === undefined) return oldestBackup ?? said
  return oldestBackup < said ? oldestBackup : said
}

/**
 * A drill restores a backup, so the first backup can have none behind it: a job has as long as a drill may be old to pass its
 * first. After that the grace is over for good.
 */
export function judgeDrill({ history, maxAgeMs, now }: DrillFacts): Judgement {
  const remedy = 'Run lifeboat drill for the job, and see that it passes.'
  if (!history.known) {
    return {
      state: 'unknown',
      found: history.reason,
      remedy: 'Let this machine reach that sink: lifeboat doctor with the job says what is in the way.',
    }
  }
  const { last } = history.value
  const first = firstBackup(history.value)
  const ageMs = last === undefined ? undefined : now.getTime() - last.at.getTime()
  const most = showTime(maxAgeMs)
  if (last?.outcome === 'passed' && ageMs !== undefined && ageMs >= -AHEAD_MS && ageMs <= maxAgeMs) {
    return { state: 'ok', found: `the last was ${showTime(Math.max(0, ageMs))} ago` }
  }
  if (first === undefined) return { state: 'ok', found: 'there is no backup yet that one could restore' }
  const dueMs = first.getTime() + maxAgeMs
  if (last?.outcome !== 'passed' && now.getTime() <= dueMs) {
    return { state: 'ok', found: `the first is due by ${new Date(dueMs).toISOString().slice(0, 10)}` }
  }
  return { state: 'violated', found: describe(last, ageMs, most), remedy }
}

function describe(last: LastDrill | undefined, ageMs: number | undefined, most: string): string {
  if (last === undefined || ageMs === undefined)
    return `there was none, and backups have been made for longer than ${most}`
  const when = last.at.toISOString()
  if (last.outcome !== 'passed') return `the last one, of ${when}, did not pass (${last.outcome})`
  if (ageMs < 0) return `the last one is dated ${when}, which is to come: a clock is wrong`
  return `the last one was ${showTime(ageMs)} ago, and ${most} are allowed`
}
