import { layout } from '../core/backup-layout.ts'
import { LifeboatError, throwIfAborted, toLifeboatError } from '../core/errors.ts'
import { listNames, resolveBackupId } from './catalog.ts'
import { type NewestAge, newestAge } from './newest-age.ts'
import { runVerify, type VerifyReport, type VerifyRequest } from './verify.ts'

export interface VerifyAllRequest extends Omit<VerifyRequest, 'job' | 'id'> {
  /** Undefined: those of every job. */
  readonly job: string | undefined
  /** Each job must have a good backup that is no older. */
  readonly newestAgeMs: number | undefined
  /** Jobs that must have one even though nothing of them is there. */
  readonly expectedJobs: readonly string[]
  /** As soon as something turns out to be bad. */
  readonly onFailure: (error: LifeboatError) => void
}

export type VerifiedEntry =
  | { readonly job: string; readonly id: string; readonly report: VerifyReport; readonly error?: undefined }
  | { readonly job: string; readonly id: string; readonly report?: undefined; readonly error: LifeboatError }

export interface VerifyAllReport {
  /** Oldest first. */
  readonly backups: readonly VerifiedEntry[]
  /** Where an age was asked for, of each job. */
  readonly ages: readonly NewestAge[]
  readonly durationMs: number
}

/** A sink that doesn't answer any more would be waited for a minute for each backup. */
const MOST_UNANSWERED = 3

/** Verifies every backup of a job, or of all. A bad one is told and holds up no other. */
export async function runVerifyAll(request: VerifyAllRequest, signal: AbortSignal): Promise<VerifyAllReport> {
  const { sink, job, clock, newestAgeMs, onFailure, onEvent } = request
  const begunMs = clock.monotonicMs()
  const names = await listNames(sink, job, signal)
  const jobs = [
    ...new Set([...names.map((name) => name.job), ...(job === undefined ? request.expectedJobs : [job])]),
  ]
  if (names.length === 0 && (newestAgeMs === undefined || jobs.length === 0))
    await refuseNothing(request, signal)
  const backups: VerifiedEntry[] = []
  let note = true
  let unanswered = 0
  let silence: LifeboatError | undefined
  for (const name of names) {
    if (silence !== undefined) {
      backups.push({ ...name, error: silence })
      continue
    }
    try {
      const report = await runVerify({ ...request, ...name, note }, signal)
      backups.push({ ...name, report })
      // Told once: the place refuses the next note too.
      note &&= report.noted
      unanswered = 0
    } catch (thrown) {
      throwIfAborted(signal)
      const error = toLifeboatError(thrown)
      if (error.code === 'sink-not-found' && (await isGone(request, name, signal))) {
        onEvent({ kind: 'step', message: `backup ${name.id} was removed meanwhile` })
        continue
      }
      backups.push({ ...name, error })
      onFailure(error)
      unanswered = error.code === 'sink-unavailable' ? unanswered + 1 : 0
      if (unanswered === MOST_UNANSWERED) silence = error
    }
  }
  const now = clock.now()
  const goodOf = (of: string) =>
    backups.flatMap(({ report }) => (report?.manifest.job === of ? [report.manifest] : []))
  const ages =
    newestAgeMs === undefined
      ? []
      : jobs
          .toSorted()
          .map((of) => newestAge({ job: of, sink: sink.name, good: goodOf(of), mostMs: newestAgeMs, now }))
  for (const { error } of ages) if (error !== undefined) onFailure(error)
  return { backups, ages, durationMs: clock.monotonicMs() - begunMs }
}

/** Nothing at all must not look like "nothing is bad". */
async function refuseNothing({ sink, job }: VerifyAllRequest, signal: AbortSignal): Promise<void> {
  if (job !== undefined) await resolveBackupId(sink, job, undefined, signal)
  throw new LifeboatError('sink-not-found', `unable to find a backup at ${sink.name}`, {
    hint: 'Check the sink URL, its path or prefix above all; nothing there was written by lifeboat.',
  })
}

async function isGone(
  { sink }: VerifyAllRequest,
  { job, id }: { readonly job: string; readonly id: string },
  signal: AbortSignal,
): Promise<boolean> {
  return (await sink.stat(layout.manifest(job, id), signal)) === undefined
}
