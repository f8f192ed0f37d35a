import { showTime } from '../drill/refusals.ts'
import type { Case } from './conditions.ts'
import { span } from './estimates.ts'
import type { MeasuredRun } from './evidence.ts'
import type { AssessedWay, Estimate } from './verdict.ts'

/** Sizes that are taken for the same: half as much, up to twice as much. */
const LIKE = 2
/** A run that was measured is no promise for the next one. */
const MOST_BEYOND = 1.5
/** Older ones tell of an AWS that was. */
const COUNTED = 3

/**
 * How long a way takes: what its earlier runs took between these regions, else what is usual. Of this database, or else of one that
 * is as large; where size does not matter (`gib` is 'any'), of any.
 */
export function timeOf(
  { evidence: { past, source, target }, db }: Case,
  way: AssessedWay,
  gib: number | null | 'any',
  usual: Estimate,
): Estimate {
  const all = past.flatMap(({ runs }) => (runs.known ? runs.value : []))
  // The same run may be known here and at a sink.
  const runs = [...new Map(all.map((run) => [run.run, run])).values()]
    .filter((run) => run.way === way && run.source === source && run.target === target)
    .filter((run) => isLike(run, db.id, gib))
    .sort((a, b) => b.run.localeCompare(a.run))
  const own = runs.filter((run) => run.db === db.id)
  const counted = (own.length > 0 ? own : runs).slice(0, COUNTED)
  const [newest] = counted
  if (newest === undefined) return usual
  const took = counted.map(({ tookMs }) => tookMs)
  const size = newest.gib === null ? '' : ` for ${newest.gib} GiB`
  const others = counted.length === 1 ? '' : `, and ${counted.length - 1} before it`
  return span(
    Math.min(...took),
    Math.max(...took) * MOST_BEYOND,
    `measured: run ${newest.run} of ${newest.db === db.id ? 'it' : newest.db} took ${showTime(newest.tookMs)}${size}${others}`,
    { on: 'measured', at: newest.at },
  )
}

function isLike(run: MeasuredRun, id: string, gib: number | null | 'any'): boolean {
  if (gib === 'any') return true
  if (gib === null || run.gib === null) return run.db === id
  return run.gib <= gib * LIKE && run.gib * LIKE >= gib
}
