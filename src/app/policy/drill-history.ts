import { LifeboatError, messageOf, throwIfAborted } from '../../core/errors.ts'
import type { Sink } from '../../core/sink.ts'
import { withTimeLimit } from '../../core/time-limit.ts'
import { listNames, readManifest } from '../catalog.ts'
import type { BackupName } from '../verified-record.ts'
import type { DrillHistory, LastDrill } from './drill-rule.ts'
import type { Known } from './rule.ts'

/** The newest drill of a job that passed, as far as a place knows; where none did, the newest; undefined for none at all. */
export type ReadLastDrill = (sink: Sink, job: string, signal: AbortSignal) => Promise<LastDrill | undefined>

export interface DrillHistoryRequest {
  /** A drill may have restored from any of them. */
  readonly sinks: readonly Sink[]
  readonly job: string
  readonly lastDrill: ReadLastDrill
  readonly timeoutMs?: number
}

/** A place that is silent holds up a run no longer than this. */
const HISTORY_MS = 20_000

/**
 * What the places know of drills. One that does not answer matters only where the others know of none that passed. Throws
 * only where the signal says so.
 */
export async function readDrillHistory(
  { sinks, job, lastDrill, timeoutMs = HISTORY_MS }: DrillHistoryRequest,
  signal: AbortSignal,
): Promise<Known<DrillHistory>> {
  const bounded = withTimeLimit(signal, timeoutMs)
  const answers = await Promise.all(sinks.map((sink) => askPlace(sink, job, lastDrill, bounded)))
  throwIfAborted(signal)
  const found = answers.flatMap((answer) => (answer.known ? [answer.value] : []))
  const last = newest(found.flatMap((history) => history.last ?? []))
  const silent = answers.find((answer) => !answer.known)
  if (silent !== undefined && last?.outcome !== 'passed') return silent
  const oldestBackup = earliest(found.flatMap((history) => history.oldestBackup ?? []))
  const undrilledSince = earliest(found.flatMap((history) => history.undrilledSince ?? []))
  return { known: true, value: { last, oldestBackup, undrilledSince } }
}

const NOTHING: DrillHistory = { last: undefined, oldestBackup: undefined, undrilledSince: undefined }

async function askPlace(
  sink: Sink,
  job: string,
  lastDrill: ReadLastDrill,
  signal: AbortSignal,
): Promise<Known<DrillHistory>> {
  try {
    const [last, names] = await Promise.all([lastDrill(sink, job, signal), listNames(sink, job, signal)])
    const [oldest, newestName] = [names[0], names.at(-1)]
    const undrilledSince =
      newestName && last?.outcome !== 'passed' ? await saidBy(sink, newestName, signal) : undefined
    return { known: true, value: { last, oldestBackup: oldest && startOf(oldest.id), undrilledSince } }
  } catch (thrown) {
    // The first dump makes the folder; a bucket that is not there stops it by itself.
    if (thrown instanceof LifeboatError && thrown.code === 'sink-not-found') {
      return { known: true, value: NOTHING }
    }
    return { known: false, reason: `${sink.name}: ${messageOf(thrown)}` }
  }
}

/** A damaged manifest says nothing: it must not keep the next dump from running. */
async function saidBy(sink: Sink, { job, id }: BackupName, signal: AbortSignal): Promise<Date | undefined> {
  try {
    const { undrilledSince } = await readManifest(sink, job, id, signal)
    return undrilledSince === undefined ? undefined : new Date(undrilledSince)
  } catch (thrown) {
    if (thrown instanceof LifeboatError && /^(integrity|unsupported)$/.test(thrown.code)) return undefined
    throw thrown
  }
}

function earliest(dates: readonly Date[]): Date | undefined {
  return dates.toSorted((a, b) => a.getTime() - b.getTime())[0]
}

/** Of `20261122T210500Z-k3f9`, which begins with the time. */
function startOf(id: string): Date {
  return new Date(id.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z.*$/, '$1-$2-$3T$4:$5:$6Z'))
}

function newest(drills: readonly LastDrill[]): LastDrill | undefined {
  const passed = drills.filter(({ outcome }) => outcome === 'passed')
  return (passed.length > 0 ? passed : drills).toSorted((a, b) => b.at.getTime() - a.at.getTime())[0]
}
