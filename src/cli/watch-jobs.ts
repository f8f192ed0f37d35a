import type { Channel } from '../app/notify/notifier.ts'
import { type RunOutcome, type RunWatcher, watchRun } from '../app/run-watch.ts'
import type { ResolvedJob } from '../config/job.ts'
import { messageOf } from '../core/errors.ts'
import type { DumpJobReport } from './dump-job.ts'
import type { VerbContext } from './run-verb.ts'

/** Whoever is to hear of the runs of a verb. Its disposal waits, within bounds, until they have. */
export interface JobWatch extends AsyncDisposable {
  /** `work` gets the context with which its events are seen. */
  run(job: string, work: (context: VerbContext) => Promise<DumpJobReport>): Promise<DumpJobReport>
}

export async function watchJobs(jobs: readonly ResolvedJob[], context: VerbContext): Promise<JobWatch> {
  const { reporter, signal } = context
  const { systemClock } = await import('../core/clock.ts')
  const watchers = await createWatchers(jobs, context)
  return {
    run: (job, work) =>
      watchRun(
        { job, watchers, clock: systemClock, onEvent: reporter.onEvent, backupOf },
        (onEvent) => work({ ...context, reporter: { ...reporter, onEvent } }),
        signal,
      ),
    async [Symbol.asyncDispose]() {
      await Promise.all(watchers.map((watcher) => watcher.settled()))
    },
  }
}

async function createWatchers(
  jobs: readonly ResolvedJob[],
  context: VerbContext,
): Promise<readonly RunWatcher[]> {
  const onWarning = (message: string, hint: string) => context.reporter.warn({ message, hint })
  const notifiers = await createNotifiers(jobs, context, onWarning)
  const textfile = jobs[0]?.metricsFile
  if (textfile === undefined) return notifiers
  const { createMetricsWatcher } = await import('../app/metrics/metrics-watcher.ts')
  return [...notifiers, createMetricsWatcher({ textfile, onWarning })]
}

/** Whoever is told, by each job's own list. */
export async function createNotifiers(
  jobs: readonly Pick<ResolvedJob, 'name' | 'notify'>[],
  context: VerbContext,
  onWarning: (message: string, hint: string) => void,
): Promise<readonly RunWatcher[]> {
  if (jobs.every(({ notify }) => notify.length === 0)) return []
  const [{ createNotifier }, { systemClock }, { hostname }] = await Promise.all([
    import('../app/notify/notifier.ts'),
    import('../core/clock.ts'),
    import('node:os'),
  ])
  const channels = new Map(jobs.map((job) => [job.name, channelsOf(job, context)]))
  return [
    createNotifier({
      channelsOf: (job) => channels.get(job) ?? [],
      host: hostname(),
      clock: systemClock,
      onWarning,
    }),
  ]
}

/** Variables are taken from the environment here, before any tool could inherit them. */
function channelsOf({ notify }: Pick<ResolvedJob, 'notify'>, context: VerbContext): readonly Channel[] {
  return notify.flatMap(({ name, type, on, url, key }) => {
    try {
      return {
        name,
        type,
        on,
        url: context.secret(`notify.${name}.url`, url, `address of notification ${name}`),
        key: context.secret(`notify.${name}.key`, key, `key of notification ${name}`),
      }
    } catch (thrown) {
      // No dump fails because somebody can't be told of it.
      context.reporter.warn({
        message: `nobody is told by '${name}': ${messageOf(thrown)}`,
        hint: `Mend notify.${name} in the configuration; the run itself is not affected.`,
      })
      return []
    }
  })
}

function backupOf({ dump: { manifest } }: DumpJobReport): NonNullable<RunOutcome['backup']> {
  const { id, parts } = manifest
  return {
    id,
    started: new Date(manifest.started),
    plainBytes: parts.reduce((sum, part) => sum + part.plainBytes, 0),
    storedBytes: parts.reduce((sum, part) => sum + part.storedBytes, 0),
  }
}
