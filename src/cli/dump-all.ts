import { isInShard, parseShard } from '../app/schedule/shard.ts'
import { needConfig } from '../config/find-config.ts'
import { jobNames, resolveJob } from '../config/job.ts'
import { LifeboatError, throwIfAborted, toLifeboatError } from '../core/errors.ts'
import { openAudit } from './audit-log.ts'
import { delayStart } from './delay-start.ts'
import { dumpJob } from './dump-job.ts'
import { dumpJson } from './dump-json.ts'
import { type DumpOptions, planJob } from './dump-plan.ts'
import { errorObject } from './print-error.ts'
import { jobLog, type Outcome, startLog, type VerbContext } from './run-verb.ts'
import { watchJobs } from './watch-jobs.ts'

/** Every job in the order of the file. One that fails is told and holds up no other; the exit code is its own. */
export async function dumpAll(options: DumpOptions, context: VerbContext): Promise<Outcome> {
  const { reporter, environment, signal } = context
  const loaded = await needConfig(options.config, environment)
  await startLog(jobLog(options, loaded.config.log), context)
  const shard = options.shard === undefined ? undefined : parseShard(options.shard)
  const names = jobNames(loaded)
  if (names.length === 0) {
    throw new LifeboatError('config', `unable to dump: configuration '${loaded.path}' has no jobs`, {
      hint: 'Write one below jobs:, or leave out --all and say all by options.',
    })
  }
  // A mistake in the last job must not show only after the first has run for hours.
  const jobs = names.map((name) => resolveJob(loaded, name))
  const plans = jobs
    .map((job) => planJob(options, job, loaded))
    .filter(({ job }) => shard === undefined || isInShard(job, shard))
  const log = await openAudit(options, context)
  await delayStart(options, context)
  await using watch = await watchJobs(jobs, context)
  const results: { readonly job: string; readonly text: string; readonly json: object }[] = []
  let failed: LifeboatError | undefined
  for (const plan of plans) {
    reporter.about(plan.job)
    reporter.say(`job ${plan.job}`)
    try {
      const report = await watch.run(plan.job, (watched) => dumpJob(plan, log, watched))
      const { id } = report.dump.manifest
      results.push({ job: plan.job, text: `${plan.job} ${id}\n`, json: { ok: true, ...dumpJson(report) } })
    } catch (thrown) {
      throwIfAborted(signal)
      const error = toLifeboatError(thrown)
      failed ??= error
      reporter.fail(error)
      results.push({ job: plan.job, text: '', json: { job: plan.job, ok: false, error: errorObject(error) } })
    }
  }
  reporter.close()
  const bad = results.filter(({ text }) => text === '').map(({ job }) => job)
  reporter.say(
    bad.length === 0
      ? `all ${results.length} ${shard === undefined ? 'jobs' : `jobs of shard ${options.shard}`} are dumped`
      : `${results.length - bad.length} of ${results.length} jobs are dumped; failed: ${bad.join(', ')}`,
  )
  return {
    text: results.map(({ text }) => text).join(''),
    json: (warnings) => ({ jobs: results.map(({ json }) => json), warnings }),
    exitCode: failed?.exitCode ?? 0,
  }
}
