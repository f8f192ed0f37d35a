import type { SinkContext } from '../app/registry.ts'
import { hasRule, type Retention } from '../app/retention.ts'
import { defaults } from '../config/defaults.ts'
import { needConfig } from '../config/find-config.ts'
import { jobNames, type ResolvedJob, resolveJob } from '../config/job.ts'
import { checkJobName } from '../core/backup-layout.ts'
import { LifeboatError } from '../core/errors.ts'
import { plannedSink } from './dump-plan.ts'
import type { PruneOptions } from './prune.ts'
import type { VerbContext } from './run-verb.ts'
import { sinkAddress } from './sink-address.ts'

/** One job at one sink. */
export interface PruneTarget {
  readonly job: string
  readonly retention: Retention
  readonly url: string
  readonly context: SinkContext
}

/** What a command line of `prune` means. Throws before anything is opened. */
export async function pruneTargets(
  name: string | undefined,
  options: PruneOptions,
  context: VerbContext,
): Promise<readonly PruneTarget[]> {
  if (options.all === true) return targetsOfAll(name, options, context)
  if (name !== undefined) return targetsOfJob(name, options, context)
  const address = await sinkAddress(options.at, '--at', options, context)
  const retention = flags(options)
  const job = checkJobName(options.job ?? defaults.job)
  if (!hasRule(retention)) {
    throw usage(
      `job '${job}': no rule says what to keep`,
      'Say it, for example --keep-daily 7 --keep-weekly 4 --keep-monthly 12, or name a job of the configuration that has a retention.',
    )
  }
  return [{ job, retention, ...address }]
}

async function targetsOfJob(
  name: string,
  options: PruneOptions,
  context: VerbContext,
): Promise<readonly PruneTarget[]> {
  if (options.job !== undefined) {
    throw usage(`'${name}' and --job contradict each other`, 'Leave out the one that is not meant.')
  }
  const job = resolveJob(await needConfig(options.config, context.environment), name)
  const retention = { ...job.retention, ...flags(options) }
  if (!hasRule(retention)) {
    throw usage(
      `job '${name}': no rule says what to keep`,
      `Write jobs.${name}.retention in the configuration, or say --keep-daily 7 and the like.`,
    )
  }
  if (options.at === undefined) return atItsSinks(job, retention, context)
  return [{ job: name, retention, ...(await sinkAddress(options.at, '--at', options, context)) }]
}

async function targetsOfAll(
  name: string | undefined,
  options: PruneOptions,
  context: VerbContext,
): Promise<readonly PruneTarget[]> {
  if (name !== undefined || options.job !== undefined) {
    throw usage('--all and a job contradict each other', 'Leave out the one that is not meant.')
  }
  if (Object.keys(flags(options)).length > 0) {
    throw usage(
      '--all takes the rules of the configuration alone',
      'Leave out the --keep options, or name one job.',
    )
  }
  const loaded = await needConfig(options.config, context.environment)
  const targets = jobNames(loaded).flatMap((each) => {
    const job = resolveJob(loaded, each)
    if (job.retention !== undefined) return atItsSinks(job, job.retention, context, options.at)
    context.reporter.say(`job ${each} keeps every backup: it has no retention`)
    return []
  })
  if (targets.length > 0) return targets
  throw new LifeboatError(
    'config',
    `unable to prune: no job of configuration '${loaded.path}' has a retention${options.at === undefined ? '' : ` and goes to ${options.at}`}`,
    { hint: 'Write retention: { daily: 7, weekly: 4, monthly: 12 } for a job, or below defaults.' },
  )
}

/** With a sink given by its name or URL, only there. */
function atItsSinks(
  job: ResolvedJob,
  retention: Retention,
  context: VerbContext,
  only?: string,
): readonly PruneTarget[] {
  return job.sinks
    .filter(({ name, url }) => only === undefined || only === name || only === url)
    .map((sink) => ({
      job: job.name,
      retention,
      url: sink.url,
      context: context.plannedSinkContext(plannedSink(sink)),
    }))
}

/** Only what was said: a flag that is missing must not hide a rule of the file. */
function flags(options: PruneOptions): Retention {
  const { keepLast, keepHourly, keepDaily, keepWeekly, keepMonthly, keepYearly, minimum } = options
  return {
    ...(keepLast !== undefined && { last: keepLast }),
    ...(keepHourly !== undefined && { hourly: keepHourly }),
    ...(keepDaily !== undefined && { daily: keepDaily }),
    ...(keepWeekly !== undefined && { weekly: keepWeekly }),
    ...(keepMonthly !== undefined && { monthly: keepMonthly }),
    ...(keepYearly !== undefined && { yearly: keepYearly }),
    ...(minimum !== undefined && { minimum }),
  }
}

function usage(reason: string, hint: string): LifeboatError {
  return new LifeboatError('usage', `unable to prune: ${reason}`, { hint })
}
