import type { BesideDump } from '../app/beside-dump.ts'
import type { RunEvent } from '../app/run-event.ts'
import { LifeboatError } from '../core/errors.ts'
import type { MigrateOptions } from './migrate.ts'
import type { Reporter } from './reporter.ts'
import type { VerbContext } from './run-verb.ts'

/** The job that `--beside` names, as `lifeboat dump JOB` runs it; what the configuration lacks is known before anything begins. */
export async function besideOf(
  options: MigrateOptions,
  context: VerbContext,
): Promise<BesideDump | undefined> {
  const { beside: name, simulate } = options
  if (name === undefined) return undefined
  if (simulate !== undefined) {
    throw new LifeboatError(
      'usage',
      'unable to start: --beside makes a real dump, and --simulate changes nothing',
      {
        hint: 'Leave out one of the two.',
      },
    )
  }
  const [{ needConfig }, { resolveJob }, { planJob }] = await Promise.all([
    import('../config/find-config.ts'),
    import('../config/job.ts'),
    import('./dump-plan.ts'),
  ])
  const loaded = await needConfig(options.config, context.environment)
  const job = resolveJob(loaded, name)
  const plan = planJob({ encryption: true }, job, loaded)
  return {
    job: job.name,
    async run(signal) {
      const [{ dumpJob }, { openAudit }, { watchJobs }] = await Promise.all([
        import('./dump-job.ts'),
        import('./audit-log.ts'),
        import('./watch-jobs.ts'),
      ])
      const quiet = { ...context, signal, reporter: besideReporter(context.reporter, job.name) }
      const log = await openAudit(options, quiet)
      await using watch = await watchJobs([job], quiet)
      const { dump, sink } = await watch.run(plan.job, (watched) => dumpJob(plan, log, watched))
      return { backup: dump.manifest.id, sink }
    },
  }
}

/** Steps and warnings say whose they are; of the bytes only each tenth is told, since the run has the terminal. */
export function besideReporter(reporter: Reporter, job: string): Reporter {
  const named = (message: string) => `beside, job ${job}: ${message}`
  const warn: Reporter['warn'] = ({ message, ...rest }) => reporter.warn({ message: named(message), ...rest })
  const step = (message: string) => reporter.onEvent({ kind: 'step', message: named(message) })
  let estimateBytes = 0
  let told = 0
  function onEvent(event: RunEvent): void {
    switch (event.kind) {
      case 'warning':
        warn({ message: event.message, ...(event.hint !== undefined && { hint: event.hint }) })
        return
      case 'step':
        step(event.message)
        return
      case 'probed':
        estimateBytes = event.probe.estimateBytes ?? 0
        return
      case 'progress': {
        const tenth =
          estimateBytes === 0 ? 0 : Math.min(9, Math.floor((event.plainBytes / estimateBytes) * 10))
        if (tenth <= told) return
        told = tenth
        step(`about ${tenth * 10} % dumped`)
      }
    }
  }
  return {
    onEvent,
    warn,
    say: step,
    // What goes wrong beside the run is none of its failures.
    fail: ({ message, hint }) => warn({ message, ...(hint !== undefined && { hint }) }),
    amiss: ({ message, hint }) => warn({ message, ...(hint !== undefined && { hint }) }),
    exitCode: 0,
    logTo: () => undefined,
    about: () => undefined,
    end: () => false,
    warnings: [],
    close: () => undefined,
  }
}
