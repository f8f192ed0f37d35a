import type { VerifiedJob } from '../app/metrics/verify-records.ts'
import type { VerifyRequest } from '../app/verify.ts'
import type { VerifiedEntry, VerifyAllReport } from '../app/verify-all.ts'
import { errorObject } from './print-error.ts'
import type { Outcome, VerbContext } from './run-verb.ts'
import { summarise } from './summary.ts'
import { isBad, proven, type VerifyOptions } from './verify.ts'
import { recordVerified } from './verify-metrics.ts'

/** Every backup at a sink, or of one job there; the exit code is 31 if any of them is bad. */
export async function verifyAll(
  request: Omit<VerifyRequest, 'job' | 'id'>,
  options: VerifyOptions,
  context: VerbContext,
): Promise<Outcome> {
  const [{ runVerifyAll }, { checkJobName }] = await Promise.all([
    import('../app/verify-all.ts'),
    import('../core/backup-layout.ts'),
  ])
  const report = await runVerifyAll(
    {
      ...request,
      job: options.job === undefined ? undefined : checkJobName(options.job),
      newestAgeMs: options.newestAge,
      expectedJobs: await expectedJobs(options, context),
      onFailure: (error) => context.reporter.fail(error),
    },
    context.signal,
  )
  context.reporter.close()
  const { backups, ages, durationMs } = report
  const bad = backups.filter(({ error }) => error !== undefined)
  const { showCount } = await import('./amounts.ts')
  const are = backups.length === 1 ? 'is' : 'are'
  const named = bad.length === 0 ? '' : `; bad: ${bad.map(({ id }) => id).join(', ')}`
  context.reporter.say(
    `${backups.length - bad.length} of ${showCount(backups.length, 'backup')} ${are} good${named}`,
  )
  const exitCode = exitCodeOf(report)
  const { sink } = request
  await recordVerified({ sink: sink.name, jobs: byJob(report), config: options.config }, context)
  return {
    text: backups.length === 0 ? '' : await toTable(backups),
    json: (warnings) => ({
      ok: exitCode === 0,
      exitCode,
      sink: request.sink.name,
      backups: backups.map(toJson),
      ages: ages.map(({ job, newest, ageMs, error }) => ({
        job,
        ok: error === undefined,
        newest: newest ?? null,
        ageMs: ageMs ?? null,
        ...(error !== undefined && { error: errorObject(error) }),
      })),
      durationMs,
      warnings,
    }),
    exitCode,
  }
}

/** A job of the configuration that never ran has nothing at the sink that could be too old. */
async function expectedJobs(options: VerifyOptions, context: VerbContext): Promise<readonly string[]> {
  if (options.newestAge === undefined || options.job !== undefined || options.at === undefined) return []
  const [{ findSparedConfig }, { jobsAt }] = await Promise.all([
    import('./spared-config.ts'),
    import('../config/job.ts'),
  ])
  const loaded = await findSparedConfig(options, ['audit', 'signers', 'job'], context)
  return loaded === undefined ? [] : jobsAt(loaded, options.at)
}

function byJob({ backups, ages, durationMs }: VerifyAllReport): readonly VerifiedJob[] {
  const names = new Set([...backups, ...ages].map(({ job }) => job))
  return [...names].map((job) => {
    const own = backups.filter((entry) => entry.job === job)
    const ofAge = ages.filter((entry) => entry.job === job)
    const good = own.flatMap(({ report }) => report?.manifest ?? [])
    const exitCode = exitCodeOf({ backups: own, ages: ofAge, durationMs })
    return { job, exitCode, good, bad: own.length - good.length }
  })
}

function exitCodeOf({ backups, ages }: VerifyAllReport): number {
  const errors = [...backups, ...ages].flatMap(({ error }) => error ?? [])
  return errors.find(isBad)?.exitCode === undefined ? (errors[0]?.exitCode ?? 0) : 31
}

function toJson({ id, job, report, error }: VerifiedEntry): object {
  return report === undefined
    ? { id, job, ok: false, error: errorObject(error) }
    : { ok: true, ...summarise(report.manifest), ...proven(report), durationMs: report.durationMs }
}

async function toTable(backups: readonly VerifiedEntry[]): Promise<string> {
  const [{ table }, { showBytes }] = await Promise.all([import('./table.ts'), import('./amounts.ts')])
  const rows = backups.map(({ id, job, report, error }) => {
    if (report === undefined) return [id, job, '', `BAD: ${error.code}`, '']
    const { storedBytes } = summarise(report.manifest)
    const weakest = (['size', 'etag', 'checksum', 'digest'] as const).find((proof) => report.proofs?.[proof])
    return [id, job, showBytes(storedBytes), report.level, weakest ?? '']
  })
  return table(
    [
      { title: 'ID' },
      { title: 'JOB', limit: 18 },
      { title: 'STORED', align: 'right' },
      { title: 'VERIFIED' },
      { title: 'BY' },
    ],
    rows,
  )
}
