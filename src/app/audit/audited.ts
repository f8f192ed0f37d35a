import { randomBytes } from 'node:crypto'
import { version } from '../../config/version.ts'
import type { AuditFacts, AuditHead, AuditOutcome } from '../../core/audit-record.ts'
import type { Clock } from '../../core/clock.ts'
import { abortReason, LifeboatError, toLifeboatError } from '../../core/errors.ts'
import type { AuditLog } from './log.ts'
import { whoRuns } from './who.ts'

export interface AuditedRun {
  /** Undefined where nobody asked for one. */
  readonly log: AuditLog | undefined
  readonly facts: AuditFacts
  readonly clock: Clock
  /** The end of a run could not be recorded. What the run did stands; somebody has to look at the log. */
  readonly onUnrecorded: (error: LifeboatError) => void
}

/** What a run that is under way has to do with the log. */
export interface Recording {
  /** The place that the log has reached by the start, for a manifest to vouch for; undefined without a log. */
  readonly head: AuditHead | undefined
  /**
   * What is done by now, for the end to tell, however the run ends. A later backup replaces an earlier one; what was removed
   * adds up.
   */
  note(outcome: AuditOutcome): void
  /** The run goes on to its end and returns, and yet failed: it will end with this. The first counts. */
  failed(how: { readonly exitCode: number; readonly code?: string }): void
}

/** An interrupted run, too, tells how it ended. */
const END_MS = 40_000

/**
 * Records that a run starts, does its work, and records how it ended. Where the start can't be recorded nothing is done.
 * `return await` it where something is disposed of at the end of the caller: the work needs it until then.
 */
export async function audited<T>(
  { log, facts, clock, onUnrecorded }: AuditedRun,
  work: (recording: Recording) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  if (log === undefined) return await work(NOT_RECORDED)
  const run = randomBytes(8).toString('hex')
  const who = await whoRuns()
  const head = await log.append({ event: 'start', run, lifeboat: version, who, ...facts }, signal)
  const begunMs = clock.monotonicMs()
  let outcome: AuditOutcome = {}
  let failure: { readonly exitCode: number; readonly code?: string } | undefined
  const recording: Recording = {
    head,
    note: ({ removed = [], ...more }) => {
      const all = [...(outcome.removed ?? []), ...removed]
      outcome = { ...outcome, ...more, ...(all.length > 0 && { removed: all }) }
    },
    failed: (how) => {
      failure ??= how
    },
  }
  const end = async ({ exitCode, code }: { readonly exitCode: number; readonly code?: string }) => {
    const durationMs = Math.round(clock.monotonicMs() - begunMs)
    const how = { exitCode, ...(code !== undefined && { code }) }
    try {
      await log.append(
        { event: 'end', run, verb: facts.verb, ...how, ...outcome, durationMs },
        AbortSignal.timeout(END_MS),
      )
    } catch (thrown) {
      onUnrecorded(unrecorded(facts.verb, outcome, thrown))
    }
  }
  let result: T
  try {
    result = await work(recording)
  } catch (thrown) {
    // After a signal the news is the signal, whatever broke in its wake.
    await end(signal.aborted ? abortReason(signal) : toLifeboatError(thrown))
    throw thrown
  }
  await end(failure ?? { exitCode: 0 })
  return result
}

const NOT_RECORDED: Recording = { head: undefined, note: () => undefined, failed: () => undefined }

function unrecorded(verb: string, { backup }: AuditOutcome, thrown: unknown): LifeboatError {
  const error = toLifeboatError(thrown)
  const what = backup === undefined ? `this ${verb}` : `the ${verb} of backup '${backup}'`
  return new LifeboatError('config', `unable to record how ${what} ended: ${error.message}`, {
    hint: `What it did stands, so don't run it again for that; the audit log keeps a start without an end. ${error.hint ?? ''}`.trim(),
    cause: thrown,
  })
}
