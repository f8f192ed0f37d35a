import { layout } from '../core/backup-layout.ts'
import type { Sink } from '../core/sink.ts'
import { createSlots } from '../core/slots.ts'
import { compareLevels, VERIFIED_LEVELS, type Verified } from '../core/verified.ts'
import { compareNewestFirst, type Dated, fillToMinimum, keptByRules, type Retention } from './retention.ts'
import { type StockedBackup, sumOf } from './stock.ts'

export interface PlanRequest {
  readonly sink: Sink
  readonly job: string
  readonly retention: Retention
  /** What is damaged, or vouched for by nobody, goes too. */
  readonly damaged: boolean
  readonly backups: readonly StockedBackup[]
  /** Why some must not be removed, by id. */
  readonly marks: ReadonlyMap<string, string>
  readonly verified: ReadonlyMap<string, Verified>
  readonly now: Date
}

export interface PlannedBackup {
  readonly id: string
  readonly started: Date | undefined
  readonly storedBytes: number
  readonly keep: boolean
  /** Why it is kept, or goes; never empty. */
  readonly reasons: readonly string[]
}

/** Clocks differ a little. A backup from further ahead would look newest for as long: it neither counts nor goes. */
const AHEAD_MS = 15 * 60_000
const LOOKS_AT_ONCE = 8

/** Decides on every backup of a job. Nothing but what the rules leave over, and no guard holds, goes. Oldest first. */
export async function planPrune(
  request: PlanRequest,
  signal: AbortSignal,
): Promise<readonly PlannedBackup[]> {
  const { backups, marks, retention, now, sink, job } = request
  const why = new Map<string, string[]>()
  const hold = (id: string, reason: string) => why.set(id, [...(why.get(id) ?? []), reason])
  const ahead = now.getTime() + AHEAD_MS
  const counted: Dated[] = []
  for (const { id, started } of backups) {
    if (started === undefined) continue
    if (started.getTime() <= ahead) counted.push({ id, at: started })
    else hold(id, "dated ahead of this machine's clock")
  }
  counted.sort(compareNewestFirst)
  for (const [id, reasons] of keptByRules(counted, retention)) for (const reason of reasons) hold(id, reason)
  const [newest] = counted
  if (newest !== undefined) hold(newest.id, 'newest usable')
  for (const [id, level] of newestVerified(counted, request)) hold(id, `newest verified (${level})`)
  for (const { id } of backups) {
    const mark = marks.get(id)
    if (mark !== undefined) hold(id, mark)
  }
  for (const { id, problem } of backups) {
    if (problem === undefined) continue
    if (!request.damaged) hold(id, problem)
    // The last hope of whoever has nothing better.
    else if (newest === undefined) hold(id, `${problem}; no usable backup is left`)
  }
  const slots = createSlots(LOOKS_AT_ONCE)
  for (const backup of backups.filter(({ id }) => !why.has(id))) {
    const keys = [layout.manifest(job, backup.id), ...backup.data.map(({ key }) => key)]
    const locks = await Promise.all(
      keys.map((key) => slots.run(async () => (await sink.stat(key, signal))?.lockedUntil, signal)),
    )
    const lock = longest(locks, now)
    if (lock !== undefined) hold(backup.id, lock)
  }
  const minimum = retention.minimum ?? 0
  for (const id of fillToMinimum(counted, new Set(why.keys()), minimum)) hold(id, `minimum of ${minimum}`)
  return backups.map(({ id, started, data, problem }) => ({
    id,
    started,
    storedBytes: sumOf(data),
    keep: why.has(id),
    reasons: why.get(id) ?? [problem ?? 'no rule keeps it'],
  }))
}

/** The newest that was verified, and for each higher level the newest that was verified as far. */
function newestVerified(
  newestFirst: readonly Dated[],
  { job, verified }: PlanRequest,
): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const level of VERIFIED_LEVELS) {
    const backup = newestFirst.find(({ id }) => {
      const record = verified.get(`${job}/${id}`)
      return record !== undefined && compareLevels(record.level, level) >= 0
    })
    const record = backup === undefined ? undefined : verified.get(`${job}/${backup.id}`)
    if (backup !== undefined && record !== undefined) found.set(backup.id, record.level)
  }
  return found
}

function longest(locks: readonly (Date | 'held' | undefined)[], now: Date): string | undefined {
  if (locks.includes('held')) return 'locked by a legal hold'
  const until = Math.max(0, ...locks.map((lock) => (lock instanceof Date ? lock.getTime() : 0)))
  return until > now.getTime() ? `locked until ${new Date(until).toISOString()}` : undefined
}
