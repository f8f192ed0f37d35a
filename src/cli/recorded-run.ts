import type { Recording } from '../app/audit/audited.ts'
import type { AuditLog } from '../app/audit/log.ts'
import type { AuditFacts } from '../core/audit-record.ts'
import { messageOf } from '../core/errors.ts'
import { recorded } from './audit-log.ts'
import type { VerbContext } from './run-verb.ts'

export interface Emergency {
  readonly overridden: string[]
}

export interface RecordedRequest {
  readonly log: AuditLog | undefined
  readonly facts: AuditFacts
  /** Undefined unless the operator asked for it. */
  readonly emergency: Emergency | undefined
  /** `the manifest says so`. */
  readonly keptIn: string
}

/** An emergency is recorded as one; where it can't be, that is overridden too, as nothing of a log is worth the data. */
export async function recordedRun<T>(
  { log, facts, emergency, keptIn }: RecordedRequest,
  run: (recording: Recording, emergency: Emergency | undefined) => Promise<T>,
  context: VerbContext,
): Promise<T> {
  if (emergency === undefined)
    return await recorded(log, facts, (recording) => run(recording, undefined), context)
  let begun = false
  const begin = (recording: Recording) => {
    begun = true
    return run(recording, emergency)
  }
  try {
    return await recorded(log, { ...facts, emergency }, begin, context)
  } catch (thrown) {
    if (begun || context.signal.aborted) throw thrown
    context.reporter.warn({
      message: `emergency: overridden: audit: ${messageOf(thrown)}`,
      hint: `${keptIn}; mend the log when the data is out`,
    })
    const overridden = [...new Set([...emergency.overridden, 'audit'])]
    return await recorded(undefined, facts, (recording) => run(recording, { overridden }), context)
  }
}

/** All that stands in the way is news at once: a log that can't be written is told beside it. */
export async function recordRefusal(
  thrown: unknown,
  { log, facts }: Pick<RecordedRequest, 'log' | 'facts'>,
  context: VerbContext,
): Promise<void> {
  try {
    await recorded(log, facts, () => Promise.reject(thrown), context)
  } catch (failed) {
    if (failed === thrown) return
    context.reporter.warn({
      message: `that this run was refused is not recorded: ${messageOf(failed)}`,
      hint: 'mend the audit log too: a run does not start without it',
    })
  }
}
