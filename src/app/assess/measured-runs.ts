import type { PastRun } from '../past-runs.ts'
import type { RunbookRecord } from '../runbook-journal.ts'
import type { MeasuredRun } from './evidence.ts'

type Step = Extract<RunbookRecord, { event: 'step' }>

/** What runs that came to their end have taken. */
export function measuredRuns(runs: readonly PastRun[]): readonly MeasuredRun[] {
  return runs.flatMap((run) => measured(run) ?? [])
}

function measured({ run, records }: PastRun): MeasuredRun | undefined {
  const planned = records.find((record) => record.event === 'planned')
  const end = records.findIndex((record) => record.event === 'ended' && record.outcome === 'done')
  const last = records[end]
  if (planned === undefined || last === undefined) return undefined
  const { source, target, db } = planned.flags as Partial<Record<string, unknown>>
  const [id] = Array.isArray(db) ? (db as readonly unknown[]) : []
  if (typeof source !== 'string' || typeof target !== 'string' || typeof id !== 'string') return undefined
  const tookMs = workedMs(records.slice(0, end + 1))
  return {
    ...{ run, way: planned.way, source, target, db: id.toLowerCase(), at: last.at },
    ...{ gib: gibOf(planned.facts, records), tookMs },
  }
}

/** From its first start to its end, but for the time in which it had stopped until somebody said `--confirm`. */
function workedMs(records: readonly RunbookRecord[]): number {
  let ms = 0
  let sinceMs: number | undefined
  for (const record of records) {
    const atMs = Date.parse(record.at)
    if (record.event === 'started') sinceMs ??= atMs
    if (record.event !== 'ended' || sinceMs === undefined) continue
    if (record.outcome !== 'done' && record.outcome !== 'confirmation-required') continue
    ms += atMs - sinceMs
    sinceMs = undefined
  }
  return Math.max(0, ms)
}

/** As its plan knew it, else as a step has seen it: of Aurora a snapshot says how much there is. */
function gibOf(facts: unknown, records: readonly RunbookRecord[]): number | null {
  const { gib, storage } = (facts ?? {}) as { gib?: unknown; storage?: { gib?: unknown } | null }
  const seen = records
    .filter((record): record is Step => record.event === 'step')
    .map((record) => record.seen?.gib)
  const found = [gib, storage?.gib, ...seen].find((each) => typeof each === 'number' && each > 0)
  return typeof found === 'number' ? found : null
}
