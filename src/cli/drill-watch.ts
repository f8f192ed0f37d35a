import type { DrillReport } from '../app/drill/run-drill.ts'
import { drillRecords } from '../app/metrics/drill-records.ts'
import { writeMetrics } from '../app/metrics/metrics-file.ts'
import type { OnEvent } from '../app/run-event.ts'
import type { RunOutcome, RunWatcher } from '../app/run-watch.ts'
import { systemClock } from '../core/clock.ts'
import { abortReason, type LifeboatError, messageOf, toLifeboatError } from '../core/errors.ts'
import type { DrillPlan } from './drill-plan.ts'
import type { VerbContext } from './run-verb.ts'
import { metricsFile } from './spared-config.ts'
import { createNotifiers } from './watch-jobs.ts'

export interface DrillWatch extends AsyncDisposable {
  run(work: (onEvent: OnEvent) => Promise<DrillReport>): Promise<DrillReport>
}

/** Tells whoever is to hear how a drill goes, and writes its metrics. None of it changes how the drill ends. */
export async function watchDrill(
  drilled: { readonly plan: DrillPlan; readonly sink: string; readonly config: string | undefined },
  context: VerbContext,
): Promise<DrillWatch> {
  const { plan } = drilled
  const { reporter, signal } = context
  const onWarning = (message: string, hint: string) => reporter.warn({ message, hint })
  const notify = plan.configured?.drill.notify ?? []
  const watchers: readonly RunWatcher[] = await createNotifiers(
    [{ name: plan.job, notify }],
    context,
    onWarning,
  )
  const started = systemClock.now()
  const begunMs = systemClock.monotonicMs()

  const tell = async (report: DrillReport | undefined, error: LifeboatError | undefined) => {
    const ended = systemClock.now()
    const exitCode = error?.exitCode ?? 0
    const durationMs = systemClock.monotonicMs() - begunMs
    const outcome: RunOutcome = { verb: 'drill', job: plan.job, started, ended, durationMs, exitCode }
    const more = { ...(error !== undefined && { code: error.code }), ...factsOf(report) }
    for (const watcher of watchers) watcher.ended({ ...outcome, ...more })
    // What is known of an older backup says nothing of how the job is; nor does somebody's Ctrl-C.
    if (signal.aborted || (plan.id !== undefined && plan.id !== 'latest')) return
    await writeDrillMetrics(drilled, { exitCode, evidence: report?.evidence, ended }, context)
  }
  return {
    async run(work) {
      for (const watcher of watchers) watcher.started(plan.job, started, 'drill')
      let report: DrillReport
      try {
        report = await work(reporter.onEvent)
      } catch (thrown) {
        await tell(undefined, signal.aborted ? abortReason(signal) : toLifeboatError(thrown))
        throw thrown
      }
      await tell(report, report.error)
      return report
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(watchers.map((watcher) => watcher.settled()))
    },
  }
}

function factsOf(report: DrillReport | undefined): Pick<RunOutcome, 'drill'> {
  if (report === undefined) return {}
  const { id, backup, outcome, rto, rpo } = report.evidence
  return { drill: { id, backup: backup.id, outcome, rtoMs: rto.measuredMs, rpoMs: rpo.measuredMs } }
}

async function writeDrillMetrics(
  {
    plan,
    sink,
    config,
  }: { readonly plan: DrillPlan; readonly sink: string; readonly config: string | undefined },
  end: {
    readonly exitCode: number
    readonly evidence: DrillReport['evidence'] | undefined
    readonly ended: Date
  },
  context: VerbContext,
): Promise<void> {
  const textfile = await metricsFile(config, context)
  if (textfile === undefined) return
  const { exitCode, evidence, ended } = end
  try {
    await writeMetrics(textfile, drillRecords({ job: plan.job, sink, exitCode, evidence }, ended))
  } catch (thrown) {
    context.reporter.warn({
      message: messageOf(thrown),
      hint: 'Make its folder, writable for the account that runs lifeboat.',
    })
  }
}
