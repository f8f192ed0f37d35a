import type { LiveJournal } from '../core/journal.ts'
import type { Sink } from '../core/sink.ts'
import type { BegunRun } from './dead-runs.ts'
import { liveRuns } from './live-runs.ts'

export interface UnderWayRequest {
  readonly sink: Sink
  readonly job: string
  readonly journal: Pick<LiveJournal<BegunRun>, 'live'>
}

/** Ids of a job's dumps and copies that are under way at a sink: by their leases, and by the journal of this machine. */
export async function runsUnderWay(
  { sink, job, journal }: UnderWayRequest,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const begun = (await journal.live(sink.name)).filter((run) => run.job === job).map(({ id }) => id)
  return new Set([...begun, ...(await liveRuns(sink, job, signal))])
}
