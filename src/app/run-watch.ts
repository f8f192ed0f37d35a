import type { Clock } from '../core/clock.ts'
import { abortReason, type ErrorCode, toLifeboatError } from '../core/errors.ts'
import type { DrillOutcome } from '../core/evidence.ts'
import type { OnEvent } from './run-event.ts'

export type WatchedVerb = 'dump' | 'drill'

/** How a run of a job ended. It holds nothing from inside the database: it goes to other places. */
export interface RunOutcome {
  /** A dump where it does not say. */
  readonly verb?: WatchedVerb
  readonly job: string
  readonly started: Date
  readonly ended: Date
  readonly durationMs: number
  readonly exitCode: number
  /** Where it failed. */
  readonly code?: ErrorCode
  /** Where it went well. */
  readonly backup?: {
    readonly id: string
    /** When its dump began: how old its data is. */
    readonly started: Date
    readonly plainBytes: number
    readonly storedBytes: number
  }
  /** Of a drill that left a record. */
  readonly drill?: {
    readonly id: string
    readonly backup: string
    readonly outcome: DrillOutcome
    readonly rtoMs: number | null
    readonly rpoMs: number | null
  }
}

/** Is told of runs. It must neither throw nor make anybody wait; what it still has to do is done by `settled`. */
export interface RunWatcher {
  /** Once it is under way: not before the database was looked at, and so not while another run holds it up. */
  started(job: string, at: Date, verb?: WatchedVerb): void
  ended(outcome: RunOutcome): void
  settled(): Promise<void>
}

export interface WatchRequest<T> {
  readonly job: string
  readonly watchers: readonly RunWatcher[]
  readonly clock: Clock
  readonly onEvent: OnEvent
  readonly backupOf: (result: T) => NonNullable<RunOutcome['backup']>
}

/** Does the work, and tells the watchers how it goes. Its result, or what it throws, is that of the work. */
export async function watchRun<T>(
  { job, watchers, clock, onEvent, backupOf }: WatchRequest<T>,
  work: (onEvent: OnEvent) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const started = clock.now()
  const begunMs = clock.monotonicMs()
  const tell = (end: Pick<RunOutcome, 'exitCode' | 'code' | 'backup'>) => {
    const durationMs = clock.monotonicMs() - begunMs
    for (const watcher of watchers) watcher.ended({ job, started, ended: clock.now(), durationMs, ...end })
  }
  let result: T
  try {
    result = await work((event) => {
      if (event.kind === 'probed') for (const watcher of watchers) watcher.started(job, started)
      onEvent(event)
    })
  } catch (thrown) {
    // After a signal the news is the signal, whatever broke in its wake.
    const { code, exitCode } = signal.aborted ? abortReason(signal) : toLifeboatError(thrown)
    tell({ code, exitCode })
    throw thrown
  }
  tell({ exitCode: 0, backup: backupOf(result) })
  return result
}
